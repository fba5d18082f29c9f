"""The temp track: fourteen bars in D minor at 96 beats a minute, made from sines and noise.

A plain piece with a steady pulse, so that tempo and key can be found in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from demo_film.story import BEAT_S, SAMPLE_RATE, SAMPLES

BARS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("Dm", (50, 57, 62, 65), 0.35),
    ("Gm", (50, 55, 62, 67), 0.4),
    ("Dm", (50, 57, 62, 65), 0.5),
    ("A", (49, 57, 61, 64), 0.6),
    ("Dm", (50, 57, 62, 65), 0.8),
    ("Bb", (50, 58, 62, 65), 0.85),
    ("Gm", (50, 55, 62, 67), 0.4),
    ("A", (49, 57, 61, 64), 0.45),
    ("Dm", (50, 57, 62, 65), 0.55),
    ("A", (49, 57, 61, 64), 0.75),
    ("Dm", (50, 57, 65, 69), 1.0),
    ("Gm", (50, 58, 62, 67), 0.9),
    ("A", (49, 57, 61, 64), 0.6),
    ("Dm", (50, 57, 62, 65), 0.4),
)
"""Chord name, voicing (MIDI) and energy 0..1 of each bar; the lamp is lit on bar eleven."""
BASS = {"Dm": 38, "Gm": 43, "A": 45, "Bb": 46}
THEME = {
    1: ((0, 74), (2, 77), (3, 76)),
    2: ((0, 74), (2, 70), (3, 69)),
    3: ((0, 73), (2, 76)),
    10: ((0, 81), (1, 77), (2, 74), (3, 77)),
    11: ((0, 79), (2, 77), (3, 74)),
    12: ((0, 76), (2, 73)),
    13: ((0, 74),),
}
"""Melody by bar (from 0): (beat, MIDI note)."""


def played() -> NDArray[np.float32]:
    """The whole piece, [2, samples]."""
    out = np.zeros((2, SAMPLES + 6 * SAMPLE_RATE))
    last = len(BARS) - 1
    for bar, (name, voicing, energy) in enumerate(BARS):
        start = 4 * bar * BEAT_S
        for k, note in enumerate(voicing):
            _put(out, start, _pad(note, 4 * BEAT_S), 0.05 + 0.05 * energy, (k - 1.5) / 3)
        for beat in (0.0, 2.0):
            if bar < last or not beat:
                _put(out, start + beat * BEAT_S, _pluck(BASS[name], 1.1), 0.26 + 0.2 * energy, 0.0)
        for eighth in range(8 if bar < last else 1):
            note = voicing[(0, 2, 1, 3, 2, 1, 3, 2)[eighth]] + (12 if energy > 0.7 else 0)
            accent = (1.0, 0.5, 0.72, 0.5)[eighth % 4]
            at = start + eighth * BEAT_S / 2
            _put(out, at, _pluck(note, 0.4), accent * (0.12 + 0.13 * energy), 0.5 * (-1) ** eighth)
            if energy >= 0.5 and bar < last:
                _put(out, at, _shaker(eighth), 0.05 * energy * (1.0 if eighth % 2 else 0.6), 0.3)
        for beat in range(4 if bar < last else 1):
            if energy >= 0.4:
                _put(
                    out, start + beat * BEAT_S, _drum(), (0.5, 0.22, 0.36, 0.22)[beat] * energy, 0.0
                )
        for beat, note in THEME.get(bar, ()):
            _put(out, start + beat * BEAT_S, _bell(note), 0.10 + 0.07 * energy, 0.15)
    wet = np.stack(
        [
            signal.fftconvolve(side, tail)[: out.shape[1]]
            for side, tail in zip(out, _hall(), strict=True)
        ]
    )
    mixed = (out + wet)[:, :SAMPLES]
    mixed[:, -SAMPLE_RATE:] *= np.linspace(1, 0, SAMPLE_RATE) ** 1.5
    return mixed.astype(np.float32)


def _put(out: NDArray, at_s: float, sound: NDArray, gain: float, pan: float) -> None:
    start = round(at_s * SAMPLE_RATE)
    sides = np.array([[np.cos((pan + 1) * np.pi / 4)], [np.sin((pan + 1) * np.pi / 4)]])
    out[:, start : start + len(sound)] += gain * sides * sound


def _clock(seconds: float) -> NDArray[np.float64]:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _hertz(note: int) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def _pad(note: int, seconds: float) -> NDArray[np.float64]:
    """Two detuned voices of five soft harmonics with slow ends that overlap the next chord."""
    t = _clock(seconds + 0.5)
    voice = sum(
        np.sin(2 * np.pi * _hertz(note) * detune * k * t + k) / k**1.7
        for detune in (0.998, 1.002)
        for k in range(1, 6)
    )
    return voice * np.clip(t / 0.35, 0, 1) * np.clip((seconds + 0.5 - t) / 0.5, 0, 1) * 0.5


def _pluck(note: int, decay: float) -> NDArray[np.float64]:
    t = _clock(1.3)
    voice = sum(
        np.sin(2 * np.pi * _hertz(note) * k * t) * np.exp(-t * k / decay * 2.2) / k**1.3
        for k in range(1, 7)
    )
    return voice * np.clip(t / 0.004, 0, 1) * np.clip((1.3 - t) / 0.1, 0, 1)


def _bell(note: int) -> NDArray[np.float64]:
    t = _clock(2.4)
    shimmer = np.sin(2 * np.pi * 3 * _hertz(note) * t) * 0.7 * np.exp(-t / 0.25)
    return (
        np.sin(2 * np.pi * _hertz(note) * t + shimmer) * np.exp(-t / 0.7) * np.clip(t / 0.01, 0, 1)
    )


def _drum() -> NDArray[np.float64]:
    t = _clock(0.5)
    return (
        np.sin(2 * np.pi * (55 * t + 2.2 * (1 - np.exp(-t / 0.03))))
        * np.exp(-t / 0.12)
        * np.clip(t / 0.002, 0, 1)
    )


def _shaker(seed: int) -> NDArray[np.float64]:
    t = _clock(0.14)
    x = np.random.default_rng(500 + seed).standard_normal(len(t))
    high = signal.sosfilt(signal.butter(2, 5000, "high", fs=SAMPLE_RATE, output="sos"), x)
    return high * np.exp(-t / 0.03) * np.clip(t / 0.006, 0, 1)


def _hall() -> NDArray[np.float64]:
    rng = np.random.default_rng(6)
    t = _clock(1.6)
    tail = rng.standard_normal((2, len(t))) * np.exp(-t / 0.33)
    tail = signal.sosfilt(signal.butter(1, (200, 4500), "band", fs=SAMPLE_RATE, output="sos"), tail)
    tail = np.pad(tail, ((0, 0), (960, 0)))
    return 0.32 * tail / np.sqrt((tail**2).sum(axis=1, keepdims=True))
