"""Recorded music fitted to picture: hits, joins, colour, ending, and what was done, in figures."""
