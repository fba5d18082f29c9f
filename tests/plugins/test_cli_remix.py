"""`musiscene remix` through a real daemon."""

from __future__ import annotations

import os
import shutil
import signal
import wave
from collections.abc import Iterator
from pathlib import Path

import opentimelineio as otio
import pytest

from musiscene_core.codec import read_json
from musiscene_core.media import to_int24, write_wav
from musiscene_core.take import Take
from tests.plugins.test_cli_end_to_end import Desk
from tests.support.songs import song


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    write_wav(made.folder / "track.wav", to_int24(song(120, "AB", bars=4).audio))
    yield made
    assert made.run("daemon", "stop").returncode == 0


def test_music_is_fitted_to_a_length(desk: Desk) -> None:
    wanted = ("remix", "track.wav", "--duration", "24.5", "--output", "out")
    printed = desk.json(*wanted, "--keep-beginning")
    take = read_json(desk.folder / "out" / "take.json", Take)
    assert printed["folder"] == str(desk.folder / "out")
    assert (take.length_samples, take.cue) == (1_176_000, "track")
    assert printed["remix"]["on_beats"]
    # Four bars of one thing and four of another: the join it takes is not hidden.
    assert printed["remix"]["joins"][0]["likeness"] < 0.45
    assert "is rough" in printed["warnings"][0]
    for name in take.files:
        assert (desk.folder / "out" / name).is_file()
    again = desk.run(*wanted)
    assert (again.returncode, "holds something already" in again.stderr) == (2, True)


def test_music_is_placed_on_a_copy_of_the_timeline(desk: Desk) -> None:
    done = desk.run(
        *("remix", "track.wav", "film.mp4", "--in", "00:00:01:00", "--cue", "1m2"),
        *("--hit", "00:00:02:00", "--output", "placed"),
    )
    assert done.returncode == 0, done
    assert "track.wav: 120.0 BPM, 4 beats a bar" in done.stdout
    with wave.open(str(desk.folder / "placed/1m2/take-1/mix.wav")) as file:
        assert file.getnframes() == 72 * 2000
    timeline = otio.adapters.read_from_file(str(desk.folder / "placed/film.scored.otio"))
    assert timeline.tracks[-1].name == "MusiScene Mix"
    assert timeline.tracks[-1][-1].range_in_parent().start_time.value == 24


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("track.wav",), "to a range of a timeline, or to a length"),
        (("track.wav", "film.mp4", "--duration", "9"), "to a range of a timeline, or to a length"),
        (("track.wav", "--duration", "9", "--in", "0"), "name a range of a timeline"),
        (("gone.wav", "--duration", "9"), "gone.wav"),
        (("track.wav", "--duration", "0"), "above 0"),
        (("track.wav", "--duration", "9", "--hit", "00:00:20:00"), "outside the range"),
        (("track.wav", "--duration", "9", "--beats-per-bar", "1"), "2 to 12 beats"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    done = desk.run("remix", *arguments, "--output", "never")
    assert (done.returncode, words in done.stderr) == (2, True), done
    assert not (desk.folder / "never").exists()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal only here")
def test_somebodys_music_is_not_fitted_where_a_project_is_for_sale(desk: Desk) -> None:
    show = desk.folder / "show"
    show.mkdir()
    film = shutil.copy(desk.folder / "film.mp4", show)
    assert desk.run("licence", "commercial", "--project", str(show)).returncode == 0
    done = desk.run("remix", "track.wav", str(film), "--output", "sold")
    assert (done.returncode, "may not be used commercially" in done.stderr) == (2, True)


def test_ctrl_c_cancels_a_remix(desk: Desk) -> None:
    path: Path = desk.folder / "long.wav"
    write_wav(path, to_int24(song(120, "ABACABACABAC").audio))
    child = desk.start("remix", "long.wav", "--duration", "9:00", "--output", "never")
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith(("Reading", "Listening", "Choosing")):
            break
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.splitlines()[-1]) == (130, "musiscene: Cancelled.")
    assert not (desk.folder / "never").exists()
