"""Jobs of the daemon that are found again by whoever begins anew, and leave nothing behind."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from musiscene_core.errors import MusiSceneError
from musiscene_core.library import TakeQuery
from musiscene_core.protocol import Client
from musiscene_core.protocol.state import JobInfo

_TRIES, _WAIT_S = 10, 0.2


class Jobs:
    """The jobs of one run."""

    def __init__(self, client: Client, run: str) -> None:
        """Jobs named after `run`, unlike any other's."""
        self._client = client
        self._run = run
        self._leaving: dict[Path, str] = {}

    def submitted(self, name: str, submit: Callable[[str], str]) -> str:
        """The job called `name`: the one that is at work or done already, else a new one."""
        key = f"{self._run} {name}"
        job = submit(key)
        return job if _is_good(self._client.job(job)) else submit(f"{key} {uuid.uuid4().hex}")

    def let_go(self, take: Path, cue: str) -> None:
        """Have a take leave the library once it is kept elsewhere, unless the user has it too."""
        self._leaving[take] = cue
        self._sweep()

    def finish(self) -> None:
        """Wait a moment for takes to leave that the library did not know of yet."""
        for _ in range(_TRIES):
            self._sweep()
            if not self._leaving:
                return
            time.sleep(_WAIT_S)

    def _sweep(self) -> None:
        # They take up room only: what goes wrong here costs no result.
        with suppress(MusiSceneError):
            for cue in set(self._leaving.values()):
                for record in self._client.takes(TakeQuery(cue=cue)).takes:
                    known = self._leaving.pop(Path(record.folder), None)
                    if known is not None and record.copies == 1 and not record.favourite:
                        self._client.delete_take(record.id)


def _is_good(job: JobInfo) -> bool:
    """Whether a job will have a result, or has one that is still there."""
    if job.state == "done":
        return all(Path(job.folder, take).is_dir() for take in job.takes or ("",))
    return not job.ended and not job.cancelling
