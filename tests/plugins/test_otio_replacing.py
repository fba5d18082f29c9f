"""Replacing our earlier music in a timeline file: ours alone, and only untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import Placement
from musiscene_plugins.otio import open_timeline
from tests.support.timelines import gap, saved, scene_timeline, take_on_disk

RECORD = FrameRange(86_450, 86_550)


def placed(source: Path, folder: Path, *, policy: Any = "new", hit: int = 42) -> Placement:
    take = take_on_disk(folder, rate=FrameRate(24), record=RECORD, hits=(hit,), samples=4)
    return open_timeline(source).place_takes([take], layout="mix", policy=policy)


def names(path: str) -> list[str]:
    item = otio.adapters.read_from_file(path)
    return [track.name for track in item.tracks]


def test_the_new_take_stands_where_the_old_one_stood_and_the_old_file_stays(
    tmp_path: Path,
) -> None:
    source = saved(scene_timeline(), tmp_path / "reel.otio")
    first = placed(source, tmp_path / "a")
    before = Path(first.timeline).read_bytes()
    second = placed(Path(first.timeline), tmp_path / "b", policy="replace", hit=50)
    assert Path(first.timeline).read_bytes() == before
    assert names(second.timeline) == ["V1", "DX", "Temp Music", "MusiScene Mix"]
    written = otio.adapters.read_from_file(second.timeline)
    assert written.tracks[3][1].media_reference.target_url.startswith(str(tmp_path / "b"))
    assert [m.marked_range.start_time.value for m in written.tracks.markers] == [100]


def test_music_that_someone_moved_or_trimmed_is_theirs(tmp_path: Path) -> None:
    source = saved(scene_timeline(), tmp_path / "reel.otio")
    for number, touch in enumerate((move, trim)):
        first = placed(source, tmp_path / f"a{number}")
        item = otio.adapters.read_from_file(first.timeline)
        touch(item.tracks[3])
        edited = saved(item, tmp_path / f"edited{number}.otio")
        second = placed(edited, tmp_path / f"b{number}", policy="replace")
        assert names(second.timeline)[3:] == ["MusiScene Mix", "MusiScene Mix 2"]
        assert placed(edited, tmp_path / f"c{number}", policy="skip").skipped == ()


def move(track: Any) -> None:
    track[0] = gap(53, 24)


def trim(track: Any) -> None:
    whole = track[1].source_range
    track[1].source_range = otio.opentime.TimeRange(
        whole.start_time, otio.opentime.RationalTime(90, 24)
    )


def test_a_users_clip_on_our_track_keeps_its_frames(tmp_path: Path) -> None:
    source = saved(scene_timeline(), tmp_path / "reel.otio")
    first = placed(source, tmp_path / "a")
    item = otio.adapters.read_from_file(first.timeline)
    theirs = otio.schema.Clip("sting", item.tracks[2][0].media_reference.clone())
    theirs.source_range = item.tracks[2][0].source_range
    item.tracks[3].append(theirs)
    was = item.tracks[3][2].range_in_parent()
    edited = saved(item, tmp_path / "edited.otio")
    second = placed(edited, tmp_path / "b", policy="replace")
    written = otio.adapters.read_from_file(second.timeline)
    kept = written.tracks[3]
    assert [type(child).__name__ for child in kept] == ["Gap", "Gap", "Clip"]
    assert kept[2].range_in_parent() == was
