"""A scene from words: its feeling in order, its turns, and what was not understood."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from musiscene_core.brief import DIMENSIONS, SceneBrief
from musiscene_core.errors import RequestError
from musiscene_core.feelings import _SYNONYMS, PLACES, WORDS
from musiscene_core.request import ComposeRequest, MusicWish, frames_of
from musiscene_core.sketch import as_score_request, parts_of, sketch
from musiscene_core.timecode import FrameRate


def wish(mood: str, frames: int = 1440, **more: object) -> ComposeRequest:
    return ComposeRequest(mood=mood, frames=frames, rate=FrameRate(24), **more)


def strongest(brief: SceneBrief, time_s: float) -> str:
    weights = brief.emotion_curve.at(time_s).weights
    return DIMENSIONS[int(np.argmax(weights))]


def test_every_dimension_has_a_place_and_words_and_no_word_two_meanings() -> None:
    assert tuple(PLACES) == DIMENSIONS == tuple(_SYNONYMS)
    words = list(chain.from_iterable(text.split() for text in _SYNONYMS.values()))
    assert len(words) == len(set(words)) == len(WORDS)


@pytest.mark.parametrize(
    "mood",
    [
        "tense, then triumphant",
        "Tense then triumphant.",
        "tense -> triumphant",
        "tense;triumphant",
        "tense and then, turning triumphant",
        "tense followed by heroic",
    ],
)
def test_parts_follow_each_other_and_the_turn_can_be_met(mood: str) -> None:
    brief = sketch(wish(mood))
    assert len(parts_of(mood)) == 2
    assert [strongest(brief, at) for at in (0, 27, 30, 59.9)] == ["anxious"] * 2 + [
        "triumphant"
    ] * 2
    (turn,) = brief.hit_points
    assert (turn.frame, turn.kind) == (720, "marker")
    assert turn.label in ("triumphant", "heroic")
    assert brief.warnings == ()


def test_a_sketch_is_a_brief_without_picture_or_sound() -> None:
    brief = sketch(wish("calm", cue="1m1"))
    assert (brief.curves, brief.dialogue, brief.temp_track.present) == (None, (), False)
    assert brief.timeline.cue == "1m1"
    assert brief.timeline.length_samples == 60 * 48_000
    assert [(shot.start_frame, shot.end_frame) for shot in brief.shots] == [(0, 1440)]
    words = brief.captions.music_conditions
    assert (words.text, words.origin, words.edited) == ("calm", "user", True)
    point = brief.emotion_curve.at(30.0)
    assert sum(point.weights) == pytest.approx(1.0, abs=1e-3)
    assert point.valence > 0 > point.arousal


def test_words_that_name_no_feeling_go_on_with_what_was_before() -> None:
    brief = sketch(wish("sad, then xyzzy, then not happy"))
    assert {strongest(brief, at) for at in (0, 30, 59)} == {"sad"}
    neutral = sketch(wish("xyzzy")).emotion_curve.points[0]
    assert len(set(neutral.weights)) == 1


def test_many_parts_of_few_frames_stay_within_the_cue() -> None:
    brief = sketch(wish("sad then " * 200, frames=5))
    assert [hit.frame for hit in brief.hit_points] == [1, 2, 3, 4]
    assert brief.emotion_curve.points


def test_the_longest_cue_has_a_curve_of_bounded_size() -> None:
    assert len(sketch(wish("sad", frames=2**60)).emotion_curve.points) <= 1200


def test_what_is_wished_of_the_music_goes_with_it() -> None:
    given = {"engine": "flute", "takes": 3, "seed": 9, "tempo_bpm": 90.0, "tonic": 2, "hits": (7,)}
    request = as_score_request(wish("sad", mode="minor", loudness_lufs=-20.0, **given))
    assert {name: getattr(request, name) for name in given} == given
    assert (request.mode, request.target_lufs) == ("minor", -20.0)
    assert request.caption_strategy == "music_conditions"
    assert set(MusicWish.__struct_fields__) <= set(request.__struct_fields__)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mood": " ,.! "}, "says nothing"),
        ({"mood": "sad " * 600}, "2000 characters"),
        ({"frames": 0}, "no length"),
        ({"frames": -5}, "no length"),
        ({"takes": 17}, "Takes"),
        ({"hits": (1440,)}, "outside the range"),
        ({"tempo_bpm": float("nan")}, "tempo"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    good = {"mood": "sad", "frames": 1440, "rate": FrameRate(24)}
    with pytest.raises(RequestError, match=said):
        ComposeRequest(**good | change)


@pytest.mark.parametrize(
    ("seconds", "rate", "frames", "name"),
    [
        (60.0, None, 1440, "24"),
        (12.4, None, 310, "25"),
        (0.1, None, 3, "30"),
        (12.345, None, 12_345, "1000"),
        (60.0, "29.97 DF", 1798, "29.97 DF"),
    ],
)
def test_seconds_become_whole_frames(
    seconds: float, rate: str | None, frames: int, name: str
) -> None:
    found, at = frames_of(seconds, FrameRate.parse(rate) if rate else None)
    assert (found, at.name) == (frames, name)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_no_length_is_no_cue(seconds: float) -> None:
    with pytest.raises(RequestError):
        frames_of(seconds)
