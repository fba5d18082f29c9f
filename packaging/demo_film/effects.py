"""Wind, waves, rain, thunder, steps and fire, shaped from noise to the story's times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from demo_film.story import (
    BEAM_FINDS_BOAT,
    FPS,
    LAMP_DIES,
    LIGHTNING,
    MATCH_STRIKES,
    SAMPLE_RATE,
    SAMPLES,
    SHOTS,
    STEP_S,
)

Stereo = NDArray[np.float32]
SECONDS = np.arange(SAMPLES) / SAMPLE_RATE
STARTS = {shot.name: shot.first_frame / FPS for shot in SHOTS}


def heard() -> Stereo:
    """All sound effects of the film, [2, samples]."""
    out = np.zeros((2, SAMPLES))
    out += _weather(
        _noise(1, 300, 900),
        0.10,
        (0, 0.25),
        (7.5, 0.3),
        (10.5, 1.0),
        (14.0, 1.0),
        (18, 0.8),
        (19.3, 0.22),
        (25, 0.3),
        (29.5, 0.1),
        (35, 0.06),
        swing=0.5,
    )
    out += _weather(
        _noise(2, 60, 420),
        0.30,
        (0, 0.5),
        (8, 0.6),
        (11, 1.2),
        (14, 0.4),
        (17, 0.4),
        (17.3, 1.0),
        (19.3, 0.15),
        (25, 0.7),
        (30, 0.5),
        (35, 0.4),
        swing=0.8,
    )
    out += _weather(
        _noise(3, 2500, 9000),
        0.035,
        (0, 0.02),
        (8, 0.0),
        (10.5, 0.8),
        (14, 0.8),
        (14.2, 0.5),
        (19.2, 0.7),
        (19.5, 0.12),
        (25, 0.4),
        (29.5, 0.0),
        (35, 0),
        swing=0.1,
    )
    for k, frame in enumerate(LIGHTNING):
        inside = STARTS["stairs"] <= frame / FPS < STARTS["relit"]
        _put(out, frame / FPS + 0.18 + 0.11 * (k % 3), _thunder(k) * (0.3 if inside else 0.75))
    died = LAMP_DIES / FPS
    _put(out, died - 0.7, _swish(0.95, 500, 2600, 31) * 0.5)
    _put(out, died + 0.05, _swish(1.6, 3000, 900, 32) * 0.12)
    for step in range(9):
        at = STARTS["stairs"] + (step + 0.02) * STEP_S
        if at < STARTS["match"] - 0.1:
            _put(out, at, _step(step))
    struck = MATCH_STRIKES / FPS
    _put(out, struck - 0.12, _scrape())
    _put(out, struck + 0.1, _crackle(1.7))
    lit = STARTS["relit"]
    _put(out, lit - 0.35, _swish(0.45, 300, 5000, 33) * 0.25)
    _put(out, lit, _burst())
    _put(out, BEAM_FINDS_BOAT / FPS - 0.5, _swish(1.4, 700, 2400, 34) * 0.12)
    for k, at in enumerate((29.9, 30.5, 33.0, 33.5)):
        _put(out, at, _gull(k) * 0.05)
    return out.astype(np.float32)


def _noise(seed: int, low: float, high: float) -> NDArray[np.float64]:
    """Stereo noise between two frequencies, [2, samples], about unit level."""
    x = np.random.default_rng(seed).standard_normal((2, SAMPLES))
    band = signal.butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    x = signal.sosfilt(band, x)
    return x / x.std()


def _weather(
    noise: NDArray, level: float, *points: tuple[float, float], swing: float
) -> NDArray[np.float64]:
    """A bed of noise along a level curve of (seconds, level), breathing slowly."""
    curve = np.interp(SECONDS, [p[0] for p in points], [p[1] for p in points])
    breath = [
        1
        + swing
        * (0.6 * np.sin(2 * np.pi * SECONDS / 4.3 + side) + 0.4 * np.sin(SECONDS * 2.3 + 2 * side))
        for side in (0.0, 0.7)
    ]
    return level * noise * curve * np.array(breath)


def _put(out: NDArray, at_s: float, sound: NDArray) -> None:
    start = round(at_s * SAMPLE_RATE)
    end = min(SAMPLES, start + sound.shape[-1])
    out[:, start:end] += sound[..., : end - start]


def _burst_of_noise(seconds: float, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((2, int(seconds * SAMPLE_RATE)))


def _low(x: NDArray, hertz: float, order: int = 2) -> NDArray:
    return signal.sosfilt(signal.butter(order, hertz, fs=SAMPLE_RATE, output="sos"), x)


def _high(x: NDArray, hertz: float) -> NDArray:
    return signal.sosfilt(signal.butter(2, hertz, "high", fs=SAMPLE_RATE, output="sos"), x)


def _thunder(seed: int) -> NDArray[np.float64]:
    """A crack and a long rolling rumble, 3.2 s."""
    x = _burst_of_noise(3.2, 200 + seed)
    t = np.arange(x.shape[1]) / SAMPLE_RATE
    roll = 1 + 0.6 * np.sin(9 * t + seed) * np.exp(-t)
    rumble = _low(x, 130, 3) * 5.0 * np.minimum(t / 0.03, 1) * np.exp(-t / 0.8) * roll
    crack = _low(_high(x, 200), 1800) * np.minimum(t / 0.006, 1) * np.exp(-t / 0.11) * 0.5
    return 0.5 * (rumble + crack) * np.clip((3.2 - t) / 0.5, 0, 1)


def _swish(seconds: float, start_hz: float, end_hz: float, seed: int) -> NDArray[np.float64]:
    """Noise whose colour slides between two frequencies under a bell of level."""
    x = _burst_of_noise(seconds, seed)
    t = np.linspace(0, 1, x.shape[1])
    dull, bright = (
        _low(_high(x, 150), min(start_hz, end_hz)),
        _low(_high(x, 400), max(start_hz, end_hz)),
    )
    share = t if end_hz > start_hz else 1 - t
    return (dull * 1.6 * (1 - share) + bright * share) * np.sin(np.pi * t) ** 2 * 0.6


def _step(k: int) -> NDArray[np.float64]:
    """A boot on stone with the tower's answer."""
    x = _burst_of_noise(0.7, 300 + k)
    t = np.arange(x.shape[1]) / SAMPLE_RATE
    heel = _low(x, 420) * np.exp(-t / 0.028) * np.minimum(t / 0.002, 1) * 1.6
    grit = _high(_low(x, 4200), 1400) * np.exp(-((t - 0.035) ** 2) / 0.0006) * 0.16
    answer = _low(x, 900) * np.exp(-t / 0.16) * 0.05
    return (heel + grit + answer) * (0.34 if k % 2 else 0.4)


def _scrape() -> NDArray[np.float64]:
    """A match head along the box, then the flare."""
    x = _burst_of_noise(0.9, 401)
    t = np.arange(x.shape[1]) / SAMPLE_RATE
    rasp = _high(x, 2600) * np.where(t < 0.13, 0.25 + 0.2 * np.sin(2 * np.pi * 95 * t), 0)
    flare = (
        _low(_high(x, 500), 5200)
        * np.clip((t - 0.11) / 0.02, 0, 1)
        * np.exp(-np.maximum(t - 0.12, 0) / 0.16)
    )
    return 0.7 * rasp + 0.5 * flare


def _crackle(seconds: float) -> NDArray[np.float64]:
    """A small flame: soft flutter and a few ticks."""
    x = _burst_of_noise(seconds, 402)
    t = np.arange(x.shape[1]) / SAMPLE_RATE
    flutter = _low(x, 260) * (0.5 + 0.5 * np.sin(2 * np.pi * 9 * t)) * 0.12
    ticks = np.where(np.random.default_rng(403).random(x.shape[1]) < 9 / SAMPLE_RATE, 1.0, 0.0)
    tick = np.exp(-np.arange(400) / 60) * np.sin(np.arange(400) * 0.6)
    return (flutter + 0.12 * np.convolve(ticks, tick)[: x.shape[1]]) * np.sin(np.pi * t / seconds)


def _burst() -> NDArray[np.float64]:
    """The lamp catching: a deep push of air and a bright bloom on D."""
    x = _burst_of_noise(3.0, 404)
    t = np.arange(x.shape[1]) / SAMPLE_RATE
    push = np.sin(2 * np.pi * (36.7 * t + 14 * (1 - np.exp(-t / 0.07)) * 0.07 * 9)) * np.exp(
        -t / 0.55
    )
    air = _low(_high(x, 250), 3500) * np.exp(-t / 0.35) * 0.35
    ring = sum(
        np.sin(2 * np.pi * f * t) * np.exp(-t / d)
        for f, d in ((587.33, 1.1), (880.0, 0.9), (1174.66, 0.7))
    )
    return (
        (0.75 * push + air + 0.05 * ring) * np.minimum(t / 0.008, 1) * np.clip((3 - t) / 0.4, 0, 1)
    )


def _gull(seed: int) -> NDArray[np.float64]:
    """A falling cry with two harmonics, 0.4 s."""
    t = np.arange(int(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 1250 + 90 * (seed % 3) + 350 * np.sin(np.pi * np.minimum(t / 0.33, 1)) - 500 * t
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    cry = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase)
    return (
        cry * np.sin(np.pi * t / 0.4) ** 1.2 * np.array([[0.8], [1.0]]) * (1 if seed % 2 else 0.7)
    )
