"""What frames are judged to feel like, merged into the curve that signals draw.

A linear opinion pool (Stone 1961): each side's weights count by its certainty, which is one less
its entropy over the greatest there is. A side that says "anything" says nothing. The model's share
is at most MOST, so that sound and movement, which it does not know, keep a say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DIMENSIONS, EmotionCurve, SceneFrame
from musiscene_core.feelings import PLACES

Floats: TypeAlias = npt.NDArray[np.float64]
MOST = 0.8
"""Largest share of the model."""
_VALENCES = np.array([PLACES[name][0] for name in DIMENSIONS])
_AROUSALS = np.array([PLACES[name][1] for name in DIMENSIONS])


def merged(curve: EmotionCurve, frames: Sequence[SceneFrame], fps: float) -> EmotionCurve:
    """`curve` with what `frames` are judged to feel like; as it is where none was judged.

    Between two frames of one shot feelings change evenly; a cut changes them at once.

    Args:
        curve: what signals say.
        frames: in order.
        fps: cue frames a second.
    """
    judged = [frame for frame in frames if len(frame.feelings) == len(DIMENSIONS)]
    if not judged or not curve.points:
        return curve
    times = np.array([point.time_s + curve.hop_s / 2 for point in curve.points])
    seen = _over_time(times, judged, fps)
    heard = np.array([point.weights for point in curve.points])
    sure_seen, sure_heard = certainty(seen), certainty(heard)
    total = sure_seen + sure_heard
    share = np.minimum(MOST, np.divide(sure_seen, total, out=np.zeros_like(total), where=total > 0))
    weights = share[:, None] * seen + (1 - share[:, None]) * heard
    valence, arousal = (
        np.array([getattr(point, name) for point in curve.points]) * (1 - share)
        + share * (seen @ places)
        for name, places in (("valence", _VALENCES), ("arousal", _AROUSALS))
    )
    points = tuple(
        msgspec.structs.replace(
            point,
            valence=round(float(valence[i]), 4),
            arousal=round(float(arousal[i]), 4),
            weights=tuple(round(float(weight), 4) for weight in weights[i]),
        )
        for i, point in enumerate(curve.points)
    )
    return msgspec.structs.replace(curve, points=points)


def certainty(weights: Floats) -> Floats:
    """One less the entropy of `weights` [n, dimensions] over the greatest there is: 0 to 1."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    entropy = -(weights * logs).sum(axis=1)
    return np.asarray(np.clip(1 - entropy / np.log(weights.shape[1]), 0.0, 1.0))


def _over_time(times: Floats, judged: Sequence[SceneFrame], fps: float) -> Floats:
    """Feelings [n, dimensions] at `times` in seconds."""
    at = np.array([frame.frame / fps for frame in judged])
    values = np.array([frame.feelings for frame in judged])
    after = np.clip(np.searchsorted(at, times), 1, max(1, len(at) - 1)) if len(at) > 1 else None
    if after is None:
        return np.repeat(values, len(times), axis=0)
    before = after - 1
    span = np.maximum(at[after] - at[before], 1e-9)
    part = np.clip((times - at[before]) / span, 0.0, 1.0)
    shots = np.array([frame.shot for frame in judged])
    cut = shots[before] != shots[after]
    part = np.where(cut, np.round(part), part)
    return np.asarray((1 - part[:, None]) * values[before] + part[:, None] * values[after])
