"""Orchestration by register: which job each octave has, and who doubles whom where it is fullest.

Bass 28-48, held chords 48-72, melody 60-84, sparkle above 84. The moving harmony shares an octave
with the melody as little as it can. Knows nothing of rhythm.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from types import MappingProxyType

from musiscene_core.cue import Note

REGISTERS = MappingProxyType(
    {"bass": (28, 48), "pads": (48, 72), "melody": (60, 84), "sparkle": (84, 108)}
)
"""Lowest and highest note of each job."""
FIGURE_LOW, FIGURE_HIGH = 48, 84
_APART = 7
"""Semitones from which two lines are heard apart."""
_OCTAVE = 12


def figure_shift(figure: Sequence[int], melody: Sequence[int], wished: int) -> int:
    """By how many octaves, in semitones, to move a figure so that it leaves the melody room.

    The wish is kept where the two lie apart anyway.

    Args:
        figure: pitches it would have unmoved.
        melody: pitches sung meanwhile.
        wished: the shift its idiom likes.
    """
    if not figure or not melody:
        return wished
    song = fmean(melody)

    def gap(shift: int) -> float:
        return abs(fmean(figure) + shift - song)

    shifts = [
        shift
        for shift in (-_OCTAVE, 0, _OCTAVE)
        if min(figure) + shift >= FIGURE_LOW and max(figure) + shift <= FIGURE_HIGH
    ]
    if gap(wished) >= _APART or not shifts:
        return wished
    return max(shifts, key=lambda s: (min(round(gap(s), 3), _APART), -abs(s - wished), gap(s)))


def doubled(notes: Sequence[Note]) -> list[Note]:
    """A melody once more an octave below or, where that leaves its register, above.

    All of it moves the same way, softer than the first voice.
    """
    low, high = REGISTERS["melody"]
    below = all(note.pitch - _OCTAVE >= low for note in notes)
    shift = -_OCTAVE if below else _OCTAVE
    return [
        Note(note.start, note.length, note.pitch + shift, max(1, note.velocity - 10))
        for note in notes
        if low <= note.pitch + shift <= high
    ]
