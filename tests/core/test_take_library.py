from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import InputError, MediaError
from musiscene_core.library import Catalogue, TakeQuery, read_peaks
from musiscene_core.library.catalogue import INDEX_NAME
from musiscene_core.library.peaks import peaks
from tests.support.daemons import ROOT
from tests.support.take_library import DAY_S, make_take


def found(data: Path, **query: object) -> list[str]:
    """The places that answer a query, the youngest first."""
    page = Catalogue(data).find(TakeQuery(**query))
    assert page.total == len(page.takes)
    return [take.folder.removeprefix(f"{data}/takes/") for take in page.takes]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    make_take(tmp_path, "a-01", cue="1m1 The Chase", caption="drums across Dächer", age_s=9 * DAY_S)
    make_take(tmp_path, "b-02", cue="2m3 Farewell", engine="musicgen", age_s=5 * DAY_S, seed=4)
    make_take(tmp_path, "c-03", cue="2m3 Farewell", engine="musicgen", age_s=1 * DAY_S, seed=5)
    return tmp_path


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({}, ["c-03/take-1", "b-02/take-1", "a-01/take-1"]),
        ({"words": "drum dacher"}, ["a-01/take-1"]),
        ({"words": "CHASE minor composer"}, ["a-01/take-1"]),
        ({"words": "farewell drums"}, []),
        ({"words": '"; drop table take -- * ('}, []),
        ({"words": "'\" * ("}, ["c-03/take-1", "b-02/take-1", "a-01/take-1"]),
        ({"cue": "fareWELL"}, ["c-03/take-1", "b-02/take-1"]),
        ({"engine": "composer"}, ["a-01/take-1"]),
        ({"since": time.time() - 6 * DAY_S, "until": time.time() - 2 * DAY_S}, ["b-02/take-1"]),
        ({"favourite": True}, []),
    ],
)
def test_takes_are_found_by_words_cue_engine_and_date(
    three: Path, query: dict[str, object], places: list[str]
) -> None:
    assert found(three, **query) == places


def test_a_record_says_how_the_take_was_made(three: Path) -> None:
    youngest, older, _ = Catalogue(three).find().takes
    assert (youngest.cue, youngest.engine, youngest.seed) == ("2m3 Farewell", "musicgen", 5)
    assert (youngest.key, youngest.length_s, youngest.name) == ("D minor", 2.0, "take-1")
    assert youngest.group == older.group
    assert youngest.id != older.id
    files = [path for path in Path(youngest.folder).rglob("*") if path.is_file()]
    assert youngest.size_bytes == sum(path.stat().st_size for path in files)


def test_the_same_take_made_twice_is_listed_once(tmp_path: Path) -> None:
    make_take(tmp_path, "a-01", "take-1", age_s=60, seed=7)
    make_take(tmp_path, "a-02", "take-3", seed=7)
    make_take(tmp_path, "a-03", "take-1", seed=7, loudness=-17.0)
    other, twice = sorted(Catalogue(tmp_path).find().takes, key=lambda take: take.copies)
    assert (other.copies, twice.copies) == (1, 2)
    assert twice.folder.endswith("a-02/take-3")
    assert other.group == twice.group


def test_marks_outlive_the_index_and_are_seen_at_once(three: Path) -> None:
    catalogue = Catalogue(three)
    first = catalogue.find().takes[0]
    assert catalogue.set_favourite(first.id[:6]).favourite
    assert catalogue.set_label(first.id, "  for the\nproducer ").label == "for the producer"
    for path in three.glob(f"{INDEX_NAME}*"):
        path.unlink()
    assert found(three, favourite=True) == ["c-03/take-1"]
    assert found(three, words="produce") == ["c-03/take-1"]
    assert not catalogue.set_favourite(first.id, False).favourite
    assert catalogue.set_label(first.id, "").label == ""
    assert list((three / "marks").iterdir()) == []


@pytest.mark.parametrize("take_id", ["", "abc", "../../x", "ffffffffffffffff", "%", "ABCDEF"])
def test_an_unknown_take_is_refused(three: Path, take_id: str) -> None:
    with pytest.raises(InputError, match="There is no take"):
        Catalogue(three).set_favourite(take_id)
    assert not (three / "marks").exists()


def test_changes_by_hand_are_noticed(three: Path) -> None:
    assert len(found(three)) == 3
    make_take(three, "b-02", "take-2", seed=9)
    os.rename(three / "takes/a-01", three / "elsewhere")
    assert found(three) == ["b-02/take-2", "c-03/take-1", "b-02/take-1"]
    assert found(three, words="drums") == []
    make_take(three, "d-04", cue="Swapped")
    os.replace(three / "takes/d-04/take-1/take.json", three / "takes/c-03/take-1/take.json")
    Catalogue(three).use(lambda index: index.total_bytes(), thorough=True)
    assert "c-03/take-1" in found(three, cue="swapped")


@pytest.mark.parametrize(
    "damage",
    [
        lambda index: index.write_bytes(b"not a database at all, but long enough" * 200),
        lambda index: index.write_bytes(b""),
        lambda index: index.write_bytes(index.read_bytes()[:5000]),
        lambda index: _run(index, "drop table take"),
        lambda index: _run(index, "drop table words"),
        lambda index: _run(index, "pragma user_version = 99"),
        lambda index: index.unlink(),
    ],
)
def test_a_damaged_index_is_made_anew(three: Path, damage: object) -> None:
    assert len(found(three)) == 3
    damage(three / INDEX_NAME)
    assert found(three, words="drums") == ["a-01/take-1"]
    assert len(found(three)) == 3


def _run(index: Path, statement: str) -> None:
    db = sqlite3.connect(index)
    db.execute(statement)
    db.commit()
    db.close()


def test_hostile_folders_are_skipped_with_a_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_take(tmp_path, "Secret-Cue-good")
    takes = tmp_path / "takes"
    outside = make_take(tmp_path / "outside", "x-99", cue="Stranger")
    for number, data in enumerate(
        (b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"cue": "\\ud800"}', b"null", b"1" * 5_000_000)
    ):
        (make_take(tmp_path, f"bad-{number}") / "take.json").write_bytes(data)
    whole = (good / "take.json").read_text()
    for number, changes in enumerate(
        (
            {"mix": "../../../outside/takes/x-99/take-1/mix.wav"},
            {"mix": "/etc/passwd"},
            {"mix": "nul\0"},
            {"mix": ""},
            {"peaks": "../../../outside/takes/x-99/take-1/mix.wav"},
            {"sample_rate": 0},
            {"provenance": {"engine": "e", "engine_version": "1", "seed": 10**30}},
            {"provenance": {"engine": "e", "engine_version": "1", "seed": 2**63}},
        )
    ):
        folder = make_take(tmp_path, f"odd-{number}")
        (folder / "take.json").write_text(json.dumps(json.loads(whole) | changes))
    (make_take(tmp_path, "truncated-1") / "mix.wav").unlink()
    (make_take(tmp_path, "truncated-2") / "take.json").unlink()
    linked = make_take(tmp_path, "linked-file") / "take.json"
    linked.unlink()
    linked.symlink_to(outside / "take.json")
    (takes / "linked-job").symlink_to(outside.parent, target_is_directory=True)
    (takes / "linked-take").mkdir()
    (takes / "linked-take/take-1").symlink_to(outside, target_is_directory=True)
    (takes / "loop").symlink_to(takes, target_is_directory=True)
    (takes / "a file").write_text("x")
    pipe = make_take(tmp_path, "pipe-1") / "take.json"
    pipe.unlink()
    os.mkfifo(pipe)
    os.mkdir(os.fsencode(takes) + b"/\xff\xfe-name")
    os.mkdir(os.fsencode(takes / "linked-take") + b"/\xff")
    (make_take(tmp_path, "vague-1", seed=3) / "request.json").write_bytes(b"[[[[")
    (make_take(tmp_path, "vague-2", seed=3) / "request.json").write_text('{"brief": 7}')
    assert sorted(found(tmp_path)) == [
        *("Secret-Cue-good/take-1", "odd-7/take-1", "vague-1/take-1", "vague-2/take-1")
    ]
    assert found(tmp_path, words="stranger") == []
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 18
    assert "take folder ...-1 is left out: its mix is not a file" not in said
    assert any("a file of it lies elsewhere" in line for line in said)
    assert any("take.json is too large" in line for line in said)
    assert not any("Secret" in line or str(tmp_path) in line for line in said)
    caplog.clear()
    assert len(found(tmp_path)) == 4


def test_looking_makes_nothing_where_there_is_no_library(tmp_path: Path) -> None:
    assert found(tmp_path / "none") == []
    assert list(tmp_path.iterdir()) == []


READ_ONLY = """
import sys, pathlib, os
from musiscene_core.library import Catalogue, TakeQuery
data = pathlib.Path(sys.argv[1])
assert not os.access(data, os.W_OK)
page = Catalogue(data).find(TakeQuery(words="drums"))
print(page.total, page.takes[0].cue)
"""


@pytest.mark.parametrize("indexed", [True, False])
def test_a_read_only_disk_is_read(three: Path, indexed: bool) -> None:
    if indexed:
        found(three)
    mount = f"mount --bind '{three}' '{three}' && mount -o remount,ro,bind '{three}'"
    script = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$0" -c "$1" "$2"']
    try:
        probe = subprocess.run([*script[:2], "sh", "-c", mount], capture_output=True)
    except FileNotFoundError:
        pytest.skip("no unshare to make a disk read-only with")
    if probe.returncode:
        pytest.skip("this system allows no mounts to its users")
    done = subprocess.run(
        [*script, sys.executable, READ_ONLY, str(three)], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("1 1m1 The Chase\n", "")


def test_one_may_read_where_nothing_may_be_written(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without a read-only mount: the index on the disk is old, and stays so."""
    assert len(found(three)) == 3
    make_take(three, "d-04", seed=8)
    before = (three / INDEX_NAME).read_bytes()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert found(three)[0] == "d-04/take-1"
    (three / INDEX_NAME).write_bytes(b"rubbish" * 1000)
    assert len(found(three)) == 4
    (three / INDEX_NAME).write_bytes(before)


INDEXER = """
import sys, pathlib
from musiscene_core.library import Catalogue
print("begins", flush=True)
Catalogue(pathlib.Path(sys.argv[1])).find()
"""


def test_a_killed_indexer_loses_nothing(tmp_path: Path) -> None:
    for number in range(400):
        make_take(tmp_path, f"x-{number:03}", seed=number)
    counts = []
    for delay_s in (0.0, 0.02, 0.05, 0.1):
        with subprocess.Popen(
            [sys.executable, "-c", INDEXER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay_s)
            process.send_signal(signal.SIGKILL)
        index = tmp_path / INDEX_NAME
        if index.exists():
            db = sqlite3.connect(index)
            tables = db.execute("select count(*) from sqlite_master where name = 'take'")
            if tables.fetchone()[0]:
                counts.append(db.execute("select count(*) from take").fetchone()[0])
            db.close()
    assert counts == sorted(counts)
    page = Catalogue(tmp_path).find(TakeQuery(limit=500, words="strings"))
    assert (page.total, len({take.id for take in page.takes})) == (400, 400)


def test_two_readers_beside_a_writer(tmp_path: Path) -> None:
    make_take(tmp_path, "x-start")
    failures: list[BaseException] = []
    seen: list[list[int]] = [[], []]
    done = threading.Event()

    def read(mine: list[int]) -> None:
        try:
            while not done.is_set():
                mine.append(Catalogue(tmp_path).find(TakeQuery(words="roofs")).total)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for reader in readers:
        reader.start()
    for number in range(60):
        workshop = tmp_path / "jobs"
        make_take(workshop, "made", seed=number + 1)
        os.rename(workshop / "takes/made", tmp_path / f"takes/x-{number}")
    wanted = time.monotonic() + 10
    while not all(mine and mine[-1] == 61 for mine in seen):
        assert time.monotonic() < wanted
        assert not failures
        time.sleep(0.01)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert all(mine == sorted(mine) for mine in seen)


def test_a_glance_beside_closing_writers_never_sees_an_empty_library(tmp_path: Path) -> None:
    for number in range(2):
        make_take(tmp_path, f"x-{number}", seed=number + 1)
    Catalogue(tmp_path).find()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            Catalogue(tmp_path).use(lambda index: index.reread(["x-0/take-1"]))

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    pages = [Catalogue(tmp_path).find(refresh=False) for _ in range(1500)]
    done.set()
    for writer in writers:
        writer.join()
    assert {(page.total, len(page.takes)) for page in pages} == {(2, 2)}


def test_peaks_come_back_as_they_were_written(tmp_path: Path) -> None:
    mix = np.zeros((2, 1000), np.int32)
    mix[0, 3], mix[1, 999] = (-100) << 16, 77 << 16
    path = tmp_path / "mix.dat"
    path.write_bytes(peaks(mix, 480))
    array, samples_per_pixel = read_peaks(path)
    assert (array.shape, array.dtype, samples_per_pixel) == ((3, 2, 2), np.int8, 480)
    assert array[0, 0].tolist() == [-100, 0]
    assert array[2, 1].tolist() == [0, 77]
    first = np.array([1, 0, 48_000, 256, 2], "<i4").tobytes()
    path.write_bytes(first + np.array([-300, 300, -5, 5], "<i2").tobytes())
    array, samples_per_pixel = read_peaks(path)
    assert (array.tolist(), samples_per_pixel) == ([[[-300, 300]], [[-5, 5]]], 256)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF" * 10,
        np.array([2, 1, 48_000, 480, 2**31 - 1, 2], "<i4").tobytes(),
        np.array([2, 1, 48_000, 0, 1, 1], "<i4").tobytes() + b"ab",
        np.array([2, 1, 48_000, 480, 1, -1], "<i4").tobytes() + b"ab",
        np.array([2, 1, 48_000, 480, 2, 1], "<i4").tobytes() + b"abc",
    ],
)
def test_bad_peaks_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "mix.dat"
    path.write_bytes(data)
    with pytest.raises(MediaError):
        read_peaks(path)
    with pytest.raises(MediaError):
        read_peaks(tmp_path / "none.dat")
