"""The emotion curve leans the way the signals point."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.brief import (
    DIMENSIONS,
    Curve,
    DialogueRegion,
    EmotionCurve,
    PictureCurves,
    TempTrack,
)
from musiscene_core.media.ffmpeg import find_ffmpeg
from musiscene_core.spotting.emotion import FEELINGS, MAX_POINTS, emotion_curve
from musiscene_core.spotting.spot import spot
from tests.support.make_picture import clip_of, range_of
from tests.support.shared_media import shared_media

LENGTH_S = 20.0


def picture(
    *,
    motion: float = 0.2,
    saliency: float = 0.0,
    brightness: float = 0.42,
    warmth: float = 0.0,
    saturation: float = 0.35,
    cut_rate: float = 8.0,
) -> PictureCurves:
    def flat(value: float) -> Curve:
        return Curve(0.1, (value,) * 200)

    return PictureCurves(
        motion=flat(motion),
        saliency=flat(saliency),
        brightness=flat(brightness),
        warmth=flat(warmth),
        saturation=flat(saturation),
        cut_rate=flat(cut_rate),
    )


def curve(shown: PictureCurves | None, temp: TempTrack | None = None) -> EmotionCurve:
    return emotion_curve(LENGTH_S, shown, (), temp or TempTrack())


def weight(made: EmotionCurve, dimension: str) -> float:
    return float(np.mean([point.weights[DIMENSIONS.index(dimension)] for point in made.points]))


def strongest(made: EmotionCurve) -> str:
    return max(DIMENSIONS, key=lambda dimension: weight(made, dimension))


def test_the_table_names_every_dimension_once() -> None:
    assert tuple(FEELINGS) == DIMENSIONS


@pytest.mark.parametrize(
    ("shown", "among"),
    [
        (picture(motion=0.02, cut_rate=0, brightness=0.55), {"calm", "dreamy", "beautiful"}),
        (picture(motion=0.7, brightness=0.7, saturation=0.7, warmth=0.3), {"joyful", "energising"}),
        (picture(motion=0.6, saliency=0.5, brightness=0.08, warmth=-0.3), {"scary", "anxious"}),
        (picture(motion=0.05, cut_rate=2, brightness=0.15, saturation=0.05), {"sad"}),
    ],
)
def test_signals_lead_to_a_feeling_that_suits_them(shown: PictureCurves, among: set[str]) -> None:
    assert strongest(curve(shown)) in among


@pytest.mark.parametrize(
    ("low", "high", "quality"),
    [
        (picture(motion=0.05), picture(motion=0.8), "arousal"),
        (picture(cut_rate=2), picture(cut_rate=50), "arousal"),
        (picture(brightness=0.1), picture(brightness=0.9), "valence"),
        (picture(warmth=-0.5), picture(warmth=0.5), "valence"),
    ],
)
def test_each_signal_moves_the_curve_its_own_way(
    low: PictureCurves, high: PictureCurves, quality: str
) -> None:
    def mean(made: EmotionCurve) -> float:
        return float(np.mean([getattr(point, quality) for point in made.points]))

    assert mean(curve(high)) > mean(curve(low)) + 0.1


def test_a_surely_minor_temp_track_darkens_the_scene_and_an_unsure_one_does_not() -> None:
    minor = TempTrack(present=True, key=2, mode="minor", key_confidence=0.9)
    unsure = TempTrack(present=True, key=2, mode="minor", key_confidence=0.0)
    plain = curve(picture())
    assert curve(picture(), minor).points[10].valence < plain.points[10].valence - 0.1
    assert curve(picture(), unsure).points[10].valence == pytest.approx(plain.points[10].valence)


def test_the_curve_follows_time() -> None:
    rising = Curve(0.1, tuple(np.linspace(0, 1, 200)))
    flat = picture()
    shown = PictureCurves(
        motion=rising,
        saliency=flat.saliency,
        brightness=flat.brightness,
        warmth=flat.warmth,
        saturation=flat.saturation,
        cut_rate=flat.cut_rate,
    )
    arousal = [point.arousal for point in curve(shown).points]
    assert arousal == sorted(arousal)
    assert arousal[-1] > arousal[0] + 0.5


@pytest.mark.parametrize("length_s", [0.01, 0.4, 0.5, 7.3, 60.0, 7200.0])
def test_points_cover_the_range_and_weights_sum_to_one(length_s: float) -> None:
    speech = (DialogueRegion(start_s=0.0, end_s=length_s),)
    made = emotion_curve(length_s, picture(), speech, TempTrack())
    assert len(made.points) * made.hop_s >= length_s - 1e-6
    assert made.points[-1].time_s < length_s
    assert len(made.points) <= MAX_POINTS
    for point in made.points:
        assert sum(point.weights) == pytest.approx(1.0, abs=1e-3)
        assert -1 <= point.valence <= 1


def test_without_a_picture_or_sound_there_is_still_a_feeling() -> None:
    made = curve(None)
    assert len(made.points) == 40
    assert len({point.weights for point in made.points}) == 1


@pytest.mark.slow
def test_a_curve_survives_a_coarse_encoding_of_real_footage(tmp_path: Path) -> None:
    film = shared_media("reel_24.mp4")
    coarse = tmp_path / "coarse.mp4"
    made = ["-vf", "scale=240:-2", "-b:v", "80k", "-preset", "veryfast", "-c:a", "aac"]
    ffmpeg = [find_ffmpeg(), "-loglevel", "error", "-i", str(film), *made, str(coarse)]
    subprocess.run(ffmpeg, check=True)

    def felt(path: Path) -> np.ndarray:
        clip = clip_of(path, (0, 780))
        sound = msgspec.structs.replace(clip, role="mixed")
        points = spot(range_of(clip, sound, record=(0, 780))).emotion_curve.points
        return np.array([(one.valence, one.arousal, *one.weights) for one in points])

    fine, again = felt(film), felt(coarse)
    alike = [
        np.corrcoef(a, b)[0, 1] for a, b in zip(fine.T, again.T, strict=True) if a.std() > 0.01
    ]
    print("correlation of valence, arousal, weights:", np.round(alike, 4))
    assert len(alike) > 6
    assert min(alike) > 0.98
