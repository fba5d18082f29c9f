"""What one job may take: memory and time, watched from inside the worker's process.

Media is decoded in the worker, so a file made to swell or to spin ends one job and nothing else.
Knows nothing of queues. Where the interpreter itself is stuck the daemon sees the silence.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import InputError, JobFailedError

if sys.platform != "win32":
    import resource

MEMORY_VARIABLE = "MUSISCENE_JOB_MEMORY_MB"
TIME_VARIABLE = "MUSISCENE_JOB_TIME_S"
PACE_VARIABLE = "MUSISCENE_JOB_TIME_PER_S"
DAEMON_DESCRIPTORS = 65_536
WORKER_DESCRIPTORS = 4096
_LOOK_S = 0.05
_MEGABYTE = 1 << 20
_MEMORY_SHARE = 0.75
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_OWN_PAGES = Path("/proc/self/statm")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a job may take.

    Attributes:
        memory_mb: of the worker's own memory, files it maps not counted; 0 for no limit.
        time_s: seconds any job may take, however short its range.
        time_per_s: further seconds for each second of its range, and of each take.
    """

    memory_mb: int = 0
    time_s: float = 900.0
    time_per_s: float = 120.0

    def __post_init__(self) -> None:
        if self.memory_mb < 0:
            raise InputError("A job's memory must be a number of megabytes, 0 for no limit.")
        if not all(math.isfinite(time) and time > 0 for time in (self.time_s, self.time_per_s)):
            raise InputError("A job's time must be a number of seconds above 0.")

    @classmethod
    def from_environment(cls) -> Limits:
        """The user's limits; by default three quarters of the machine's memory.

        Raises:
            InputError: a variable is no number.
        """
        memory = _number(MEMORY_VARIABLE, float(_default_memory_mb()))
        return cls(
            memory_mb=int(memory),
            time_s=_number(TIME_VARIABLE, cls.time_s),
            time_per_s=_number(PACE_VARIABLE, cls.time_per_s),
        )

    def time_for(self, length_s: float) -> float:
        """Seconds a job over `length_s` seconds of film may take."""
        return self.time_s + self.time_per_s * length_s


class Watch:
    """Looks at the job at work from a thread of its own, and says once that it took too much."""

    def __init__(self, limits: Limits, overrun: Callable[[str, JobFailedError], None]) -> None:
        """Watch; `overrun` hears of the job and why, and is to end the process."""
        self._limits = limits
        self._overrun = overrun
        self._changed = threading.Condition()
        self._job_id = ""
        self._until = 0.0
        self._time_s = 0.0
        threading.Thread(target=self._look, daemon=True, name="limits").start()

    @contextmanager
    def over(self, job_id: str, length_s: float) -> Iterator[None]:
        """Watch a job that covers `length_s` seconds of film."""
        with self._changed:
            self._job_id, self._time_s = job_id, self._limits.time_for(length_s)
            self._until = time.monotonic() + self._time_s
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._job_id = ""

    def _look(self) -> None:
        while True:
            with self._changed:
                while not self._job_id:
                    self._changed.wait()
                error = self._judge()
                if error is not None:
                    self._overrun(self._job_id, error)
                    self._job_id = ""
            time.sleep(_LOOK_S)

    def _judge(self) -> JobFailedError | None:
        limits = self._limits
        if limits.memory_mb and own_memory() > limits.memory_mb * _MEGABYTE:
            return JobFailedError(
                f"The job needed more than {limits.memory_mb} MB of memory and was ended.",
                hint="Mark a shorter range, check the media for damage, "
                f"or raise {MEMORY_VARIABLE} and restart the daemon.",
            )
        if time.monotonic() > self._until:
            return JobFailedError(
                f"The job took longer than {self._time_s:.0f} s and was ended.",
                hint="Mark a shorter range, check the media for damage, "
                f"or raise {TIME_VARIABLE} and restart the daemon.",
            )
        return None


def own_memory() -> int:
    """Bytes of memory this process holds for itself; 0 where the system cannot tell."""
    with suppress(OSError):
        _, resident, shared, *_ = _OWN_PAGES.read_text().split()
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def restrain() -> None:
    """For the worker: no core dumps, which would hold the user's film, and few open files."""
    if sys.platform == "win32":
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WORKER_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WORKER_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def raise_descriptors() -> None:
    """For the daemon: strangers must not use up its connections before the user's programs."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DAEMON_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DAEMON_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        # macOS has a further limit of its own; what was allowed before is still allowed.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _default_memory_mb() -> int:
    """Three quarters of what this machine, or the container around us, has; 0 where unknown."""
    if sys.platform == "win32":
        return 0
    known = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):
        known.append(int(_CGROUP_LIMIT.read_text()))
    return int(min(known) * _MEMORY_SHARE) // _MEGABYTE


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{variable} is {text!r}, not a number.", hint="Unset it, or mend it.")
    return number
