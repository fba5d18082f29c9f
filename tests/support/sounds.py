"""Sounds whose tempo, beats and key are known, because they are made here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile

from musiscene_core.media import iter_audio

Floats = npt.NDArray[np.float32]

RATE = 16_000


def silence(seconds: float) -> Floats:
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> Floats:
    generator = np.random.default_rng(seed)
    return generator.normal(0, level, round(seconds * RATE)).astype(np.float32)


def tone(hertz: float, seconds: float, level: float = 0.1, harmonics: int = 8) -> Floats:
    """A note with falling harmonics, a quick attack and a short release."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for number in range(1, harmonics + 1):
        if number * hertz < RATE / 2:
            sound += np.sin(2 * np.pi * number * hertz * time) / number
    shape = np.minimum(1, np.minimum(time / 0.01, (seconds - time) / 0.03))
    return (level * sound * np.clip(shape, 0, 1)).astype(np.float32)


def placed(length_s: float, events: Sequence[tuple[float, Floats]]) -> Floats:
    """The sum of `events` (start in seconds, samples), cut to length."""
    sound = silence(length_s)
    for start_s, samples in events:
        first = round(start_s * RATE)
        part = samples[: max(0, len(sound) - first)]
        sound[first : first + len(part)] += part
    return sound


def clicks(bpm: float, seconds: float, first_s: float = 0.3) -> tuple[Floats, list[float]]:
    """A metronome and its beat times."""
    beats = list(np.arange(first_s, seconds - 0.05, 60 / bpm))
    burst = tone(1000, 0.03, 0.5, 3)
    return placed(seconds, [(beat, burst) for beat in beats]), beats


def drums(bpm: float, seconds: float, first_s: float = 0.2) -> tuple[Floats, list[float]]:
    """Kick on one and three, snare on two and four, hats in eighths; and the beat times."""
    beat = 60 / bpm
    times = list(np.arange(first_s, seconds - 0.05, beat))
    clock = np.arange(round(0.2 * RATE)) / RATE
    kick = (0.8 * np.sin(2 * np.pi * 60 * clock) * np.exp(-clock / 0.06)).astype(np.float32)
    hiss = noise(0.2, 0.4, seed=1)
    snare = (hiss * np.exp(-clock / 0.05)).astype(np.float32)
    hat = np.diff(hiss * np.exp(-clock / 0.015), prepend=0).astype(np.float32) * 0.4
    events: list[tuple[float, Floats]] = []
    for number, time in enumerate(times):
        events += [(time, snare if number % 2 else kick), (time, hat), (time + beat / 2, hat)]
    return placed(seconds, events), times


def four_on_the_floor(bpm: float, seconds: float) -> tuple[Floats, list[float]]:
    """Kick on every beat, an open hat as strong half way between; and the beat times."""
    beat = 60 / bpm
    times = list(np.arange(0.2, seconds - 0.05, beat))
    clock = np.arange(round(0.2 * RATE)) / RATE
    kick = (0.8 * np.sin(2 * np.pi * 55 * clock) * np.exp(-clock / 0.07)).astype(np.float32)
    hiss = np.diff(noise(0.2, 0.3, seed=2), prepend=0)
    hat = (hiss * np.exp(-clock / 0.06)).astype(np.float32)
    return placed(
        seconds, [event for t in times for event in ((t, kick), (t + beat / 2, hat))]
    ), times


_MAJOR = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))
_MINOR = ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7))


def cadences(
    tonic: int, mode: str, seconds: float = 8.0, chord_s: float = 1.0, cents: float = 0.0
) -> Floats:
    """I-IV-V-I (i-iv-V-i) over and over with a bass, `cents` off concert pitch."""
    chords = _MAJOR if mode == "major" else _MINOR
    events = []
    for number in range(round(seconds / chord_s)):
        chord = chords[number % 4]
        for step in (chord[0] - 12, *chord):
            note = 60 + tonic + step
            hertz = 440 * 2 ** ((note - 69 + cents / 100) / 12)
            events.append((number * chord_s, tone(hertz, chord_s, 0.08)))
    return placed(seconds, events)


def f_measure(found: Sequence[float], truth: Sequence[float], tolerance_s: float = 0.05) -> float:
    """Beat F-measure: each true beat met by at most one found beat."""
    left = list(found)
    hits = 0
    for beat in truth:
        near = [time for time in left if abs(time - beat) <= tolerance_s]
        if near:
            hits += 1
            left.remove(min(near, key=lambda time: abs(time - beat)))
    return 2 * hits / max(1, len(found) + len(truth))


def written(path: Path, samples: npt.NDArray[np.generic], rate: int = RATE) -> Path:
    """A WAV file of `samples` [n] or [n, channels], float or integer as they are."""
    wavfile.write(path, rate, samples)
    return path


def decoded(path: Path, start_s: float, end_s: float) -> Floats:
    """The file's sound [n], mono at RATE."""
    blocks = iter_audio(
        path, Fraction(start_s), Fraction(end_s), sample_rate=RATE, channels=1, block=1 << 16
    )
    return np.concatenate([block[0] for block in blocks])
