"""Stands in for xformers: its attention, by torch's own, on every processor."""
