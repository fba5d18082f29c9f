"""`musiscene compose`, `caption`, `conform` and `daemon models` from end to end."""

from __future__ import annotations

import json
import os
import signal
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json, to_json
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_plugins.cli.inputs import parse_duration
from musiscene_plugins.cli.main import main
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.results import publish_alone, vacant
from tests.plugins.test_cli_end_to_end import Desk
from tests.support.scenes import brief_of
from tests.support.timelines import take_on_disk

MOOD = "tense, then triumphant"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    assert made.run("daemon", "stop").returncode == 0


def test_compose_writes_a_cue_of_exactly_the_length(desk: Desk) -> None:
    wanted = ("compose", "--mood", MOOD, "--duration", "6", "--seed", "3", "--output", "out")
    printed = desk.json(*wanted, "--key", "D minor", "--tempo", "96")
    folder = desk.folder / "out"
    assert printed["folder"] == str(folder)
    take = read_json(folder / "take.json", Take)
    assert (take.record, take.length_samples) == (FrameRange(0, 144), 288_000)
    assert (take.tonic, take.mode, take.provenance.seed) == (2, "minor", 3)
    assert take.provenance.prompt == MOOD
    for path in (folder / "mix.wav", *(folder / f"stems/{role}.wav" for role in STEM_ROLES)):
        with wave.open(str(path)) as file:
            assert file.getnframes() == 288_000
    assert (folder / "cue.mid").read_bytes().startswith(b"MThd")
    assert read_json(folder / "brief.json", SceneBrief).captions.music_conditions.text == MOOD

    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = desk.run(*wanted)
    assert again.returncode == 2
    assert "holds something already" in again.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_several_takes_lie_side_by_side_under_a_name_of_their_own(desk: Desk) -> None:
    wanted = ("compose", "--mood", "sad", "--duration", "4", "--takes", "2", "--rate", "25")
    for name in ("sad-cue", "sad-cue-2"):
        done = desk.run(*wanted)
        assert done.returncode == 0, done
        assert f"Written: {desk.folder / name}" in done.stdout
        for number in (1, 2):
            take = read_json(desk.folder / name / f"take-{number}" / "take.json", Take)
            assert (take.name, take.rate, take.record.length) == (
                *(f"take-{number}", FrameRate(25)),
                100,
            )


def test_a_report_lies_beside_the_take_and_is_told_of(desk: Desk) -> None:
    wanted = ("compose", "--mood", "calm", "--duration", "5", "--output", "heard", "--report")
    done = desk.run(*wanted)
    folder = desk.folder / "heard"
    assert done.returncode == 0, done
    assert f"Listen: {folder / 'report.html'}" in done.stdout
    take = read_json(folder / "take.json", Take)
    assert (take.musicxml, take.chart) == ("cue.musicxml", "chart.png")
    assert take.lead_sheet == ("lead-sheet.svg",)
    assert all((folder / name).is_file() for name in take.files)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal only here")
def test_ctrl_c_cancels_a_composition(desk: Desk) -> None:
    child = desk.start("compose", "--mood", MOOD, "--duration", "14:59", "--output", "never")
    assert child.stderr is not None
    for line in child.stderr:
        if line.strip():
            break
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.splitlines()[-1] == "musiscene: Cancelled."
    assert not (desk.folder / "never").exists()


def test_a_brief_is_captioned_in_place_or_elsewhere(desk: Desk) -> None:
    brief = brief_of(20.0, cuts=(5.0,), sad=1.0, valence=-0.6, arousal=-0.5)
    path = desk.folder / "mine.json"
    path.write_bytes(to_json(brief))
    done = desk.run("caption", "mine.json", "--only", "music,video", "--output", "new.json")
    assert done.returncode == 0, done
    assert "Video (new): Two shots in 20 seconds" in done.stdout
    # "A scene." is none of ours, so it counts as the user's.
    assert "Fusion (yours): A scene." in done.stdout
    assert read_json(desk.folder / "new.json", SceneBrief).captions.fusion.text == "A scene."
    assert path.read_bytes() == to_json(brief)
    printed = desk.json("caption", "mine.json", "--edited-too", "--output", "mine.json")
    assert printed["captions"]["fusion"]["text"] == "Sad, restrained music."
    assert read_json(path, SceneBrief).captions.fusion.text == "Sad, restrained music."
    for arguments, said in (
        (("mine.json", "--output", "new.json"), "is there already"),
        (("mine.json", "--output", "no/where.json"), "is not there"),
        (("mine.json", "--only", "smell"), "no caption called 'smell'"),
        (("mine.json", "--captioner", "nobody"), "no captioner called 'nobody'"),
        (("gone.json",), "cannot be read"),
    ):
        done = desk.run("caption", *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done


def test_what_is_no_brief_is_refused(desk: Desk) -> None:
    whole = to_json(brief_of(20.0))
    take = take_on_disk(desk.folder / "x", rate=FrameRate(24), record=FrameRange(0, 9), samples=1)
    for name, data in {
        "cut": whole[: len(whole) // 2],
        "foreign": to_json(take.take),
        "deep": b"[" * 100_000,
        "empty": b"",
    }.items():
        (desk.folder / f"{name}.json").write_bytes(data)
        done = desk.run("caption", f"{name}.json")
        assert (done.returncode, "is not a SceneBrief" in done.stderr) == (2, True), done


def test_a_take_is_conformed_to_a_changed_timeline(desk: Desk) -> None:
    (desk.folder / "odd.json").write_text("{}")
    for take, said in (("0000", "take"), ("odd.json", "is not a ScoreRequest")):
        done = desk.run("conform", take, "film.mp4")
        assert (done.returncode, said in done.stderr) == (2, True), done
    made = desk.json("score", "film.mp4", "--out", "00:00:03:00", "--cue", "7m1", "--seed", "4")
    (take,) = desk.json_lines("takes", "--cue", "7m1")
    same = desk.run("conform", take["id"], "film.mp4", "--out", "00:00:03:00", "--cue", "7m1")
    assert same.returncode == 0, same
    assert "the take still fits" in same.stdout
    printed = desk.json(
        *("conform", take["id"], "film.mp4", "--out", "00:00:02:00", "--cue", "7m1"),
        *("--output", "conformed"),
    )
    assert printed["changes"]["record_now"] == {"start": 0, "end": 48}
    assert printed["record"] == {"start": 0, "end": 48}
    assert printed["provenance"]["seed"] == made["provenance"]["seed"] == 4
    assert printed["tonic"] == made["tonic"]
    assert Path(printed["timeline"]).parent == desk.folder / "conformed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mood", "", "--duration", "60"), "The mood says nothing."),
        (("--mood", "sad", "--duration", "0"), "The length must be above 0 s."),
        (("--mood", "sad", "--duration", "-3"), "is not a length"),
        (("--mood", "sad", "--duration", "1e9"), "is not a length"),
        (("--mood", "sad", "--duration", "nan"), "is not a length"),
        (("--mood", "sad", "--duration", "0.001", "--rate", "24"), "less than a frame"),
        (("--mood", "sad", "--duration", "6", "--key", "H"), "is not a key"),
        (("--mood", "sad", "--duration", "6", "--rate", "fast"), "not a frame rate"),
        (("--mood", "sad", "--duration", "6", "--hit", "00:00:06:00"), "outside the range"),
        (("--mood", "sad", "--duration", "6", "--takes", "0"), "Takes must be"),
    ],
)
def test_bad_wishes_are_refused_without_a_daemon(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    options = [
        f"{name}={value}" for name, value in zip(arguments[::2], arguments[1::2], strict=True)
    ]
    assert main(["compose", *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_cue_of_100_hours_is_refused_before_the_work(desk: Desk) -> None:
    done = desk.run("compose", "--mood", "sad", "--duration", "360000")
    assert done.returncode == 2
    # By the engine, or already by a disk that has no room for it.
    assert "scores up to" in done.stderr or "The disk is full" in done.stderr
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60), ("12.5", Fraction(25, 2)), ("1:30", 90), ("10:05.5", 605.5)]
)
def test_lengths_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["1:75", "1:", ":30", "1e3", "60s", "١"])
def test_other_texts_are_no_length(text: str) -> None:
    with pytest.raises(RequestError):
        parse_duration(text)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    take = take_on_disk(tmp_path / "made", rate=FrameRate(24), record=FrameRange(0, 24), samples=9)
    (take.folder / "cue.musicxml").write_text("<score/>")
    sheet = msgspec.structs.replace(take.take, musicxml="cue.musicxml")
    take = TakeInFolder(sheet, take.folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    (placed,) = publish_alone(empty, brief_of(1.0), [take])
    assert placed.folder == empty
    assert (empty / "cue.musicxml").read_text() == "<score/>"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "made"]
    (tmp_path / "file").touch()
    for taken in (empty, tmp_path / "file"):
        with pytest.raises(OutputError, match="holds something already"):
            publish_alone(taken, brief_of(1.0), [take])
    assert vacant(empty).name == "empty-2"


def test_models_are_listed_and_one_is_named_to_be_unloaded(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run("daemon", "models").stdout == "No models in memory.\n"
    assert desk.run("daemon", "models", "--json").stdout == ""
    done = desk.run("daemon", "unload", "tuba")
    assert (done.returncode, "'tuba' is not in memory" in done.stderr) == (2, True)
    assert main(["daemon", "unload"]) == 2
    assert main(["daemon", "status", "tuba"]) == 2
    assert capsys.readouterr().err.count("musiscene:") == 2
    assert json.loads(desk.run("daemon", "status", "--json").stdout)["models"] == []
