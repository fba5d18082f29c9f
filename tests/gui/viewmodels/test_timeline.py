from __future__ import annotations

import msgspec
import pytest

from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_gui.viewmodels.timeline import TimelineModel
from tests.support.daemons import request


@pytest.fixture
def timeline() -> TimelineModel:
    made = TimelineModel()
    made.open("reel", FrameRate(24), FrameRange(86_400, 86_400 + 2_400), (), ())
    return made


def test_a_timeline_begins_whole_in_range_and_view(timeline: TimelineModel) -> None:
    assert timeline.range == FrameRange(86_400, 88_800)
    assert timeline.view == (86_400.0, 88_800.0)
    assert timeline.timecode(timeline.playhead) == "01:00:00:00"


def test_in_and_out_give_way_to_each_other_and_stay_on_the_timeline(
    timeline: TimelineModel,
) -> None:
    timeline.set_playhead(87_000)
    timeline.set_in()
    timeline.set_out(86_900)
    assert timeline.range == FrameRange(86_899, 86_900)
    timeline.set_in(90_000)
    assert timeline.range == FrameRange(88_799, 88_800)
    timeline.set_range(FrameRange(0, 99_999))
    assert timeline.range == timeline.record


def test_out_at_the_playhead_takes_the_frame_that_is_seen(timeline: TimelineModel) -> None:
    timeline.set_playhead(86_500)
    timeline.set_out()
    assert timeline.range.end == 86_501


def test_zoom_keeps_what_is_under_the_pointer_in_place(timeline: TimelineModel) -> None:
    at = 87_000.0
    before = (at - timeline.view[0]) / (timeline.view[1] - timeline.view[0])
    timeline.zoom(0.25, at)
    start, end = timeline.view
    assert end - start == pytest.approx(600)
    assert (at - start) / (end - start) == pytest.approx(before)


def test_zoom_and_scroll_end_at_the_timeline_and_at_a_second(timeline: TimelineModel) -> None:
    timeline.zoom(1e-9)
    assert timeline.view[1] - timeline.view[0] == pytest.approx(24)
    timeline.scroll(-1e9)
    assert timeline.view[0] == 86_400
    timeline.zoom(1e9)
    assert timeline.view == (86_400.0, 88_800.0)


def test_only_what_moved_is_told(timeline: TimelineModel) -> None:
    heard: list[str] = []
    timeline.range_changed.connect(lambda: heard.append("range"))
    timeline.playhead_changed.connect(lambda: heard.append("playhead"))
    timeline.view_changed.connect(lambda: heard.append("view"))
    timeline.set_playhead(timeline.playhead)
    timeline.set_in(timeline.range.start)
    timeline.zoom_to_fit()
    assert heard == []
    timeline.step(5)
    timeline.set_in()
    assert heard == ["playhead", "range"]


def test_the_same_timeline_read_again_leaves_the_user_where_they_were(
    timeline: TimelineModel,
) -> None:
    timeline.set_range(FrameRange(86_500, 86_600))
    timeline.zoom_to_range()
    seen = timeline.view
    timeline.open("reel", timeline.rate, timeline.record, (), ())
    assert (timeline.range, timeline.view) == (FrameRange(86_500, 86_600), seen)


def test_a_timeline_read_again_keeps_the_brief_and_says_when_it_was_cut_anew(
    timeline: TimelineModel,
) -> None:
    brief = request().brief
    record = brief.timeline.record
    shot = clip_of(record)
    about = ("reel", brief.timeline.rate, FrameRange(86_400, 88_800))
    timeline.open(*about, (shot,), ())
    timeline.set_range(record)
    timeline.set_brief(brief)
    placed = msgspec.structs.replace(shot, role="score")
    timeline.open(*about, (shot, placed), ())
    assert (timeline.brief, timeline.recut) == (brief, False)
    other = msgspec.structs.replace(shot, name="another shot")
    timeline.open(*about[:2], FrameRange(86_400, 88_900), (other,), ())
    assert (timeline.brief, timeline.recut, timeline.range) == (brief, True, record)
    timeline.open(*about, (other,), (), same=False)
    assert (timeline.brief, timeline.recut) == (None, False)


def clip_of(record: FrameRange) -> TimelineClip:
    mapping = SourceMapping(record, FrameRate(24), 0, FrameRate(24))
    return TimelineClip(name="a shot", media=MediaReference(path="/a.mov"), mapping=mapping)
