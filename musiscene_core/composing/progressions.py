"""Chord progressions and cadences: tables only.

Each progression belongs to a scale and has a character that idioms ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Progression:
    """A chain of roman numerals that comes round.

    Attributes:
        scale: name of the scale it moves in.
        character: hope, play, drift, static, sorrow, drive, threat or terror.
        numerals: the chords.
    """

    scale: str
    character: str
    numerals: tuple[str, ...]


def _table(scale: str, **characters: tuple[str, ...]) -> tuple[Progression, ...]:
    return tuple(
        Progression(scale, character, tuple(chain.split()))
        for character, chains in characters.items()
        for chain in chains
    )


PROGRESSIONS = (
    *_table(
        "ionian",
        hope=("I V vi IV", "Iadd9 IV vi Vsus4", "I iii IV V", "I/3 IV vi V", "vi IV I V"),
        play=("I vi ii V7", "I IV I V7", "I II7 V7 I", "I ii V7 vi"),
        drift=("Iadd9 IVmaj7 Iadd9 vi7", "Imaj7 iii7 IVmaj7 Vsus4", "Iadd9 vi7 IVadd9 iii7"),
        static=("I IV/p V/p I", "Iadd9 Isus4 Iadd9 IV/p"),
        sorrow=("I iii vi iv", "I V vi iv", "Iadd9 vi IV iv"),
        drive=("I bVI bVII I", "I IV bVII IV", "I V IV V"),
    ),
    *_table(
        "lydian",
        hope=("I II vi V", "I V II I", "I II iii V"),
        play=("I II V I", "I vi II V"),
        drift=("Imaj7 II/p Imaj7 vi7", "Iadd9 II/p iii7 II/p", "Imaj7 iii7 II vi7"),
        static=("I II/p I II/p",),
        drive=("I II V vi", "I bVI II V", "I bIII II I"),
    ),
    *_table(
        "mixolydian",
        hope=("I bVII IV I", "I v bVII IV", "Iadd9 bVII IV Isus4"),
        play=("I bVII I IV", "I IV bVII IV"),
        drift=("Iadd9 v7 IV Iadd9", "Iadd9 bVIImaj7 IV v7"),
        static=("I bVII/p IV/p I",),
        drive=("I bVII IV bVII", "I bIII IV bVII"),
    ),
    *_table(
        "dorian",
        hope=("i bIII bVII IV", "i bVII IV i"),
        play=("i IV i bVII", "i7 IV7 i7 ii7"),
        drift=("i7 IV i7 IV", "iadd9 bVII IV ii7", "iadd9 v7 bVIImaj7 IV"),
        static=("i IV/p i bVII/p",),
        sorrow=("i v IV i", "i ii7 v7 i", "iadd9 bIII ii7 v"),
        drive=("i bVII IV bVII", "i IV bIII bVII", "i bIII bVII IV"),
    ),
    *_table(
        "aeolian",
        hope=("bVI bVII i bIII", "i bVI bIII bVII"),
        drift=("iadd9 bVImaj7 iadd9 iv7", "iadd9 bIIImaj7 bVImaj7 v7", "i7 v7 bVImaj7 iv7"),
        static=("i bVI/p iv/p i", "i isus2 bVI/p isus4"),
        sorrow=("i bVI bIII bVII", "i iv bVI v", "i v bVI iv", "iadd9 bVI iv Vsus4"),
        drive=("i bVI bVII i", "i bIII bVII iv", "i bVI iv V", "i i bVI bVII"),
        threat=("i i bVI V", "i bvi i v", "i bii bVI V"),
        terror=("imaj7 bvi i bv", "i bii bv i", "imaj7 vidim7 bvi bii"),
    ),
    *_table(
        "harmonic_minor",
        play=("i V7 i iv", "i iv V7 i", "i bVI bII V7"),
        sorrow=("i iv V7 i", "i bVI iv V", "i viidim7 i V"),
        drive=("i V bVI V", "i iv bVI V7"),
        static=("i V/p iv/p V/p",),
        threat=("i bII V7 i", "i bvi V i", "imaj7 iv bII V"),
        terror=("imaj7 bvi bv V", "i viidim7 bii bv"),
    ),
    *_table(
        "phrygian",
        drift=("iadd9 bIImaj7 i7 bvii", "i7 bIImaj7 i7 bVI"),
        static=("i bII/p i bII/p", "i bII/p bvii/p i"),
        sorrow=("i bvii bVI bII", "i iv bII i"),
        drive=("i bII bvii i", "i bII bIII bII", "i bVI bII i"),
        threat=("i bII i bvii", "i bII bIII bII", "i bVI bII bii"),
        terror=("i bii bv i", "imaj7 bII bv bii", "i bv bII bvi"),
    ),
)

CADENCES = MappingProxyType(
    {
        "ionian": ("IV V7", "ii7 V7", "IV iv", "vi V"),
        "lydian": ("II V", "vi V", "II iii"),
        "mixolydian": ("IV bVII", "v IV", "bVII IV"),
        "dorian": ("IV v", "bVII IV", "ii7 v7"),
        "aeolian": ("iv V", "bVI bVII", "iv v", "bVI V"),
        "harmonic_minor": ("iv V7", "bII V7", "bVI V"),
        "phrygian": ("bVI bII", "bIII bII", "bvii bII"),
    }
)
"""The last two chords before the tonic, by scale."""

FINALS = MappingProxyType(
    {
        "ionian": ("I", "Iadd9"),
        "lydian": ("I", "Iadd9"),
        "mixolydian": ("I", "Iadd9"),
        "dorian": ("i", "iadd9"),
        "aeolian": ("i", "iadd9"),
        "harmonic_minor": ("i",),
        "phrygian": ("i",),
    }
)
"""Tonic chords to end on, by scale."""

KIN = MappingProxyType(
    {
        "play": ("hope", "drive"),
        "hope": ("drift", "drive"),
        "drift": ("static", "hope"),
        "static": ("drift", "threat"),
        "sorrow": ("drift", "hope"),
        "drive": ("hope", "threat"),
        "threat": ("drive", "terror"),
        "terror": ("threat", "static"),
    }
)
"""What to turn to in a scale that lacks a character, nearest first."""


def progressions_for(scale: str, characters: tuple[str, ...]) -> tuple[Progression, ...]:
    """The progressions of `scale` with one of `characters`, or the nearest there are."""
    wanted = set(characters)
    while True:
        found = tuple(p for p in PROGRESSIONS if p.scale == scale and p.character in wanted)
        wider = wanted | {kin for character in wanted for kin in KIN[character]}
        if found or wider == wanted:
            return found
        wanted = wider
