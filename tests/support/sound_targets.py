"""What a rendered cue measures, and what a cue should measure."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import scipy.signal

from musiscene_core.brief import Caption, Captions
from musiscene_core.composing.compose import compose
from musiscene_core.composing.idioms import idiom_named
from musiscene_core.composing.sound import Rendered, render
from musiscene_core.cue import Cue
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.scenes import brief_of

OCTAVES = np.array([-9.5, -0.6, -3.2, -1.7, -2.3, -3.7, -9.7, -17.9, -25.2])
"""Measured on 25 orchestral game-score tracks: power in nine octaves centred on 40 Hz to 10 kHz.

Only their shape is compared: both are shifted to a mean of 0 dB over the nine bands.
"""

FIGURES = {
    "correlation": (0.1, 0.5),
    "lra_lu": (4.0, 12.0),
    "crest_db": (12.0, 20.0),
    "octaves_off_db": (0.0, 6.0),
    "true_peak_dbtp": (-60.0, MAX_TRUE_PEAK_DBTP),
    "click": (0.0, 1.0),
    "dc_db": (-400.0, -60.0),
    "null_error": (0.0, 0.0),
}
"""Figure to its target, ends included.

click: the highest second difference of a sample against what a full-scale 6 kHz sine at the mix's
true-peak ceiling has there: a step of a quarter of full scale would be 1.2.
dc_db: the mean of the worse channel against the mix's RMS.
null_error: stems minus mix, in steps of 2^-23.
"""

_CLICK_HZ = 6_000.0
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -20.0


def off(figure: str, value: float) -> bool:
    """Whether a figure misses its target."""
    low, high = FIGURES[figure]
    return not low - 1e-9 <= value <= high + 1e-9


def idiom_cue(name: str, seed: int, length_s: float) -> Cue:
    """A scene with a few cuts and a growing arousal, scored in the idiom called `name`."""
    idiom = idiom_named(name)
    request = ScoreRequest(
        brief=_scene(name, idiom.valence, idiom.arousal, dict(idiom.feelings), length_s), seed=seed
    )
    cue = compose(request, seed)
    assert cue.idiom == name, f"asked for {name}, got {cue.idiom}"
    return cue


def figures_of(name: str, seed: int, length_s: float) -> dict[str, Any]:
    """The figures of one cue, and its balance of octaves."""
    cue = idiom_cue(name, seed, length_s)
    rendered = render(
        cue,
        length_samples=round(length_s * SAMPLE_RATE),
        target_lufs=-16.0,
        max_true_peak_dbtp=MAX_TRUE_PEAK_DBTP,
        seed=seed,
    )
    return measured(rendered)


def measured(rendered: Rendered) -> dict[str, Any]:
    """FIGURES of a rendered cue, and `octaves`: dB of each band, of mean 0."""
    mix = rendered.mix / 2.0**23
    level = np.sqrt(np.mean(mix**2))
    oversampled = np.abs(scipy.signal.resample_poly(mix, 4, 1, axis=1)).max()
    bands = octaves_of(mix)
    bend = 10 ** (MAX_TRUE_PEAK_DBTP / 20) * (2 * np.sin(np.pi * _CLICK_HZ / SAMPLE_RATE)) ** 2
    null = rendered.mix - sum(stem.astype(np.int64) for stem in rendered.stems.values())
    return {
        "correlation": float(np.corrcoef(mix)[0, 1]),
        "lra_lu": loudness_range(mix),
        "crest_db": float(20 * np.log10(np.abs(mix).max() / level)),
        "octaves_off_db": float(np.abs(bands - (OCTAVES - OCTAVES.mean())).max()),
        "true_peak_dbtp": float(20 * np.log10(oversampled)),
        "click": float(np.abs(np.diff(mix, n=2, axis=1)).max() / bend),
        "dc_db": float(20 * np.log10(np.abs(mix.mean(axis=1)).max() / level + 1e-20)),
        "null_error": float(np.abs(null).max()),
        "octaves": (bands + OCTAVES.mean()).tolist(),
    }


def octaves_of(mix: np.ndarray) -> np.ndarray:
    """Power in nine octaves centred on 40 Hz to 10.24 kHz, dB, of mean 0."""
    frequencies, power = scipy.signal.welch(mix, SAMPLE_RATE, nperseg=16_384, axis=-1)
    centres = 40.0 * 2.0 ** np.arange(9)
    octaves = [
        power[:, (frequencies >= hz / 2**0.5) & (frequencies < hz * 2**0.5)].sum() for hz in centres
    ]
    bands = 10 * np.log10(octaves)
    return np.asarray(bands - bands.mean())


def loudness_range(mix: np.ndarray) -> float:
    """LRA in LU by EBU Tech 3342: 3 s windows every 0.1 s, gated, 10th to 95th percentile."""
    from musiscene_core.loudness import LoudnessMeter

    meter = LoudnessMeter(slots_per_s=10)
    meter.hear(mix.astype(np.float32))
    slots = meter.finish()
    short = np.convolve(slots, np.ones(30) / 30, mode="valid")
    lufs = -0.691 + 10 * np.log10(short + 1e-30)
    gated = lufs > _ABSOLUTE_GATE_LUFS
    if not gated.any():
        return 0.0
    mean = -0.691 + 10 * np.log10(short[gated].mean())
    heard = lufs[gated & (lufs > mean + _RELATIVE_GATE_LU)]
    low, high = np.percentile(heard, [10, 95])
    return float(high - low)


def _scene(name: str, valence: float, arousal: float, weights: dict[str, float], length_s: float):
    cuts = tuple(np.arange(4.3, length_s - 1.5, 5.7))
    growing = tuple(np.linspace(0.2, 0.8, 12))
    brief = brief_of(
        length_s, cuts=cuts, valence=valence, arousal=arousal, motion=growing, **weights
    )
    return msgspec.structs.replace(brief, captions=Captions(fusion=Caption(name, edited=True)))
