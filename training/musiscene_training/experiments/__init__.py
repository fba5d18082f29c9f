"""Experiments of the papers and around them, a command each."""
