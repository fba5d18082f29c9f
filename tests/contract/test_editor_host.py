"""What every editor host promises, held against each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.errors import (
    MediaOfflineError,
    MusiSceneError,
    RangeError,
    RequestError,
    TimecodeError,
)
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_core.timeline import MediaReference
from musiscene_plugins.host import EditorHost, RangeChoice
from musiscene_plugins.placements import find_placement
from tests.support.editor_hosts import STAGES, Stage
from tests.support.timelines import take_on_disk


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = STAGES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def host(stage: Stage) -> EditorHost:
    return stage.host


def music(host: EditorHost) -> list[FrameRange]:
    return [clip.mapping.record for clip in host.read_range(RangeChoice()).by_role("score")]


def test_describes_forty_eight_frames_of_picture_and_sound(host: EditorHost) -> None:
    about = host.describe()
    assert (about.rate, about.record.length) == (FrameRate(24), 48)
    assert [(t.label, t.kind, t.role, t.clips) for t in about.tracks] == [
        ("V1", "video", "picture", 1),
        ("A1", "audio", "mixed", 1),
    ]
    assert about.warnings == ()


def test_record_timecodes_name_the_range(host: EditorHost) -> None:
    about = host.describe()
    record = FrameRange.from_length(about.record.start + 12, 24)
    start, end = (format_timecode(frame, about.rate) for frame in (record.start, record.end))
    scene = host.read_range(RangeChoice(record_in=start, record_out=end, cue="1m1"))
    assert (scene.cue, scene.rate, scene.record) == ("1m1", about.rate, record)
    assert [found.role for found in scene.clips] == ["picture", "mixed"]
    for found in scene.clips:
        assert found.mapping.source_seconds(record.start) == about.rate.seconds(12)
        assert host.locate_media(found.media).is_file()


def test_reading_a_range_twice_gives_the_same(host: EditorHost) -> None:
    assert host.read_range(RangeChoice()) == host.read_range(RangeChoice())


@pytest.mark.parametrize(
    ("offsets", "kind"),
    [((5, 5), RangeError), ((9, 5), RangeError), ((0, 49), RangeError), ((-1, 9), RangeError)],
)
def test_impossible_ranges_are_refused(
    host: EditorHost, offsets: tuple[int, int], kind: type[MusiSceneError]
) -> None:
    first = host.describe().record.start
    start, end = (max(0, first + offset) for offset in offsets)
    if offsets[0] < 0 and first == 0:
        start, end = 100, 200
    with pytest.raises(kind) as caught:
        host.read_range(RangeChoice(record_in=str(start), record_out=str(end)))
    assert caught.value.hint


def test_what_is_no_timecode_and_no_marker_is_refused(host: EditorHost) -> None:
    with pytest.raises(TimecodeError):
        host.read_range(RangeChoice(record_in="soon"))
    with pytest.raises(RangeError):
        host.read_range(RangeChoice(marker="nowhere"))


def test_offline_media_are_said_to_be_offline(host: EditorHost, tmp_path: Path) -> None:
    with pytest.raises(MediaOfflineError, match="lost"):
        host.locate_media(MediaReference(path=str(tmp_path / "lost.mov"), name="lost.mov"))


def test_a_take_is_placed_on_its_frames_and_taken_away_again(stage: Stage, tmp_path: Path) -> None:
    host, about = stage.host, stage.host.describe()
    record = FrameRange.from_length(about.record.start + 6, 30)
    take = take_on_disk(tmp_path / "takes", rate=about.rate, record=record, hits=(0, 12))
    before, clips = stage.users(), host.read_range(RangeChoice()).clips
    placement = host.place_takes([take])
    scene = stage.after(placement).read_range(RangeChoice())
    placed = scene.by_role("score")
    assert [found.mapping.record for found in placed] == [record] * 5
    assert tuple(found.track for found in placed) == placement.tracks
    assert {found.mapping.source_start for found in placed} == {0}
    assert tuple(found for found in scene.clips if found.role != "score") == clips
    assert stage.after(placement).markers() == host.markers() == ()
    assert find_placement(take.folder)[1] == placement
    host.remove_placement(placement)
    assert stage.users() == before
    with pytest.raises(MusiSceneError):
        host.remove_placement(placement)


def test_two_placements_stand_side_by_side(stage: Stage, tmp_path: Path) -> None:
    host, about = stage.host, stage.host.describe()
    take = take_on_disk(tmp_path / "takes", rate=about.rate, record=about.record)
    first, second = host.place_takes([take]), host.place_takes([take], layout="mix")
    host.remove_placement(first)
    assert music(stage.after(second)) == [about.record]


def test_replacing_takes_away_our_earlier_music_in_that_range_alone(
    stage: Stage, tmp_path: Path
) -> None:
    about = stage.host.describe()
    early, late = (FrameRange.from_length(about.record.start + at, 20) for at in (0, 24))
    takes = {
        record.start: take_on_disk(tmp_path / str(record.start), rate=about.rate, record=record)
        for record in (early, late)
    }
    host = stage.host
    for record in (early, late):
        host = stage.after(host.place_takes([takes[record.start]], layout="mix"))
    assert sorted(music(host), key=lambda span: span.start) == [early, late]
    again = take_on_disk(tmp_path / "again", rate=about.rate, record=early)
    placement = host.place_takes([again], layout="mix", policy="replace")
    found = stage.after(placement).read_range(RangeChoice()).by_role("score")
    assert {(clip.mapping.record.start, Path(clip.media.path).parent) for clip in found} == {
        (early.start, again.folder),
        (late.start, takes[late.start].folder),
    }


def test_skipping_leaves_what_we_placed_earlier(stage: Stage, tmp_path: Path) -> None:
    about = stage.host.describe()
    take = take_on_disk(tmp_path / "takes", rate=about.rate, record=about.record)
    host = stage.after(stage.host.place_takes([take], layout="mix"))
    before = stage.users()
    placement = host.place_takes([take], layout="mix", policy="skip")
    assert (placement.tracks, placement.skipped) == ((), ("take-1",))
    assert stage.users() == before
    with pytest.raises(MusiSceneError, match="Nothing was placed"):
        host.remove_placement(placement)


def test_further_takes_are_placed_but_not_heard(stage: Stage, tmp_path: Path) -> None:
    about = stage.host.describe()
    takes = [
        take_on_disk(tmp_path / "takes", rate=about.rate, record=about.record, name=name)
        for name in ("take-1", "take-2")
    ]
    placement = stage.host.place_takes(takes, layout="mix")
    assert placement.tracks == ("MusiScene Mix", "MusiScene Mix 2")
    assert music(stage.after(placement)) == [about.record]


def test_a_take_of_another_rate_or_place_is_refused(host: EditorHost, tmp_path: Path) -> None:
    about = host.describe()
    for rate, record in (
        (FrameRate(25), about.record),
        (about.rate, about.record.shifted(1)),
    ):
        take = take_on_disk(tmp_path / rate.name, rate=rate, record=record, samples=1)
        with pytest.raises(RequestError):
            host.place_takes([take])
