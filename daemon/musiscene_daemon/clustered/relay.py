"""Stands in for a worker that runs in a Ray cluster: passes its pipes on, and shares its end.

The daemon starts this as it would start a worker, and speaks to it the same way; so a job in the
cluster is cancelled, begun anew and published like any other. The worker's actor is alive for as
long as this process asks it, and no longer. Imports Ray when it runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from musiscene_daemon.clustered.remote import RemoteWorker
from musiscene_daemon.worker import die_with, take_over_pipes

_NO_CLUSTER = 3
_PIECE = 1 << 16
_KEPT_VARIABLES = "MUSISCENE_"
_TOKEN_NAMES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_TOKEN_FILE = Path("~/.ray/auth_token").expanduser()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one worker in a cluster until it, or the daemon, is gone."""
    parser = argparse.ArgumentParser(prog="musiscene_daemon.clustered.relay", allow_abbrev=False)
    parser.add_argument("--address", required=True)
    parser.add_argument("--cpus", type=float, default=1.0)
    parser.add_argument("--gpus", type=float, default=0.0)
    parser.add_argument("--parent", type=int, required=True)
    given, for_worker = parser.parse_known_args(arguments)
    commands, reports = take_over_pipes()
    die_with(given.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if any(name in os.environ for name in _TOKEN_NAMES) or _TOKEN_FILE.is_file():
        # Ray's client sends its token only when it is told to, and a cluster asks for one.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        _leave("Ray is not installed here: pip install 'musiscene[ray]'")
    try:
        ray.init(address=given.address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        # Whatever Ray raises here, the cluster is not to be had.
        _leave(f"The cluster at {given.address} does not answer: {error}")
    probe = Path.cwd() / f"cluster-{secrets.token_hex(8)}"
    try:
        actor = (
            ray.remote(RemoteWorker)
            .options(num_cpus=given.cpus, num_gpus=given.gpus, max_restarts=0, max_concurrency=3)
            .remote(for_worker, _settings())
        )
        # Waits for a machine that has room; the daemon gives up after its own time.
        probe.touch()
        if not ray.get(actor.sees.remote(str(probe))):
            where = ray.get(actor.machine.remote())
            _leave(
                f"The machine {where} of the cluster does not see {probe.parent}. Put"
                " MUSISCENE_HOME into a folder that all machines share under the same path"
            )
        ray.get(actor.begin.remote())
        threading.Thread(
            target=_pass_on, args=(ray, actor, commands), daemon=True, name="commands"
        ).start()
        code, words = _pass_back(ray, actor, reports)
    except ray.exceptions.RayError as error:
        # A machine went away: nobody's fault here, so it counts as killed.
        sys.stderr.write(f"The worker's machine in the cluster is gone: {error}\n")
        code, words = -signal.SIGKILL, ""
    finally:
        probe.unlink(missing_ok=True)
    sys.stderr.write(words)
    sys.stderr.flush()
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def _pass_on(ray: Any, actor: Any, commands: IO[bytes]) -> None:
    while data := os.read(commands.fileno(), _PIECE):
        ray.get(actor.write.remote(data))
    # The daemon is gone, and the worker is wanted by nobody.
    ray.shutdown()
    os._exit(0)


def _pass_back(ray: Any, actor: Any, reports: IO[bytes]) -> tuple[int, str]:
    while True:
        data = ray.get(actor.read.remote())
        if data is None:
            code, words = ray.get(actor.end.remote())
            return int(code), str(words)
        reports.write(data)
        reports.flush()


def _settings() -> dict[str, str]:
    """What this user set for MusiScene, which holds for the worker too."""
    return {name: text for name, text in os.environ.items() if name.startswith(_KEPT_VARIABLES)}


def _leave(reason: str) -> None:
    sys.stderr.write(f"{reason}\n")
    sys.stderr.flush()
    os._exit(_NO_CLUSTER)


if __name__ == "__main__":
    main()
