"""Getting a worker in a Ray cluster: reached, made by the same program, and given room.

Whatever is in the way is told in a sentence. Ray is handed in; nothing here imports it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from musiscene_core import __version__
from musiscene_core.errors import EngineError
from musiscene_daemon.clustered.remote import RemoteWorker

_REACH_S = 5.0
_LOOK_S = 3.0
"""How long to wait for room before saying that there is none."""
_TOKEN_NAMES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_TOKEN_FILE = Path("~/.ray/auth_token").expanduser()
_SAME = "Install the same on every machine, where its Ray is; see docs/workers.md."
_TOKEN = (
    "It may ask for its token: put the one of its first machine, ~/.ray/auth_token, into the same"
    " place here."
)


def reach(address: str) -> None:
    """See whether anybody listens at `address`, ray://HOST:PORT; Ray itself takes half a minute.

    Raises:
        EngineError: nobody does.
    """
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 10_001), _REACH_S).close()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EngineError(
            f"The cluster at {address} does not answer ({said}).",
            hint="Start it (ray start --head), or mend the address.",
        ) from error


def show_token() -> None:
    """Have Ray's client send the cluster's token: it does so only when told to."""
    if any(name in os.environ for name in _TOKEN_NAMES) or _TOKEN_FILE.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def why_not(address: str, error: BaseException) -> str:
    """Why Ray could not connect, in a sentence, from what it raised."""
    said = str(error)
    if "ersion mismatch" in said:
        lines = [line.strip() for line in said.splitlines() if ":" in line]
        return f"The cluster at {address} runs other versions. {' '.join(lines)}"
    if "No module named 'musiscene" in said:
        return f"A machine of the cluster at {address} has no MusiScene. {_SAME}"
    if "timeout" in said or "oken" in said:
        # A token that is missing or another is not refused, but never answered.
        return (
            f"The cluster at {address} is there, and does not let us in. {_TOKEN} Or it is still"
            " starting."
        )
    last = said.strip().splitlines()[-1] if said.strip() else type(error).__name__
    return f"The cluster at {address} does not take us in: {last}"


class Joining:
    """A worker's way into a cluster."""

    def __init__(self, ray: Any, waits: Callable[[str], None], *, cpus: float, gpus: float) -> None:
        """Use `ray`, connected; `waits` hears why there is no room yet."""
        self._ray = ray
        self._waits = waits
        self._wanted = {"CPU": cpus, "GPU": gpus}

    def actor(self, arguments: list[str], settings: Mapping[str, str]) -> Any:
        """An actor that can run a worker, once a machine has room for it.

        Raises:
            EngineError: its machine has no MusiScene, or another.
        """
        ray = self._ray
        made = ray.remote(RemoteWorker).options(
            num_cpus=self._wanted["CPU"],
            num_gpus=self._wanted["GPU"],
            max_restarts=0,
            max_concurrency=4,
        )
        actor = made.remote(arguments, settings)
        where, version = self._answered(actor.about.remote())
        if version != __version__:
            raise EngineError(
                f"The machine {where} of the cluster has MusiScene {version}; this one has"
                f" {__version__}.",
                hint=_SAME,
            )
        return actor

    def _answered(self, asked: Any) -> tuple[str, str]:
        ray = self._ray
        while True:
            try:
                where, version = ray.get(asked, timeout=_LOOK_S)
                return where, version
            except ray.exceptions.GetTimeoutError:
                self._waits(self._lack())
            except ray.exceptions.ActorDiedError as error:
                if "ModuleNotFoundError" not in str(error):
                    raise
                raise EngineError(
                    "A machine of the cluster has no MusiScene"
                    f" ({_last_line(error, 'ModuleNotFoundError')}).",
                    hint=_SAME,
                ) from error

    def _lack(self) -> str:
        """What the cluster has too little of, in words."""
        there, free = self._ray.cluster_resources(), self._ray.available_resources()
        for name, wanted in self._wanted.items():
            if wanted > there.get(name, 0):
                return (
                    f"No machine of the cluster has {wanted:g} {name}: it has"
                    f" {there.get(name, 0):g} in all"
                )
        for name, wanted in self._wanted.items():
            if wanted > free.get(name, 0):
                return f"All {there[name]:g} {name} of the cluster are in use"
        return "The cluster has not started the worker yet"


def _last_line(error: BaseException, word: str) -> str:
    lines = [line.strip() for line in str(error).splitlines() if word in line]
    return lines[-1] if lines else word
