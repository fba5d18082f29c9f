"""The doctor: real daemons, files and programs, whole and broken in each way it tells of."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from musiscene_core.captioning.language.settings import FOLDER_VARIABLE
from musiscene_core.captioning.mullama.place import CAPTIONER_VARIABLE
from musiscene_core.models import shelf
from musiscene_core.models.shelf import FileRecord, ShelvedModel
from musiscene_core.progress import silent
from musiscene_daemon.engines import demucs
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE
from musiscene_plugins.cli.main import main
from musiscene_plugins.doctor import editors, keeping, machine, models, software, sound, talking
from musiscene_plugins.doctor.asking import ask
from musiscene_plugins.doctor.finding import Finding, fine
from musiscene_plugins.doctor.running import CHECKS, Check, examine
from tests.support.daemons import Home, alive, request, wait_until

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX rights, signals and programs")
SMI = "#!/bin/sh\necho 'NVIDIA RTX A4000, 16376, 15000, 560.35'\n"
TORCH = '{"torch": "2.13.0", "cuda": "", "devices": [], "mps": false}'
RESOLVE = """
import os, time
class Resolve:
    def GetProductName(self): return "DaVinci Resolve Studio"
    def GetVersionString(self): return "21.0.1"
def scriptapp(name):
    how = os.environ["HOW"]
    if how == "hangs": time.sleep(60)
    if how == "crashes": os.abort()
    return Resolve() if how == "answers" else None
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[Home]:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    made = Home(tmp_path / "home")
    yield made
    made.kill()


def states(findings: Iterable[Finding]) -> dict[str, str]:
    return {one.topic: one.state for one in findings}


def only(findings: Iterable[Finding]) -> Finding:
    (one,) = findings
    return one


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    return path


@ON_POSIX
def test_the_whole_report_is_printed_bundled_and_says_by_its_code_that_something_is_broken(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = home.folder / "run/connection.json"
    connection.parent.mkdir(parents=True)
    connection.write_text("{}")
    connection.chmod(0o644)
    bundle = tmp_path / "report.zip"
    assert main(["doctor", "--json", "--bundle", str(bundle)]) == 1
    told = json.loads(capsys.readouterr().out)
    found = {one["topic"]: one for one in told["findings"]}
    assert {"musiscene", "python", "libraries", "memory", "nvidia", "models environment"} < set(
        found
    )
    assert {"ffmpeg", "sound output", "local sockets", "daemon", "takes", "log"} < set(found)
    assert found["connection file"]["state"] == "broken"
    assert "musiscene daemon stop" in found["connection file"]["fix"]
    assert found["libraries"]["facts"]["numpy"]
    assert told["broken"] == sum(one["state"] == "broken" for one in told["findings"])
    assert bundle.stat().st_size > 500
    assert main(["doctor", "--bundle", str(bundle), "--resolve"]) == 2
    assert "torch" not in {name.partition(".")[0] for name in sys.modules} or "torch" in _BEFORE


_BEFORE = {name.partition(".")[0] for name in sys.modules}


def test_what_hangs_or_fails_is_told_and_stops_nothing_else() -> None:
    over = threading.Event()

    def hangs() -> Iterable[Finding]:
        over.wait(30)
        return []

    def fails() -> Iterable[Finding]:
        yield fine("first", "It is well.")
        raise RuntimeError("odd machine")

    checks = (
        Check("disk", hangs, 0.2),
        Check("odd", fails),
        Check("last", lambda: [fine("x", "")]),
    )
    began = time.monotonic()
    report = examine(silent, checks)
    over.set()
    assert time.monotonic() - began < 10
    assert states(report.findings) == {
        "disk": "broken",
        "first": "fine",
        "odd": "broken",
        "x": "fine",
    }
    assert "odd machine" in report.findings[2].said
    assert len({check.topic for check in CHECKS}) == len(CHECKS)


@ON_POSIX
def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    hanging = program(tmp_path / "hang", f"#!/bin/sh\nsleep 60 &\necho $! > {pid}\nwait\n")
    answer = ask([str(hanging)], 1.0)
    assert answer.code is None
    assert "has not answered for 1 s" in answer.problem
    wait_until(lambda: not alive(int(pid.read_text())))
    assert ask([str(tmp_path / "none")], 1.0).problem == "No such file or directory"


def test_a_daemon_that_runs_answers_and_one_that_is_off_is_no_fault(home: Home) -> None:
    assert states(talking.daemon()) == {"daemon": "fine"}
    with home.connect():
        found = only(one for one in talking.daemon() if one.topic == "daemon")
        assert found.state == "fine"
        assert found.facts["pid"] == home.pid
        assert only(talking.rights()).state == "fine"
    assert only(talking.sockets()).state == "fine"


@ON_POSIX
def test_what_is_said_of_a_connection_file_that_others_can_read_mends_it(home: Home) -> None:
    home.connect().close()
    path = home.folder / "run/connection.json"
    key = home.connection.client_secret_key
    for running in (True, False):
        path.chmod(0o644)
        assert only(talking.rights()).state == "broken"
        assert main(["daemon", "stop"]) == 0
        assert not path.exists()
        assert only(talking.rights()).state == "fine"
        with home.connect() as client:
            assert client.status().pid == home.pid
        assert home.connection.client_secret_key != key
        if running:
            home.kill()


def test_a_port_that_is_taken_is_said_before_a_daemon_is_wanted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("MUSISCENE_LISTEN", f"127.0.0.1:{port}")
        found = only(talking.daemon())
    assert found.state == "broken"
    assert f"Port {port} of 127.0.0.1 is taken. Choose another" in found.said
    monkeypatch.setenv("MUSISCENE_LISTEN", "the network")
    assert "is not an address" in only(talking.daemon()).said
    assert not (home.folder / "data").exists()


@ON_POSIX
def test_a_daemon_that_hangs_is_broken_and_does_not_hang_the_doctor(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "_ANSWER_S", 0.6)
    home.connect().close()
    pid = home.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        found = only(talking.daemon())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found.state == "broken"
    assert f"Process {pid} runs but does not answer" in found.said
    assert "musiscene daemon stop" in found.fix


@ON_POSIX
def test_cards_are_told_and_a_torch_that_does_not_see_them_is_broken(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin/nvidia-smi", SMI)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    python = program(
        home.folder / "data/environments/gpu/bin/python", f"#!/bin/sh\necho '{TORCH}'\n"
    )
    card, models_python = machine.graphics()
    assert card.facts["memory_total_mb"] == "16376"
    assert "560.35" in card.said
    assert models_python.state == "broken"
    assert "does not see the NVIDIA card" in models_python.said
    program(python, "#!/bin/sh\necho 'ImportError: libcudart' >&2\nexit 1\n")
    _, models_python = machine.graphics()
    assert "torch does not load" in models_python.said
    assert "libcudart" in models_python.said
    program(tmp_path / "bin/nvidia-smi", "#!/bin/sh\necho 'driver mismatch'\nexit 9\n")
    card, _ = machine.graphics()
    assert (card.state, "driver mismatch" in card.said) == ("broken", True)


def test_an_ffmpeg_that_lacks_an_encoder_or_does_not_run_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(sound.ffmpeg()).state == "fine"
    if os.name == "posix":
        program(tmp_path / "ffmpeg", "#!/bin/sh\necho 'ffmpeg version 0.1 aac'\n")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "no libx264" in only(sound.ffmpeg()).said
        program(tmp_path / "ffmpeg", "#!/bin/sh\nexit 3\n")
        assert "does not run" in only(sound.ffmpeg()).said
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    found = only(sound.ffmpeg())
    assert (found.state, "Install ffmpeg" in found.fix) == ("broken", True)


def test_a_variable_that_names_a_model_that_is_not_there_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there, gone = tmp_path / "small", tmp_path / "large"
    there.mkdir()
    monkeypatch.setenv(WEIGHTS_VARIABLE, os.pathsep.join((str(there), str(gone))))
    found = [one for one in models.models() if one.state == "broken"]
    assert [(one.topic, one.said) for one in found] == [
        (WEIGHTS_VARIABLE, f"It names {gone}, where nothing is.")
    ]
    ours = {CAPTIONER_VARIABLE, FOLDER_VARIABLE, demucs.VARIABLE, WEIGHTS_VARIABLE}
    assert set(models.NAMING) == ours


def test_models_that_went_shrank_or_changed_are_broken(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert states(models.models()) == {"models": "note"}
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    sha256 = hashlib.sha256(b"x" * 100).hexdigest()
    file = FileRecord(path="model.safetensors", bytes=100, sha256=sha256)
    known = ShelvedModel(
        name="small",
        kind="musicgen",
        path=str(folder),
        origin="added",
        licence="CC-BY-NC-4.0",
        commercial=False,
        files=(file,),
    )
    shelf.put(known)
    found = only(models.models())
    assert (found.state, found.facts["sha256 model.safetensors"]) == ("fine", sha256)
    assert "not for commercial use; every byte is as it came" in found.said
    with monkeypatch.context() as hurried:
        hurried.setattr(models, "_READ_S", -1.0)
        assert "musiscene models verify small" in only(models.models()).said
    (folder / "model.safetensors").write_bytes(b"y" * 100)
    found = only(models.models())
    assert (found.state, found.facts["read"]) == ("broken", True)
    assert "is not the file that came" in found.said
    assert f"musiscene models add {folder}" in found.fix
    (folder / "model.safetensors").write_bytes(b"x")
    assert "is gone or changed" in only(models.models()).said
    (folder / "model.safetensors").unlink()
    folder.rmdir()
    assert only(models.models()).state == "broken"
    shelf.shelf_file().write_text("{")
    assert "musiscene models add" in only(models.models()).fix


def test_takes_tables_and_log_are_looked_at_and_left_alone(home: Home) -> None:
    with home.connect() as daemon:
        daemon.score(request())
        # Noted by a daemon that is a second old at least; one that ended before notes it next time.
        wait_until((home.folder / "data/ledger.jsonl").exists)
    assert main(["daemon", "stop"]) == 0
    assert only(keeping.takes()).facts["takes"] == 1
    assert set(states(keeping.tables()).values()) == {"fine"}
    assert only(keeping.log()).state == "fine"
    log = home.folder / "log/musiscened.log"
    with log.open("a", encoding="utf-8") as file:
        file.write("2026-11-29 07:00:00,123 ERROR musiscene_daemon.jobs: job 7: OSError\n")
    assert "OSError" in only(keeping.log()).said
    log.write_text('{"time": "x", "level": "error", "message": "as JSON"}\n')
    assert only(keeping.log()).facts["errors"] == 1
    data = home.folder / "data"
    (data / "takes/stray/take-1").mkdir(parents=True)
    (data / "takes/stray/take-1/take.json").write_text("[" * 100_000)
    found = only(keeping.takes())
    assert (found.state, found.facts["unreadable"]) == ("note", 1)
    assert only(keeping.ledger()).facts["lines"] == 1
    written = data / "ledger.jsonl"
    written.write_bytes(written.read_bytes().replace(b"scripted", b"composer"))
    found = only(keeping.ledger())
    assert (found.state, "Line 1 was changed" in found.said) == ("broken", True)
    jobs = data / "jobs.sqlite3"
    whole = jobs.read_bytes()
    damaged = whole[:100] + b"\xff" * 4000 + whole[4100:]
    jobs.write_bytes(damaged)
    assert states(keeping.tables())["list of jobs"] == "broken"
    assert jobs.read_bytes() == damaged


@pytest.mark.parametrize(
    ("number", "mended"),
    [(errno.ENOSPC, "Free some space"), (errno.EROFS, "mounted for writing")],
)
def test_what_is_to_be_done_about_a_disk_depends_on_what_it_says(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int, mended: str
) -> None:
    def fails(*, dir: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", fails)
    fixes = [one.fix for one in machine.disks()]
    assert all(mended in one for one in fixes)
    assert "MUSISCENE_HOME" in fixes[0]


def test_a_disk_that_cannot_be_written_is_broken(home: Home, tmp_path: Path) -> None:
    assert {one.state for one in machine.disks()} <= {"fine", "note"}
    (tmp_path / "home").write_text("a file, where the folder should be")
    assert states(machine.disks())["disk for takes and models"] == "broken"
    total, free = machine.memory_bytes()
    assert 0 <= free < total


@pytest.mark.parametrize(
    ("how", "state", "said"),
    [
        ("answers", "fine", "DaVinci Resolve Studio 21.0.1 (studio edition) answers"),
        ("is off", "note", "does not answer: it is not running"),
        ("hangs", "broken", "it has not answered for 2 s"),
        ("crashes", "broken", "It does not answer"),
    ],
)
def test_resolve_is_asked_in_a_process_of_its_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, state: str, said: str
) -> None:
    modules = tmp_path / "Scripting/Modules"
    modules.mkdir(parents=True)
    (modules / "DaVinciResolveScript.py").write_text(RESOLVE)
    library = tmp_path / "fusionscript.so"
    library.touch()
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(modules.parent))
    monkeypatch.setenv("RESOLVE_SCRIPT_LIB", str(library))
    monkeypatch.setenv("HOW", how)
    monkeypatch.setattr(editors, "_LIMIT_S", 2.0 if how == "hangs" else 30.0)
    menu, found = editors.resolve()
    assert (menu.topic, menu.state) == ("Resolve's menu", "note")
    assert found.state == state
    assert said in found.said
    library.unlink()
    monkeypatch.delenv("RESOLVE_SCRIPT_LIB")
    _, found = editors.resolve()
    assert "fusionscript library is not where it belongs" in found.said


def test_libraries_that_are_missing_or_old_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(software.libraries()).state == "fine"
    wanted = ["numpy>=99", "no_such_library", 'other; extra == "gui"', "odd [["]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: wanted)
    found = only(software.libraries())
    assert "is not >=99; no_such_library is missing" in found.said
    assert found.facts.keys() == {"numpy", "no_such_library"}
