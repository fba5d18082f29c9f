"""The editor's host in a child process: real ones, killed, hung and talking nonsense."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.codec import to_json
from musiscene_core.editor import RangeChoice
from musiscene_core.errors import CancelledError, HostError, InputError, RequestError
from musiscene_core.protocol.hosting import (
    Opened,
    OpenFile,
    Placed,
    PlaceTakes,
    RangeRead,
    ReadRange,
    Removed,
    RemovePlacement,
)
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_gui.bridge.host_process import HostProcess
from tests.support.daemons import ROOT, wait_until
from tests.support.editor_hosts import otio_file
from tests.support.timelines import take_on_disk

WHOLE = ReadRange(RangeChoice())


def made_take(folder: Path, rate: FrameRate, record: FrameRange) -> str:
    """A take's folder as the library has it."""
    made = take_on_disk(folder, rate=rate, record=record)
    (made.folder / "take.json").write_bytes(to_json(made.take))
    return str(made.folder)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostProcess]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = HostProcess()
    yield made
    made.stop()


def child(text: str, **options: float) -> HostProcess:
    return HostProcess((sys.executable, "-c", text), **options)


def test_a_timeline_is_opened_read_placed_on_and_undone(host: HostProcess, tmp_path: Path) -> None:
    stage = otio_file(tmp_path)
    about = stage.host.describe()
    opened = host.ask(OpenFile(path=str(tmp_path / "reel.otio")), Opened)
    assert (opened.editor, opened.description) == (stage.host.editor(), about)
    assert host.ask(WHOLE, RangeRead).timeline == stage.host.read_range(RangeChoice())
    folder = made_take(tmp_path / "takes", about.rate, about.record)
    before = stage.users()
    folders = (folder,)
    placement = host.ask(PlaceTakes(folders=folders), Placed).placement
    assert Path(placement.timeline).is_file()
    assert Path(folder, "placement.json").is_file()
    assert host.ask(RemovePlacement(placement, folders), Removed) == Removed()
    assert stage.users() == before
    assert not Path(folder, "placement.json").exists()


def test_errors_cross_as_what_they_were(host: HostProcess, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No timeline is open"):
        host.ask(WHOLE, RangeRead)
    with pytest.raises(InputError, match="not there") as caught:
        host.ask(OpenFile(path=str(tmp_path / "lost.otio")), Opened)
    assert caught.value.hint
    stage = otio_file(tmp_path)
    about = stage.host.describe()
    host.ask(OpenFile(path=str(tmp_path / "reel.otio")), Opened)
    late = FrameRange(about.record.start + 1, about.record.end + 1)
    folder = made_take(tmp_path / "takes", about.rate, late)
    with pytest.raises(RequestError):
        host.ask(PlaceTakes(folders=(folder,)), Placed)


def test_after_a_kill_the_next_question_is_answered_by_another_child(
    host: HostProcess, tmp_path: Path
) -> None:
    otio_file(tmp_path)
    host.ask(OpenFile(path=str(tmp_path / "reel.otio")), Opened)
    before, first = host.ask(WHOLE, RangeRead), host.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: host.pid == 0)
    assert host.ask(WHOLE, RangeRead) == before
    assert host.pid not in (0, first)


def test_a_child_that_dies_while_it_is_asked_is_an_error_of_ours() -> None:
    host = child("input()")
    with pytest.raises(HostError, match="broke"):
        host.ask(WHOLE, RangeRead)
    assert host.pid == 0


def test_a_child_that_hangs_is_ended() -> None:
    host = child("import time; time.sleep(600)", timeout_s=0.5)
    with pytest.raises(HostError, match="not answered"):
        host.ask(WHOLE, RangeRead)
    assert host.pid == 0


@pytest.mark.parametrize("said", ["hello", "[7,{}]", "[[[", '[99,{"type":"removed"}]'])
def test_nonsense_is_an_error_of_ours(said: str) -> None:
    host = child(f"input(); print({said!r}, flush=True); input()")
    with pytest.raises(HostError, match="nonsense"):
        host.ask(WHOLE, RangeRead)
    assert host.pid == 0


def test_once_stopped_nothing_is_started_any_more(host: HostProcess) -> None:
    host.stop()
    with pytest.raises(CancelledError):
        host.ask(WHOLE, RangeRead)


def test_the_child_ends_with_its_input(host: HostProcess, tmp_path: Path) -> None:
    otio_file(tmp_path)
    host.ask(OpenFile(path=str(tmp_path / "reel.otio")), Opened)
    assert host._child is not None
    assert host._child.stdin is not None
    host._child.stdin.close()
    assert host._child.wait(10) == 0
