"""Captions written anew: only those asked for, never over a user's words unasked."""

from __future__ import annotations

import math

import msgspec
import pytest

from musiscene_core.brief import (
    Caption,
    Captions,
    Curve,
    EmotionCurve,
    EmotionPoint,
    SceneBrief,
    TempTrack,
)
from musiscene_core.errors import RequestError
from musiscene_core.request import CaptionRequest
from musiscene_core.spotting.recaption import marked, recaption
from tests.support.scenes import brief_of, feeling

OLD = Captions(
    video=Caption("old picture"),
    music=Caption("my own music", edited=True),
    fusion=Caption("old wish"),
    scene_imagination=Caption("a storm", "model"),
)


def brief(**changes: object) -> SceneBrief:
    made = brief_of(20.0, cuts=(5.0, 12.0), triumphant=1.0)
    return msgspec.structs.replace(made, captions=OLD, **changes)


def texts(captions: Captions) -> dict[str, str]:
    return {name: getattr(captions, name).text for name in Captions.__struct_fields__}


def test_all_that_signals_can_write_is_written_but_for_a_users_words() -> None:
    made = recaption(CaptionRequest(brief=brief()))
    assert texts(made.captions) == {
        "video": "Three shots in 20 seconds, steady cutting. The picture is dark, neutral in "
        "colour, muted. It is full of movement throughout. Nobody speaks.",
        "music": "my own music",
        "scene_imagination": "a storm",
        "fusion": "Broad, triumphant music.",
        "music_conditions": "",
    }
    assert made.captions.music.edited
    assert msgspec.structs.replace(made, captions=OLD) == brief()


def test_only_the_captions_named_are_written() -> None:
    made = recaption(CaptionRequest(brief=brief(), only=("fusion", "music")))
    assert texts(made.captions) == texts(OLD) | {"fusion": "Broad, triumphant music."}


def test_a_users_words_go_where_that_is_asked() -> None:
    made = recaption(CaptionRequest(brief=brief(), only=("music",), keep_edited=False))
    assert made.captions.music == Caption("There is no temp track.")


def test_an_edited_feeling_changes_the_wish() -> None:
    sad = EmotionCurve(hop_s=20.0, points=(feeling(0.0, -0.6, -0.5, sad=1.0),))
    made = recaption(CaptionRequest(brief=brief(emotion_curve=sad), only=("fusion",)))
    assert made.captions.fusion.text == "Sad, restrained music."


def test_a_captioner_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestError, match=r"no captioner called 'mullama'.*'signals'"):
        recaption(CaptionRequest(brief=brief(), captioner="mullama"))
    with pytest.raises(RequestError, match="'scene_imagination': that takes a model"):
        recaption(CaptionRequest(brief=brief(), only=("scene_imagination",)))


def point(*weights: float) -> EmotionCurve:
    curve = EmotionPoint(time_s=0.0, valence=0.0, arousal=0.0, weights=weights)
    return EmotionCurve(hop_s=0.5, points=(curve,))


@pytest.mark.parametrize(
    "nonsense",
    [
        {"emotion_curve": EmotionCurve(hop_s=1.0, points=())},
        {"emotion_curve": point(1.0)},
        {"emotion_curve": point(*[math.nan] * 13)},
        {"shots": ()},
        {"temp_track": TempTrack(present=True, key=99, mode="minor", key_confidence=1.0)},
    ],
)
def test_a_brief_that_says_nothing_is_refused(nonsense: dict[str, object]) -> None:
    for work in (lambda given: recaption(CaptionRequest(brief=given)), marked):
        with pytest.raises(RequestError, match=r"No captions can be written.*Spot the range again"):
            work(brief(**nonsense))


@pytest.mark.parametrize("values", [(), (math.inf,), (math.nan, 0.1)])
def test_a_motion_curve_without_numbers_is_refused(values: tuple[float, ...]) -> None:
    made = brief()
    assert made.curves is not None
    curves = msgspec.structs.replace(made.curves, motion=Curve(0.1, values))
    with pytest.raises(RequestError, match="motion curve"):
        recaption(CaptionRequest(brief=msgspec.structs.replace(made, curves=curves)))
