"""The film's sound: speech, sea and sky, the temp track, and their mix.

All arrays are float32 at 48 kHz, stereo [2, samples]. Only the speech needs a program from outside
(espeak-ng); everything else is numpy and scipy.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from math import gcd

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy import signal
from scipy.ndimage import minimum_filter1d

from demo_film import effects, temp_track
from demo_film.story import LINES, SAMPLE_RATE, SAMPLES

Stereo = NDArray[np.float32]
FILM_LUFS = -20.0
PEAK_DBFS = -2.5
"""Sample peak before AAC, whose rounding may add half a decibel."""

VOICES = {
    "fisher": ["-v", "en-us+m3", "-s", "138", "-p", "34", "-g", "4"],
    "keeper": ["-v", "en-gb-x-rp+f2", "-s", "132", "-p", "58", "-g", "6"],
}
PANS = {"fisher": -0.12, "keeper": 0.1}


@dataclass(frozen=True)
class Spoken:
    """Where a line is heard, in seconds of the film; half-open."""

    who: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Soundtrack:
    """The finished mix [2, samples] and the lines in it."""

    mix: Stereo
    lines: tuple[Spoken, ...]


def soundtrack() -> Soundtrack:
    """Speaks, synthesises and mixes the film's sound at -20 LUFS."""
    speech, lines = _speech()
    level = _loudness(speech[:, _heard(lines)])
    temp = temp_track.played()
    temp *= _gain(level - 10 - _loudness(temp))
    sounds = effects.heard()
    sounds *= _gain(level - 7 - _loudness(sounds))
    temp *= _ducked(lines, 0.75)
    sounds *= _ducked(lines, 0.5)
    mix = speech + temp + sounds
    gain = _gain(FILM_LUFS - _loudness(mix))
    for _ in range(3):
        held = _limited(mix * gain, 10 ** (PEAK_DBFS / 20))
        gain *= _gain(FILM_LUFS - _loudness(held))
    fade = np.ones(SAMPLES, np.float32)
    fade[-SAMPLE_RATE // 2 :] = np.linspace(1, 0, SAMPLE_RATE // 2) ** 2
    return Soundtrack((held * fade).astype(np.float32), lines)


def _speech() -> tuple[Stereo, tuple[Spoken, ...]]:
    out = np.zeros((2, SAMPLES), np.float32)
    lines = []
    room = _room()
    for line in LINES:
        voice = _synthesised(line.text, VOICES[line.who])
        start = round(line.start_s * SAMPLE_RATE)
        wet = np.stack([signal.fftconvolve(voice, side) for side in room])
        pan = PANS[line.who]
        wet[:, : len(voice)] += voice * np.array([[1 - max(0.0, pan)], [1 + min(0.0, pan)]])
        wet = wet[:, : SAMPLES - start]
        out[:, start : start + wet.shape[1]] += wet
        end_s = line.start_s + len(voice) / SAMPLE_RATE
        lines.append(Spoken(line.who, line.text, round(line.start_s, 3), round(end_s, 3)))
    return out, tuple(lines)


def _synthesised(text: str, options: list[str]) -> NDArray[np.float64]:
    """One line as mono 48 kHz, silence trimmed, warmed and evened out."""
    command = ["espeak-ng", *options, "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    rate = int.from_bytes(wave[24:28], "little")
    body = np.frombuffer(wave[wave.index(b"data") + 8 :], "<i2").astype(np.float64) / 32768
    shared = gcd(rate, SAMPLE_RATE)
    voice = signal.resample_poly(body, SAMPLE_RATE // shared, rate // shared)
    voice = _filtered(voice, "highpass", 95)
    voice += 0.35 * _filtered(voice, "lowpass", 320) - 0.2 * _filtered(voice, "highpass", 6500)
    envelope = np.sqrt(signal.fftconvolve(voice**2, np.hanning(2400) / 1200, mode="same").clip(0))
    voice *= (envelope + 0.05) ** -0.35
    loud = np.flatnonzero(np.abs(voice) > 0.02 * np.abs(voice).max())
    voice = voice[loud[0] : loud[-1] + 1]
    edge = np.hanning(480)
    voice[:240] *= edge[:240]
    voice[-240:] *= edge[240:]
    return voice / np.abs(voice).max() * 0.5


def _room() -> NDArray[np.float64]:
    """A short, soft room: 0.35 s of decaying noise per side, 12 ms late."""
    rng = np.random.default_rng(5)
    length, late = int(0.35 * SAMPLE_RATE), int(0.012 * SAMPLE_RATE)
    tail = rng.standard_normal((2, length)) * np.exp(-np.arange(length) / (0.075 * SAMPLE_RATE))
    tail = np.pad(_filtered(tail, "lowpass", 3800), ((0, 0), (late, 0)))
    return 0.28 * tail / np.sqrt((tail**2).sum(axis=1, keepdims=True))


def _filtered(x: NDArray, kind: str, hertz: float) -> NDArray:
    return signal.sosfilt(signal.butter(2, hertz, kind, fs=SAMPLE_RATE, output="sos"), x)


def _heard(lines: tuple[Spoken, ...]) -> NDArray[np.bool_]:
    heard = np.zeros(SAMPLES, bool)
    for line in lines:
        heard[int(line.start_s * SAMPLE_RATE) : int(line.end_s * SAMPLE_RATE)] = True
    return heard


def _ducked(lines: tuple[Spoken, ...], low: float) -> NDArray[np.float32]:
    """Gain over time: `low` under speech, with quarter-second ramps."""
    width = SAMPLE_RATE // 4
    under = np.convolve(_heard(lines)[::48].astype(float), np.hanning(width // 24), "same")
    under = np.clip(under / (width / 96), 0, 1)
    return np.repeat(1 - (1 - low) * under, 48)[:SAMPLES].astype(np.float32)


def _limited(mix: NDArray, ceiling: float) -> NDArray:
    """Look-ahead limiter: gain falls 5 ms before a peak and recovers smoothly."""
    need = np.minimum(1, ceiling / np.maximum(np.abs(mix).max(axis=0), 1e-9))
    held = minimum_filter1d(need, 2 * 480 + 1)
    smooth = np.convolve(held, np.hanning(481) / np.hanning(481).sum(), "same")
    return np.clip(mix * np.minimum(smooth, 1), -ceiling, ceiling)


def _loudness(x: Stereo) -> float:
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(x.T.astype(np.float64)))


def _gain(db: float) -> np.float32:
    return np.float32(10 ** (db / 20))
