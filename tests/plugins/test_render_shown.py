"""What the command line says of each hit of generated music."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.codec import to_json
from musiscene_core.fitting.places import PlaceKind
from musiscene_core.fitting.report import HitMoved, RenderReport
from musiscene_core.take import RENDER_FILE
from musiscene_plugins.cli.render_view import render_lines


def hit(
    frame: int,
    before: float,
    after: float,
    percent: float,
    place: PlaceKind | None,
    struck: float | None,
    *,
    met: bool = True,
) -> HitMoved:
    """One of 24 frames a second, told in frames."""
    return HitMoved(
        frame=frame,
        label="shot 3",
        met=met,
        before_ms=before * 1000 / 24,
        before_frames=before,
        after_ms=after * 1000 / 24,
        after_frames=after,
        percent=percent,
        place=place,
        struck_ms=None if struck is None else struck * 1000 / 24,
        struck_frames=struck,
    )


def test_each_hit_is_told_with_what_meets_it_and_where_it_is_heard(tmp_path: Path) -> None:
    hits = (
        hit(96, 2.81, 0.0, -1.25, "bar line", 0.21),
        hit(140, -0.02, 0.0, 0.0, "beat", None),
        hit(200, -3.4, 0.0, 3.96, "attack", -0.01),
        hit(260, 4.0, -6.2, 0.4, "half beat", None, met=False),
        hit(300, 0.0, 0.0, 0.0, None, None, met=False),
    )
    report = RenderReport(windows=(), hits=hits, stretches=(), begin_s=0.0, accent_s=None)
    (tmp_path / RENDER_FILE).write_bytes(to_json(report))
    assert render_lines(tmp_path) == [
        "shot 3 at frame 96: met by a bar line that was 2.8 frames late, music before it 1.2 %"
        " shorter; heard 0.2 frames late",
        "shot 3 at frame 140: met by a beat that was on it, not stretched; nothing is struck there",
        "shot 3 at frame 200: met by an attack that was 3.4 frames early, music before it 4.0 %"
        " longer; heard on it",
        "shot 3 at frame 260: not met, the nearest half beat is 6.2 frames early",
        "shot 3 at frame 300: not met, neither a beat nor an attack is clear in the music",
    ]
