"""Existing music fitted to a length: on its beats, with its own ending, to the sample."""
