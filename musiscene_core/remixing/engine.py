"""What remixing is called as an engine and can do, without loading any of it."""

from __future__ import annotations

NAME = "remix"

VERSION = "1"
"""Raised whenever the same request, file and seed would give other bytes."""

MAX_LENGTH_S = 1200.0
"""Longest range in seconds."""

LONGEST_MUSIC_S = 1200.0
"""Longest music in seconds: it is held in memory whole."""

SHORTEST_MUSIC_S = 2.0
MOST_REPEATS = 20
"""Music that had to be heard more often than this is too short for its range."""
