"""The worker: a child process that does one job after another, and may die without harm.

Reads commands from its standard input and reports on its standard output, which no library gets
to write to. When the daemon is gone it leaves at once. Knows nothing of queues or clients.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import faulthandler
import logging
import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from musiscene_core.errors import (
    CancelledError,
    DiskFullError,
    JobFailedError,
    MusiSceneError,
    OutputError,
)
from musiscene_daemon.engines.apart.process import ChildLost
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.environments import MAIN
from musiscene_daemon.garbage import Garbage
from musiscene_daemon.growing import Growing
from musiscene_daemon.limits import Limits, Watch, restrain
from musiscene_daemon.logs import where
from musiscene_daemon.residency.oom import does_not_fit, is_out_of_memory
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.residency.settings import ResidencySettings
from musiscene_daemon.worker_link import (
    Command,
    ForgetModel,
    JobBroke,
    JobFinished,
    JobProgressed,
    JobStopped,
    LoadingEngine,
    LookAgain,
    ModelsHeld,
    OffersNow,
    RunJob,
    StopJob,
    WorkerAlive,
    WorkerReady,
    read_message,
    write_message,
)

if TYPE_CHECKING:
    from musiscene_daemon.clustered.away import Away

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.05
ALIVE_INTERVAL_S = 1.0
OVERRUN = 4
"""Exit code of a worker whose job took more than it may."""
CHILD_LOST = 5
"""Exit code of a worker whose engine's own process ended under a job."""

_MAX_STAGE = 200
_PR_SET_PDEATHSIG = 1
_FULL_OR_READ_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Reports:
    """The way to the daemon, shared by the worker's threads."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, report: msgspec.Struct) -> None:
        """Tell the daemon; leave where there is none any more."""
        with self._lock:
            try:
                write_message(self._pipe, report)
            except OSError:
                os._exit(1)


class JobProgress:
    """Passes a job's progress on, seldom enough, and stops the job once it is not wanted."""

    def __init__(self, job_id: str, reports: Reports, stopped: set[str]) -> None:
        self._job_id = job_id
        self._reports = reports
        self._stopped = stopped
        self._lock = threading.Lock()
        self._stage = ""
        self._fraction = 0.0
        self._next_s = 0.0
        self._growing = Growing()

    def __call__(self, stage: str, fraction: float) -> None:
        """Report; any thread may.

        Raises:
            CancelledError: the job is not wanted any more.
        """
        done = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else 0.0
        with self._lock:
            changed = stage != self._stage
            self._stage, self._fraction = stage, done
            report = self._due(changed)
        if report is not None:
            self._reports.send(report)

    def wrote(self, section: int, question: int, piece: str, *, anew: bool = False) -> None:
        """Report that a text goes on, or begins anew; any thread may.

        Raises:
            CancelledError: the job is not wanted any more.
        """
        with self._lock:
            self._growing.add(section, question, piece, anew=anew)
            report = self._due(False)
        if report is not None:
            self._reports.send(report)

    def _due(self, now_at_all: bool) -> JobProgressed | None:
        """What to report, where it is time to, or where it must be `now_at_all`."""
        if self._job_id in self._stopped:
            raise CancelledError("The job was cancelled.")
        now = time.monotonic()
        if not now_at_all and now < self._next_s:
            return None
        self._next_s = now + PROGRESS_INTERVAL_S
        stage = self._stage[:_MAX_STAGE]
        return JobProgressed(self._job_id, stage, self._fraction, self._growing.texts)


class Worker:
    """Takes commands on one thread and works on another, the main one."""

    def __init__(
        self,
        commands: IO[bytes],
        reports: Reports,
        engines: Registry,
        limits: Limits,
        away: Away | None = None,
    ) -> None:
        """Work here, or `away` from the daemon and its files."""
        self._commands = commands
        self._reports = reports
        self._engines = engines
        self._away = away
        self._jobs: queue.SimpleQueue[RunJob] = queue.SimpleQueue()
        self._stopped: set[str] = set()
        self._busy = threading.Event()
        self._looked = threading.Event()
        self._looked.set()
        self._watch = Watch(limits, self._overrun)

    def run(self) -> None:
        """Work until the daemon is gone."""
        threading.Thread(target=self._listen, daemon=True, name="commands").start()
        threading.Thread(target=self._show_life, daemon=True, name="alive").start()
        engines = self._engines
        self._reports.send(
            WorkerReady(engines.infos, tuple(engines.broken), engines.captioner_infos)
        )
        garbage = Garbage()
        while True:
            job = garbage.next(self._jobs)
            self._busy.set()
            self._looked.wait()
            outcome = self._outcome(job)
            self._busy.clear()
            self._stopped.discard(job.job_id)
            if self._engines.described_anew():
                self._reports.send(OffersNow(engines.infos, engines.captioner_infos))
            self._reports.send(outcome)

    def _listen(self) -> None:
        while True:
            try:
                command = read_message(self._commands, Command)
            except (OSError, ValueError, msgspec.MsgspecError):
                command = None
            if command is None:
                # The daemon is gone, and whatever runs here is wanted by nobody.
                os._exit(0)
            if isinstance(command, StopJob):
                self._stopped.add(command.job_id)
            elif isinstance(command, ForgetModel):
                self._engines.residents.unload(command.model)
            elif isinstance(command, LookAgain):
                # Apart, so that a job can be stopped meanwhile; the next one waits for it.
                self._looked.clear()
                threading.Thread(target=self._look_again, daemon=True, name="look").start()
            else:
                self._jobs.put(command)

    def _look_again(self) -> None:
        engines = self._engines
        engines.describe_again()
        self._looked.set()
        self._reports.send(OffersNow(engines.infos, engines.captioner_infos, looked=True))

    def _show_life(self) -> None:
        while True:
            self._busy.wait()
            self._reports.send(WorkerAlive())
            time.sleep(ALIVE_INTERVAL_S)

    def _overrun(self, job_id: str, error: MusiSceneError) -> None:
        """End with the job: nothing else stops a decoder or an engine that does not listen."""
        self._reports.send(
            JobBroke(
                job_id=job_id, code=error.code, message=error.message, hint=error.hint, leaving=True
            )
        )
        os._exit(OVERRUN)

    def _outcome(self, job: RunJob) -> JobFinished | JobStopped | JobBroke:
        folder = Path(job.folder) if self._away is None else self._away.folder
        progress = JobProgress(job.job_id, self._reports, self._stopped)
        try:
            if self._away is None:
                return self._made(job, progress)
            with self._away.at(job, progress) as here:
                return self._away.delivered(here, self._made(here, progress), progress)
        except CancelledError:
            return JobStopped(job.job_id)
        except ChildLost as error:
            # As if it were our own end: the daemon begins the job anew, a few times.
            sys.stderr.write(f"The process that did the work is gone: {error}\n")
            sys.stderr.flush()
            os._exit(CHILD_LOST)
        except MusiSceneError as error:
            # On another machine it is that one's disk, or the share, and says so.
            full = isinstance(error, DiskFullError) and self._away is None
            return _broke(job, _no_room(folder) if full else error)
        except OSError as error:
            if not _concerns(error, folder):
                log.exception("job %s", job.job_id)
                return _broke(job, _mistake(error), where(error))
            said = OutputError.from_os(error, "the result")
            if isinstance(said, DiskFullError):
                said = _no_room(folder)
            return _broke(job, said, where(error))
        except MemoryError:
            return _broke(
                job,
                JobFailedError(
                    "There was not enough memory.",
                    hint="Close other programs or mark a shorter range, then run it again.",
                ),
            )
        except Exception as error:
            if is_out_of_memory(error):
                log.error("job %s: %s", job.job_id, where(error))
                return _broke(job, does_not_fit("The work"), where(error))
            log.exception("job %s", job.job_id)
            return _broke(job, _mistake(error), where(error))

    def _made(self, job: RunJob, progress: JobProgress) -> JobFinished:
        # Imported at the first job, then kept: the socket answers before all of it is loaded.
        from musiscene_daemon.earlier import made_before
        from musiscene_daemon.wishes import covered_s
        from musiscene_daemon.work import run

        folder = Path(job.folder)
        folder.mkdir(parents=True)
        if found := made_before(job, self._engines, folder):
            return JobFinished(job.job_id, found, found=True)
        with self._watch.over(job.job_id, covered_s(job.kind, job.payload)):
            takes = run(job.kind, job.payload, folder, self._engines, progress, progress.wrote)
        return JobFinished(job.job_id, takes)


def _broke(job: RunJob, error: MusiSceneError, place: str = "") -> JobBroke:
    return JobBroke(
        job_id=job.job_id, code=error.code, message=error.message, hint=error.hint, where=place
    )


def _concerns(error: OSError, folder: Path) -> bool:
    """Whether `error` is about writing the result, rather than a mistake elsewhere."""
    named = isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)
    return named or error.errno in _FULL_OR_READ_ONLY


def _no_room(folder: Path) -> DiskFullError:
    """In the user's words: where an attempt writes is no name that tells him anything."""
    return DiskFullError(
        "The disk is full; the result was not kept.",
        hint=f"Free some space on the disk of {folder.parent.parent}, then try again: what was "
        "made before is untouched.",
    )


def _mistake(error: Exception) -> JobFailedError:
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return JobFailedError(
        f"The job failed by a mistake in the program ({said}).",
        hint="Please report it with the daemon's log, musiscened.log.",
    )


def take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep standard input and output for the daemon: what libraries print goes to stderr."""
    commands = os.fdopen(os.dup(0), "rb")
    reports = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, reports


def die_with(parent: int) -> None:
    """Have the system kill this process when its parent dies, where it can.

    Works even where the interpreter is stuck; elsewhere the closing pipe tells.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker for the daemon that started it."""
    parser = argparse.ArgumentParser(prog="musiscene_daemon.worker")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--environment", default=MAIN)
    parser.add_argument("--engines-from", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--memory-mb", type=int, default=Limits.memory_mb)
    parser.add_argument("--time-s", type=float, default=Limits.time_s)
    parser.add_argument("--time-per-s", type=float, default=Limits.time_per_s)
    parser.add_argument("--share", default="")
    given = parser.parse_args(arguments)
    limits = Limits(memory_mb=given.memory_mb, time_s=given.time_s, time_per_s=given.time_per_s)
    commands, pipe = take_over_pipes()
    die_with(given.parent)
    restrain()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    logging.basicConfig(level="INFO", stream=sys.stderr)
    reports = Reports(pipe)
    residents = Residents(
        ResidencySettings.from_environment(), lambda models: reports.send(ModelsHeld(models))
    )
    engines = Registry(
        given.engines_from,
        residents,
        built_in=given.environment == MAIN or bool(given.only),
        only=given.only,
        without=given.without,
        loading=lambda name: reports.send(LoadingEngine(name)),
    )
    Worker(commands, reports, engines, limits, _away(given.share)).run()


def _away(share: str) -> Away | None:
    """Where to work for a daemon on another machine; None for one on this."""
    if not share:
        return None
    from musiscene_daemon.clustered.away import Away
    from musiscene_daemon.clustered.share import Share

    return Away(Share(share))


if __name__ == "__main__":
    main()
