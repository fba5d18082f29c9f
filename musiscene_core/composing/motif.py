"""Motifs: three to five notes with a contour, and what can be made of them.

A motif counts in steps of a scale, so that it can be played in any mode, and says how it is
invented. Knows nothing of chords, keys or where in a cue it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.scales import SCALES
from musiscene_core.themes import ThemeMotif

CELLS = MappingProxyType(
    {
        "lyrical": (
            (1.5, 0.5, 2.0),
            (2.0, 1.0, 1.0),
            (1.0, 1.0, 2.0),
            (1.5, 0.5, 1.0, 1.0),
            (0.5, 0.5, 1.0, 2.0),
            (3.0, 0.5, 0.5, 4.0),
            (1.5, 0.5, 0.5, 0.5, 1.0),
            (1.0, 0.5, 0.5, 1.0, 1.0),
        ),
        "bold": (
            (1.0, 0.5, 0.5, 2.0),
            (1.5, 0.5, 2.0),
            (0.75, 0.25, 1.0, 2.0),
            (1.5, 0.5, 0.5, 0.5, 1.0),
            (2.0, 1.5, 0.5, 4.0),
        ),
        "playful": (
            (0.5, 0.5, 1.0, 0.5, 0.5),
            (0.5, 0.5, 0.5, 0.5, 1.0),
            (0.75, 0.25, 0.5, 0.5, 1.0),
            (1.0, 0.5, 0.5, 1.0),
        ),
        "sparse": (
            (2.0, 2.0, 4.0),
            (3.0, 1.0, 4.0),
            (1.0, 1.0, 6.0),
            (2.0, 1.0, 1.0, 4.0),
            (2.0, 1.0, 1.0, 2.0, 2.0),
        ),
    }
)
"""Rhythms in beats, three to five notes."""

_STEPS = ((1, 0.3), (-1, 0.3), (2, 0.13), (-2, 0.13), (0, 0.06))
_LEAPS = ((3, 0.3), (-3, 0.2), (4, 0.35), (-4, 0.1), (5, 0.15))
_NEAR = 2
"""Semitones by which an interval may differ and still be heard as the same gesture."""
_INTERVAL_SHARE, _RHYTHM_SHARE = 0.6, 0.4


@dataclass(frozen=True)
class Motif:
    """A rhythm in beats and a contour in scale steps from its first note."""

    rhythm: tuple[float, ...]
    contour: tuple[int, ...]

    @property
    def length(self) -> float:
        """Its length in beats."""
        return sum(self.rhythm)

    def sequenced(self, steps: int) -> Motif:
        """The same, `steps` higher."""
        return Motif(self.rhythm, tuple(step + steps for step in self.contour))

    def inverted(self) -> Motif:
        """Its contour upside down."""
        return Motif(self.rhythm, tuple(-step for step in self.contour))

    def retrograde(self) -> Motif:
        """Backwards, from where it began."""
        contour = tuple(step - self.contour[-1] for step in reversed(self.contour))
        return Motif(self.rhythm[::-1], contour)

    def fragment(self, count: int = 2) -> Motif:
        """Its first `count` notes."""
        return Motif(self.rhythm[:count], self.contour[:count])

    def augmented(self) -> Motif:
        """Twice as slow."""
        return Motif(tuple(2 * beats for beats in self.rhythm), self.contour)

    def diminished(self) -> Motif:
        """Twice as fast."""
        return Motif(tuple(beats / 2 for beats in self.rhythm), self.contour)

    def closed(self, steps: int = 0) -> Motif:
        """Its beginning, then one long note `steps` from where it began."""
        head = self.fragment(2)
        return Motif((*head.rhythm, 2.0), (*head.contour, steps))

    def semitones(self, scale: str, degree: int = 0) -> tuple[int, ...]:
        """Its notes as semitones above the tonic of a scale, the first on `degree` (0 to 6)."""
        ladder = SCALES[scale]
        places = [degree + step for step in self.contour]
        return tuple(12 * (place // len(ladder)) + ladder[place % len(ladder)] for place in places)


def make_motif(cells: tuple[str, ...], leap: float, dice: Dice, *, fewest: int = 3) -> Motif:
    """A motif in one of the rhythms named, leaping with probability `leap`.

    Args:
        cells: names in CELLS.
        leap: how likely it leaps.
        dice: chance.
        fewest: notes it has at least; 3 to 5.
    """
    rhythms = [rhythm for rhythm in CELLS[dice.pick(cells)] if len(rhythm) >= fewest]
    rhythm = dice.pick(rhythms)
    contour = [0]
    owed = 0
    leapt = False
    for _ in rhythm[1:]:
        if owed:
            step = owed
            owed = 0
        elif not leapt and dice.chance(leap):
            step = dice.weighted(_LEAPS)
            owed = -1 if step > 0 else 1
            leapt = True
        else:
            step = dice.weighted(_STEPS)
        reach = [*contour, contour[-1] + step]
        if max(reach) - min(reach) > 6:
            step = -step
        contour.append(contour[-1] + step)
    if len(set(contour)) < 3:
        contour[-1] = contour[-2] + (2 if contour[-2] <= 0 else -2)
    return Motif(rhythm, tuple(contour))


def notated(motif: Motif, scale: str, degree: int) -> ThemeMotif:
    """A motif as a theme keeps it: in semitones, as it sounds in `scale` from `degree` (0 to 6)."""
    semitones = motif.semitones(scale, degree)
    intervals = tuple(b - a for a, b in pairwise(semitones))
    return ThemeMotif(intervals, motif.rhythm)


def stepwise(theme: ThemeMotif, scale: str, degree: int) -> Motif:
    """The motif of a theme whose first note lies `degree` semitones (0 to 11) above its tonic.

    Notes outside the scale become the nearest steps of it.
    """
    ladder = SCALES[scale] if scale in SCALES else SCALES["ionian"]
    rungs = [12 * octave + step for octave in (-2, -1, 0, 1, 2) for step in ladder]
    places = []
    for offset in theme.offsets:
        wanted = degree + offset
        places.append(min(range(len(rungs)), key=lambda index: (abs(rungs[index] - wanted), index)))
    return Motif(theme.rhythm, tuple(place - places[0] for place in places))


def likeness(intervals: Sequence[int], rhythm: Sequence[float], theme: ThemeMotif) -> float:
    """How much a line of notes is like a theme, 0 to 1, wherever and however fast it is played.

    Six tenths are the share of the theme's intervals met in order with the same direction and
    within two semitones; four tenths the share of its rhythm met, as ratios of lengths within a
    quarter. The line is compared where its first notes are the theme's; a shorter one counts its
    missing notes as missed.

    Args:
        intervals: semitones from each note of the line to the next.
        rhythm: beats from each of its notes to the next, or their lengths.
        theme: what to compare with.
    """
    same = sum(
        abs(a - b) <= _NEAR and (a > 0) - (a < 0) == (b > 0) - (b < 0)
        for a, b in zip(intervals, theme.intervals, strict=False)
    )
    # The last note's length is the player's: what tells a rhythm is when its notes begin.
    steps = len(theme.intervals)
    known = list(zip(rhythm[:steps], theme.rhythm[:steps], strict=False))
    pace = sum(a for a, _ in known) / max(1e-9, sum(b for _, b in known))
    met = sum(abs(a - pace * b) <= 0.25 * pace * b for a, b in known if pace > 0)
    return _INTERVAL_SHARE * same / steps + _RHYTHM_SHARE * met / steps
