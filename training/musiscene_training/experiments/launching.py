"""A training in several processes of this machine: torchrun starts them, we watch.

What they write to their log is the progress; what they say as they end is the error. Asked to stop,
they finish their step and save before we return.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.progress import Progress
from musiscene_training.adapter.journal import last_step
from musiscene_training.adapter.parallel import AGAIN
from musiscene_training.adapter.stopping import Stopping

_POLL_S, _LOOK_S = 0.2, 3.0
_SAVING_S = 60.0
"""How long processes may take to save, before they are ended."""
_KEPT = 400
_TAIL = 4
_SAID = "musiscene-train: "
_SIGNAL = re.compile(r"Signal \d+ \((SIG\w+)\) received by PID (\d+)")


def launch(training: Sequence[str], processes: int, folder: Path, progress: Progress) -> None:
    """Train in so many processes, until the end.

    Args:
        training: the command line of it.
        processes: how many.
        folder: of the training, where its log is.
        progress: hears of its steps.

    Raises:
        CancelledError: Ctrl-C, or a signal to end; a checkpoint is written.
        EngineError: a process failed or was killed; the last checkpoint stands.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), "-m", "musiscene_training.cli", *training]
    # In a session of their own: Ctrl-C reaches us alone, and we ask them.
    started = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    told: deque[str] = deque(maxlen=_KEPT)
    assert started.stderr is not None
    reading = threading.Thread(target=_keep, args=(started.stderr, told), daemon=True)
    reading.start()
    try:
        with Stopping() as stopping:
            _watch(started, stopping, folder, progress)
            stopped = stopping.asked
    finally:
        _end(started)
        reading.join(timeout=1.0)
    if stopped:
        raise CancelledError("Stopped.")
    if started.returncode:
        raise failure(list(told), processes, started.returncode)


def _watch(
    started: subprocess.Popen[str], stopping: Stopping, folder: Path, progress: Progress
) -> None:
    waited = _LOOK_S
    while not stopping.asked:
        try:
            started.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            waited += _POLL_S
        if waited >= _LOOK_S:
            waited = 0.0
            _show(folder, progress)


def _show(folder: Path, progress: Progress) -> None:
    last = last_step(folder)
    if last is None:
        progress("Training, loading and listening", 0.0)
        return
    stage = f"Training, epoch {last['epoch'] + 1}, step {last['step']}, loss {last['loss']:.3f}"
    progress(stage, last.get("done", 0.0))


def _keep(lines: IO[str], told: deque[str]) -> None:
    with lines:
        told.extend(lines)


def _end(started: subprocess.Popen[str]) -> None:
    if started.poll() is not None:
        return
    started.terminate()
    try:
        started.wait(_SAVING_S)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()


def failure(lines: Sequence[str], processes: int, code: int) -> EngineError:
    """What the processes said themselves, or the launcher of them."""
    named = f"The training in {processes} processes ended"
    ours = [place for place, line in enumerate(lines) if line.startswith(_SAID)]
    # Those that were asked to end, because another had failed, are not what went wrong.
    killed = [one for one in _SIGNAL.findall("".join(lines)) if one[0] != "SIGTERM"]
    if killed:
        name, process = killed[0]
        return EngineError(f"{named}: process {process} was ended by {name}.", hint=AGAIN)
    if ours:
        said = lines[ours[0]].removeprefix(_SAID).strip()
        after = lines[ours[0] + 1] if ours[0] + 1 < len(lines) else ""
        return EngineError(f"{named}: {said}", hint=after.strip() if after[:2] == "  " else AGAIN)
    tail = " ".join(line.strip() for line in lines[-_TAIL:])
    return EngineError(f"{named} with {code}: {tail}", hint=AGAIN)
