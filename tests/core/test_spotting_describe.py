"""Captions say what was measured, and nothing that was not."""

from __future__ import annotations

import msgspec

from musiscene_core.brief import Caption, Captions, Curve, DialogueRegion, SceneBrief, TempTrack
from musiscene_core.spotting.describe import captions, clock, with_edits_marked
from musiscene_core.spotting.emotion import emotion_curve
from musiscene_core.temp_tempo import wished
from tests.support.scenes import brief_of

RISING = TempTrack(
    present=True,
    tempo_bpm=96.0,
    tempo_confidence=0.8,
    key=2,
    mode="minor",
    key_confidence=0.7,
    energy=Curve(0.5, tuple(i / 60 for i in range(60))),
)


def words(brief: SceneBrief, length_s: float = 30.0) -> Captions:
    return captions(
        length_s, brief.shots, brief.curves, brief.dialogue, brief.temp_track, brief.emotion_curve
    )


def test_the_picture_is_described_by_shots_pace_and_speech() -> None:
    brief = brief_of(30.0, cuts=(5, 10, 20), dialogue=((2.0, 5.0), (8.0, 9.0)))
    text = words(brief).video.text
    assert text.startswith("Four shots in 30 seconds, steady cutting.")
    assert text.endswith("Someone speaks for 4 of 30 seconds, in two passages.")


def test_the_strongest_movement_is_named_with_its_time() -> None:
    motion = (0.05,) * 20 + (0.9,) + (0.05,) * 9
    text = words(brief_of(30.0, motion=motion)).video.text
    assert "strongest movement comes at 0:20" in text


def test_a_sure_temp_track_is_described_by_tempo_key_and_shape() -> None:
    text = words(brief_of(30.0, temp_track=RISING)).music.text
    assert text == "The temp track is at 96 BPM, in D minor, growing louder."


def test_an_unsure_tempo_and_key_are_left_out() -> None:
    unsure = msgspec.structs.replace(RISING, tempo_confidence=0.1, key_confidence=0.1)
    text = words(brief_of(30.0, temp_track=unsure)).music.text
    assert "BPM" not in text
    assert "minor" not in text


def test_no_temp_track_no_picture_and_no_speech_are_said_so() -> None:
    brief = msgspec.structs.replace(brief_of(30.0), curves=None)
    made = words(brief)
    assert made.music.text == "There is no temp track."
    assert made.video.text == "There is no picture. Nobody speaks."


def test_the_fusion_follows_the_feeling_and_says_whose_words_it_is() -> None:
    scary = words(brief_of(30.0, valence=-0.7, arousal=0.6, scary=1.0)).fusion
    calm = words(brief_of(30.0, valence=0.4, arousal=-0.7, calm=1.0)).fusion
    assert scary.text.startswith("Dark, threatening music")
    assert calm.text.startswith("Calm, spacious music")
    assert (scary.origin, scary.edited) == ("signals", False)


def test_the_temp_tracks_tempo_is_told_as_its_own_and_its_key_as_a_wish() -> None:
    scary = brief_of(30.0, valence=-0.7, arousal=0.6, scary=1.0)
    text = words(msgspec.structs.replace(scary, temp_track=RISING)).fusion.text
    assert text.endswith(" Near the temp track: in D minor. The temp track runs at 96 BPM.")
    assert wished(text).endswith(" Near the temp track: in D minor.")
    assert wished("Felt piano, 68 BPM.") == "Felt piano, 68 BPM."


def test_one_region_of_speech_is_one_passage() -> None:
    brief = msgspec.structs.replace(
        brief_of(30.0), dialogue=(DialogueRegion(start_s=0.0, end_s=10.0),)
    )
    assert "in one passage." in words(brief).video.text


def test_times_are_written_as_clocks() -> None:
    assert [clock(0), clock(9.9), clock(75), clock(3600)] == ["0:00", "0:09", "1:15", "60:00"]


def spotted(length_s: float) -> SceneBrief:
    """A brief whose curve and captions are what its signals say."""
    brief = brief_of(length_s, cuts=(10,))
    curve = emotion_curve(length_s, brief.curves, brief.dialogue, brief.temp_track)
    brief = msgspec.structs.replace(brief, emotion_curve=curve)
    return msgspec.structs.replace(brief, captions=words(brief))


def test_a_curve_drawn_anew_is_marked_and_leaves_the_captions_as_they_are() -> None:
    brief = spotted(30.0)
    points = tuple(
        msgspec.structs.replace(point, arousal=0.9 if point.time_s > 20 else -0.9)
        for point in brief.emotion_curve.points
    )
    curve = msgspec.structs.replace(brief.emotion_curve, points=points)
    marked = with_edits_marked(msgspec.structs.replace(brief, emotion_curve=curve))
    assert marked.emotion_curve.edited
    assert marked.captions == brief.captions
    modelled = msgspec.structs.replace(brief.captions, video=Caption("A man.", "model"))
    seen = msgspec.structs.replace(brief, emotion_curve=curve, captions=modelled)
    assert not with_edits_marked(seen).emotion_curve.edited


def test_a_caption_changed_in_a_text_editor_is_marked_as_edited() -> None:
    brief = spotted(30.0)
    assert with_edits_marked(brief) == brief
    wish = msgspec.structs.replace(brief.captions, fusion=Caption("Felt piano, 68 BPM."))
    marked = with_edits_marked(msgspec.structs.replace(brief, captions=wish)).captions
    assert (marked.fusion.edited, marked.video.edited) == (True, False)
