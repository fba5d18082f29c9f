"""Music with the truth about its beats: cues of ours as they are, faster, higher, freer, duller."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.signal import firwin, oaconvolve, resample_poly

from musiscene_core.composing.compose import compose
from musiscene_core.composing.sound import render
from musiscene_core.cue import Cue
from musiscene_core.fitting.report import WindowMade
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap, TempoSegment, through_beats
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.scenes import brief_of

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def cue_like(mood: dict[str, float], length_s: float, seed: int = 0, **wish: object) -> Cue:
    """A cue for nothing in particular: no hits, one tempo."""
    brief = brief_of(length_s, **mood)
    return compose(ScoreRequest(brief=brief, hits=(), **wish), seed)


def played(cue: Cue, seed: int = 0) -> Floats:
    """Its sound, one channel [n] at 48 kHz, as loud as any take."""
    made = render(
        cue,
        length_samples=round(cue.length_s * SAMPLE_RATE),
        target_lufs=-16.0,
        max_true_peak_dbtp=-1.5,
        seed=seed,
    )
    return np.asarray(made.mix.mean(axis=0) / (1 << 23), np.float32)


def beats_of(cue: Cue, parts: int = 1) -> Doubles:
    """When its beats, or parts of them, sound, in seconds."""
    first, last = np.ceil(cue.tempo.beat(0.0)), np.floor(cue.tempo.beat(cue.length_s))
    numbers = np.arange(first * parts, last * parts + 1) / parts
    return np.array([cue.tempo.seconds(float(number)) for number in numbers])


def faster(cue: Cue, by: float) -> Cue:
    """The same at another speed: 1.06 is 6 % faster."""
    segments = tuple(
        TempoSegment(
            start_beat=one.start_beat,
            start_s=one.start_s / by,
            bpm=one.bpm * by,
            bpm_per_s=one.bpm_per_s * by * by,
        )
        for one in cue.tempo.segments
    )
    tempo = msgspec.structs.replace(cue.tempo, segments=segments)
    return msgspec.structs.replace(cue, tempo=tempo, length_s=cue.length_s / by)


def freely(cue: Cue, swing: float, period_beats: float = 16.0) -> Cue:
    """The same with rubato: the tempo goes up and down by `swing` once in `period_beats`."""
    first, last = int(np.ceil(cue.tempo.beat(0.0))), int(cue.tempo.beat(cue.length_s))
    own = beats_of(cue)
    lengths = np.diff(own) * (
        1 + swing * np.sin(2 * np.pi * np.arange(len(own) - 1) / period_beats)
    )
    moved = own[0] + np.concatenate([[0.0], np.cumsum(lengths)])
    lines = [round(bar.beat) - first for bar in cue.tempo.bar_lines(float(first), float(last + 1))]
    tempo = through_beats(moved, lines, cue.tempo.beats_per_bar)
    assert tempo is not None
    shift = first + lines[0]
    segments = tuple(
        msgspec.structs.replace(one, start_beat=one.start_beat + shift) for one in tempo.segments
    )
    tempo = TempoMap(segments=segments, beats_per_bar=cue.tempo.beats_per_bar)
    return msgspec.structs.replace(cue, tempo=tempo, length_s=float(moved[-1]))


def higher(cue: Cue, by: int) -> Cue:
    """The same by so many semitones higher, drums aside."""
    parts = tuple(
        part
        if part.role == "percussion"
        else msgspec.structs.replace(
            part,
            notes=tuple(
                msgspec.structs.replace(note, pitch=note.pitch + by) for note in part.notes
            ),
        )
        for part in cue.parts
    )
    return msgspec.structs.replace(cue, parts=parts, tonic=(cue.tonic + by) % 12)


def dull(audio: Floats, hertz: float = 1_500.0) -> Floats:
    """What is above `hertz` taken away, mostly."""
    low = oaconvolve(audio, firwin(2047, hertz, fs=SAMPLE_RATE), mode="same")
    return np.asarray(0.95 * low + 0.05 * audio, np.float32)


def at_model_rate(audio: Floats) -> Floats:
    """Sound at 48 kHz as a model gives it, at 32 kHz."""
    return np.asarray(resample_poly(audio, 2, 3), np.float32)


def window(start_s: float, end_s: float) -> WindowMade:
    """A window as it is told of, of which one candidate was written."""
    return WindowMade(
        start_s=start_s,
        end_s=end_s,
        section="theme",
        prompt=f"from {start_s:g}",
        heard="",
        scores=(0.5,),
        reasons=("The only one.",),
        chosen=0,
    )
