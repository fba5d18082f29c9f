"""Hit points: what is noticed most ranks first, and every kind lands on its frame."""

from __future__ import annotations

import msgspec
import numpy as np

from musiscene_core.brief import DialogueRegion, Shot
from musiscene_core.ranges import FrameRange
from musiscene_core.spotting.hits import find_hit_points
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, TimelineRange

RATE = FrameRate(24)


def scene(length: int = 480, *markers: Marker) -> TimelineRange:
    return TimelineRange(
        cue="c", rate=RATE, record=FrameRange(1000, 1000 + length), markers=markers
    )


def still(length: int = 480) -> np.ndarray:
    return np.zeros(length, dtype=np.float32)


def shots(*edges: int, brightness: tuple[float, ...] = ()) -> list[Shot]:
    light = brightness or (0.5,) * (len(edges) - 1)
    return [
        Shot(start_frame=edges[i], end_frame=edges[i + 1], brightness=light[i])
        for i in range(len(edges) - 1)
    ]


def test_every_cut_is_a_candidate_on_its_frame() -> None:
    hits = find_hit_points(scene(), shots(0, 100, 250, 480), still(), ())
    assert [(hit.frame, hit.kind) for hit in hits] == [(100, "cut"), (250, "cut")]


def test_a_cut_to_another_light_outranks_a_cut_within_the_same() -> None:
    film = shots(0, 100, 250, 480, brightness=(0.3, 0.3, 0.9))
    by_rank = sorted(find_hit_points(scene(), film, still(), ()), key=lambda hit: hit.rank)
    assert [hit.frame for hit in by_rank] == [250, 100]


def test_a_marker_outranks_everything_and_keeps_its_name() -> None:
    marker = Marker(record=FrameRange(1300, 1301), name="door")
    hits = find_hit_points(scene(480, marker), shots(0, 100, 480, brightness=(0, 1)), still(), ())
    first = next(hit for hit in hits if hit.rank == 1)
    assert (first.frame, first.kind, first.label) == (300, "marker", "door")


def test_a_marker_with_a_duration_is_a_stretch_and_no_hit() -> None:
    stretch = Marker(record=FrameRange(1000, 1480), name="1m3")
    assert find_hit_points(scene(480, stretch), shots(0, 480), still(), ()) == ()


def test_a_marker_a_frame_beside_a_cut_merges_into_the_marker() -> None:
    marker = Marker(record=FrameRange(1101, 1102), name="hit me")
    hits = find_hit_points(scene(480, marker), shots(0, 100, 480), still(), ())
    assert [(hit.frame, hit.kind) for hit in hits] == [(101, "marker")]


def test_the_end_of_a_line_before_a_long_pause_outranks_one_before_a_short() -> None:
    lines = (
        DialogueRegion(start_s=1.0, end_s=2.0),
        DialogueRegion(start_s=2.5, end_s=5.0),
        DialogueRegion(start_s=12.0, end_s=13.0),
    )
    hits = find_hit_points(scene(), shots(0, 480), still(), lines)
    assert [hit.frame for hit in hits] == [48, 120, 312]
    strength = {hit.frame: hit.strength for hit in hits}
    assert strength[120] > strength[48]


def test_sudden_motion_is_found_once_at_its_peak() -> None:
    saliency = still()
    saliency[195:206] = 0.4
    saliency[200] = 0.9
    hits = find_hit_points(scene(), shots(0, 480), saliency, ())
    assert [(hit.frame, hit.kind) for hit in hits] == [(200, "motion")]


def test_ranks_count_from_one_without_gaps_and_nothing_lies_outside() -> None:
    rng = np.random.default_rng(5)
    saliency = rng.random(480).astype(np.float32)
    outside = Marker(record=FrameRange(1480, 1481))
    lines = (DialogueRegion(start_s=19.0, end_s=20.0),)
    hits = find_hit_points(scene(480, outside), shots(0, 40, 480), saliency, lines)
    assert sorted(hit.rank for hit in hits) == list(range(1, len(hits) + 1))
    assert all(0 <= hit.frame < 480 for hit in hits)
    assert [hit.frame for hit in hits] == sorted(hit.frame for hit in hits)


def test_a_feature_film_keeps_the_brief_small() -> None:
    length = 24 * 60 * 90
    timeline = msgspec.structs.replace(scene(), record=FrameRange(0, length))
    film = shots(*range(0, length, 12))
    hits = find_hit_points(timeline, film, still(length), ())
    assert len(hits) == 2000, "of 5,400 cuts"
