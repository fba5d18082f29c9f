"""A melody as the melody model hears one: the strongest pitch class in every eighth of a second.

From sound as MusicGen-melody's extractor does it (Copet et al. 2023, section 3.2), which needs
torchaudio for a spectrogram; or straight from a composed cue's notes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import Cue, StemRole

Floats = npt.NDArray[np.float32]

SIZE, HOP = 16_384, 4_096
_LINES = ("melody", "bass")
_HEEDED = 64
"""Frames between two looks at whether they are wanted."""


def chroma(
    audio: Floats, sample_rate: int, classes: int = 12, heed: Callable[[], None] = lambda: None
) -> Floats:
    """Pitch-class energy [frames, classes] of mono sound [n], the strongest 1 in each frame.

    `heed` is asked every few seconds of sound, and may raise to stop.
    """
    padded = audio
    if len(padded) < SIZE:
        missing = SIZE - len(padded)
        padded = np.pad(padded, (missing // 2, missing - missing // 2))
    padded = np.pad(padded, SIZE // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    filters = _filters(sample_rate, classes)
    found = np.empty((len(frames), classes), np.float32)
    for number, frame in enumerate(frames):
        if number % _HEEDED == 0:
            heed()
        spectrum = np.fft.rfft(frame * window)
        found[number] = filters @ (spectrum.real**2 + spectrum.imag**2)
    found /= np.maximum(found.max(axis=1, keepdims=True), np.float32(1e-6))
    return found


def strongest(energies: Floats) -> Floats:
    """Chroma [frames, classes] with 1 at each frame's strongest class and 0 elsewhere."""
    result: Floats = np.zeros_like(energies)
    result[np.arange(len(energies)), energies.argmax(axis=1)] = 1.0
    return result


def guide(
    cue: Cue, start_s: float, length_s: float, frame_s: float, role: StemRole = "melody"
) -> Floats:
    """The cue's melody from `start_s` on as [frames, 12]; its chords' roots where it rests.

    Of another role: the bass's line, the roots alone for chords.
    """
    count = max(1, round(length_s / frame_s))
    result = np.zeros((count, 12), np.float32)

    def sound(start: float, length: float, pitch: int) -> None:
        first = (cue.tempo.seconds(start) - start_s) / frame_s
        last = (cue.tempo.seconds(start + length) - start_s) / frame_s
        span = slice(max(0, round(first)), max(0, round(last)))
        result[span] = 0.0
        result[span, pitch % 12] = 1.0

    for chord in cue.chords:
        sound(chord.start, chord.length, chord.root)
    for part in cue.parts:
        if part.role == role and role in _LINES:
            for note in part.notes:
                sound(note.start, note.length, note.pitch)
    result[result.sum(axis=1) == 0, cue.tonic] = 1.0
    return result


@functools.lru_cache(maxsize=4)
def _filters(sample_rate: int, classes: int) -> Floats:
    from transformers.audio_utils import chroma_filter_bank

    bank = chroma_filter_bank(
        sampling_rate=sample_rate, num_frequency_bins=SIZE, tuning=0, num_chroma=classes
    )
    return np.asarray(bank, np.float32)
