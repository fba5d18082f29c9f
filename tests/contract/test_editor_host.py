"""What every editor host promises, held against each of them."""

from __future__ import annotations

from collections.abc import Callable
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
from musiscene_plugins.host import EditorHost, Placement, RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.timelines import clip, gap, saved, small_movie, take_on_disk, timeline, track


def otio_file(folder: Path) -> EditorHost:
    movie = str(small_movie(folder / "shot.mp4"))
    item = timeline(
        track("V1", "Video", clip("shot", 40, 24, url=movie), gap(8, 24)),
        track("A1", "Audio", clip("shot", 40, 24, url=movie)),
        start=86_400,
    )
    return open_timeline(saved(item, folder / "reel.otio"))


def bare_movie(folder: Path) -> EditorHost:
    return open_timeline(small_movie(folder / "reel.mp4"))


HOSTS: dict[str, Callable[[Path], EditorHost]] = {"otio file": otio_file, "bare movie": bare_movie}


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> EditorHost:
    return HOSTS[request.param](tmp_path)


def reopened(placement: Placement) -> EditorHost:
    return open_timeline(Path(placement.timeline))


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


def test_a_take_is_placed_on_its_frames_and_taken_away_again(
    host: EditorHost, tmp_path: Path
) -> None:
    about = host.describe()
    record = FrameRange.from_length(about.record.start + 6, 30)
    take = take_on_disk(tmp_path / "takes", rate=about.rate, record=record)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    placement = host.place_takes([take])
    scene = reopened(placement).read_range(RangeChoice())
    music = scene.by_role("score")
    assert [found.mapping.record for found in music] == [record] * 5
    assert tuple(found.track for found in music) == placement.tracks
    assert {found.mapping.source_start for found in music} == {0}
    untouched = [found for found in scene.clips if found.role != "score"]
    assert untouched == list(host.read_range(RangeChoice()).clips)
    host.remove_placement(placement)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    with pytest.raises(MusiSceneError):
        host.remove_placement(placement)


def test_two_placements_stand_side_by_side(host: EditorHost, tmp_path: Path) -> None:
    about = host.describe()
    take = take_on_disk(tmp_path / "takes", rate=about.rate, record=about.record)
    first, second = host.place_takes([take]), host.place_takes([take], layout="mix")
    assert first.timeline != second.timeline
    host.remove_placement(first)
    assert len(reopened(second).read_range(RangeChoice()).by_role("score")) == 1


def test_a_take_of_another_rate_or_place_is_refused(host: EditorHost, tmp_path: Path) -> None:
    about = host.describe()
    for rate, record in (
        (FrameRate(25), about.record),
        (about.rate, about.record.shifted(1)),
    ):
        take = take_on_disk(tmp_path / rate.name, rate=rate, record=record, samples=1)
        with pytest.raises(RequestError):
            host.place_takes([take])
