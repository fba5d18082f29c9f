"""What the daemon can be told, checked once when it starts."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from musiscene_core.errors import InputError
from musiscene_core.paths import data_folder, log_folder
from musiscene_daemon.environments import Environment
from musiscene_daemon.limits import Limits
from musiscene_daemon.listening import ListenAddress
from musiscene_daemon.residency.settings import ResidencySettings
from musiscene_daemon.staff import staff

IDLE_VARIABLE = "MUSISCENE_IDLE_S"
DEFAULT_IDLE_S = 600.0
LIBRARY_VARIABLE = "MUSISCENE_LIBRARY_GB"
DEFAULT_LIBRARY_GB = 20.0
LISTEN_VARIABLE = "MUSISCENE_LISTEN"
ROOTS_VARIABLE = "MUSISCENE_ROOTS"
WORKERS_VARIABLE = "MUSISCENE_WORKERS"
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The daemon's settings.

    Attributes:
        data_folder: where takes and jobs are kept.
        log_folder: where the log is kept.
        idle_s: seconds without jobs or requests after which the daemon leaves; infinite: never.
        engines_from: further engines, each "module:Class", beside the installed ones.
        log_level: one of LOG_LEVELS.
        foreground: log to the terminal too.
        log_json: write the log as JSON, an object a line.
        max_attempts: how often a job is begun before its crashes count as its own fault.
        retry_delays_s: waits before the second and the later attempts.
        cancel_grace_s: how long a job may take to stop before its process is killed.
        silence_s: how long a worker at work may say nothing before it is killed.
        max_queued: jobs that may wait.
        max_queued_each: of these, those of one program, so that none keeps the others out.
        max_remembered: ended jobs that are remembered.
        remembered_days: and for how long; the latest are remembered whatever their age.
        max_briefs_bytes: room for briefs; beyond it the oldest go, none within a day.
        limits: what one job may take.
        library_bytes: room for takes; beyond it the oldest go, favourites never.
        keep_takes_s: seconds for which a take stays whatever the room.
        residency: how long models stay; checked here, read from the environment by the worker.
        listen: where paired machines reach the daemon; None listens to this machine alone.
        roots: absolute folders whose media paired machines may name.
        workers: who works in the daemon's own environment.
    """

    data_folder: Path
    log_folder: Path
    idle_s: float = DEFAULT_IDLE_S
    engines_from: tuple[str, ...] = ()
    log_level: str = "info"
    foreground: bool = False
    log_json: bool = False
    max_attempts: int = 3
    retry_delays_s: tuple[float, ...] = (0.1, 0.5)
    cancel_grace_s: float = 0.3
    silence_s: float = 60.0
    max_queued: int = 4096
    max_queued_each: int = 2048
    max_remembered: int = 1000
    remembered_days: float = 90.0
    max_briefs_bytes: int = 512 << 20
    limits: Limits = field(default_factory=Limits)
    library_bytes: int = int(DEFAULT_LIBRARY_GB * 1e9)
    keep_takes_s: float = 86_400.0
    residency: ResidencySettings = field(default_factory=ResidencySettings)
    listen: ListenAddress | None = None
    roots: tuple[str, ...] = ()
    workers: tuple[Environment, ...] = field(default_factory=lambda: staff("1"))

    def __post_init__(self) -> None:
        if not self.idle_s > 0:
            raise InputError("The idle time must be a number of seconds above 0.")
        if self.log_level not in LOG_LEVELS:
            raise InputError(f"The log level must be one of {', '.join(LOG_LEVELS)}.")

    @classmethod
    def from_environment(
        cls,
        *,
        idle_s: float | None = None,
        engines_from: tuple[str, ...] = (),
        log_level: str = "info",
        foreground: bool = False,
        log_json: bool = False,
        listen: str | None = None,
        workers: str | None = None,
    ) -> Settings:
        """Settings for this user; `idle_s`, `listen` and `workers` win over their variables.

        A daemon that other machines reach stays unless told when to leave: they cannot start it.

        Raises:
            InputError: a value makes no sense.
        """
        where = listen or os.environ.get(LISTEN_VARIABLE)
        address = ListenAddress.parse(where) if where else None
        if idle_s is None:
            idle_s = _idle_from_environment(DEFAULT_IDLE_S if address is None else math.inf)
        return cls(
            data_folder=data_folder(),
            log_folder=log_folder(),
            idle_s=idle_s,
            engines_from=engines_from,
            log_level=log_level,
            foreground=foreground,
            log_json=log_json,
            limits=Limits.from_environment(),
            library_bytes=gigabytes(LIBRARY_VARIABLE, DEFAULT_LIBRARY_GB),
            residency=ResidencySettings.from_environment(),
            listen=address,
            roots=_roots_from_environment(),
            workers=staff(workers or os.environ.get(WORKERS_VARIABLE) or "1"),
        )


def _roots_from_environment() -> tuple[str, ...]:
    folders = tuple(filter(None, os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep)))
    for folder in folders:
        if not os.path.isabs(folder) or not os.path.isdir(folder):
            raise InputError(
                f"{ROOTS_VARIABLE} names {folder!r}, which is not the absolute path of a folder.",
                hint=f"Separate several folders with {os.pathsep!r}.",
            )
    return folders


def _idle_from_environment(default: float) -> float:
    text = os.environ.get(IDLE_VARIABLE)
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{IDLE_VARIABLE} is {text!r}, not a number of seconds.",
            hint=f"Unset it, or set it to a number such as {DEFAULT_IDLE_S:g}.",
        ) from None


def gigabytes(variable: str, default_gb: float) -> int:
    """The bytes that a variable of the environment grants, or those of its default.

    Raises:
        InputError: it is no number above 0.
    """
    text = os.environ.get(variable)
    try:
        granted = float(text) if text else default_gb
    except ValueError:
        granted = math.nan
    if not (math.isfinite(granted) and granted > 0):
        raise InputError(
            f"{variable} is {text!r}, not a number of gigabytes above 0.",
            hint=f"Unset it, or set it to a number such as {default_gb:g}.",
        )
    return int(granted * 1e9)
