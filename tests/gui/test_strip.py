"""The strip under the pointer and the keyboard."""

from __future__ import annotations

import random

import pytest
from PySide6.QtCore import QPoint, Qt

from musiscene_core.brief import Curve
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, TimelineClip
from musiscene_gui.viewmodels.hits import Hit
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.strip import Strip
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.strip.crowding import seen_hits
from musiscene_gui.widgets.strip.geometry import Scale
from musiscene_gui.widgets.strip.shots import shot_boxes
from musiscene_gui.widgets.strip.telling import feeling_at, told_at
from tests.support.panel_widgets import opened

LEFT = Qt.MouseButton.LeftButton
RULER_Y = at.RULER[0] + 8
CUES_Y = at.CUES[0] + at.CUES[1] // 2


def point(strip: Strip, frame: int, y: int) -> QPoint:
    """Where a frame of the range lies."""
    return QPoint(round(strip.scale().x(strip.timeline.record.start + frame)), y)


def dragged(qtbot, strip: Strip, begin: QPoint, end: QPoint) -> None:
    qtbot.mousePress(strip, LEFT, pos=begin)
    qtbot.mouseMove(strip, (begin + end) / 2)
    qtbot.mouseMove(strip, end)
    qtbot.mouseRelease(strip, LEFT, pos=end)


def clips_over(record_and_track: list[tuple[FrameRange, int]]) -> tuple[TimelineClip, ...]:
    rate, media = FrameRate(24), MediaReference(path="/a.mov")
    return tuple(
        TimelineClip(
            name="a shot",
            media=media,
            mapping=SourceMapping(record, rate, 0, rate),
            track_index=track,
        )
        for record, track in record_and_track
    )


def test_each_shot_shows_the_topmost_clip_over_its_middle() -> None:
    chance = random.Random(7)
    places = [(chance.randrange(900), chance.randrange(1, 200)) for _ in range(120)]
    records = [(FrameRange(at, at + long), chance.randrange(4)) for at, long in places]
    clips = clips_over(records)
    timeline = TimelineModel()
    timeline.open("a cut", FrameRate(24), FrameRange(0, 1200), clips, ())
    boxes = shot_boxes(timeline)
    assert len(boxes) == 120
    for box in boxes:
        over = [clip for clip in clips if box.middle in clip.mapping.record]
        assert box.clip is not None
        assert box.middle in box.clip.mapping.record
        assert box.clip.track_index == max(clip.track_index for clip in over)


@pytest.mark.parametrize("names", [(), ("m1",), ("m1", "m2", "a long name", "m3")])
def test_marked_timelines_are_painted_before_they_are_spotted(
    strip: Strip, names: tuple[str, ...]
) -> None:
    markers = tuple(
        Marker(name=name, record=FrameRange(10 * index, 10 * index + 1))
        for index, name in enumerate(names)
    )
    clips = clips_over([(FrameRange(20 * at, 20 * at + 20), 0) for at in range(60)])
    strip.timeline.open("a cut", FrameRate(24), FrameRange(0, 1200), clips, markers)
    strip.resize(900, at.HEIGHT)
    before = strip.ground_paintings
    strip.grab()
    assert strip.ground_paintings == before + 1


def test_in_and_out_are_dragged_on_the_ruler(strip: Strip, qtbot) -> None:
    opened(strip)
    start, end = strip.timeline.record.start, strip.timeline.record.end
    dragged(qtbot, strip, point(strip, 0, RULER_Y), point(strip, 48, RULER_Y))
    last = strip.timeline.record.length
    dragged(qtbot, strip, point(strip, last, RULER_Y), point(strip, last - 24, RULER_Y))
    assert abs(strip.timeline.range.start - start - 48) <= 1
    assert abs(strip.timeline.range.end - end + 24) <= 1


def test_a_hit_is_held_released_and_moved(strip: Strip, qtbot) -> None:
    opened(strip)
    index = next(i for i, hit in enumerate(strip.scene.hits) if hit.rank == 1)
    frame = strip.scene.hits[index].frame
    qtbot.mouseClick(strip, LEFT, pos=point(strip, frame, CUES_Y))
    assert strip.scene.hits[index].held
    qtbot.mouseClick(strip, LEFT, pos=point(strip, frame, CUES_Y))
    assert not strip.scene.hits[index].held
    dragged(qtbot, strip, point(strip, frame, CUES_Y), point(strip, frame + 20, CUES_Y))
    moved = strip.scene.hits[index]
    assert moved.held
    assert abs(moved.frame - frame - 20) <= 1


def test_the_feeling_is_drawn_by_dragging_and_esc_ends_that(strip: Strip, qtbot) -> None:
    opened(strip)
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_D)
    assert strip.drawing
    top, height = at.CURVE
    dragged(qtbot, strip, point(strip, 24, top), point(strip, 120, top + height - 1))
    curve = strip.scene.brief.emotion_curve
    assert curve.edited
    assert curve.at(1.0).arousal == pytest.approx(1.0, abs=0.1)
    assert curve.at(5.0).arousal == pytest.approx(-1.0, abs=0.1)
    qtbot.keyClick(strip, Qt.Key.Key_Escape)
    assert not strip.drawing


def test_of_hits_that_crowd_the_worthiest_are_seen_and_what_is_held_always() -> None:
    hits = (Hit(10, rank=2), Hit(11, rank=1), Hit(12, rank=3), Hit(13, rank=9, held=True), Hit(90))
    wide, narrow = Scale(0, 1000, 0, 100), Scale(0, 200, 0, 100)
    assert [index for _, index in seen_hits(hits, 0, wide)] == [0, 1, 2, 3, 4]
    assert [index for _, index in seen_hits(hits, 0, narrow)] == [3, 4]
    assert [index for _, index in seen_hits(hits[:3], 0, narrow)] == [1]
    assert [index for _, index in seen_hits(hits[:3], 0, narrow, chosen=2)] == [2]


def test_what_lies_under_the_pointer_is_told(strip: Strip) -> None:
    opened(strip)
    timeline, brief = strip.timeline, strip.scene.brief
    start = timeline.record.start
    hit = strip.scene.hits[0]
    assert "Hit point at" in told_at(strip, point(strip, hit.frame, CUES_Y))
    told = told_at(strip, point(strip, 80, at.SHOTS[0] + 20))
    asked = f"{brief.emotion_curve.at(80 / 24).arousal:+.2f}"
    assert told.startswith("Shot 2")
    assert told.endswith(f"Strength: {asked} asked")
    timeline.set_heard({"arousal": Curve(1.0, (0.0, 0.0, 0.0, -0.4))})
    assert feeling_at(strip, start + 80) == f"Strength: {asked} asked, -0.40 heard"
    strip.set_line("valence")
    assert "heard" not in feeling_at(strip, start + 80)
    assert feeling_at(strip, start - 1) == ""


def test_what_is_seen_follows_the_music_unless_the_user_looks_elsewhere(strip: Strip) -> None:
    opened(strip)
    timeline = strip.timeline
    start = timeline.record.start
    timeline.zoom(0.25, float(start))
    length = timeline.view[1] - timeline.view[0]
    timeline.follow(start + 60)
    assert timeline.view[0] <= start + 60 < timeline.view[1]
    assert timeline.view[1] - timeline.view[0] == pytest.approx(length)
    timeline.set_playhead(start)
    seen = timeline.view
    timeline.follow(start + 1)
    assert timeline.view == seen


def test_labels_of_one_ruler_are_alike_and_tell_the_hour_where_there_are_several() -> None:
    minute, two_hours = 24 * 60, 24 * 7200
    assert at.ruler_is_short(24, 1000 / minute, minute)
    assert not at.ruler_is_short(24, 1000 / two_hours, two_hours)
    assert not at.ruler_is_short(24, 10.0, minute)
