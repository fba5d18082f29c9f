"""Keys through the cue: where it leaves home, and how it gets there.

The climax stands above what came before it, by an interval and in a manner that suit the idiom's
character; where nothing follows the climax, what leads to it lies below, so that the cue always
ends at home. Knows nothing of chords' voices.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from musiscene_core.brief import Mode
from musiscene_core.composing.form import Form
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.scales import SCALES, mode_of, parse_roman

Manner = Literal["pivot", "direct"]


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class from C = 0) and the name of a scale on it."""

    tonic: int
    scale: str

    @property
    def mode(self) -> Mode:
        """Major or minor."""
        return mode_of(self.scale)

    @property
    def home(self) -> str:
        """The numeral of its tonic chord."""
        return "I" if self.mode == "major" else "i"

    @property
    def notes(self) -> frozenset[int]:
        """Its pitch classes."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.scale])


@dataclass(frozen=True)
class Lift:
    """How a character rises into its climax.

    Attributes:
        chance: how often it does, 0 to 1.
        semitones: by how much, one of them.
        manner: over a chord that both keys share, or at once.
    """

    chance: float
    semitones: tuple[int, ...]
    manner: Manner


LIFTS = MappingProxyType(
    {
        "hope": Lift(0.5, (2, 2, 3), "pivot"),
        "play": Lift(0.4, (2, 5), "pivot"),
        "drive": Lift(0.6, (2, 3), "direct"),
        "sorrow": Lift(0.35, (3, 2), "pivot"),
        "drift": Lift(0.35, (4, 3), "direct"),
        "threat": Lift(0.45, (1, 3), "direct"),
        "terror": Lift(0.45, (1, 6), "direct"),
        "static": Lift(0.2, (3,), "direct"),
    }
)
"""By the character an idiom likes most."""

_PIVOTS = MappingProxyType({"major": ("ii", "vi", "IV", "iii"), "minor": ("iv", "bVI", "bIII")})
"""Chords of the new key to come in by, best first: they lead on to its dominant."""


def lift_of(plan: Plan) -> Lift:
    """How the plan's idiom rises."""
    return LIFTS[plan.idiom.characters[0]]


def plan_keys(plan: Plan, form: Form, *, held: bool) -> tuple[Key, ...]:
    """The key of each section; all of them home where the user holds the key."""
    home = Key(plan.tonic, plan.scale)
    keys = [home] * len(form.sections)
    dice = plan.dice("keys")
    lift = lift_of(plan)
    rises, by = dice.chance(lift.chance), dice.pick(lift.semitones)
    climax, last = form.climax, len(form.sections) - 2
    if held or climax is None or not rises:
        return tuple(keys)
    if climax < last:
        keys[climax] = Key((plan.tonic + by) % 12, plan.scale)
    elif climax >= 2:
        keys[climax - 1] = Key((plan.tonic - by) % 12, plan.scale)
        if form.sections[climax - 1].name == "strip-down" and climax >= 3:
            # The stripped bars belong to the build before them.
            keys[climax - 2] = keys[climax - 1]
    return tuple(keys)


def pivot(before: Key, after: Key) -> str | None:
    """A numeral in `after` for a chord whose notes are all in both keys; None where none is."""
    for numeral in _PIVOTS[after.mode]:
        chord = set(parse_roman(numeral, after.tonic).pitch_classes)
        if chord <= before.notes and chord <= after.notes:
            return numeral
    return None
