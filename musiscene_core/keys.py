"""Keys in words: a pitch class and a mode as musicians write them, and back."""

from __future__ import annotations

import re

from musiscene_core.brief import Mode
from musiscene_core.spelling import tonic_name

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_KEY = re.compile(
    r"^([A-Ga-g])[ -]?([#b♯♭]|flat|sharp)? *(major|maj|minor|min|m)?$", re.ASCII | re.IGNORECASE
)
_MODES: dict[str, Mode] = {
    "major": "major",
    "maj": "major",
    "minor": "minor",
    "min": "minor",
    "m": "minor",
}
_SHIFTS = {"b": -1, "♭": -1, "flat": -1, "#": 1, "♯": 1, "sharp": 1}


def key_name(tonic: int, mode: Mode | None) -> str:
    """The key as musicians write it: "D minor", or "D" where the mode is open."""
    name = tonic_name(tonic, mode)
    return f"{name} {mode}" if mode else name


def pitch_class(letter: str, accidental: str = "") -> int:
    """The pitch class from C = 0 of a letter A to G with "b", "flat", "#", "sharp" or nothing."""
    return (_LETTERS[letter.upper()] + _SHIFTS.get(accidental, 0)) % 12


def read_key(text: str) -> tuple[int, Mode | None] | None:
    """Read "D minor", "F#m", "B flat" into a pitch class and a mode; None where it is no key.

    A key without a mode leaves it open.
    """
    match = _KEY.match(text.strip())
    if match is None:
        return None
    return pitch_class(match[1], (match[2] or "").lower()), _mode(match[3] or "")


def _mode(word: str) -> Mode | None:
    return "major" if word == "M" else _MODES.get(word.lower())
