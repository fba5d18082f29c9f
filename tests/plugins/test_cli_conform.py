"""`musiscene conform OLD NEW`: cues found again in a timeline that was cut since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import opentimelineio as otio
import pytest

from musiscene_core.codec import to_json
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import FrameRate
from musiscene_plugins.cli.main import main
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.recuts import START, Shot
from tests.support.scenes import brief_of
from tests.support.timelines import take_on_disk

HEAD = [Shot("head", 0, 500)]
CUE = [Shot(f"s{number}", 0, length) for number, length in enumerate((192, 336, 312, 600))]
TAIL = [Shot("tail", 0, 400)]


def write(path: Path, shots: Sequence[Shot]) -> Path:
    def time(frames: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(frames, 24)

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for shot in shots:
        span = otio.opentime.TimeRange(time(shot.first), time(shot.length))
        whole = otio.opentime.TimeRange(time(0), time(5000))
        media = otio.schema.ExternalReference(f"/media/{shot.media}.mov", available_range=whole)
        track.append(otio.schema.Clip(shot.media, media_reference=media, source_range=span))
    timeline = otio.schema.Timeline(path.stem, global_start_time=time(START))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A reel with a minute's cue at its 500th frame, whose take lies in `takes`."""
    path = write(tmp_path / "old.otio", [*HEAD, *CUE, *TAIL])
    choice = RangeChoice(record_in=str(START + 500), record_out=str(START + 1940), cue="1m1")
    timeline = open_timeline(path).read_range(choice)
    brief = brief_of(timeline.length_seconds)

    request = ScoreRequest(brief=msgspec.structs.replace(brief, timeline=timeline))
    placed = take_on_disk(
        tmp_path / "takes", rate=FrameRate(24), record=timeline.record, samples=60 * 48_000
    )
    take = msgspec.structs.replace(placed.take, cue="1m1", tempo=TempoMap.constant(96.0))
    (placed.folder / "take.json").write_bytes(to_json(take))
    (placed.folder / "request.json").write_bytes(to_json(request))
    return path


def conform(old: Path, new: Path, *more: str) -> int:
    takes = ("--takes", str(old.parent / "takes"), "--dry-run")
    return main(["conform", str(old), str(new), *takes, *more])


def test_a_trimmed_cue_is_found_and_its_cost_told(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trimmed = [*CUE[:2], Shot("s2", 0, 264), CUE[3]]
    new = write(tmp_path / "new.otio", [Shot("head", 0, 450), *trimmed, *TAIL])
    picture = tmp_path / "recut.png"
    assert conform(old, new, "--json", "--picture", str(picture)) == 0
    (cue,) = json.loads(capsys.readouterr().out)["cues"]
    assert (cue["cue"], cue["what"]) == ("1m1", "changed")
    assert cue["places"] == [{"start": START + 450, "end": START + 450 + 1392}]
    assert cue["anew"] == "3.0 of 58.0 s (1 of 23 bars)"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert conform(old, new) == 0
    said = capsys.readouterr().out
    assert "01:00:18:18" in said
    assert "48 frames off its end" in said


@pytest.mark.parametrize(
    ("shots", "what"),
    [
        ([*HEAD, Shot("more", 0, 77), *CUE, *TAIL], "moved"),
        ([*HEAD, *CUE, *TAIL, Shot("more", 0, 77)], "as it was"),
    ],
)
def test_a_cue_that_did_not_change_needs_nothing_made(
    old: Path, tmp_path: Path, shots: list[Shot], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conform(old, write(tmp_path / "new.otio", shots), "--json") == 0
    (cue,) = json.loads(capsys.readouterr().out)["cues"]
    assert (cue["what"], cue["anew"]) == (what, "")


def test_markers_of_the_new_version_do_not_limit_the_search(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = write(tmp_path / "new.otio", [Shot("head", 0, 450), *CUE, *TAIL])
    timeline = otio.adapters.read_from_file(str(new))
    for start in (0, 100):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(50, 24)
        )
        timeline.tracks.markers.append(otio.schema.Marker(f"m{start}", marked_range=span))
        otio.adapters.write_to_file(timeline, str(new))
        assert conform(old, new, "--json") == 0
        (cue,) = json.loads(capsys.readouterr().out)["cues"]
        assert cue["places"] == [{"start": START + 450, "end": START + 1890}]


def test_lost_and_doubtful_cues_are_told_and_set_by_hand(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = write(tmp_path / "lost.otio", [*HEAD, *TAIL])
    assert conform(old, lost) == 2
    assert "lost: its film is gone" in capsys.readouterr().err
    far = write(tmp_path / "far.otio", [*HEAD, *CUE[:3], Shot("new", 0, 3000), *CUE[3:], *TAIL])
    assert conform(old, far) == 2
    assert "in several places" in capsys.readouterr().err
    assert conform(old, far, "--in", str(START + 500), "--out", str(START + 1340), "--json") == 0
    (cue,) = json.loads(capsys.readouterr().out)["cues"]
    assert cue["places"] == [{"start": START + 500, "end": START + 1340}]


def test_a_timeline_without_takes_is_refused(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other.otio", [*HEAD, Shot("z", 0, 2000)])
    takes = ("--takes", str(tmp_path / "takes"))
    assert main(["conform", str(other), str(old), *takes, "--dry-run"]) == 2
    assert "No take was made for this version" in capsys.readouterr().err
    for damage in (b"", b"{}", b"[" * 100_000):
        for path in (tmp_path / "takes").rglob("request.json"):
            path.write_bytes(damage)
        assert conform(old, old) == 2
