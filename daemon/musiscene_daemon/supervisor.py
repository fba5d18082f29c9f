"""Supervisor: keeps one worker alive, hears what it says, and kills it when it must.

The worker's pipes are served by threads of their own, so that the socket thread never waits for
it; what they hear arrives in an inbox that the socket thread polls. A worker that dies is
replaced, with a growing pause where it dies before it has started.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import msgspec
import zmq

from musiscene_core.protocol.state import (
    BrokenEngine,
    CaptionerInfo,
    EngineInfo,
    ModelInfo,
)
from musiscene_daemon.environments import Environment
from musiscene_daemon.limits import Limits
from musiscene_daemon.worker_link import (
    NOT_REACHED,
    Command,
    JobBroke,
    LoadingEngine,
    LookAgain,
    ModelsHeld,
    OffersNow,
    Report,
    WorkerGone,
    WorkerReady,
    WorkerWaits,
    read_message,
    write_message,
)

log = logging.getLogger(__name__)

LAST_WORDS_BYTES = 8192
WORKER_MODULE = "musiscene_daemon.worker"
INBOX = "inproc://worker-reports"
"""Messages: the environment's name, the worker's number, the report."""

START_LIMIT_S = 300.0
"""Long enough to import any framework from a cold disk; an engine that hangs is killed then."""

_KILLED = -9
_KILLED_STARTS = 10
"""So often in a row something else may kill a worker that starts before it counts as failing."""

_RESTART_DELAYS_S = (0.0, 0.2, 1.0, 5.0, 30.0)
_COME_BACK_S = 5.0
"""How long to wait before asking again for a cluster that was there and is gone."""
_JOIN_S = 2.0


class WorkerProcess:
    """One child process with the threads that serve its pipes."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        context: zmq.Context[zmq.Socket[bytes]],
        environment: str,
        number: int,
    ) -> None:
        self._address = [environment.encode(), str(number).encode()]
        self._context = context
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=_creation_flags(),
            # A group of its own, so that killing it also ends what it started.
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._last_words: deque[bytes] = deque()
        self._threads = [
            threading.Thread(target=target, daemon=True, name=f"{environment}-{number}-{name}")
            for name, target in (
                ("stdin", self._write),
                ("stderr", self._overhear),
                ("stdout", self._read),
            )
        ]
        for thread in self._threads:
            thread.start()

    def send(self, command: Command) -> None:
        """Hand over a command, without waiting for the worker to read it."""
        self._commands.put(command)

    def kill(self) -> None:
        """End it now; WorkerGone follows in the inbox."""
        try:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            log.debug("worker %d was gone already", self.pid)

    def join(self) -> None:
        """Wait until its threads have seen its end."""
        for thread in self._threads:
            thread.join(_JOIN_S)

    def _write(self) -> None:
        pipe = _pipe(self._process.stdin)
        while (command := self._commands.get()) is not None:
            try:
                write_message(pipe, command)
            except OSError:
                break
        _close(pipe)

    def _overhear(self) -> None:
        pipe = _pipe(self._process.stderr)
        kept = 0
        for line in pipe:
            log.debug("worker %d: %s", self.pid, line.decode(errors="replace").rstrip())
            self._last_words.append(line[-LAST_WORDS_BYTES:])
            kept += len(self._last_words[-1])
            while kept > LAST_WORDS_BYTES:
                kept -= len(self._last_words.popleft())
        pipe.close()

    def _read(self) -> None:
        pipe = _pipe(self._process.stdout)
        inbox = self._context.socket(zmq.PUSH)
        inbox.linger = 0
        inbox.sndhwm = 0
        inbox.connect(INBOX)
        try:
            while (report := self._next(pipe)) is not None:
                self._post(inbox, report)
            self.kill()
            code = self._process.wait()
            self._threads[1].join(_JOIN_S)
            words = b"".join(self._last_words).decode(errors="replace").strip()
            self._commands.put(None)
            self._post(inbox, WorkerGone(code, words))
        finally:
            inbox.close()
            pipe.close()

    def _next(self, pipe: IO[bytes]) -> Report | None:
        try:
            report: Report | None = read_message(pipe, Report)
        except (OSError, ValueError, msgspec.MsgspecError):
            log.warning("worker %d says what makes no sense", self.pid)
            return None
        return report

    def _post(self, inbox: zmq.Socket[bytes], report: Report) -> None:
        inbox.send_multipart([*self._address, msgspec.msgpack.encode(report)])


class Supervisor:
    """The worker of an environment that is alive now, or the next one.

    Attributes:
        environment: where it lives.
        ready: whether a worker waits for jobs, or is at one.
        reported: whether one has ever been ready.
        looking: whether it has yet to say what it offers since models came or went.
        engines: what the worker can score with; kept while it is being replaced.
        captioners: what it can caption sound with; kept likewise.
        broken: installed engines that do not load.
        models: in the worker's memory; none while it is being replaced.
        failed_starts: workers in a row that died before they were ready; those that somebody
            else killed count once they are many.
        last_words: of the worker that died last.
        waits_for: why no worker is ready, where that may pass by itself; empty otherwise.
        turns: counts the workers that became ready, ended or did not start.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        folder: Path,
        environment: Environment,
        engines_from: Sequence[str],
        limits: Limits,
        *,
        without: Sequence[str] = (),
    ) -> None:
        """Prepare to start workers in `folder`, which must be ours alone; they report to INBOX.

        They leave the engines in `without` to others.
        """
        self._context = context
        self._folder = folder
        self.environment = environment
        self._command = [str(environment.python), *(environment.through or ("-m", WORKER_MODULE))]
        self._command += ["--parent", str(os.getpid()), "--environment", environment.home]
        for spec in engines_from:
            self._command += ["--engines-from", spec]
        for name in environment.engines:
            self._command += ["--only", name]
        for name in without:
            self._command += ["--without", name]
        for name, value in asdict(limits).items():
            self._command += [f"--{name.replace('_', '-')}", str(value)]
        self._process: WorkerProcess | None = None
        self._number = 0
        self._start_at = 0.0
        self._ready_by = 0.0
        self.ready = False
        self.reported = False
        self.looking = False
        self._was_ready = False
        self.engines: tuple[EngineInfo, ...] = ()
        self.captioners: tuple[CaptionerInfo, ...] = ()
        self.broken: tuple[BrokenEngine, ...] = ()
        self.models: tuple[ModelInfo, ...] = ()
        self.failed_starts = 0
        self._killed_starts = 0
        self.last_words = ""
        self.waits_for = ""
        self.turns = 0
        self._loading = ""
        self._fatal: dict[str, BrokenEngine] = {}

    @property
    def pid(self) -> int:
        """The worker's process; 0 while there is none."""
        return self._process.pid if self._process else 0

    def send(self, command: Command) -> None:
        """Hand a command to the worker, if there is one."""
        if self._process is not None:
            self._process.send(command)

    def look_again(self) -> None:
        """Have the worker, if there is one, say anew what it offers."""
        if self._process is not None:
            self.looking = True
            self._process.send(LookAgain())

    def kill(self) -> None:
        """End the worker, if there is one; another follows."""
        self.ready = False
        if self._process is not None:
            self._process.kill()

    def tick(self, now: float) -> float | None:
        """Start a worker where one is due; returns when to come back, if it matters."""
        if self._process is not None:
            return self._watch_start(self._process, now)
        if now < self._start_at:
            return self._start_at
        self._number += 1
        try:
            self._process = WorkerProcess(
                self._full_command(),
                self._folder,
                self._context,
                self.environment.name,
                self._number,
            )
        except OSError as error:
            log.error("no worker can be started: %s", error.strerror)
            self._fell(now, error.strerror or "unknown reason", killed=False)
            return self._start_at
        log.info("worker %d starts in %s", self._process.pid, self.environment.name)
        self._ready_by = now + START_LIMIT_S
        return self._ready_by

    def _full_command(self) -> list[str]:
        """The command, without the engines that ended earlier workers while they loaded."""
        return self._command + [word for name in self._fatal for word in ("--without", name)]

    def _watch_start(self, process: WorkerProcess, now: float) -> float | None:
        if self._was_ready:
            return None
        if now >= self._ready_by:
            log.warning("worker %d does not become ready", process.pid)
            self._killed_starts = _KILLED_STARTS
            process.kill()
            self._ready_by = now + START_LIMIT_S
        return self._ready_by

    def take_in(self, number: int, data: bytes, now: float) -> Report | None:
        """What worker `number` said, given from the inbox; None for one that was replaced."""
        if number != self._number:
            return None
        report: Report = msgspec.msgpack.decode(data, type=Report)
        self._note(report, now)
        return report

    def stop(self) -> None:
        """End the worker for good."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _note(self, report: Report, now: float) -> None:
        if isinstance(report, WorkerReady):
            self.ready = self.reported = self._was_ready = True
            self.turns += 1
            self.failed_starts = self._killed_starts = 0
            self.waits_for = ""
            self.engines, self.captioners = report.engines, report.captioners
            self.broken = (*report.broken, *self._fatal.values())
            log.info("worker %d is ready, %d engines", self.pid, len(self.engines))
        elif isinstance(report, WorkerWaits):
            self._ready_by = now + START_LIMIT_S
            if report.reason != self.waits_for:
                log.warning("%s: %s", self.environment.name, report.reason)
                self.waits_for = report.reason
                self.turns += 1
        elif isinstance(report, LoadingEngine):
            self._loading = report.name
        elif isinstance(report, OffersNow):
            self.engines, self.captioners = report.engines, report.captioners
            self.looking = self.looking and not report.looked
            self.turns += 1
        elif isinstance(report, JobBroke) and report.leaving:
            # At once, so that the next job is not handed to a process that ends.
            self.kill()
        elif isinstance(report, ModelsHeld):
            self.models = report.models
        elif isinstance(report, WorkerGone):
            log.warning("worker %d ended with code %d", self.pid, report.exit_code)
            self._process = None
            self._blame(report)
            if report.exit_code == NOT_REACHED and (self.reported or self.waits_for):
                self._lost(now, report.last_words)
            else:
                self._fell(now, report.last_words, killed=report.exit_code == _KILLED)

    def _blame(self, report: WorkerGone) -> None:
        """Leave alone from now on the engine in whose loading the worker ended."""
        name, self._loading = self._loading, ""
        somebody_else = report.exit_code == _KILLED and self._killed_starts < _KILLED_STARTS
        if self._was_ready or not name or somebody_else:
            return
        last_line = report.last_words.rpartition("\n")[2].strip()
        how = f"signal {-report.exit_code}" if report.exit_code < 0 else f"code {report.exit_code}"
        self._fatal[name] = BrokenEngine(
            name, f"It ends the process that loads it ({how}){last_line and ': '}{last_line}"
        )

    def _lost(self, now: float, why: str) -> None:
        """A cluster that was there is gone: its jobs wait for it, and say so."""
        if why != self.waits_for:
            log.warning("%s: %s", self.environment.name, why)
        self.last_words = self.waits_for = why
        self.turns += 1
        self._start_at = now + _COME_BACK_S

    def _fell(self, now: float, last_words: str, *, killed: bool) -> None:
        if self._was_ready:
            self.failed_starts = 0
        elif killed and self._killed_starts < _KILLED_STARTS:
            # Says nothing of the next start, so no job fails by it.
            self._killed_starts += 1
        else:
            self.failed_starts += 1
        self.ready = self._was_ready = self.looking = False
        self.models = ()
        self.last_words = last_words
        self.turns += 1
        delay = _RESTART_DELAYS_S[min(self.failed_starts, len(_RESTART_DELAYS_S) - 1)]
        self._start_at = now + delay


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the worker was started without its pipes")
    return pipe


def _close(pipe: IO[bytes]) -> None:
    """Close a pipe whose reader may be gone with bytes still unsent."""
    try:
        pipe.close()
    except OSError:
        log.debug("a command was left unread")
