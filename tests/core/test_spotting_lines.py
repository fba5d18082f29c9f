"""Dialogue regions where subtitles say what is spoken."""

from __future__ import annotations

from itertools import pairwise

import pytest

from musiscene_core.brief import DialogueRegion
from musiscene_core.ranges import FrameRange
from musiscene_core.spotting.lines import is_spoken, with_lines
from musiscene_core.spotting.spot import spot
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Subtitle, TimelineRange


def scene(*lines: tuple[int, int, str]) -> TimelineRange:
    """Ten seconds at 24 from record frame 240."""
    return TimelineRange(
        cue="1m1",
        rate=FrameRate(24),
        record=FrameRange(240, 480),
        subtitles=tuple(
            Subtitle(record=FrameRange(240 + start, 240 + end), text=text)
            for start, end, text in lines
        ),
    )


def spans(regions: tuple[DialogueRegion, ...]) -> list[tuple[float, float]]:
    return [(region.start_s, region.end_s) for region in regions]


def test_lines_that_nobody_heard_are_believed_and_short_pauses_belong_to_them() -> None:
    found = with_lines((), scene((24, 48, "Who is there?"), (54, 72, "Nobody."), (120, 144, "Oh.")))
    assert spans(found) == [(1.0, 3.0), (5.0, 6.0)]
    assert {region.confidence for region in found} == {1.0}


def test_speech_that_was_heard_keeps_its_own_edges() -> None:
    heard = (DialogueRegion(start_s=1.2, end_s=1.7, confidence=0.9),)
    found = with_lines(heard, scene((24, 72, "Who is there?"), (120, 144, "Nobody.")))
    assert spans(found) == [(1.2, 1.7), (5.0, 6.0)]
    assert found[0].confidence == 0.9


def test_regions_stay_in_order_and_apart_whatever_the_lines_do() -> None:
    heard = (DialogueRegion(start_s=4.0, end_s=4.2),)
    lines = ((0, 240, "All along."), (10, 50, "One."), (40, 95, "Two."), (102, 140, "Three."))
    found = spans(with_lines(heard, scene(*lines)))
    assert found == sorted(found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))
    assert (4.0, 4.2) in found


def test_lines_are_cut_at_the_range() -> None:
    assert spans(with_lines((), scene((-50, 24, "Before."), (230, 900, "After.")))) == [
        (0.0, 1.0),
        (pytest.approx(9.583), 10.0),
    ]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello.", True),
        ("[door slams]", False),
        ("(MUSIC PLAYING)", False),
        ("♪ la la la ♪", False),
        ("[sighs] Come in.", True),
        ("...", False),
        ("Привет", True),
        ("你好", True),
    ],
)
def test_what_is_not_spoken_is_known(text: str, spoken: bool) -> None:
    assert is_spoken(text) is spoken


def test_a_timeline_without_sound_has_its_dialogue_from_subtitles() -> None:
    brief = spot(scene((48, 96, "We leave at dawn.")))
    assert spans(brief.dialogue) == [(2.0, 4.0)]
    assert [hit.kind for hit in brief.hit_points] == ["dialogue_end"]
    assert brief.timeline.subtitles[0].text == "We leave at dawn."
