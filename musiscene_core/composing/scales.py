"""Scales and chords: modes by name, roman numerals into pitch classes, chord names.

A roman numeral's degree counts on the major scale with an explicit accidental ("bVI"), upper case
for a major third and lower case for a minor one, then a colour and a bass: "iv7", "Vsus4",
"IV/p" (tonic pedal), "IV/d" (dominant pedal), "I/3" (third in the bass), or what it leads to:
"V7/vi" (the dominant of vi). Knows nothing of voices or time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from musiscene_core.brief import Mode
from musiscene_core.spelling import note_name

SCALES = MappingProxyType(
    {
        "ionian": (0, 2, 4, 5, 7, 9, 11),
        "lydian": (0, 2, 4, 6, 7, 9, 11),
        "mixolydian": (0, 2, 4, 5, 7, 9, 10),
        "dorian": (0, 2, 3, 5, 7, 9, 10),
        "aeolian": (0, 2, 3, 5, 7, 8, 10),
        "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
        "phrygian": (0, 1, 3, 5, 7, 8, 10),
    }
)
"""Pitch classes from the tonic."""

BRIGHTNESS = MappingProxyType(
    {
        "lydian": 0.8,
        "ionian": 0.7,
        "mixolydian": 0.35,
        "dorian": -0.1,
        "aeolian": -0.45,
        "harmonic_minor": -0.55,
        "phrygian": -0.8,
    }
)
"""The valence each scale goes with, -1 to 1."""

_DEGREES = MappingProxyType({"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11})
_SHIFTS = MappingProxyType({"b": -1, "#": 1, "": 0})
_NUMERALS = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")
_COLOURS = MappingProxyType(
    {
        "": ((0, 4, 7), (0, 3, 7)),
        "7": ((0, 4, 7, 10), (0, 3, 7, 10)),
        "maj7": ((0, 4, 7, 11), (0, 3, 7, 11)),
        "add9": ((0, 4, 7, 2), (0, 3, 7, 2)),
        "6": ((0, 4, 7, 9), (0, 3, 7, 9)),
        "sus4": ((0, 5, 7), (0, 5, 7)),
        "sus2": ((0, 2, 7), (0, 2, 7)),
        "dim": ((0, 3, 6), (0, 3, 6)),
        "dim7": ((0, 3, 6, 9), (0, 3, 6, 9)),
    }
)
_NAMES = MappingProxyType({"add9": "(add9)", "maj7": "(maj7)"})
_ROMAN = re.compile(
    r"([b#]?)([ivIV]+)(maj7|add9|sus4|sus2|dim7|dim|7|6|)(/(?:[pd3]|[b#]?[ivIV]+))?"
)


@dataclass(frozen=True)
class Harmony:
    """A chord in a key, before it is voiced.

    Attributes:
        root: pitch class from C = 0.
        pitch_classes: all its notes, root first.
        bass: pitch class of the lowest note.
        name: for example "Dm7" or "F/C".
    """

    root: int
    pitch_classes: tuple[int, ...]
    bass: int
    name: str


def mode_of(scale: str) -> Mode:
    """Major or minor, by the scale's third."""
    return "major" if 4 in SCALES[scale] else "minor"


def parse_roman(numeral: str, tonic: int, mode: Mode = "major") -> Harmony:
    """The chord that `numeral` names in the key of `tonic`; `mode` decides how notes are spelled.

    Raises:
        ValueError: not a numeral this module knows (a fault in a table of ours).
    """
    match = _ROMAN.fullmatch(numeral)
    if match is None or match[2].lower() not in _DEGREES:
        raise ValueError(f"{numeral!r} is not a roman numeral")
    accidental, degree, colour, under = match.groups()
    home = tonic
    if under not in (None, "/p", "/d", "/3"):
        home = parse_roman(under[1:], tonic, mode).root
    root = (home + _DEGREES[degree.lower()] + _SHIFTS[accidental]) % 12
    minor = degree.islower()
    classes = tuple((root + interval) % 12 for interval in _COLOURS[colour][minor])
    bass = {"/p": tonic % 12, "/d": (tonic + 7) % 12, "/3": classes[1]}.get(under, root)
    plain = colour in ("sus4", "sus2", "dim", "dim7")
    name = note_name(root, tonic, mode) + ("m" if minor and not plain else "")
    name += _NAMES.get(colour, colour)
    return Harmony(
        root, classes, bass, name if bass == root else f"{name}/{note_name(bass, tonic, mode)}"
    )


def numeral_of(root: int, tonic: int, *, minor: bool) -> str:
    """The roman numeral of a plain triad on pitch class `root` in the key of `tonic`."""
    numeral = _NUMERALS[(root - tonic) % 12]
    return numeral.lower() if minor else numeral


def chord_scale(scale: str, tonic: int, chord: tuple[int, ...]) -> frozenset[int]:
    """Pitch classes a melody may pass through over `chord`.

    The scale's notes, but where the chord borrows a note, that note instead of its neighbours.
    """
    own = {(tonic + step) % 12 for step in SCALES[scale]}
    borrowed = set(chord) - own
    clash = {(note + step) % 12 for note in borrowed for step in (-1, 1)} - set(chord)
    return frozenset((own - clash) | set(chord))
