"""Keys in words: a pitch class and a mode as musicians write them, and back."""

from __future__ import annotations

from musiscene_core.brief import Mode
from musiscene_core.spelling import tonic_name

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHIFTS = {"b": -1, "♭": -1, "flat": -1, "#": 1, "♯": 1, "sharp": 1}


def key_name(tonic: int, mode: Mode | None) -> str:
    """The key as musicians write it: "D minor", or "D" where the mode is open."""
    name = tonic_name(tonic, mode)
    return f"{name} {mode}" if mode else name


def pitch_class(letter: str, accidental: str = "") -> int:
    """The pitch class from C = 0 of a letter A to G with "b", "flat", "#", "sharp" or nothing."""
    return (_LETTERS[letter.upper()] + _SHIFTS.get(accidental, 0)) % 12
