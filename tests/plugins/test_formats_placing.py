"""Scored copies of timelines in other formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import aaf2
import pytest

from musiscene_core.errors import RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import RangeChoice, TakeInFolder
from musiscene_plugins.otio import HostSettings, open_timeline
from tests.support.edits import RATES, SUFFIXES, WRITTEN, read_back, rich_edit, through
from tests.support.timelines import saved, scene_timeline, small_movie, take_on_disk

JOINED = ("fcp7", "fcpxml")


def a_take(folder: Path, rate: FrameRate, start: int, *, name: str = "take-1") -> TakeInFolder:
    record = FrameRange(start, start + 90)
    return take_on_disk(folder, rate=rate, record=record, hits=(0, 42), name=name, samples=9600)


def elements(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return [f"{e.tag} {sorted(e.attrib.items())} {(e.text or '').strip()}" for e in root.iter()]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
@pytest.mark.parametrize("key", WRITTEN)
def test_stems_lie_on_their_record_frames_in_the_same_format(
    key: str, rate: FrameRate, tmp_path: Path
) -> None:
    before = through(key, rich_edit(rate), tmp_path)
    path = tmp_path / f"reel{SUFFIXES[key]}"
    bytes_before = path.read_bytes()
    start = before.start + 203
    take = a_take(tmp_path / "takes", rate, start)
    placement = open_timeline(path).place_takes([take])
    assert placement.timeline == str(tmp_path / f"reel.scored{SUFFIXES[key]}")
    after = read_back(Path(placement.timeline))
    old, new = len(before.of_kind("audio")), len(placement.tracks)
    added = after.of_kind("audio")[old:]
    assert sorted(lane.name for lane in added) == sorted(placement.tracks)
    assert new == len(take.take.stems)
    for lane in added:
        (event,) = lane.events
        assert (event.start, event.length, event.speed) == (203, 90, 1)
        assert event.media is not None
        assert event.source == event.media.start
    assert [lane.events for lane in after.of_kind("video")] == [
        lane.events for lane in before.of_kind("video")
    ]
    hits = [(note.start, note.length) for note in after.notes if note.start in (203, 245)]
    assert hits == [(203, 1), (245, 1)]
    assert path.read_bytes() == bytes_before


@pytest.mark.parametrize("key", JOINED)
def test_what_the_editor_wrote_stays_element_by_element(key: str, tmp_path: Path) -> None:
    rate = FrameRate(25)
    before = through(key, rich_edit(rate), tmp_path)
    path = tmp_path / f"reel{SUFFIXES[key]}"
    effect = {"fcp7": "<labels><label2>Iris</label2></labels>", "fcpxml": "<keyword value='k'/>"}
    end = {"fcp7": "</clipitem>", "fcpxml": "</asset-clip>"}[key]
    text = path.read_text().replace("<asset-clip ref", "<asset-clip tcFormat='NDF' ref")
    path.write_text(text.replace(end, effect[key] + end, 1))
    take = a_take(tmp_path / "takes", rate, before.start + 10)
    placement = open_timeline(path).place_takes([take])
    was, now = elements(path), elements(Path(placement.timeline))
    left = list(now)
    for element in was:
        left.remove(element)
    assert len(left) == len(now) - len(was) > 0
    assert placement.not_kept == ()


@pytest.mark.parametrize("key", ["fcp7", "fcpxml", "mlt", "kdenlive", "aaf"])
def test_a_copy_in_another_format_says_what_is_not_in_it(key: str, tmp_path: Path) -> None:
    path = saved(scene_timeline(), tmp_path / "reel.otio")
    host = open_timeline(path, HostSettings(format=key))
    placement = host.place_takes([a_take(tmp_path / "takes", FrameRate(24), 86_450)])
    assert placement.timeline.endswith(f"reel.scored{SUFFIXES[key]}")
    assert any("Effects" in said for said in placement.not_kept)
    again = open_timeline(Path(placement.timeline)).read_range(RangeChoice())
    music = again.by_role("score")
    assert {clip.mapping.record for clip in music} == {FrameRange(86_450, 86_540)}
    assert len(music) == len(placement.tracks)


def test_a_movie_and_an_edl_get_an_otio_timeline(tmp_path: Path) -> None:
    movie = small_movie(tmp_path / "film.mp4", frames=120)
    take = a_take(tmp_path / "a", FrameRate(24), 10)
    assert open_timeline(movie).place_takes([take]).timeline.endswith("film.scored.otio")
    edl = tmp_path / "cut.edl"
    edl.write_text(
        "TITLE: cut\nFCM: NON-DROP FRAME\n\n"
        "001  AX  V  C  00:00:02:00 00:00:06:00 01:00:00:00 01:00:04:00\n"
        "* FROM CLIP NAME: a\n"
        "002  AX  A  C  00:00:02:00 00:00:06:00 01:00:00:00 01:00:04:00\n"
        "003  AX  A2 C  00:00:02:00 00:00:06:00 01:00:00:00 01:00:04:00\n"
        "004  BX  B  C  00:00:00:00 00:00:02:12 01:00:04:00 01:00:06:12\n"
    )
    host = open_timeline(edl, HostSettings(rate=FrameRate(25)))
    about = host.describe()
    assert (about.record, about.rate) == (FrameRange(90_000, 90_162), FrameRate(25))
    assert "holds only the picture" in about.warnings[0]
    clips = host.read_range(RangeChoice()).clips
    assert [clip.mapping.record.length for clip in clips] == [100, 62]
    placed = host.place_takes([a_take(tmp_path / "b", FrameRate(25), 90_010)])
    assert placed.timeline.endswith("cut.scored.otio")


def test_the_films_that_an_edl_names_are_found_beside_it(tmp_path: Path) -> None:
    movie = small_movie(tmp_path / "film.mp4", frames=120)
    edl = tmp_path / "cut.edl"
    edl.write_text(
        "TITLE: cut\nFCM: NON-DROP FRAME\n\n"
        "001  AX  V  C  00:00:00:00 00:00:04:00 01:00:00:00 01:00:04:00\n"
        "* FROM CLIP NAME: film.mp4\n"
        "002  BX  V  C  00:00:00:00 00:00:04:00 01:00:04:00 01:00:08:00\n"
        "* FROM CLIP NAME: elsewhere.mp4\n"
    )
    clips = open_timeline(edl, HostSettings(rate=FrameRate(25))).read_range(RangeChoice()).clips
    assert [clip.media.path for clip in clips] == [str(movie), ""]


def test_music_travels_inside_an_aaf(tmp_path: Path) -> None:
    path = saved(scene_timeline(), tmp_path / "reel.otio")
    take = a_take(tmp_path / "takes", FrameRate(24), 86_450)
    host = open_timeline(path, HostSettings(format="aaf"))
    placement = host.place_takes([take], layout="mix")
    with aaf2.open(placement.timeline) as file:
        (essence,) = file.content.essencedata
        assert len(essence.open("r").read()) == 9600 * 6
        (mob,) = file.content.toplevel()
        names = [slot.name for slot in mob.slots]
    assert names == ["TC", "V1", "DX", "Temp Music", "MusiScene Mix", "Markers"]


def test_a_cue_list_goes_out_as_subtitles(tmp_path: Path) -> None:
    path = saved(scene_timeline(), tmp_path / "reel.otio")
    host = open_timeline(path, HostSettings(format="srt"))
    placement = host.place_takes([a_take(tmp_path / "t", FrameRate(24), 86_448)], layout="mix")
    assert Path(placement.timeline).read_text() == (
        "1\n00:00:02,000 --> 00:00:02,042\nHit: cut\n\n"
        "2\n00:00:02,000 --> 00:00:05,750\nMusic from 01:00:02:00: MusiScene Mix\n\n"
        "3\n00:00:03,750 --> 00:00:03,792\nHit: cut\n"
    )


def test_further_takes_are_silent_in_every_format(tmp_path: Path) -> None:
    path = saved(scene_timeline(), tmp_path / "reel.otio")
    takes = [a_take(tmp_path, FrameRate(24), 86_450, name=f"take-{n}") for n in (1, 2)]
    for key in ("fcp7", "fcpxml", "mlt", "kdenlive", "aaf"):
        host = open_timeline(path, HostSettings(format=key))
        placement = host.place_takes(takes, layout="mix")
        again = open_timeline(Path(placement.timeline)).read_range(RangeChoice())
        assert len(again.by_role("score")) == 1, key


def test_an_unknown_format_is_refused_before_any_work(tmp_path: Path) -> None:
    path = saved(scene_timeline(), tmp_path / "reel.otio")
    with pytest.raises(RequestError, match="cannot be written as 'prproj'"):
        open_timeline(path, HostSettings(format="prproj"))


def bundle(folder: Path) -> Path:
    through("fcpxml", rich_edit(FrameRate(24)), folder)
    home = folder / "cut.fcpxmld"
    home.mkdir()
    (folder / "reel.fcpxml").rename(home / "Info.fcpxml")
    return home


def lane_file(key: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        through(key, rich_edit(FrameRate(24)), folder)
        return folder / f"reel{SUFFIXES[key]}"

    return made


@pytest.mark.parametrize("make", [bundle, lane_file("aaf")], ids=["fcpxmld", "aaf"])
def test_bundles_and_binaries_are_scored_and_can_be_undone(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    host = open_timeline(make(tmp_path), HostSettings(output=tmp_path / "out"))
    placement = host.place_takes([a_take(tmp_path / "t", FrameRate(24), 86_450)], layout="mix")
    assert open_timeline(Path(placement.timeline)).read_range(RangeChoice()).by_role("score")
    host.remove_placement(placement)
    assert not Path(placement.timeline).exists()
