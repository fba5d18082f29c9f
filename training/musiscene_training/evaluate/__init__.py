"""Evaluation: how near captions come to their references, and music to what it should be."""
