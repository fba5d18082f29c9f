"""Where engines live: Python environments, the daemon's own and those in the data folder.

    <data folder>/environments/<name>/    a virtual environment with MusiScene and engines in it,
                                          or one made by `musiscene setup`, with or without

An engine whose libraries do not go together with the daemon's gets an environment of its own.
Where not even MusiScene goes in, engines of ours drive a child process there; they have a worker
of their own all the same, run by the daemon's interpreter. Knows nothing of processes.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.environments.places import FOLDER, stamp_of
from musiscene_core.protocol.state import BrokenEngine

log = logging.getLogger(__name__)

MAIN = "main"
_INTERPRETERS = ("bin/python", "Scripts/python.exe")
_MISSING = "No module named 'musiscene_daemon'", "No module named musiscene_daemon"


@dataclass(frozen=True)
class Environment:
    """An environment.

    Attributes:
        name: what users call it.
        python: the interpreter that runs its worker.
        engines: names of the engines of ours that its worker has; empty for those that are
            installed in it.
        pool: the pool that the worker belongs to, which offers the same and shares the jobs;
            empty for one of its own.
        through: what the interpreter is told to run in the worker's place; empty for the worker.
    """

    name: str
    python: Path
    engines: tuple[str, ...] = ()
    pool: str = ""
    through: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """The pool that jobs for its engines belong to."""
        return self.pool or self.name

    def complaint(self, last_words: str) -> BrokenEngine:
        """Why it does not start, given what its interpreter said at last."""
        if any(words in last_words for words in _MISSING):
            reason = (
                "The environment has no MusiScene in it. Install it there:"
                f' "{self.python}" -m pip install musiscene'
            )
        else:
            said = last_words or "it said nothing"
            reason = f"The environment does not start; its last words: {said}"
        return BrokenEngine(self.name, reason)


def own() -> Environment:
    """The daemon's own."""
    return Environment(MAIN, Path(sys.executable))


def find(data_folder: Path) -> tuple[tuple[Environment, ...], tuple[BrokenEngine, ...]]:
    """The environments below `data_folder`, by name, and those that cannot be used."""
    found: list[Environment] = []
    broken: list[BrokenEngine] = []
    for folder in sorted(_folders(data_folder / FOLDER)):
        if folder.name == MAIN:
            broken.append(
                BrokenEngine(MAIN, "This name is the daemon's own environment's. Rename the folder")
            )
        elif python := _runnable(folder / name for name in _INTERPRETERS):
            stamp = stamp_of(folder)
            ours = stamp.engines if stamp is not None else ()
            elsewhere = bool(ours) and not (stamp is not None and stamp.inside)
            found.append(Environment(folder.name, own().python if elsewhere else python, ours))
        else:
            reason = (
                "The environment has no Python interpreter that can be run. Make it again:"
                f' python -m venv --clear "{folder}", then install MusiScene and the engine in it'
            )
            broken.append(BrokenEngine(folder.name, reason))
    return tuple(found), tuple(broken)


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir() and path.name[0] != "."]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("the environments cannot be looked through: %s", error.strerror)
        return []


def _runnable(candidates: Iterable[Path]) -> Path | None:
    return next((path for path in candidates if os.access(path, os.X_OK) and path.is_file()), None)
