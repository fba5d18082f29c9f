"""What a style says, as data only: no idiom here knows how a habit becomes notes.

An idiom names the feelings it serves, its tempi, scales, progressions, instruments and rhythmic
habits. How a habit becomes notes is the business of the modules that read it.
"""

from __future__ import annotations

from dataclasses import dataclass

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class FigureStyle:
    """How the harmony moves.

    Attributes:
        instruments: one of them plays.
        order: name in rhythms.ORDERS: which steps of the bar fill up first.
        most: notes in a bar of four beats at full activity.
        contours: cycles of voice indices; 4 and up are an octave higher.
        octave: semitones above the pads.
        hold: note length as a share of the way to the next one.
    """

    instruments: tuple[str, ...]
    order: str
    most: int
    contours: tuple[tuple[int, ...], ...]
    octave: int = 0
    hold: float = 0.9


@dataclass(frozen=True)
class BassStyle:
    """How the bass moves: `tones` cycles through semitones above the root."""

    instruments: tuple[str, ...]
    order: str
    most: int
    tones: tuple[int, ...] = (0,)
    hold: float = 0.95


@dataclass(frozen=True)
class MelodyStyle:
    """How the melody moves.

    Attributes:
        instruments: one of them plays a section.
        low: lowest note.
        high: highest note.
        cells: names in melody.CELLS: rhythms a motif may have.
        leap: how likely the motif leaps, 0 to 1.
    """

    instruments: tuple[str, ...]
    low: int
    high: int
    cells: tuple[str, ...]
    leap: float = 0.25


@dataclass(frozen=True)
class Lane:
    """One drum's habit: `most` notes a bar at full activity, none below the activity `floor`."""

    pitch: int
    order: str
    most: int
    velocity: int
    floor: float = 0.0


Pattern = tuple[Lane, ...]
Fill = tuple[tuple[int, int], ...]
"""Strokes that lead into a section: sixteenths before it begins, and the drum."""


@dataclass(frozen=True)
class DrumStyle:
    """How the percussion plays.

    Attributes:
        kit: instrument name.
        patterns: the first is the climax's, the others take turns elsewhere; none is an idiom
            without percussion but at hits.
        impact: drums struck on a hit, loudest first.
        fills: what leads into a denser section, the longest into the climax; none plays no fills.
    """

    kit: str
    patterns: tuple[Pattern, ...]
    impact: tuple[int, ...]
    fills: tuple[Fill, ...] = ()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes of all patterns."""
        return tuple(lane for pattern in self.patterns for lane in pattern)


@dataclass(frozen=True)
class TextureStyle:
    """What lies behind: sustained beds, and what sounds at the main hit."""

    beds: tuple[str, ...]
    hit: tuple[str, ...] = ("boom",)
    sparkle: float = 0.0


@dataclass(frozen=True)
class Idiom:
    """A style.

    Attributes:
        name: as the cue reports it.
        feelings: brief.DIMENSIONS it serves, with weights.
        valence: where it sits, -1 to 1.
        arousal: where it sits, -1 to 1.
        bpm: slowest and fastest tempo.
        metres: beats a bar, with weights.
        scales: with weights.
        characters: of its progressions, the favourite first.
        bars_per_chord: choices.
        pads: instruments that hold the chords.
        pad_db: their level.
        density: how full it likes to be, 0 to 1.
        figure: how the harmony moves.
        bass: how the bass moves.
        melody: how the melody moves.
        drums: how the percussion plays.
        texture: what lies behind.
        contrast: how far its thin and its full sections lie apart; 1 is as the form has them.
    """

    name: str
    feelings: Weights
    valence: float
    arousal: float
    bpm: tuple[int, int]
    metres: tuple[tuple[int, float], ...]
    scales: Weights
    characters: tuple[str, ...]
    bars_per_chord: tuple[int, ...]
    pads: tuple[str, ...]
    density: float
    figure: FigureStyle
    bass: BassStyle
    melody: MelodyStyle
    drums: DrumStyle
    texture: TextureStyle
    pad_db: float = -3.0
    contrast: float = 1.0
