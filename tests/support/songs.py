"""Songs whose beats, bars and sections are known, because they are made here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

RATE = 48_000
_CHORDS = MappingProxyType(
    {
        "A": ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)),
        "B": ((2, 5, 9), (7, 11, 14), (4, 7, 11), (9, 12, 16)),
        "C": ((5, 8, 12), (3, 7, 10), (8, 12, 15), (7, 11, 14)),
    }
)
_OVERTONES = MappingProxyType({"A": 8, "B": 3, "C": 5})
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Song:
    """Music [2, n] at 48 kHz with the truth about it, in seconds and beats."""

    audio: Floats
    beats_s: npt.NDArray[np.float64]
    beats_per_bar: int

    @property
    def bars_s(self) -> npt.NDArray[np.float64]:
        return self.beats_s[:: self.beats_per_bar]

    @property
    def samples(self) -> int:
        return self.audio.shape[1]


def song(
    bpm: float = 120.0,
    form: str = "ABAC",
    *,
    metre: int = 4,
    bars: int = 8,
    drift: float = 0.0,
    lead_s: float = 0.37,
    ring_s: float = 2.0,
) -> Song:
    """Sections of `bars` bars: drums, a chord a bar, a melody; then a last chord that rings out.

    Args:
        bpm: its tempo at the beginning.
        form: a letter a section; sections of one letter are the same to the sample, but for drift.
        metre: beats a bar.
        bars: in a section.
        drift: share by which the tempo has risen at the end.
        lead_s: silence before the first beat.
        ring_s: how long the last chord lasts.
    """
    count = len(form) * bars * metre
    tempi = bpm * (1 + drift * np.arange(count) / count)
    # Whole samples, so that equal bars are equal.
    lengths = np.round(60 / tempi * RATE).astype(int)
    starts = round(lead_s * RATE) + np.concatenate([[0], np.cumsum(lengths)])
    sound = np.zeros((2, int(starts[-1]) + round(ring_s * RATE)), np.float32)
    hiss = np.random.default_rng(1).normal(0, 0.3, RATE // 8) * _falling(RATE // 8, 0.03)
    kick = np.sin(2 * np.pi * 60 * np.arange(RATE // 5) / RATE) * 0.6 * _falling(RATE // 5, 0.06)
    for beat in range(count):
        bar, place = divmod(beat, metre)
        letter = form[bar // bars]
        chord = _CHORDS[letter][bar % bars % 4]
        at = int(starts[beat])
        _put(sound, at, hiss, 0.5 if place else 0.8)
        _put(sound, at, kick, 1.0 if place % 2 == 0 else 0.3)
        note = chord[(place + bar % bars // 4) % 3]
        _put(sound, at, _tone(12 + note, 0.4 * lengths[beat], 4), 0.05)
        if place == 0:
            length = int(starts[beat + metre]) - at
            for step in (chord[0] - 12, *chord):
                _put(sound, at, _tone(step, length, _OVERTONES[letter]), 0.06)
    for step in (-12, 0, 4, 7):
        rung = _tone(step, ring_s * RATE, 8) * _falling(round(ring_s * RATE), ring_s / 4)
        _put(sound, int(starts[-1]), rung, 0.1)
    _put(sound, int(starts[-1]), kick, 1.0)
    return Song(sound, starts / RATE, metre)


def scattered(seed: int, *, held: bool, length_s: float = 40.0) -> Floats:
    """Notes, or held chords, at moments that follow no pulse [2, n]."""
    random = np.random.default_rng(seed)
    sound = np.zeros((2, round(length_s * RATE)), np.float32)
    at_s = 0.3
    while at_s < length_s - 6.0:
        step = float(random.integers(-12, 13))
        for interval in (0, 4, 7) if held else (0,):
            samples = (3.0 if held else 1.2) * RATE
            note = _tone(step + interval, samples, 4)
            note = note if held else note * _falling(len(note), 0.4)
            _put(sound, round(at_s * RATE), note, 0.06)
        at_s += float(random.exponential(1.6) + 0.5 if held else random.exponential(0.45) + 0.05)
    return sound


def drone(length_s: float, seed: int = 0) -> Floats:
    """Held notes that swell, without a beat [n] at 48 kHz."""
    random = np.random.default_rng(seed)
    time = np.arange(round(length_s * RATE)) / RATE
    found = np.zeros(len(time))
    for step in (0, 7, 12, 15, 19):
        hertz = 110 * 2 ** (step / 12)
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * time / random.uniform(5, 13) + random.uniform(0, 6))
        found += swell * np.sin(2 * np.pi * hertz * time + random.uniform(0, 6))
    return np.asarray(0.06 * found, np.float32)


def clicks_bound(audio: Floats) -> float:
    """The largest second difference: a click is one that the music does not have itself."""
    return float(np.abs(np.diff(audio, 2, axis=1)).max())


def _put(sound: Floats, at: int, part: npt.NDArray[np.floating], gain: float) -> None:
    room = part[: sound.shape[1] - at]
    sound[:, at : at + len(room)] += (gain * room).astype(np.float32)


def _tone(step: float, samples: float, overtones: int) -> npt.NDArray[np.float64]:
    time = np.arange(round(samples)) / RATE
    hertz = 261.63 * 2 ** (step / 12)
    wave = sum(np.sin(2 * np.pi * k * hertz * time) / k for k in range(1, overtones + 1))
    return wave * np.clip(np.minimum(time / 0.005, (samples / RATE - time) / 0.03), 0, 1)


def _falling(samples: int, seconds: float) -> npt.NDArray[np.float64]:
    return np.exp(-np.arange(samples) / RATE / seconds)
