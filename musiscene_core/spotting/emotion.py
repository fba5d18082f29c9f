"""What the scene feels like over time, from signals, by rules one can read.

Valence and arousal are weighted sums of signals (VALENCE, AROUSAL). Each of Cowen's 13 dimensions
(Cowen et al. 2020) has a place in the valence/arousal plane and leans on a few signals (FEELINGS);
its weight is a softmax over closeness and lean. Signals cannot see a plot: this is a first guess
that the picture models refine and the editor may drag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import (
    DIMENSIONS,
    DialogueRegion,
    EmotionCurve,
    EmotionPoint,
    PictureCurves,
    TempTrack,
)
from musiscene_core.feelings import PLACES

Floats: TypeAlias = npt.NDArray[np.float64]
Signals: TypeAlias = dict[str, Floats]

MAX_POINTS = 1200
HOP_S = 0.5
SMOOTHING_S = 2.0
_BUSY_CUTS_PER_MINUTE = 40.0
_CLOSENESS = 2.2
"""How sharply a dimension's weight falls with its distance in the valence/arousal plane."""

# Signals, each 0 where it says nothing:
#   motion, cuts, energy: 0 to 1 (cuts: 1 at 40 a minute; energy: loudness of the temp track)
#   bright, vivid: -0.5 to 0.5 around a middling picture; warm: -1 to 1
#   major: -1 (surely minor temp track) to 1 (surely major)
#   tempo: -0.5 (60 BPM or less) to 0.5 (160 or more), weighted by confidence
#   speech: 1 where someone speaks
#   surprise: sudden motion, 0 to 1

VALENCE = {"bright": 0.9, "warm": 0.6, "vivid": 0.5, "major": 0.35, "surprise": -0.3}
VALENCE_BASE = 0.0
AROUSAL = {"motion": 1.5, "cuts": 0.7, "surprise": 0.6, "energy": 0.5, "tempo": 0.5, "speech": -0.1}
AROUSAL_BASE = -0.75


@dataclass(frozen=True)
class Feeling:
    """Where a dimension lies, and which signals speak for it.

    Attributes:
        valence: -1 to 1.
        arousal: -1 to 1.
        lean: weight a signal adds to its score.
    """

    valence: float
    arousal: float
    lean: dict[str, float]


_LEANS: dict[str, dict[str, float]] = {
    "amusing": {"cuts": 0.4, "vivid": 0.8, "major": 0.4},
    "annoying": {"surprise": 0.3},
    "anxious": {"bright": -0.8, "cuts": 0.4, "surprise": 0.6, "major": -0.4},
    "beautiful": {"vivid": 0.6, "bright": 0.4},
    "calm": {"motion": -0.8, "cuts": -0.5},
    "dreamy": {"vivid": -0.4, "cuts": -0.4, "speech": -0.3},
    "energising": {"motion": 0.9, "tempo": 0.6},
    "erotic": {"warm": 0.5, "bright": -0.4, "cuts": -0.6},
    "indignant": {"speech": 0.3, "energy": 0.3},
    "joyful": {"bright": 0.8, "warm": 0.4, "major": 0.5},
    "sad": {"vivid": -0.6, "warm": -0.3, "major": -0.5},
    "scary": {"bright": -1.2, "surprise": 0.8, "warm": -0.4},
    "triumphant": {"energy": 0.5, "bright": 0.3, "motion": 0.4},
}

FEELINGS = {name: Feeling(*PLACES[name], lean) for name, lean in _LEANS.items()}

_RARE = {"amusing": -0.5, "annoying": -1.2, "erotic": -1.5, "indignant": -0.8}
"""Feelings a film asks for less often start behind the others."""


def emotion_curve(
    length_s: float,
    curves: PictureCurves | None,
    dialogue: tuple[DialogueRegion, ...],
    temp_track: TempTrack,
) -> EmotionCurve:
    """The scene's feeling, a point every half second (fewer in a range of over ten minutes).

    Args:
        length_s: of the range, in seconds.
        curves: what the picture does; None without a picture.
        dialogue: where someone speaks.
        temp_track: what the temp track sounds like.
    """
    hop = max(HOP_S, length_s / MAX_POINTS)
    times = np.arange(max(1, int(np.ceil(length_s / hop - 1e-9))), dtype=np.float64) * hop
    signals = _signals(times, hop, curves, dialogue, temp_track)
    valence = np.tanh(VALENCE_BASE + _weighted(signals, VALENCE))
    arousal = np.tanh(AROUSAL_BASE + _weighted(signals, AROUSAL))
    weights = _dimension_weights(valence, arousal, signals)
    points = tuple(
        EmotionPoint(
            time_s=round(float(times[i]), 3),
            valence=round(float(valence[i]), 4),
            arousal=round(float(arousal[i]), 4),
            weights=tuple(round(float(weight), 4) for weight in weights[i]),
        )
        for i in range(times.size)
    )
    return EmotionCurve(hop_s=hop, points=points)


def _signals(
    times: Floats,
    hop: float,
    curves: PictureCurves | None,
    dialogue: tuple[DialogueRegion, ...],
    temp: TempTrack,
) -> Signals:
    nothing = np.zeros(times.size)
    signals = dict.fromkeys(
        ("motion", "cuts", "bright", "vivid", "warm", "surprise", "energy", "speech"), nothing
    )
    if curves is not None:
        sampled = {
            "motion": curves.motion,
            "surprise": curves.saliency,
            "bright": curves.brightness,
            "warm": curves.warmth,
            "vivid": curves.saturation,
            "cuts": curves.cut_rate,
        }
        for name, curve in sampled.items():
            signals[name] = np.array([curve.mean(t, t + hop) for t in times])
        signals["bright"] = signals["bright"] - 0.42
        signals["vivid"] = signals["vivid"] - 0.35
        signals["cuts"] = np.minimum(1.0, signals["cuts"] / _BUSY_CUTS_PER_MINUTE)
    if dialogue:
        signals["speech"] = np.array(
            [float(any(d.start_s < t + hop and d.end_s > t for d in dialogue)) for t in times]
        )
    if temp.present:
        signals["energy"] = np.array([temp.energy.mean(t, t + hop) for t in times])
    width = max(1, round(SMOOTHING_S / hop))
    smooth = {name: _smoothed(values, width) for name, values in signals.items()}
    sure_mode = {"major": 1.0, "minor": -1.0, None: 0.0}[temp.mode] * temp.key_confidence
    tempo = float(np.clip((temp.tempo_bpm - 110) / 100, -0.5, 0.5)) if temp.tempo_bpm else 0.0
    smooth["major"] = np.full(times.size, sure_mode)
    smooth["tempo"] = np.full(times.size, tempo * temp.tempo_confidence)
    return smooth


def _smoothed(values: Floats, width: int) -> Floats:
    if width < 2 or values.size < 2:
        return values
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def _weighted(signals: Signals, weights: dict[str, float]) -> Floats:
    total: Floats = np.sum([weight * signals[name] for name, weight in weights.items()], axis=0)
    return total


def _dimension_weights(valence: Floats, arousal: Floats, signals: Signals) -> Floats:
    scores = np.empty((valence.size, len(DIMENSIONS)))
    for column, name in enumerate(DIMENSIONS):
        feeling = FEELINGS[name]
        distance = (valence - feeling.valence) ** 2 + (arousal - feeling.arousal) ** 2
        lean = _weighted(signals, feeling.lean)
        scores[:, column] = _RARE.get(name, 0.0) - _CLOSENESS * distance + lean
    scores -= scores.max(axis=1, keepdims=True)
    exponential = np.exp(2.0 * scores)
    shares: Floats = exponential / exponential.sum(axis=1, keepdims=True)
    return shares
