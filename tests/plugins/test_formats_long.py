"""Timelines of 10,000 clips, in every format: read, scored and written whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.edits import SUFFIXES, WRITTEN, long_edit, read_back, write
from tests.support.timelines import take_on_disk

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("key", WRITTEN)
def test_every_clip_of_ten_thousand_is_in_the_scored_copy(key: str, tmp_path: Path) -> None:
    rate = FrameRate(24)
    edit = long_edit(rate)
    path = tmp_path / f"reel{SUFFIXES[key]}"
    write(key, edit, path)
    record = FrameRange(86_510, 86_700)
    take = take_on_disk(tmp_path / "takes", rate=rate, record=record, samples=10)
    host = open_timeline(path)
    scene = host.read_range(RangeChoice(record_in="86510", record_out="86520"))
    assert [clip.mapping.record.start for clip in scene.clips] == [86_500] * 4
    copy = read_back(Path(host.place_takes([take]).timeline))
    lanes = [lane for lane in copy.lanes if not lane.name.startswith("MusiScene")]
    for was, now in zip(edit.lanes, lanes, strict=True):
        assert [(e.start, e.length, e.source) for e in now.events] == [
            (e.start, e.length, e.source) for e in was.events
        ]
    assert len(copy.lanes) == len(lanes) + len(take.take.stems)
