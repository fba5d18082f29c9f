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
from musiscene_core.measures import OCTAVES_DB, TARGETS, measure
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.scenes import brief_of

OCTAVES = np.array(OCTAVES_DB)

FIGURES = {
    **TARGETS,
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
    found = measure(mix)
    bend = 10 ** (MAX_TRUE_PEAK_DBTP / 20) * (2 * np.sin(np.pi * _CLICK_HZ / SAMPLE_RATE)) ** 2
    null = rendered.mix - sum(stem.astype(np.int64) for stem in rendered.stems.values())
    return {
        **{figure: getattr(found, figure) for figure in TARGETS},
        "true_peak_dbtp": float(20 * np.log10(oversampled)),
        "click": float(np.abs(np.diff(mix, n=2, axis=1)).max() / bend),
        "dc_db": float(20 * np.log10(np.abs(mix.mean(axis=1)).max() / level + 1e-20)),
        "null_error": float(np.abs(null).max()),
        "octaves": list(found.octaves_db),
    }


def _scene(name: str, valence: float, arousal: float, weights: dict[str, float], length_s: float):
    cuts = tuple(np.arange(4.3, length_s - 1.5, 5.7))
    growing = tuple(np.linspace(0.2, 0.8, 12))
    brief = brief_of(
        length_s, cuts=cuts, valence=valence, arousal=arousal, motion=growing, **weights
    )
    return msgspec.structs.replace(brief, captions=Captions(fusion=Caption(name, edited=True)))
