"""Which models are in memory, where, and which has to go."""
