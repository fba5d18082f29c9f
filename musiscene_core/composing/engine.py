"""What the embedded composer is called and can do, without loading any of it."""

from __future__ import annotations

NAME = "composer"

VERSION = "2"
"""Raised whenever the same request and seed would give other bytes."""

IDIOM_NAMES = (
    "action ostinato",
    "ambient pad",
    "comedy pizzicato",
    "documentary neutral",
    "heroic",
    "horror cluster",
    "hybrid trailer",
    "intimate piano",
    "melancholy",
    "string drama",
    "tension pulse",
    "uplift",
    "wonder",
)
"""The styles a request may name, those of composing.idioms."""

MAX_LENGTH_S = 1200.0
"""Longest range in seconds: beyond it a form loses its sense."""
