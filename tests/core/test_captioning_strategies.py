"""A brief in the words of Herrmann-1: what frames show and lines say goes first."""

from __future__ import annotations

import msgspec

from musiscene_core.brief import Caption, Captions, SceneFrame, SpokenLine
from musiscene_core.captioning.strategies import scene_words
from musiscene_core.timeline import Subtitle
from tests.support.scenes import brief_of


def frames(*texts: str) -> tuple[SceneFrame, ...]:
    return tuple(
        SceneFrame(frame=24 * place, shot=0, caption=Caption(text, "model"))
        for place, text in enumerate(texts)
    )


def test_frames_that_show_the_same_say_it_once_and_empty_ones_nothing() -> None:
    brief = msgspec.structs.replace(
        brief_of(8.0), frames=frames("A boat.", "A boat.", "", "A man.", "A boat.")
    )
    assert scene_words(brief).images == ("A boat.", "A man.", "A boat.")


def test_a_picture_that_a_user_described_is_what_he_says() -> None:
    said = Captions(video=Caption("A ship at night.", "model", edited=True))
    brief = msgspec.structs.replace(brief_of(8.0), frames=frames("A boat."), captions=said)
    assert scene_words(brief).images == ("A ship at night.",)


def test_lines_go_before_subtitles() -> None:
    brief = brief_of(8.0)
    subtitle = Subtitle(record=brief.timeline.record, text="Read.")
    timeline = msgspec.structs.replace(brief.timeline, subtitles=(subtitle,))
    brief = msgspec.structs.replace(brief, timeline=timeline)
    assert scene_words(brief).spoken == (("", "Read."),)
    line = SpokenLine(start_s=1.0, end_s=2.0, text="Go\non.", speaker="Rose", origin="model")
    heard = msgspec.structs.replace(brief, lines=(line,))
    assert scene_words(heard).spoken == (("Rose", "Go on."),)
