"""Pitches by name and octave: as the chord that sounds calls them, else as the key does."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from musiscene_core.cue import Chord, Cue
from musiscene_core.spelling import chord_note_names, note_name, tonic_place

_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"


@dataclass(frozen=True)
class Spelled:
    """A pitch on the staff.

    Attributes:
        step: its letter.
        alter: semitones of its accidental, negative for flats.
        octave: 4 from middle C up.
    """

    step: str
    alter: int
    octave: int


def split_name(name: str) -> tuple[str, int]:
    """A note name's letter and the semitones of its accidentals."""
    return name[0], name.count("#") - name.count("b", 1)


def spelled(pitch: int, name: str) -> Spelled:
    """MIDI note `pitch` as the note called `name`."""
    step, alter = split_name(name)
    return Spelled(step, alter, (pitch - alter - _NATURAL[step]) // 12 - 1)


def key_fifths(cue: Cue) -> int:
    """Sharps of the key signature; flats count negative."""
    return tonic_place(cue.tonic, cue.mode) - (3 if cue.mode == "minor" else 0)


def signature(fifths: int) -> dict[str, int]:
    """The letters that a key signature alters, with the semitones."""
    if fifths >= 0:
        return dict.fromkeys(_SHARPS[:fifths], 1)
    return dict.fromkeys(_FLATS[:-fifths], -1)


class Speller:
    """Names the notes of one cue."""

    def __init__(self, cue: Cue) -> None:
        self._tonic, self._mode = cue.tonic, cue.mode
        self._chords = cue.chords
        self._own = {note: note_name(note, cue.tonic, cue.mode) for note in range(12)}
        self._names: dict[tuple[int, ...], dict[int, str]] = {}

    def __call__(self, pitch: int, beat: float) -> Spelled:
        """MIDI note `pitch` as it is called at `beat`."""
        after = bisect_right(self._chords, beat + 1e-3, key=lambda chord: chord.start)
        names = self._in(self._chords[after - 1]) if after else self._own
        return spelled(pitch, names.get(pitch % 12, self._own[pitch % 12]))

    def _in(self, chord: Chord) -> dict[int, str]:
        names = self._names.get(chord.pitch_classes)
        if names is None:
            called = chord_note_names(chord.pitch_classes, self._tonic, self._mode)
            names = dict(zip(chord.pitch_classes, called, strict=True))
            self._names[chord.pitch_classes] = names
        return names
