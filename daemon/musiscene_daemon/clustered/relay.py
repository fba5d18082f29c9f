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
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from musiscene_core.errors import EngineError, MusiSceneError
from musiscene_daemon.clustered.carrying import Carrier
from musiscene_daemon.clustered.joining import Joining, reach, show_token, why_not
from musiscene_daemon.clustered.link import Link
from musiscene_daemon.clustered.share import DEFAULT_ROOM_GB, ROOM_VARIABLE, SHARE_VARIABLE, Share
from musiscene_daemon.settings import gigabytes
from musiscene_daemon.worker import Reports, die_with, take_over_pipes
from musiscene_daemon.worker_link import NOT_REACHED, Command, WorkerWaits, read_message

HOME_VARIABLE = "MUSISCENE_HOME"
_KEPT_VARIABLES = "MUSISCENE_"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one worker in a cluster until it, or the daemon, is gone."""
    parser = argparse.ArgumentParser(prog="musiscene_daemon.clustered.relay", allow_abbrev=False)
    parser.add_argument("--address", required=True)
    parser.add_argument("--cpus", type=float, default=1.0)
    parser.add_argument("--gpus", type=float, default=0.0)
    parser.add_argument("--parent", type=int, required=True)
    given, for_worker = parser.parse_known_args(arguments)
    commands, reports = take_over_pipes()
    words = _quiet()
    die_with(given.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        reach(given.address)
        ray = _ray(given.address)
        said = Reports(reports)
        joining = Joining(
            *(ray, lambda reason: said.send(WorkerWaits(reason))),
            cpus=given.cpus,
            gpus=given.gpus,
        )
        share = _share()
        if share is not None:
            for_worker += ["--share", os.environ[SHARE_VARIABLE]]
        actor = joining.actor(for_worker, _settings(at_home=share is None))
        if share is None:
            _check_folder(ray, actor)
        else:
            _check_share(ray, actor, share)
    except MusiSceneError as error:
        _end(words, NOT_REACHED, f"{error.message.rstrip('.')}. {error.hint}")
    except Exception as error:
        # Whatever Ray raises here, the cluster is not to be had.
        _end(words, NOT_REACHED, why_not(given.address, error))
    try:
        ray.get(actor.begin.remote())
        link = Link(ray, actor)
        carrier = Carrier(share, said, link.send) if share is not None else None
        threading.Thread(
            target=_pass_on,
            args=(ray, commands, carrier.command if carrier else link.send),
            daemon=True,
            name="commands",
        ).start()
        for report in link.reports():
            (carrier.report if carrier else said.send)(report)
        code, words_there = link.end()
    except (ray.exceptions.RayError, ConnectionError) as error:
        # A machine went away: nobody's fault here, so it counts as killed.
        code, words_there = -signal.SIGKILL, f"The worker's machine in the cluster is gone: {error}"
    _end(words, code, words_there)


def _quiet() -> IO[str]:
    """Keep standard error for our own last words: Ray writes pages there."""
    words = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)
    return words


def _ray(address: str) -> Any:
    """Ray, connected to the cluster."""
    show_token()
    try:
        import ray
    except ImportError as error:
        raise EngineError(
            "Ray is not installed here.", hint="pip install 'musiscene[ray]'"
        ) from error
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    return ray


def _check_folder(ray: Any, actor: Any) -> None:
    """See whether the actor's machine sees the folder in which results are made.

    Raises:
        EngineError: it does not.
    """
    probe = Path.cwd() / f"cluster-{secrets.token_hex(8)}"
    try:
        probe.touch()
        if not ray.get(actor.sees.remote(str(probe))):
            where, _ = ray.get(actor.about.remote())
            raise EngineError(
                f"The machine {where} of the cluster does not see {probe.parent}.",
                hint="Put MUSISCENE_HOME into a folder that all machines share under the same"
                f" path, or set {SHARE_VARIABLE} to a URL that all reach; see docs/workers.md.",
            )
    finally:
        probe.unlink(missing_ok=True)


def _share() -> Share | None:
    """The place through which files go; None where all see the same folder.

    Raises:
        OutputError: it cannot be used.
    """
    url = os.environ.get(SHARE_VARIABLE, "")
    if not url:
        return None
    share = Share(url)
    share.tidy(gigabytes(ROOM_VARIABLE, DEFAULT_ROOM_GB))
    return share


def _check_share(ray: Any, actor: Any, share: Share) -> None:
    """See whether the actor's machine reads what we write.

    Raises:
        EngineError: it does not.
        OutputError: we cannot write.
    """
    note = share.leave_note()
    try:
        why = ray.get(actor.reads.remote(os.environ[SHARE_VARIABLE], note))
        if why:
            where, _ = ray.get(actor.about.remote())
            raise EngineError(
                f"The machine {where} of the cluster cannot read the share: {why.rstrip('.')}.",
                hint=f"{SHARE_VARIABLE} must lead to the same place on every machine.",
            )
    finally:
        share.remove(note)


def _pass_on(ray: Any, commands: IO[bytes], hand_on: Callable[[Command], None]) -> None:
    while True:
        try:
            command = read_message(commands, Command)
        except (OSError, ValueError):
            command = None
        if command is None:
            # The daemon is gone, and the worker is wanted by nobody.
            ray.shutdown()
            os._exit(0)
        hand_on(command)


def _settings(*, at_home: bool) -> dict[str, str]:
    """What this user set for MusiScene, which holds for the worker too.

    Where it does not work `at_home`, in our folders, it has its machine's.
    """
    return {
        name: text
        for name, text in os.environ.items()
        if name.startswith(_KEPT_VARIABLES) and (at_home or name != HOME_VARIABLE)
    }


def _end(words: IO[str], code: int, said: str) -> NoReturn:
    """Say why, and end as the worker did."""
    words.write(f"{said}\n")
    words.flush()
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
