"""A mix taken apart into stems that sum to it, and how well that went."""
