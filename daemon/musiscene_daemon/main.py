"""The `musiscened` command: start the one daemon of this user, and serve."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from musiscene_core import __version__
from musiscene_core.errors import MusiSceneError, OutputError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.paths import keep_plot_caches
from musiscene_core.protocol.connection import lock_path, make_runtime_folder
from musiscene_core.protocol.launcher import ALREADY_RUNNING
from musiscene_daemon.limits import raise_descriptors
from musiscene_daemon.listening import can_listen
from musiscene_daemon.logs import start_logging, where
from musiscene_daemon.server import Server
from musiscene_daemon.settings import LOG_LEVELS, Settings

log = logging.getLogger(__name__)

USER_ERROR = 2
_EVERYWHERE = (
    "Warning: listening on every address of this machine, also on networks it joins later. "
    "Better name one: --listen ADDRESS.\n"
)
_LOCK_WAIT_S = 1.0
"""Longer than a client looks at the lock, and one that is held up meanwhile."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; returns its exit code."""
    given = build_parser().parse_args(arguments)
    keep_plot_caches()
    try:
        settings = Settings.from_environment(
            idle_s=given.idle_s,
            engines_from=tuple(given.engines_from),
            log_level=given.log_level,
            foreground=given.foreground,
            log_json=given.log_json,
            listen=given.listen,
            workers=given.workers,
        )
        if settings.listen is not None and settings.listen.everywhere and not given.check:
            sys.stderr.write(_EVERYWHERE)
        make_runtime_folder()
        lock = InstanceLock(lock_path())
        if not _take(lock):
            sys.stderr.write(f"The daemon is already running (process {lock.holder()}).\n")
            return ALREADY_RUNNING
        try:
            if given.check:
                can_listen(settings.listen)
            else:
                _serve(settings)
        finally:
            lock.release()
    except MusiSceneError as error:
        sys.stderr.write(f"{error}\n")
        return USER_ERROR
    return 0


def build_parser() -> argparse.ArgumentParser:
    """What the command understands."""
    parser = argparse.ArgumentParser(
        prog="musiscened", description="The MusiScene daemon: spots and scores in the background."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--idle-s",
        type=float,
        help="leave after so many seconds without work (default: MUSISCENE_IDLE_S or 600)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only say whether it could start: its settings, its folder, and the ports it wants",
    )
    parser.add_argument(
        "--foreground", action="store_true", help="write the log to the terminal too"
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS[:PORT]",
        help="let paired machines in at this address of this machine too; `all` means every "
        "address (default: MUSISCENE_LISTEN, or nowhere)",
    )
    parser.add_argument(
        "--workers",
        metavar="N|ray://HOST:PORT",
        help="work at N jobs at once, or on the machines of a Ray cluster (default: "
        "MUSISCENE_WORKERS or 1)",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")
    parser.add_argument(
        "--log-json", action="store_true", help="write the log as JSON, an object a line"
    )
    parser.add_argument(
        "--engines-from",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="a further engine, beside the installed ones; may be given again",
    )
    return parser


def _take(lock: InstanceLock) -> bool:
    try:
        return lock.acquire(_LOCK_WAIT_S)
    except OSError as error:
        raise OutputError.from_os(error, lock_path()) from error


def _serve(settings: Settings) -> None:
    start_logging(
        settings.log_folder,
        settings.log_level,
        terminal=settings.foreground,
        as_json=settings.log_json,
    )
    log.info("process %d starts", os.getpid())
    raise_descriptors()
    try:
        with Server(settings) as server:
            _leave_on_signals(server)
            try:
                server.run()
            finally:
                signal.set_wakeup_fd(-1)
    except MusiSceneError as error:
        log.error("cannot run: %s", where(error))
        raise
    except Exception as error:
        log.critical("a mistake ends the daemon: %s", where(error))
        log.debug("in full", exc_info=error)
        raise
    log.info("process %d leaves", os.getpid())


def _leave_on_signals(server: Server) -> None:
    signal.set_wakeup_fd(server.waker, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.leave())
