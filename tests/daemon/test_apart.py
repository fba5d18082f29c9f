"""A child process in another environment: real ones, and what may become of them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import musiscene_daemon.engines.audiocraft.engine as engine_module
from musiscene_core.errors import CancelledError, EngineError, JobFailedError, RequestError
from musiscene_core.progress import silent
from musiscene_daemon.engines.apart.process import ChildLost, ChildProcess
from tests.support import audiocraft_standin
from tests.support.daemons import alive, wait_until

SCRIPT = Path(engine_module.__file__).with_name("audiocraft_child.py")


def start(fault: str = "", **limits: float) -> ChildProcess:
    command = [sys.executable, audiocraft_standin.__file__, str(SCRIPT), fault]
    return ChildProcess(command, silent, mend="Mend it.", **limits)


@pytest.fixture
def child() -> Iterator[ChildProcess]:
    made = start(silence_s=2.5)
    yield made
    made.close()


def asked(prompt: str, seconds: float = 0.2) -> dict[str, object]:
    return {"prompt": prompt, "seconds": seconds, "seed": 1}


def test_it_says_who_it_is_and_works_again_and_again(child: ChildProcess, tmp_path: Path) -> None:
    assert child.about.tasks == ("generate", "load", "measure")
    assert child.about.versions == {"audiocraft": "0"}
    stages: list[str] = []
    for _ in range(3):
        result = child.ask(
            "generate", asked("calm"), tmp_path, lambda stage, _: stages.append(stage)
        )
        assert result == {"file": "sound.f32", "channels": 1, "rate": 32_000}
        assert (tmp_path / "sound.f32").stat().st_size == 4 * 6_400
    assert "Generating" in stages
    with pytest.raises(EngineError, match="cannot 'dance'"):
        child.ask("dance", {}, tmp_path, silent)


def test_what_it_cannot_do_arrives_as_our_errors(child: ChildProcess, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="too odd") as raised:
        child.ask("generate", asked("mend"), tmp_path, silent)
    assert raised.value.hint == "Use others."
    with pytest.raises(JobFailedError, match="ZeroDivisionError: counted to nothing"):
        child.ask("generate", asked("bug"), tmp_path, silent)
    assert child.ask("generate", asked("calm"), tmp_path, silent)


@pytest.mark.parametrize(("prompt", "survives"), [("slow", True), ("wedged", False)])
def test_cancelled_work_stops_at_once_by_force_where_it_must(
    child: ChildProcess, tmp_path: Path, prompt: str, survives: bool
) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == "Generating":
            raise CancelledError("Enough.")

    with pytest.raises(CancelledError):
        child.ask("generate", asked(prompt), tmp_path, cancel)
    assert child.alive is survives


def test_one_that_dies_is_lost_with_its_last_words(child: ChildProcess, tmp_path: Path) -> None:
    with pytest.raises(ChildLost, match=r"ended with signal 11\. Its last words: the tape is torn"):
        child.ask("generate", asked("crash"), tmp_path, silent)
    assert not child.alive


def test_one_that_is_stuck_is_noticed_and_killed(child: ChildProcess, tmp_path: Path) -> None:
    with pytest.raises(ChildLost, match="said nothing for 2 s"):
        child.ask("generate", asked("hang"), tmp_path, silent)
    assert not alive(child.pid)


def test_nonsense_at_work_ends_it(child: ChildProcess, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="makes no sense"):
        child.ask("generate", asked("garbage"), tmp_path, silent)
    assert not alive(child.pid)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("version", "speaks protocol 99, MusiScene 1"),
        ("garbage", "makes no sense"),
        ("dies", "does not start: .*no module named audiocraft"),
        ("mute", "does not become ready"),
    ],
)
def test_one_that_does_not_start_says_what_to_do(fault: str, words: str) -> None:
    with pytest.raises(EngineError, match=words) as raised:
        start(fault, start_limit_s=1.0)
    assert raised.value.hint == "Mend it."


def test_an_interpreter_that_is_not_there_says_so() -> None:
    with pytest.raises(EngineError, match="cannot be run: No such file"):
        ChildProcess(["/nowhere/python"], silent, mend="Mend it.")


def test_it_leaves_with_the_process_that_started_it(tmp_path: Path) -> None:
    told, tell = os.pipe()
    starter = os.fork()
    if starter == 0:
        made = start()
        os.write(tell, str(made.pid).encode())
        time.sleep(60)
        os._exit(0)
    child_pid = int(os.read(told, 20))
    assert alive(child_pid)
    os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)
    wait_until(lambda: not alive(child_pid), within_s=5)


def test_nobody_waits_for_a_thread_of_a_closed_one() -> None:
    before = threading.active_count()
    start().close()
    assert threading.active_count() == before
