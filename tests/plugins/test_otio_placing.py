from __future__ import annotations

import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import MediaOfflineError, OutputError, RequestError, TimelineError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import RangeChoice, TakeInFolder
from musiscene_plugins.otio import FileHost, HostSettings, open_timeline
from tests.support.timelines import (
    clip,
    saved,
    scene_timeline,
    small_movie,
    span,
    take_on_disk,
    timeline,
    track,
)

NTSC = 1001
WHOLE = [FrameRate(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120)]
SLOWED = [FrameRate(rate * 1000, NTSC) for rate in (24, 30, 48, 60, 120)]
DROPPING = [FrameRate(rate * 1000, NTSC, True) for rate in (30, 60, 120)]
RATES = [*WHOLE, *SLOWED, *DROPPING, FrameRate(179, 6), FrameRate(25, 2)]
RECORD = FrameRange(86_450, 86_550)


def opened(item: Any, folder: Path, output: Path | None = None) -> FileHost:
    return open_timeline(saved(item, folder / "reel.otio"), HostSettings(output=output))


def a_take(folder: Path, **changes: Any) -> TakeInFolder:
    wanted = {"rate": FrameRate(24), "record": RECORD, "hits": (0, 42), "samples": 4} | changes
    return take_on_disk(folder / "takes", **wanted)


def read(path: str) -> Any:
    return otio.adapters.read_from_file(path)


def plain(item: Any) -> Any:
    return json.loads(otio.adapters.write_to_string(item, "otio_json"))


@pytest.mark.parametrize("name", ["n" * 250, "n" + "界" * 83], ids=["latin", "cjk"])
def test_the_longest_name_is_shortened_for_the_copies(tmp_path: Path, name: str) -> None:
    path = saved(scene_timeline(), tmp_path / f"{name}.otio")
    output = tmp_path / "out"
    for turn in range(2):
        open_timeline(path, HostSettings(output=output)).place_takes([a_take(tmp_path / str(turn))])
    copies = sorted(entry.name for entry in output.iterdir())
    assert len(copies) == 2
    assert all(copy.startswith(name[:70]) and ".scored" in copy for copy in copies)


def test_every_stem_lies_on_its_own_named_track_at_its_record_frame(tmp_path: Path) -> None:
    take = a_take(tmp_path)
    placement = opened(scene_timeline(), tmp_path).place_takes([take])
    assert placement.timeline == str(tmp_path / "reel.scored.otio")
    written = read(placement.timeline)
    names = [f"MusiScene {role.capitalize()}" for role in STEM_ROLES]
    assert [t.name for t in written.tracks[3:]] == names == list(placement.tracks)
    for role, added in zip(STEM_ROLES, written.tracks[3:], strict=True):
        assert added.kind == "Audio"
        placed = added[1]
        assert placed.range_in_parent() == span(50, 100, 24)
        assert placed.media_reference.target_url == str(take.folder / "stems" / f"{role}.wav")
        assert placed.media_reference.available_range == span(86_450, 100, 24)
        assert added.metadata["Resolve_OTIO"]["Audio Type"] == "Stereo"
        assert added.metadata["musiscene"]["take"] == "take-1"


def test_hits_become_markers_that_we_do_not_take_for_the_users(tmp_path: Path) -> None:
    placement = opened(scene_timeline(), tmp_path).place_takes([a_take(tmp_path)])
    markers = read(placement.timeline).tracks.markers
    assert [m.marked_range.start_time.value for m in markers] == [50, 92]
    assert open_timeline(Path(placement.timeline)).markers() == ()


def test_everything_else_stays_as_it_was(tmp_path: Path) -> None:
    item = scene_timeline()
    item.metadata["Resolve_OTIO"] = {"Version": "1.0"}
    item.tracks.markers.append(otio.schema.Marker("mine", span(3, 1, 24)))
    item.tracks[0][0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    source = saved(item, tmp_path / "reel.otio")
    before, stamp = source.read_bytes(), source.stat().st_mtime_ns
    placement = open_timeline(source).place_takes([a_take(tmp_path)])
    assert (source.read_bytes(), source.stat().st_mtime_ns) == (before, stamp)
    was, now = plain(item), plain(read(placement.timeline))
    assert now["tracks"]["children"][:3] == was["tracks"]["children"]
    assert now["tracks"]["markers"][:1] == was["tracks"]["markers"]
    del now["tracks"]["children"], was["tracks"]["children"]
    del now["tracks"]["markers"], was["tracks"]["markers"]
    assert now == was


def test_one_track_for_the_mix_where_asked_for(tmp_path: Path) -> None:
    placement = opened(scene_timeline(), tmp_path).place_takes([a_take(tmp_path)], layout="mix")
    assert placement.tracks == ("MusiScene Mix",)
    assert read(placement.timeline).tracks[3][1].media_reference.name == "mix.wav"


def test_further_takes_are_muted(tmp_path: Path) -> None:
    takes = [a_take(tmp_path), a_take(tmp_path, name="take-2")]
    placement = opened(scene_timeline(), tmp_path).place_takes(takes, layout="mix")
    first, second = read(placement.timeline).tracks[3:]
    assert (first.name, first.enabled, first[1].enabled) == ("MusiScene Mix", True, True)
    assert (second.name, second.enabled, second[1].enabled) == ("MusiScene Mix 2", False, False)


def test_placing_on_a_scored_copy_adds_tracks_and_ignores_the_music_there(tmp_path: Path) -> None:
    first = opened(scene_timeline(), tmp_path).place_takes([a_take(tmp_path)])
    host = open_timeline(Path(first.timeline))
    scene = host.read_range(RangeChoice())
    assert scene.cue == "reel"
    assert len(scene.by_role("score")) == 5
    second = host.place_takes([a_take(tmp_path, name="take-2")], layout="stems")
    assert second.timeline == str(tmp_path / "reel.scored-2.otio")
    assert second.tracks[0] == "MusiScene Harmony 2"
    kept = plain(read(second.timeline))["tracks"]["children"][:8]
    assert kept == plain(read(first.timeline))["tracks"]["children"]


def test_copies_never_replace_one_another_even_at_once(tmp_path: Path) -> None:
    saved(scene_timeline(), tmp_path / "reel.otio")
    take = a_take(tmp_path)

    def place(_: int) -> str:
        return open_timeline(tmp_path / "reel.otio").place_takes([take], layout="mix").timeline

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(place, range(16)))
    assert len(set(placed)) == 16
    assert all(len(read(path).tracks) == 4 for path in placed)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_without_hard_links_a_copy_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    host, take = opened(scene_timeline(), tmp_path), a_take(tmp_path)
    paths = [host.place_takes([take], layout="mix").timeline for _ in range(2)]
    assert [Path(path).name for path in paths] == ["reel.scored.otio", "reel.scored-2.otio"]
    assert [len(read(path).tracks) for path in paths] == [4, 4]


def test_what_was_edited_meanwhile_is_in_the_copy_where_the_scene_is_the_same(
    tmp_path: Path,
) -> None:
    host, take = opened(scene_timeline(), tmp_path), a_take(tmp_path)
    edited = scene_timeline()
    edited.tracks.append(track("Late", "Video", clip("a late title", 120, 24)))
    saved(edited, tmp_path / "reel.otio")
    with pytest.raises(TimelineError, match="cut anew under the take"):
        host.place_takes([take])
    assert not (tmp_path / "reel.scored.otio").exists()
    elsewhere = scene_timeline()
    elsewhere.metadata["editor"] = {"note": "graded since"}
    saved(elsewhere, tmp_path / "reel.otio")
    copy = read(host.place_takes([take]).timeline)
    assert copy.metadata["editor"]["note"] == "graded since"


def test_no_folder_is_made_in_the_place_of_a_timeline_that_has_gone(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    host, take = opened(scene_timeline(), drive), a_take(tmp_path)
    drive.rename(tmp_path / "pulled")
    with pytest.raises(OutputError, match="not there any more"):
        host.place_takes([take])
    assert not drive.exists()
    (tmp_path / "pulled").rename(drive)
    assert host.place_takes([take]).timeline == str(drive / "reel.scored.otio")


def test_a_placement_can_be_taken_away_unless_someone_worked_on_it(tmp_path: Path) -> None:
    host = opened(scene_timeline(), tmp_path)
    gone, kept = (host.place_takes([a_take(tmp_path / name)]) for name in "ab")
    host.remove_placement(gone)
    assert not Path(gone.timeline).exists()
    with pytest.raises(TimelineError, match="not there any more"):
        host.remove_placement(gone)
    edited = Path(kept.timeline)
    edited.write_text(edited.read_text() + " ")
    with pytest.raises(TimelineError, match="changed since"):
        host.remove_placement(kept)
    assert edited.exists()


def test_relative_media_stay_reachable_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "a b.mov").write_bytes(b"moving")
    item = timeline(track("V", "Video", clip("a", 200, 24, url="shots/a%20b.mov")), start=86_400)
    take = a_take(tmp_path)
    away = opened(item, tmp_path, tmp_path / "out").place_takes([take])
    found = read(away.timeline).tracks[0][0].media_reference.target_url
    assert found == str(tmp_path / "shots" / "a b.mov")
    here = opened(item, tmp_path).place_takes([take])
    assert read(here.timeline).tracks[0][0].media_reference.target_url == "shots/a%20b.mov"


def test_a_bundles_media_move_out_beside_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    item = timeline(track("V", "Video", clip("a", 200, 24, url="media/a.mov")), start=86_400)
    with zipfile.ZipFile(tmp_path / "cut.otioz", "w") as file:
        file.writestr("content.otio", otio.adapters.write_to_string(item, "otio_json"))
        file.writestr("media/a.mov", b"moving")
    host = open_timeline(tmp_path / "cut.otioz", HostSettings(output=tmp_path / "out"))
    placement = host.place_takes([a_take(tmp_path)])
    assert placement.timeline == str(tmp_path / "out" / "cut.scored.otio")
    found = Path(read(placement.timeline).tracks[0][0].media_reference.target_url)
    assert found == tmp_path / "out" / "cut-media" / "media" / "a.mov"
    assert found.read_bytes() == b"moving"


def test_the_whole_collection_is_kept_around_the_scored_timeline(tmp_path: Path) -> None:
    other = timeline(track("V", "Video", clip("z", 10, 25)), name="other", rate=25)
    bin_ = otio.schema.SerializableCollection("bin", children=[other, scene_timeline()])
    source = saved(bin_, tmp_path / "bin.otio")
    host = open_timeline(source, HostSettings(timeline_name="reel"))
    written = read(host.place_takes([a_take(tmp_path)]).timeline)
    assert plain(written[0]) == plain(other)
    assert len(written[1].tracks) == 8


def test_a_trimmed_top_stack_shifts_the_place_by_its_trim(tmp_path: Path) -> None:
    item = scene_timeline()
    item.tracks.source_range = span(20, 250, 24)
    placement = opened(item, tmp_path).place_takes([a_take(tmp_path)], layout="mix")
    written = read(placement.timeline)
    assert written.tracks[3][1].range_in_parent() == span(70, 100, 24)
    (found,) = open_timeline(Path(placement.timeline)).read_range(RangeChoice()).by_role("score")
    assert found.mapping.record == RECORD


def test_a_movie_gets_a_new_timeline_with_its_picture_and_sound(tmp_path: Path) -> None:
    movie = small_movie(tmp_path / "film.mp4")
    take = a_take(tmp_path, record=FrameRange(10, 40))
    placement = open_timeline(movie).place_takes([take])
    written = read(placement.timeline)
    assert Path(placement.timeline).name == "film.scored.otio"
    assert [t.kind for t in written.tracks] == ["Video"] + ["Audio"] * 6
    assert written.tracks[0][0].media_reference.target_url == str(movie)
    assert written.tracks[2][1].range_in_parent() == span(10, 30, 24)


def test_takes_that_are_not_for_this_timeline_are_refused(tmp_path: Path) -> None:
    host = opened(scene_timeline(), tmp_path)
    with pytest.raises(RequestError, match="no take"):
        host.place_takes([])
    with pytest.raises(RequestError, match="made at 25 frames"):
        host.place_takes([a_take(tmp_path / "a", rate=FrameRate(25))])
    with pytest.raises(RequestError, match="outside the timeline"):
        host.place_takes([a_take(tmp_path / "b", record=FrameRange(0, 100))])
    lost = a_take(tmp_path / "c")
    (lost.folder / "stems" / "bass.wav").unlink()
    with pytest.raises(MediaOfflineError, match=r"bass\.wav is missing"):
        host.place_takes([lost])
    assert [path.name for path in tmp_path.glob("*.otio")] == ["reel.otio"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_is_an_output_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="disk is full"):
        opened(scene_timeline(), tmp_path).place_takes([a_take(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reel.otio", "takes"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rate=st.sampled_from(RATES),
    rounded=st.booleans(),
    start=st.integers(0, 24 * 3600 * 120),
    before=st.integers(0, 500_000),
    length=st.integers(1, 500_000),
    after=st.integers(0, 500_000),
)
def test_what_is_placed_is_read_back_on_the_same_frames(
    tmp_path_factory: pytest.TempPathFactory,
    rate: FrameRate,
    rounded: bool,
    start: int,
    before: int,
    length: int,
    after: int,
) -> None:
    folder = tmp_path_factory.mktemp("place")
    written_rate = float(rate.fps) if not rounded else round(float(rate.fps), 3)
    shot = clip("a", before + length + after, written_rate)
    item = timeline(track("V", "Video", shot), start=start, rate=written_rate)
    host = open_timeline(
        saved(item, folder / "reel.otio"), HostSettings(drop_frame=rate.drop_frame)
    )
    assert host.describe().rate == rate
    record = FrameRange.from_length(start + before, length)
    take = take_on_disk(folder, rate=rate, record=record, samples=1)
    placement = host.place_takes([take])
    again = open_timeline(Path(placement.timeline))
    assert again.describe().rate == rate
    scored = again.read_range(RangeChoice()).by_role("score")
    assert len(scored) == 5
    for found in scored:
        assert found.mapping.record == record
        assert found.mapping.source_start == 0
        assert found.mapping.speed == 1
        assert found.media.path.endswith(".wav")
