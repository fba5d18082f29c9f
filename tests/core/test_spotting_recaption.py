"""Captions by rule, and knowing which a user changed since."""

from __future__ import annotations

import math

import msgspec
import pytest

from musiscene_core.brief import (
    DIMENSIONS,
    Caption,
    Captions,
    Curve,
    DialogueRegion,
    EmotionCurve,
    EmotionPoint,
    HitPoint,
    HowWritten,
    PictureCurves,
    SceneBrief,
    SceneFrame,
    Shot,
    SpokenLine,
    TempTrack,
    mark_of,
)
from musiscene_core.captioning.strategies import scene_words
from musiscene_core.codec import to_json
from musiscene_core.errors import RequestError
from musiscene_core.spotting.conditions import SOUNDS
from musiscene_core.spotting.described import picture_caption
from musiscene_core.spotting.emotion import emotion_curve
from musiscene_core.spotting.recaption import by_rules, marked
from tests.support.scenes import brief_of, feeling


def brief(**changes: object) -> SceneBrief:
    return msgspec.structs.replace(brief_of(20.0, cuts=(5.0, 12.0), triumphant=1.0), **changes)


def texts(captions: Captions) -> dict[str, str]:
    return {name: getattr(captions, name).text for name in Captions.__struct_fields__}


def test_rules_write_all_but_the_imagined_scene_and_say_so() -> None:
    made = by_rules(brief())
    assert texts(made) == {
        "video": "Three shots in 20 seconds, steady cutting. The picture is dark, neutral in "
        "colour, muted. It is full of movement throughout. Nobody speaks.",
        "music": "There is no temp track.",
        "scene_imagination": "",
        "fusion": "Broad, triumphant music.",
        "music_conditions": "Broad, triumphant music: full brass and strings over broad timpani, "
        "at about 105 BPM, in a major key. Even in strength throughout. Accents at 0:05 and 0:12.",
    }
    for name in ("video", "music", "fusion", "music_conditions"):
        caption = getattr(made, name)
        assert caption.origin == "signals"
        assert (caption.how.writer, caption.how.wrote) == ("signals", caption.text)


def test_an_edited_feeling_changes_the_wish() -> None:
    sad = EmotionCurve(hop_s=20.0, points=(feeling(0.0, -0.6, -0.5, sad=1.0),))
    assert by_rules(brief(emotion_curve=sad)).fusion.text == "Sad, restrained music."


def test_conditions_follow_the_scene() -> None:
    points = tuple(
        feeling(2.0 * place, *((-0.5, 0.4) if place < 5 else (0.6, -0.6)), **mood)
        for place, mood in enumerate([{"scary": 1.0}] * 5 + [{"calm": 1.0}] * 5)
    )
    made = by_rules(
        brief(
            emotion_curve=EmotionCurve(hop_s=2.0, points=points),
            dialogue=(DialogueRegion(start_s=3.0, end_s=5.5),),
            temp_track=TempTrack(
                present=True,
                tempo_bpm=88.0,
                tempo_confidence=0.9,
                key=2,
                mode="minor",
                key_confidence=0.9,
            ),
            hit_points=(
                HitPoint(frame=288, kind="cut", strength=0.5, rank=2),
                HitPoint(frame=120, kind="cut", strength=0.9, rank=1),
            ),
        )
    )
    assert made.music_conditions.text == (
        "Dark, threatening music: low brass, trembling strings and deep drums, in D minor. From "
        "about 0:10 it turns calm, spacious: felt piano over held strings. It builds to its "
        "height at 0:00. Thin and quiet under the dialogue (0:03 to 0:05). Accents at 0:05 and "
        "0:12. The temp track runs at 88 BPM."
    )


def test_every_feeling_has_its_sounds() -> None:
    assert set(SOUNDS) == set(DIMENSIONS)


def test_an_edit_is_known_whoever_wrote_the_text() -> None:
    made = brief()
    captions = msgspec.structs.replace(
        by_rules(made),
        fusion=Caption("Cold brass.", "model", how=HowWritten(writer="m", wrote="Cold brass.")),
        scene_imagination=Caption("A storm.", "model", how=HowWritten(writer="m", wrote="A sea.")),
    )
    found = marked(msgspec.structs.replace(made, captions=captions)).captions
    assert {name for name in Captions.__struct_fields__ if getattr(found, name).edited} == {
        "scene_imagination"
    }
    changed = msgspec.structs.replace(captions.music_conditions, text="Only drums.")
    again = msgspec.structs.replace(captions, music_conditions=changed)
    assert marked(msgspec.structs.replace(made, captions=again)).captions.music_conditions.edited


def test_texts_of_frames_and_lines_that_were_changed_are_marked() -> None:
    def frame(number: int, caption: Caption) -> SceneFrame:
        return SceneFrame(frame=number, shot=0, caption=caption)

    how = HowWritten(writer="m", wrote="A dog.")
    frames = (
        frame(0, Caption("A dog.", "model", written=mark_of("A dog."))),
        frame(1, Caption("A wolf.", "model", written=mark_of("A dog."))),
        frame(2, Caption("A dog.", "model", how=how)),
        frame(3, Caption("A wolf.", "model", how=how)),
        frame(4, Caption("A wolf.")),
        frame(5, Caption()),
        frame(6, Caption("", "model", written=mark_of("A dog."))),
    )
    lines = (
        SpokenLine(start_s=0.0, end_s=1.0, text="Go!", origin="model", written=mark_of("Go!")),
        SpokenLine(start_s=1.0, end_s=2.0, text="Stay!", origin="model", written=mark_of("Go!")),
        SpokenLine(start_s=2.0, end_s=3.0, text="Not in any subtitle."),
    )
    made = brief(captions=by_rules(brief()), frames=frames, lines=lines)
    found = marked(made)
    assert [one.frame for one in found.frames if one.caption.edited] == [1, 3, 4, 6]
    assert found.frames[4].caption.origin == "user"
    assert [line.origin for line in found.lines] == ["model", "user", "user"]
    assert marked(found) == found
    words = picture_caption(found)
    assert words is not None
    assert "A wolf." in words.text
    assert scene_words(found).images == ("A dog.", "A wolf.", "A dog.", "A wolf.")


def test_the_brief_of_four_hours_stays_below_a_megabyte() -> None:
    length_s, count = 4 * 3600.0, 600
    made = brief_of(length_s)
    curve = Curve(hop_s=2.4, values=tuple(i % 9973 / 9973 for i in range(6000)))
    curve = msgspec.structs.replace(curve, values=tuple(round(v, 4) for v in curve.values))
    curves = PictureCurves(**dict.fromkeys(PictureCurves.__struct_fields__, curve))
    frames = tuple(
        SceneFrame(
            frame=576 * i,
            shot=i,
            sharpness=0.1234,
            faces=1,
            caption=Caption("x" * 120, "model", written=mark_of("x" * 120)),
            feelings=(0.07692,) * 13,
        )
        for i in range(count)
    )
    shots = tuple(
        Shot(start_frame=576 * i, end_frame=576 * (i + 1), motion=0.1234, clip="film.mp4")
        for i in range(count)
    )
    dialogue = tuple(
        DialogueRegion(start_s=20.123 * i, end_s=20.123 * i + 4.567, confidence=0.987)
        for i in range(700)
    )
    hits = tuple(
        HitPoint(frame=288 * i, kind="cut", strength=0.1234, rank=i + 1) for i in range(1200)
    )
    made = msgspec.structs.replace(
        made,
        shots=shots,
        curves=curves,
        frames=frames,
        dialogue=dialogue,
        hit_points=hits,
        emotion_curve=emotion_curve(length_s, curves, dialogue, TempTrack(energy=curve)),
        temp_track=TempTrack(energy=curve),
    )
    assert len(made.frames) == count
    assert len(msgspec.json.encode(made)) < 1_000_000
    assert len(to_json(made)) < 1_200_000


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
    for work in (lambda given: by_rules(given), marked):
        with pytest.raises(RequestError, match=r"No captions can be written.*Spot the range again"):
            work(brief(**nonsense))


@pytest.mark.parametrize("values", [(), (math.inf,), (math.nan, 0.1)])
def test_a_motion_curve_without_numbers_is_refused(values: tuple[float, ...]) -> None:
    made = brief()
    assert made.curves is not None
    curves = msgspec.structs.replace(made.curves, motion=Curve(0.1, values))
    with pytest.raises(RequestError, match="motion curve"):
        by_rules(msgspec.structs.replace(made, curves=curves))
