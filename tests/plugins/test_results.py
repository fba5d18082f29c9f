from __future__ import annotations

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from musiscene_core.brief import Caption, Captions, SceneBrief
from musiscene_core.codec import read_json, to_json
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.inputs import parse_key
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.results import check_output, publish, sounds_of
from tests.support.scenes import brief_of
from tests.support.timelines import take_on_disk

SCENE = TimelineRange(cue="1m1", rate=FrameRate(24), record=FrameRange(0, 48))


def a_brief(words: str = "", cue: str = "1m1") -> SceneBrief:
    captions = Captions(video=Caption(words))
    scene = msgspec.structs.replace(SCENE, cue=cue)
    return msgspec.structs.replace(brief_of(2.0), timeline=scene, captions=captions)


@pytest.fixture
def made(tmp_path: Path) -> TakeInFolder:
    return take_on_disk(tmp_path / "library", rate=FrameRate(24), record=FrameRange(0, 48))


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


STEM_FILES = [f"stems/{role}.wav" for role in sorted(STEM_ROLES)]
TAKE_FILES = ["cue.mid", "mix.wav", *STEM_FILES, "take.json"]


def test_results_lie_where_scripts_expect_them(tmp_path: Path, made: TakeInFolder) -> None:
    output = tmp_path / "out"
    (placed,) = publish(output, a_brief(), [made])
    assert tree(output) == ["1m1/brief.json", *(f"1m1/take-1/{name}" for name in TAKE_FILES)]
    assert placed.folder == output / "1m1" / "take-1"
    assert read_json(placed.folder / "take.json", Take) == placed.take == made.take
    assert read_json(output / "1m1" / "brief.json", SceneBrief) == a_brief()
    for name in TAKE_FILES[:-1]:
        assert (placed.folder / name).read_bytes() == (made.folder / name).read_bytes()


def test_takes_of_one_brief_are_numbered_on_and_another_brief_gets_its_own_folder(
    tmp_path: Path, made: TakeInFolder
) -> None:
    output = tmp_path / "out"
    publish(output, a_brief(), [made])
    second = publish(output, a_brief(), [made, made])
    other = publish(output, a_brief("edited"), [made])
    again = publish(output, a_brief("edited"), [made])
    places = [str(p.folder.relative_to(output)) for p in (*second, *other, *again)]
    assert places == ["1m1/take-2", "1m1/take-3", "1m1-2/take-1", "1m1-2/take-2"]
    for placed in (*second, *other, *again):
        assert read_json(placed.folder / "take.json", Take).name == placed.folder.name


def test_two_runs_at_once_both_succeed_under_different_numbers(
    tmp_path: Path, made: TakeInFolder
) -> None:
    output = tmp_path / "out"
    with ThreadPoolExecutor(8) as pool:
        placed = [p for (p,) in pool.map(lambda _: publish(output, a_brief(), [made]), range(12))]
    assert sorted(p.folder.name for p in placed) == sorted(f"take-{n}" for n in range(1, 13))
    assert {p.folder.parent for p in placed} == {output / "1m1"}
    assert [path.name for path in output.iterdir()] == ["1m1"]


def test_what_the_user_put_in_the_way_is_left_alone(tmp_path: Path, made: TakeInFolder) -> None:
    output = tmp_path / "out"
    (output / "1m1").mkdir(parents=True)
    (output / "1m1" / "notes.txt").write_text("mine")
    (placed,) = publish(output, a_brief(), [made])
    assert placed.folder == output / "1m1-2" / "take-1"
    assert tree(output / "1m1") == ["notes.txt"]


def test_cue_names_cannot_climb_out_of_the_folder(tmp_path: Path, made: TakeInFolder) -> None:
    output = tmp_path / "out"
    (placed,) = publish(output, a_brief(cue="../../etc/x"), [made])
    assert placed.folder.parent.parent == output


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, made: TakeInFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, copied = tmp_path / "out", shutil.copyfile
    publish(output, a_brief(), [made])
    before = tree(output)

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "melody.wav":
            raise OSError(errno.ENOSPC, "No space left on device")
        copied(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match="disk is full"):
        publish(output, a_brief(), [made, made])
    assert tree(output) == before
    assert [path.name for path in output.iterdir()] == ["1m1"]


def test_a_check_leaves_no_folder_behind(tmp_path: Path) -> None:
    check_output(tmp_path / "a" / "b", SCENE, 1)
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path, made: TakeInFolder) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="a file stands where"):
            check_output(target, SCENE, 1)
        with pytest.raises(OutputError, match="a file stands where"):
            publish(target, a_brief(), [made])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission"):
        check_output(tmp_path / "locked", SCENE, 1)


def test_too_little_room_is_seen_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    hour = msgspec.structs.replace(SCENE, record=FrameRange(0, 24 * 3600))
    with pytest.raises(OutputError, match="need 6221 MB"):
        check_output(tmp_path, hour, 1)


def test_a_sound_for_every_instrument_and_alternate_needs_its_room() -> None:
    plain = ScoreRequest(brief=a_brief())
    by_instrument = msgspec.structs.replace(plain, stems="instruments")
    shortened = msgspec.structs.replace(plain, alternates=("30s",), alternate_stems=True)
    assert sounds_of(plain) < sounds_of(shortened) < sounds_of(by_instrument)


def test_the_brief_on_disk_is_the_brief(tmp_path: Path, made: TakeInFolder) -> None:
    publish(tmp_path / "out", a_brief("words"), [made])
    assert (tmp_path / "out" / "1m1" / "brief.json").read_bytes() == to_json(a_brief("words"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C", (0, None)),
        ("D minor", (2, "minor")),
        ("F#m", (6, "minor")),
        ("Bb major", (10, "major")),
        ("cb", (11, None)),
        (" e♭ maj", (3, "major")),
    ],
)
def test_keys_are_read_as_musicians_write_them(text: str, key: tuple[int, str | None]) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["H", "D dorian", "", "C##", "minor"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="not a key"):
        parse_key(text)
