from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from musiscene_core.errors import MediaOfflineError, RangeError, TimecodeError, TimelineError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineRange
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import FileHost, HostSettings, open_timeline
from tests.support.timelines import (
    clip,
    gap,
    saved,
    scene_timeline,
    small_movie,
    span,
    time,
    timeline,
    track,
    uneven_movie,
)


def opened(item: Any, folder: Path, **settings: Any) -> FileHost:
    return open_timeline(saved(item, folder / "reel.otio"), HostSettings(**settings))


def whole(item: Any, folder: Path, **settings: Any) -> TimelineRange:
    return opened(item, folder, **settings).read_range(RangeChoice())


def only_picture(item: Any, folder: Path) -> Any:
    (found,) = whole(item, folder).by_role("picture")
    return found


def test_clips_lie_at_their_record_frames_with_their_roles(tmp_path: Path) -> None:
    scene = whole(scene_timeline(), tmp_path)
    assert scene.record == FrameRange(86_400, 86_700)
    assert [(c.name, c.role, c.track, c.mapping.record) for c in scene.clips] == [
        ("a", "picture", "V1", FrameRange(86_400, 86_500)),
        ("b", "picture", "V1", FrameRange(86_550, 86_700)),
        ("line", "dialogue", "DX", FrameRange(86_420, 86_480)),
        ("temp", "temp_track", "Temp Music", FrameRange(86_400, 86_490)),
    ]
    assert scene.clips[0].media.path == "/media/a.mov"


def test_only_what_touches_the_range_is_handed_over(tmp_path: Path) -> None:
    host = opened(scene_timeline(), tmp_path)
    scene = host.read_range(RangeChoice(record_in="86490", record_out="86550"))
    assert [c.name for c in scene.clips] == ["a"]


def test_a_range_in_a_gap_is_an_error(tmp_path: Path) -> None:
    host = opened(scene_timeline(), tmp_path)
    with pytest.raises(RangeError, match="Nothing lies under the range 01:00:04:04 to 01:00:06:06"):
        host.read_range(RangeChoice(record_in="86500", record_out="86550"))


def test_the_users_roles_win_over_names(tmp_path: Path) -> None:
    scene = whole(scene_timeline(), tmp_path, roles={"a1": "temp_track", "temp music": "effects"})
    assert [c.role for c in scene.clips] == ["picture", "picture", "temp_track", "effects"]


def test_a_media_start_timecode_is_taken_off(tmp_path: Path) -> None:
    shot = clip("a", 48, 24, start=90_010, media_start=90_000)
    mapping = only_picture(timeline(track("V", "Video", shot)), tmp_path).mapping
    assert (mapping.source_start, mapping.source_rate) == (10, FrameRate(24))


def test_a_media_start_in_samples_is_taken_off_exactly(tmp_path: Path) -> None:
    sound = clip("a", 48, 24, start=86_412)
    sound.media_reference.available_range = span(3600 * 48_000, 480_000, 48_000)
    item = timeline(track("V", "Video", clip("v", 48, 24)), track("A", "Audio", sound))
    mapping = whole(item, tmp_path).by_role("mixed")[0].mapping
    assert mapping.source_seconds(0) == Fraction(1, 2)


def test_a_source_at_another_rate_keeps_its_own_frames(tmp_path: Path) -> None:
    shot = otio.schema.Clip("a", otio.schema.ExternalReference("/a.mov"), span(50, 100, 25))
    item = timeline(track("V", "Video", shot), rate=24, start=0)
    mapping = only_picture(item, tmp_path).mapping
    assert mapping.record == FrameRange(0, 96)
    assert (mapping.source_start, mapping.source_rate) == (50, FrameRate(25))


@pytest.mark.parametrize(
    ("scalar", "first", "at_one_second"),
    [
        (2.0, 10, Fraction(10, 24) + 2),
        (0.5, 10, Fraction(10, 24) + Fraction(1, 2)),
        (-1.0, 58, Fraction(34, 24)),
        (0.0, 10, Fraction(10, 24)),
    ],
)
def test_retimed_clips_map_to_the_source_they_show(
    tmp_path: Path, scalar: float, first: int, at_one_second: Fraction
) -> None:
    shot = clip("a", 48, 24, start=10)
    warp = otio.schema.LinearTimeWarp(time_scalar=scalar) if scalar else otio.schema.FreezeFrame()
    shot.effects.append(warp)
    mapping = only_picture(timeline(track("V", "Video", shot)), tmp_path).mapping
    assert mapping.source_start == first
    assert mapping.speed == Fraction(scalar)
    assert mapping.source_seconds(24) == at_one_second


def test_dissolves_keep_the_cuts_ranges(tmp_path: Path) -> None:
    dissolve = otio.schema.Transition(
        transition_type="SMPTE_Dissolve", in_offset=time(6, 24), out_offset=time(6, 24)
    )
    item = timeline(track("V", "Video", clip("a", 48, 24, start=9), dissolve, clip("b", 48, 24)))
    scene = whole(item, tmp_path)
    assert [c.mapping.record for c in scene.clips] == [FrameRange(0, 48), FrameRange(48, 96)]
    assert scene.record.length == 96


def test_nested_sequences_are_opened_and_trimmed(tmp_path: Path) -> None:
    inner = otio.schema.Stack("nest", source_range=span(10, 40, 24))
    inner.append(track("iv1", "Video", clip("x", 30, 24, start=5), clip("y", 30, 24)))
    inner.append(track("ia1", "Audio", clip("inner sound", 60, 24)))
    item = timeline(
        track("V1", "Video", clip("before", 24, 24), inner),
        track("V2", "Video", gap(24, 24), clip("title", 12, 24)),
        start=1000,
    )
    scene = whole(item, tmp_path)
    found = [(c.name, c.mapping.record, c.mapping.source_start, c.track_index) for c in scene.clips]
    assert found == [
        ("before", FrameRange(1000, 1024), 0, 0),
        ("x", FrameRange(1024, 1044), 15, 1),
        ("y", FrameRange(1044, 1064), 0, 1),
        ("title", FrameRange(1024, 1036), 0, 2),
    ]


def test_a_sped_up_nest_speeds_up_what_lies_in_it(tmp_path: Path) -> None:
    inner = otio.schema.Stack("nest", source_range=span(0, 24, 24))
    inner.append(track("iv1", "Video", clip("x", 12, 24, start=5), clip("y", 96, 24, start=7)))
    inner.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    x, y = whole(timeline(track("V1", "Video", inner)), tmp_path).clips
    assert (x.mapping.record, x.mapping.source_start, x.mapping.speed) == (FrameRange(0, 6), 5, 2)
    assert (y.mapping.record, y.mapping.source_start, y.mapping.speed) == (FrameRange(6, 24), 7, 2)


def test_muted_tracks_and_disabled_clips_are_not_heard(tmp_path: Path) -> None:
    item = scene_timeline()
    item.tracks[1].enabled = False
    item.tracks[0][2].enabled = False
    assert [c.name for c in whole(item, tmp_path).clips] == ["a", "temp"]
    assert [t.clips for t in opened(item, tmp_path).describe().tracks] == [1, 0, 1]


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        (23.976, FrameRate(24000, 1001)),
        (29.97, FrameRate(30000, 1001)),
        (47.952, FrameRate(48000, 1001)),
        (59.94005994005994, FrameRate(60000, 1001)),
        (119.88, FrameRate(120000, 1001)),
        (50, FrameRate(50)),
        (29.833333333, FrameRate(179, 6)),
    ],
)
def test_rates_written_as_floats_are_read_exactly(
    tmp_path: Path, written: float, rate: FrameRate
) -> None:
    start = 3600 * rate.nominal
    scene = whole(
        timeline(track("V", "Video", clip("a", 500_000, written)), start=start, rate=written),
        tmp_path,
    )
    assert scene.rate == rate
    assert scene.record == FrameRange(start, start + 500_000)


def test_drop_frame_is_asked_for_by_a_semicolon_or_by_the_option(tmp_path: Path) -> None:
    rate = 30000 / 1001
    item = timeline(track("V", "Video", clip("a", 9000, rate)), start=107_892, rate=rate)
    host = opened(item, tmp_path)
    assert host.describe().rate.drop_frame is False
    scene = host.read_range(RangeChoice(record_in="01:00:00;00", record_out="01:01:00;02"))
    assert (scene.record, scene.rate.name) == (FrameRange(107_892, 109_692), "29.97 DF")
    assert {c.mapping.record_rate.drop_frame for c in scene.clips} == {True}
    forced = opened(item, tmp_path, drop_frame=True)
    assert forced.read_range(RangeChoice(record_in="01:00:02:00")).record.start == 107_952
    with pytest.raises(TimecodeError, match="does not exist"):
        host.read_range(RangeChoice(record_in="01:01:00;00"))


def test_markers_of_timeline_tracks_and_clips_are_found(tmp_path: Path) -> None:
    item = scene_timeline()
    item.tracks.markers.append(otio.schema.Marker("door", span(30, 1, 24), color="RED"))
    item.tracks.markers.append(otio.schema.Marker("absolute", span(86_440, 1, 24)))
    item.tracks[0][2].source_range = span(500, 150, 24)
    item.tracks[0][2].markers.append(otio.schema.Marker("Score: kiss", span(510, 100, 24)))
    item.tracks[0][2].markers.append(otio.schema.Marker("trimmed away", span(5, 1, 24)))
    host = opened(item, tmp_path)
    found = [(m.name, m.record) for m in host.markers()]
    assert found == [
        ("door", FrameRange(86_430, 86_431)),
        ("absolute", FrameRange(86_440, 86_441)),
        ("Score: kiss", FrameRange(86_560, 86_660)),
    ]
    scene = host.read_range(RangeChoice())
    assert (scene.cue, scene.record) == ("Score_ kiss", FrameRange(86_560, 86_660))


def test_final_cut_marks_that_came_along_are_the_range(tmp_path: Path) -> None:
    item = scene_timeline()
    item.metadata["fcp_xml"] = {"in": "10", "out": "60"}
    assert whole(item, tmp_path).record == FrameRange(86_410, 86_460)
    item.metadata["fcp_xml"] = {"in": "-1", "out": "-1"}
    assert whole(item, tmp_path).record == FrameRange(86_400, 86_700)


def test_a_clip_without_media_has_an_empty_path_and_is_offline(tmp_path: Path) -> None:
    item = timeline(track("V", "Video", clip("lost", 48, 24, url=None)))
    host = opened(item, tmp_path)
    reference = host.read_range(RangeChoice()).clips[0].media
    assert reference == MediaReference(path="", name="lost")
    with pytest.raises(MediaOfflineError, match="'lost'"):
        host.locate_media(reference)


@pytest.mark.parametrize(
    "url",
    [
        "shots/a b.mov",
        "./shots/a b.mov",
        "shots/a%20b.mov",
        "{folder}/shots/a b.mov",
        "file://{folder}/shots/a%20b.mov",
        "file://localhost{folder}/shots/a b.mov",
        "file:{folder}/shots/a%20b.mov",
        "C:\\Film\\shots\\a b.mov",
        "file:///C:/Film/a%20b.mov",
        "/gone/a b.mov",
    ],
)
def test_media_is_found_however_its_place_is_written(tmp_path: Path, url: str) -> None:
    for place in ("shots", "media"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a b.mov").write_bytes(place.encode())
    shot = clip("a", 48, 24, url=url.format(folder=tmp_path))
    found = only_picture(timeline(track("V", "Video", shot)), tmp_path).media.path
    moved = "Film" in url or "gone" in url
    assert found == str(tmp_path / ("media" if moved else "shots") / "a b.mov")


def test_media_on_the_network_is_not_a_file(tmp_path: Path) -> None:
    item = timeline(track("V", "Video", clip("a", 48, 24, url="https://example.org/a.mov")))
    assert only_picture(item, tmp_path).media.path == ""


def test_the_timeline_of_a_collection_is_found_and_several_are_named(tmp_path: Path) -> None:
    one, two = (
        scene_timeline(),
        timeline(track("V", "Video", clip("z", 10, 25)), name="two", rate=25),
    )
    bin_ = otio.schema.SerializableCollection("bin", children=[one])
    assert opened(bin_, tmp_path).describe().name == "reel"
    bin_.append(two)
    with pytest.raises(TimelineError, match="2 timelines: 'reel', 'two'") as caught:
        opened(bin_, tmp_path)
    assert "--timeline" in caught.value.hint
    assert opened(bin_, tmp_path, timeline_name="two").describe().rate == FrameRate(25)
    with pytest.raises(TimelineError, match="no timeline 'three'"):
        opened(bin_, tmp_path, timeline_name="three")


def test_a_timeline_without_a_start_takes_its_rate_from_the_picture(tmp_path: Path) -> None:
    item = timeline(
        track("A", "Audio", clip("s", 48_000, 48_000)), track("V", "Video", clip("a", 50, 25))
    )
    item.global_start_time = None
    assert opened(item, tmp_path).describe().rate == FrameRate(25)
    sound = timeline(track("A", "Audio", clip("s", 48_000, 48_000)))
    sound.global_start_time = None
    with pytest.raises(TimelineError, match="frame rate") as caught:
        opened(sound, tmp_path)
    assert "--rate" in caught.value.hint
    assert opened(sound, tmp_path, rate=FrameRate(30)).describe().record == FrameRange(0, 30)


def test_a_movie_is_a_timeline_of_one_clip_from_zero(tmp_path: Path) -> None:
    host = open_timeline(small_movie(tmp_path / "my film.mp4"))
    scene = host.read_range(RangeChoice(record_in="00:00:01:00"))
    assert (scene.cue, scene.rate, scene.record) == (
        "my film-00000100",
        FrameRate(24),
        FrameRange(24, 48),
    )
    assert [(c.role, c.media.path, c.mapping.source_start) for c in scene.clips] == [
        ("picture", str(tmp_path / "my film.mp4"), 0),
        ("mixed", str(tmp_path / "my film.mp4"), 0),
    ]


def test_a_movie_of_an_odd_rate_keeps_it_exactly(tmp_path: Path) -> None:
    about = open_timeline(small_movie(tmp_path / "odd.mp4", fps=Fraction(179, 6))).describe()
    assert (about.rate, about.record) == (FrameRate(179, 6), FrameRange(0, 48))


def test_a_movie_of_variable_rate_runs_at_the_nearest_broadcast_rate(tmp_path: Path) -> None:
    about = open_timeline(uneven_movie(tmp_path / "uneven.mp4")).describe()
    assert about.rate == FrameRate(25)
    assert 59 <= about.record.length <= 60
    assert [found.label for found in about.tracks] == ["V1"]


def test_a_movie_can_be_counted_at_another_rate(tmp_path: Path) -> None:
    movie = small_movie(tmp_path / "film.mp4")
    host = open_timeline(movie, HostSettings(rate=FrameRate(30000, 1001, True)))
    assert host.describe().record == FrameRange(0, 59)
    assert host.describe().rate.name == "29.97 DF"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights elsewhere")
def test_a_timeline_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.otio").symlink_to(saved(scene_timeline(), tmp_path / "reel.otio"))
    assert open_timeline(tmp_path / "link.otio").describe().record.length == 300
