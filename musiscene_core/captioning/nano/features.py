"""What the nano captioner's encoder is shown of ten seconds of sound.

Four views, each of which makes something plain that the others hide: colour over time (a log-mel
spectrogram), pulse (how onsets agree with themselves some time later), pitch classes over time
(which notes there are, whatever the octave and the tuning) and onsets (how many and how strong).
All are relative to the window itself, so that its level does not matter. Knows nothing of models.
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.mel import mel_filters

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
WINDOW_S = 10
WINDOW = WINDOW_S * SAMPLE_RATE

BANDS = 64
COLOUR_FRAMES = WINDOW_S * 25
"""Frames of the colour view: 25 a second."""
PULSE_VIEWS = 6
"""Autocorrelation of four ranges of bands and of all, and the spectrum of all."""
TEMPI = 72
"""Tempi on the pulse view's grid."""
SLOWEST_BPM, FASTEST_BPM = 30.0, 300.0
PITCH_VIEWS = 3
"""Pitch classes of the bass, of the middle and of what is above."""
PITCH_FRAMES = WINDOW_S * 4
"""Frames of the pitch view: 4 a second, long enough to part the notes of a low chord."""
ONSET_FIGURES = 7
"""Peaks a second over four thresholds; mean, deviation and height of the rises."""

_FRAME, _HOP = 1024, 320
_LONG_FRAME, _LONG_HOP = 8192, 4000
_RATE = SAMPLE_RATE // _HOP
_COMPRESSION = 1000.0
_EDGES = (0, 8, 22, 40, BANDS)
_PITCH_EDGES = (33, 53, 72, 93)
"""MIDI numbers: A1 to A6 are listened to; below F3 is bass, from C5 on is high."""
TUNINGS = (-0.5, -0.25, 0.0, 0.25)
"""Semitones that the music may be off: the one at which notes stand out most is taken."""
_THRESHOLDS = (1.0, 1.75, 3.0, 5.0)
"""Times the mean rise that a peak must reach to count as an onset."""
_PEAK_REACH = 3
"""Frames on each side that a peak must not be lower than."""


class Views(NamedTuple):
    """Ten seconds as the encoder sees them.

    Attributes:
        colour: [COLOUR_FRAMES, BANDS], mean 0.
        pulse: [PULSE_VIEWS, TEMPI].
        pitch: [PITCH_FRAMES, PITCH_VIEWS, 12] from C, a frame summing to 1 on average.
        onsets: [PULSE_VIEWS - 1, ONSET_FIGURES], of the same ranges as the pulse view's.
    """

    colour: Floats
    pulse: Floats
    pitch: Floats
    onsets: Floats


def views(samples: Floats) -> Views:
    """The views of one window [WINDOW] at SAMPLE_RATE, finite and not silent."""
    loudest = float(np.abs(samples).max())
    levelled = samples / np.float32(max(loudest, 1e-9))
    levels = np.log1p(_COMPRESSION * _magnitudes(levelled, _FRAME, _HOP) @ _mel())
    rises = _rises(levels)
    return Views(_colour(levels), _pulse(rises), _pitch(levelled), _onsets(rises))


def _magnitudes(samples: Floats, frame: int, hop: int) -> Floats:
    """Spectra [n, frame // 2 + 1]; a full-scale sine reaches 1."""
    padded = np.pad(samples, frame // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    window = np.hanning(frame + 1)[:-1].astype(np.float32)
    spectra = np.abs(np.fft.rfft(frames * (window * (2.0 / window.sum()))))
    return np.asarray(spectra, dtype=np.float32)


def _colour(levels: Floats) -> Floats:
    pairs = levels[: 2 * COLOUR_FRAMES].reshape(COLOUR_FRAMES, 2, BANDS).mean(axis=1)
    centred: Floats = pairs - pairs.mean()
    return centred


def _rises(levels: Floats) -> list[Floats]:
    """How much louder it gets from frame to frame, in each range of bands and in all."""
    rises = np.maximum(np.diff(levels, axis=0), 0.0)
    return [
        *(rises[:, low:high].mean(axis=1) for low, high in pairwise(_EDGES)),
        rises.mean(axis=1),
    ]


def _pulse(rises: list[Floats]) -> Floats:
    curves = [*(_autocorrelation(curve) for curve in rises), _spectrum(rises[-1])]
    return np.stack(curves).astype(np.float32)


def _onsets(rises: list[Floats]) -> Floats:
    rows = []
    for curve in rises:
        mean = float(curve.mean()) + 1e-3
        around = np.pad(curve, _PEAK_REACH, constant_values=-1.0)
        highest = np.lib.stride_tricks.sliding_window_view(around, 2 * _PEAK_REACH + 1).max(axis=1)
        peaks = np.where(curve >= highest, curve / mean, 0.0)
        counts = [float((peaks > least).sum()) / WINDOW_S / 5 for least in _THRESHOLDS]
        height = float(np.percentile(curve, 95)) / mean
        rows.append([*counts, np.log1p(10 * mean), np.log1p(float(curve.std()) / mean), height / 4])
    return np.array(rows, dtype=np.float32)


def _grid() -> npt.NDArray[np.float64]:
    return np.geomspace(SLOWEST_BPM, FASTEST_BPM, TEMPI)


def _evened(curve: Floats) -> npt.NDArray[np.float64]:
    around = np.convolve(curve, np.full(_RATE, 1 / _RATE), mode="same")
    raised = np.maximum(curve - around, 0.0)
    centred = raised - raised.mean()
    even: npt.NDArray[np.float64] = centred / (np.sqrt(np.mean(centred**2)) + 1e-3)
    return even


def _autocorrelation(curve: Floats) -> npt.NDArray[np.float64]:
    even = _evened(curve)
    size = 1 << (2 * len(even) - 1).bit_length()
    spectrum = np.fft.rfft(even, size)
    lags = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(even)]
    lags /= len(even) - np.arange(len(even))
    found: npt.NDArray[np.float64] = np.interp(60.0 * _RATE / _grid(), np.arange(len(even)), lags)
    return found


def _spectrum(curve: Floats) -> npt.NDArray[np.float64]:
    even = _evened(curve) * np.hanning(len(curve))
    size = 1 << (4 * len(even) - 1).bit_length()
    power = np.abs(np.fft.rfft(even, size)) / len(even)
    return 4.0 * np.interp(_grid() / 60.0, np.fft.rfftfreq(size, 1 / _RATE), power)


def _pitch(samples: Floats) -> Floats:
    spectra = np.sqrt(_magnitudes(samples, _LONG_FRAME, _LONG_HOP))[:PITCH_FRAMES]
    notes = np.maximum(spectra @ _semitones(), 0.0).reshape(len(spectra), len(TUNINGS), -1)
    # What sticks out of its neighbours is a note; drums and noise are as strong beside it.
    beside = 0.5 * (np.roll(notes, 1, axis=2) + np.roll(notes, -1, axis=2))
    notes = np.maximum(notes - beside, 0.0)
    notes = notes[:, int(np.argmax((notes**2).sum(axis=(0, 2))))]
    rows = []
    for low, high in pairwise(_PITCH_EDGES):
        sums = np.zeros((len(notes), 12), np.float32)
        for pitch in range(low, high):
            sums[:, pitch % 12] += notes[:, pitch - _PITCH_EDGES[0]]
        rows.append(sums)
    found = np.stack(rows, axis=1)
    return np.asarray(found * (len(found) / max(float(found.sum()), 1e-9)), dtype=np.float32)


@functools.lru_cache(maxsize=1)
def _mel() -> Floats:
    return mel_filters(_FRAME, SAMPLE_RATE, BANDS)


@functools.lru_cache(maxsize=1)
def _semitones() -> Floats:
    """Filters [bins, tunings * semitones]: bells a quarter tone wide around each pitch."""
    hertz = np.fft.rfftfreq(_LONG_FRAME, 1 / SAMPLE_RATE)
    pitches = 69 + 12 * np.log2(np.maximum(hertz, 1.0) / 440.0)
    equal = np.arange(_PITCH_EDGES[0], _PITCH_EDGES[-1])
    wanted = np.concatenate([equal + tuning for tuning in TUNINGS])
    # Where bins lie wider apart than pitches a bell reaches to the next bin.
    spacing = SAMPLE_RATE / _LONG_FRAME / (440.0 * 2 ** ((wanted - 69) / 12)) * 12 / np.log(2)
    width = np.maximum(0.25, 0.5 * spacing)
    bells = np.exp(-0.5 * ((pitches[:, None] - wanted) / width) ** 2)
    filters: Floats = (bells / np.maximum(bells.sum(axis=0), 1e-9)).astype(np.float32)
    return filters
