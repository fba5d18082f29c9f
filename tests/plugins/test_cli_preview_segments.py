from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from musiscene_core.media import PictureSegment
from musiscene_plugins.cli.preview import picture_segments, retimed
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.timelines import clip, gap, saved, timeline, track


def test_the_topmost_clip_is_seen_and_gaps_are_black(tmp_path: Path) -> None:
    for name in ("low", "high"):
        (tmp_path / name).touch()
    low = clip("low", 48, 24, start=12, url=str(tmp_path / "low"))
    high = clip("high", 12, 24, url=str(tmp_path / "high"))
    lost = clip("lost", 96, 24)
    item = timeline(
        track("V1", "Video", low, gap(24, 24)),
        track("V2", "Video", gap(24, 24), high),
        track("V3", "Video", lost),
        start=86_400,
    )
    host = open_timeline(saved(item, tmp_path / "reel.otio"))
    scene = host.read_range(RangeChoice(record_in="86412", record_out="86472"))
    half = Fraction(1, 2)
    assert picture_segments(scene) == [
        PictureSegment(str(tmp_path / "low"), source_start=2 * half, length=half),
        PictureSegment(str(tmp_path / "high"), source_start=Fraction(0), length=half),
        PictureSegment(str(tmp_path / "low"), source_start=4 * half, length=half),
        PictureSegment(None, source_start=Fraction(0), length=2 * half),
    ]
    assert sum(segment.length for segment in picture_segments(scene)) == Fraction(60, 24)
    assert retimed(scene) == []
