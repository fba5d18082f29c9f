"""Builds from clips to a dataset that training reads: real files, commands, processes, kills."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra 'train' is not installed")
pytest.importorskip("webdataset", reason="the extra 'train' is not installed")

from musiscene_training.adapter.features import FeatureCache
from musiscene_training.cli import main
from musiscene_training.dataset import read_dataset, rows_of
from musiscene_training.members import media_file
from tests.support.clips import VIDEO_IDS, audioset, downloader, make_clips
from tests.support.language_server import language_service

pytestmark = pytest.mark.models
QUICK = ["--captioner", "signals", "--language", "rules"]


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """What pictures show, so that no time goes into watching them."""
    path = tmp_path / "seen.csv"
    names = [f"{name}_{number * 1000}" for number, name in enumerate(VIDEO_IDS)]
    lines = ["id,text", *(f"{name},A dog runs through the scene {name}." for name in names)]
    path.write_text("\n".join(lines))
    return path


def manifest(build: Path) -> dict[str, Any]:
    return json.loads((build / "manifest.json").read_text())


def failures(build: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((build / "failures.csv").read_text())))


def test_a_folder_of_clips_becomes_a_dataset_that_training_reads(tmp_path, capsys) -> None:
    make_clips(tmp_path / "clips", 5)
    (tmp_path / "clips/film9.mp4").write_bytes(b"junk")
    build = tmp_path / "build"
    arguments = ["vacad", str(build), "--folder", str(tmp_path / "clips"), "--licence", "ours"]
    assert main([*arguments, "--language", "rules"]) == 0
    said = capsys.readouterr().out
    assert "1 clips failed" in said
    assert "5 clips, 4 for train, 1 for validation." in said
    assert "Rules wrote 10 of the captions" in said

    msi, music = read_dataset(build / "msi"), read_dataset(build / "music")
    assert msi.problems == music.problems == ()
    assert len(msi.part("train")) == 4
    assert len(msi.part("validation")) == 1
    assert {row.question for row in msi.rows} == {"What type of scene is this music suitable for?"}
    assert all(row.answer.startswith("The music is suitable") for row in msi.rows)
    assert {row.licence for row in msi.rows} == {"ours"}
    assert [row.split for row in music.rows] == [row.split for row in msi.rows]

    original = (tmp_path / "clips/film0/clip.mp4").read_bytes()
    row = next(row for row in msi.rows if row.id == "film0/clip.mp4")
    with media_file(msi.folder / row.sound) as sound:
        assert sound.read_bytes() == original
    # As training knows its sound: the member of a tar is the file that it was.
    cache = FeatureCache(tmp_path / "features", "encoder", (1, 1))
    beside = with_sound(row, str(tmp_path / "clips/film0/clip.mp4"))
    assert cache.key(row, msi.folder) == cache.key(beside, msi.folder)

    facts = manifest(build)
    assert facts["chosen"] == 6
    assert facts["failed"] == {"fetch": 1}
    assert facts["licences"] == {"ours": 5}
    assert facts["writers"]["msi"] == {"rules": 5}
    for name, file in facts["files"].items():
        assert (build / name).stat().st_size == file["bytes"]
    (failed,) = failures(build)
    assert (failed["id"], failed["stage"]) == ("film9.mp4", "fetch")
    assert "cannot be read" in failed["reason"]

    wide = [row for _, row in rows_of(build / "vacad.parquet")]
    figures = {one["name"]: one["value"] for one in wide[0]["measures"]}
    assert figures["length_s"] == pytest.approx(1.0, abs=0.1)
    assert wide[0]["video_writer"] == "signals"


def with_sound(row: Any, sound: str) -> Any:
    import msgspec

    return msgspec.structs.replace(row, sound=sound)


def test_tars_are_what_webdataset_reads(tmp_path) -> None:
    from webdataset import tariterators

    make_clips(tmp_path / "clips", 3)
    build = tmp_path / "build"
    assert main(["vacad", str(build), "--folder", str(tmp_path / "clips"), *QUICK]) == 0
    samples = []
    for path in (build / "media").glob("*.tar"):
        with path.open("rb") as file:
            opened = [{"url": path.name, "stream": file}]
            samples += tariterators.group_by_keys(tariterators.tar_file_expander(opened))
    told = {json.loads(sample["json"])["id"]: sample for sample in samples}
    assert set(told) == {f"film{number}/clip.mp4" for number in range(3)}
    one = told["film1/clip.mp4"]
    assert one["mp4"] == (tmp_path / "clips/film1/clip.mp4").read_bytes()
    assert json.loads(one["json"])["msi"].startswith("The music is suitable")


def test_a_fifth_of_the_clips_may_fail_and_can_be_tried_again(tmp_path, capsys, seen) -> None:
    bad = VIDEO_IDS[:2]
    fetch = downloader(tmp_path, failing=bad)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--audioset", str(audioset(tmp_path / "eval.csv", 10))]
    again = ["vacad", str(build), "--fetch", fetch, "--seen", str(seen), *QUICK]
    assert main([*begin, *again[2:]]) == 0
    assert {one["id"].rpartition("_")[0] for one in failures(build)} == set(bad)
    before = read_dataset(build / "msi")
    assert len(before.rows) == 8
    tried = (tmp_path / "tried.log").read_text()

    assert main(again) == 0
    assert (tmp_path / "tried.log").read_text() == tried
    assert read_dataset(build / "msi").digest == before.digest

    downloader(tmp_path)
    assert main([*again, "--retry-failed"]) == 0
    assert failures(build) == []
    after = read_dataset(build / "msi")
    assert len(after.rows) == 10
    assert {row.id: row.split for row in before.rows}.items() <= {
        row.id: row.split for row in after.rows
    }.items()
    # Those that came first were not got again.
    assert sorted((tmp_path / "got.log").read_text().split()) == sorted(VIDEO_IDS[:10])
    named = {path.name for path in (build / "media").iterdir()}
    assert named == {
        name.rpartition("/")[2] for name in manifest(build)["files"] if "media" in name
    }


def test_when_most_clips_fail_the_build_ends_and_says_why(tmp_path, capsys, seen) -> None:
    fetch = downloader(tmp_path, failing=VIDEO_IDS[:6])
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--audioset", str(audioset(tmp_path / "eval.csv", 10))]
    more = ["--fetch", fetch, "--seen", str(seen), *QUICK]
    assert main([*begin, *more]) == 2
    said = capsys.readouterr().err
    assert "6 of 10 clips failed, too many to go on after the stage 'fetch'" in said
    assert "Mostly: The command failed: Video unavailable" in said
    assert "--retry-failed" in said
    assert len(failures(build)) == 6
    assert not (build / "manifest.json").exists()
    assert main(["vacad", str(build), *more, "--most-failed", "0.7"]) == 0
    assert len(read_dataset(build / "msi").rows) == 4


def test_a_dataset_of_one(tmp_path, capsys) -> None:
    make_clips(tmp_path / "clips", 1)
    build = tmp_path / "build"
    assert main(["vacad", str(build), "--folder", str(tmp_path / "clips"), *QUICK]) == 0
    assert "only one source" in capsys.readouterr().out
    (row,) = read_dataset(build / "msi").rows
    assert row.split == "train"


def test_other_settings_are_refused_and_a_stage_can_be_begun_anew(tmp_path, capsys) -> None:
    make_clips(tmp_path / "clips", 2)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--folder", str(tmp_path / "clips")]
    assert main([*begin, *QUICK]) == 0
    assert main(["vacad", str(build), "--captioner", "nano", "--language", "rules"]) == 2
    said = capsys.readouterr().err
    assert "'music' of this build was begun with captioner signals" in said
    assert "--redo music" in said
    assert main(["vacad", str(build), "--folder", str(tmp_path), *QUICK]) == 2
    assert "now the folder is another" in capsys.readouterr().err
    with language_service("A chase through the rain at night.") as service:
        language = ["--captioner", "signals", "--language-url", service.url, "--redo", "fusion"]
        assert main(["vacad", str(build), *language]) == 0
    assert {row.answer for row in read_dataset(build / "msi").rows} == {
        "A chase through the rain at night."
    }
    assert (build / "stages/msi.1/00000.parquet").is_file()
    with tarfile.open(next((build / "media").glob("train-*"))) as tar:
        (told,) = (name for name in tar.getnames() if name.endswith(".json"))
        assert b"through the rain" in tar.extractfile(told).read()


def test_only_one_build_works_in_a_folder(tmp_path, capsys) -> None:
    from musiscene_core.instance_lock import InstanceLock

    make_clips(tmp_path / "clips", 1)
    build = tmp_path / "build"
    build.mkdir()
    lock = InstanceLock(build / "lock")
    assert lock.acquire()
    try:
        assert main(["vacad", str(build), "--folder", str(tmp_path / "clips"), *QUICK]) == 2
    finally:
        lock.release()
    assert f"process {os.getpid()}, is at work" in capsys.readouterr().err


def started(arguments: list[str], **popen: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "musiscene_training.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **popen,
    )


def test_killed_at_any_moment_it_goes_on_and_loses_and_doubles_nothing(tmp_path, seen) -> None:
    count, batch, kills = 12, 3, 4
    fetch = downloader(tmp_path, wait_s=0.05)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--audioset", str(audioset(tmp_path / "eval.csv", count))]
    begin += ["--fetch", fetch, "--seen", str(seen), "--captioner", "signals"]
    begin += ["--batch", str(batch), "--jobs", "1", "--other-languages", "drop"]
    chance = random.Random(3)
    with language_service("The music suits a chase.") as service:
        begin += ["--language-url", service.url]
        for number in range(kills):
            # What is under way when the kill comes: nothing yet, then each kind of stage.
            until = [
                lambda: (build / "build.json").exists(),
                lambda: done(build, "fetch") >= 4,
                lambda: done(build, "fusion") >= 3,
                lambda: done(build, "msi") >= 6,
            ][number]
            killed_when(started(begin), until, chance.random() * 0.1)
        process = started(begin)
        out, err = process.communicate(timeout=120)
        prompts = [body["messages"][0]["content"] for body in service.asked]
    assert process.returncode == 0, err
    assert f"{count} clips" in out
    rows = read_dataset(build / "msi").rows
    assert sorted(row.source for row in rows) == sorted(VIDEO_IDS[:count])
    assert failures(build) == []
    # What was kept is not done again: at most the clip or the batch under way at each kill.
    got = Counter((tmp_path / "got.log").read_text().split())
    assert set(got) == set(VIDEO_IDS[:count])
    assert sum(got.values()) <= count + kills
    asked = Counter(prompts)
    assert len(asked) == 2 * count
    assert sum(asked.values()) <= 2 * count + kills * batch
    assert not list((build / "fetched").glob(".coming-*"))


def done(build: Path, stage: str) -> int:
    """Clips that a stage kept."""
    path = build / "stages" / stage / "00000.parquet"
    return sum(1 for _ in rows_of(path)) if path.exists() else 0


def killed_when(process: subprocess.Popen[str], until: Callable[[], bool], more_s: float) -> None:
    deadline = time.monotonic() + 60
    while not until() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(more_s)
    process.kill()
    process.communicate()


def test_ctrl_c_ends_it_with_130_and_takes_the_command_with_it(tmp_path, seen) -> None:
    fetch = downloader(tmp_path, wait_s=30.0)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--audioset", str(audioset(tmp_path / "eval.csv", 3))]
    # Whoever runs tests in the background has them ignore it.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = started([*begin, "--fetch", fetch, "--seen", str(seen), *QUICK], **heeding)
    deadline = time.monotonic() + 60
    while not (tmp_path / "tried.log").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "cancelled" in err
    assert not (tmp_path / "got.log").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
def test_where_no_more_can_be_written_it_says_so_and_goes_on_later(tmp_path, seen) -> None:
    import resource

    fetch = downloader(tmp_path)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--audioset", str(audioset(tmp_path / "eval.csv", 4))]
    begin += ["--fetch", fetch, "--seen", str(seen), *QUICK]
    # Room for each clip and each table, not for a tar of four clips.
    room = (tmp_path / "source.mp4").stat().st_size + 4096

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    process = started(begin, preexec_fn=narrow)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "train-" in err
    assert "cannot be written" in err
    assert not list((build / "media").iterdir())
    tried = (tmp_path / "tried.log").read_text()
    assert main(["vacad", str(build), "--fetch", fetch, "--seen", str(seen), *QUICK]) == 0
    assert len(read_dataset(build / "msi").rows) == 4
    assert (tmp_path / "tried.log").read_text() == tried
