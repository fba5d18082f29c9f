"""What the embedded composer is called and can do, without loading any of it."""

from __future__ import annotations

NAME = "composer"

VERSION = "1"
"""Raised whenever the same request and seed would give other bytes."""

MAX_LENGTH_S = 900.0
"""Longest range in seconds: beyond it the stems outgrow memory and a form loses its sense."""
