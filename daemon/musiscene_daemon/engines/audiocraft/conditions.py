"""What of the composer's plan JASCO can follow: chords, melody and drums at their times.

Chords go by the names of audiocraft's own table (C, Ebm7, F#dim ...), where no name fits by the
triad below it. JASCO's melody has 53 bins; that the lowest is G2 (MIDI 43), a bin a semitone, is
read from its paper and was not checked against weights.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import Chord, Cue
from musiscene_core.progress import Progress
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE

_ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_QUALITIES = (
    ("m7b5", {3, 6, 10}),
    ("maj7", {4, 7, 11}),
    ("m7", {3, 7, 10}),
    ("7", {4, 7, 10}),
    ("m6", {3, 7, 9}),
    ("6", {4, 7, 9}),
    ("dim", {3, 6}),
    ("aug", {4, 8}),
    ("m", {3}),
    ("", set[int]()),
)

Timed = tuple[str, float]


def chord_name(chord: Chord) -> str:
    """What audiocraft's table calls it, the nearest where it has no name for it."""
    above = {(pitch - chord.root) % 12 for pitch in chord.pitch_classes}
    quality = next(name for name, needed in _QUALITIES if needed <= above)
    return _ROOTS[chord.root % 12] + quality


def chords_in(plan: Cue, start_s: float, end_s: float) -> list[Timed]:
    """The chords that sound in [start_s, end_s) of the cue, with when they begin in it."""
    timed = [(chord_name(chord), plan.tempo.seconds(chord.start)) for chord in plan.chords]
    before = [name for name, at in timed if at <= start_s]
    within = [(name, at - start_s) for name, at in timed if start_s < at < end_s]
    return ([(before[-1], 0.0)] if before else []) + within


def melody_in(plan: Cue, start_s: float, end_s: float) -> list[tuple[int, float, float]]:
    """The melody's notes in [start_s, end_s): MIDI pitch, start and end within it, in seconds."""
    found = []
    for part in plan.parts:
        for note in part.notes if part.role == "melody" else ():
            begins = plan.tempo.seconds(note.start)
            ends = plan.tempo.seconds(note.start + note.length)
            if ends > start_s and begins < end_s:
                found.append((note.pitch, max(0.0, begins - start_s), min(ends, end_s) - start_s))
    return sorted(found, key=lambda note: (note[1], note[0]))


def drums(
    request: ScoreRequest, seed: int, folder: Path, progress: Progress
) -> npt.NDArray[np.float32] | None:
    """The composer's percussion for the request, [1, samples] at 48 kHz; None where it has none."""
    from musiscene_core.composing.score import score
    from musiscene_core.media import read_audio

    place = folder / "sketch"
    place.mkdir()
    try:
        sketch = score(request, seed, "sketch", place, progress)
        paths: Sequence[str] = [stem.path for stem in sketch.stems if stem.role == "percussion"]
        if not paths:
            return None
        end = Fraction(sketch.length_samples, SAMPLE_RATE)
        sound = read_audio(place / paths[0], Fraction(0), end, sample_rate=SAMPLE_RATE)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return sound if np.abs(sound).max(initial=0.0) > 1e-4 else None
