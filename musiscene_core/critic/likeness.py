"""How alike two texts about music are, without any model.

Three things are compared, each only where both texts speak of it: the feelings their words mean
(feelings.WORDS, as places in the plane of valence and arousal), opposites such as slow and fast,
and the other words they share. Word by word: knows no grammar and no negation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.feelings import PLACES, WORDS
from musiscene_core.temp_tempo import wished

_FEELING, _OPPOSITES, _SHARED = 0.5, 0.3, 0.2
"""Weights of the three."""
_FARTHEST = 2.0
"""Distance in the plane at which two feelings have nothing in common."""
_SLOW_BPM, _FAST_BPM = 85, 115

_ENDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "tempo": ("slow slowly unhurried largo adagio", "fast quick driving rapid allegro presto"),
        "mode": ("minor", "major"),
        "colour": ("dark low", "bright high"),
        "level": ("soft softly quiet gentle hushed", "loud powerful strong forceful"),
        "density": ("sparse sparsely spacious bare", "dense densely busy full thick"),
    }
)
_POLES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        word: (quality, pole)
        for quality, ends in _ENDS.items()
        for pole, words in zip((-1, 1), ends, strict=True)
        for word in words.split()
    }
)
_COMMON_WORDS = (
    "the and with for that this from into its are was will has have not but who which their there "
    "than then until while where when some very more most them they about going alone heard music "
    "scene sound take seconds minute beats lufs"
)


def likeness(wanted: str, heard: str) -> float | None:
    """0 (opposite) to 1 (the same), None where the texts speak of nothing in common."""
    first, second = _tokens(wanted), _tokens(heard)
    parts = (
        (_FEELING, _same_feeling(first, second)),
        (_OPPOSITES, _same_ends(_ends_in(wanted, first), _ends_in(heard, second))),
        (_SHARED, _shared(first, second)),
    )
    known = [(weight, part) for weight, part in parts if part is not None]
    # Words in common say little where neither feeling nor any quality can be compared.
    if not any(weight != _SHARED for weight, _ in known):
        return None
    return sum(weight * part for weight, part in known) / sum(weight for weight, _ in known)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _same_feeling(first: list[str], second: list[str]) -> float | None:
    one, other = _place(first), _place(second)
    if one is None or other is None:
        return None
    return max(0.0, 1 - math.dist(one, other) / _FARTHEST)


def _place(tokens: list[str]) -> tuple[float, float] | None:
    places = [PLACES[WORDS[token]] for token in tokens if token in WORDS]
    if not places:
        return None
    return (
        math.fsum(valence for valence, _ in places) / len(places),
        math.fsum(arousal for _, arousal in places) / len(places),
    )


def _ends_in(text: str, tokens: list[str]) -> dict[str, float]:
    """Which end of each quality a text speaks of, -1 to 1."""
    found: dict[str, list[int]] = {}
    for token in tokens:
        if token in _POLES:
            quality, pole = _POLES[token]
            found.setdefault(quality, []).append(pole)
    for number in re.findall(r"(\d{2,3})\s*(?:bpm|beats)", wished(text).lower()):
        pole = -1 if int(number) < _SLOW_BPM else 1 if int(number) > _FAST_BPM else 0
        found.setdefault("tempo", []).append(pole)
    return {quality: sum(poles) / len(poles) for quality, poles in found.items()}


def _same_ends(first: dict[str, float], second: dict[str, float]) -> float | None:
    both = [1 - abs(first[quality] - second[quality]) / 2 for quality in first if quality in second]
    return sum(both) / len(both) if both else None


def _shared(first: list[str], second: list[str]) -> float | None:
    one, other = ({token for token in tokens if _tells(token)} for tokens in (first, second))
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer else None


def _tells(token: str) -> bool:
    return len(token) > 2 and token not in _COMMON_WORDS.split()
