"""Asking another program, with a time limit: what hangs or crashes is an answer too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

_MOST = 1 << 20
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class Answer(NamedTuple):
    """What a program answered.

    Attributes:
        code: its exit code; None where it did not end in time or could not be started.
        said: what it wrote to its standard output.
        problem: the last line of its other output, or why there is no answer.
    """

    code: int | None
    said: str = ""
    problem: str = ""


def ask(command: Sequence[str], limit_s: float, *, foreign: bool = False) -> Answer:
    """Run a program to its end; kills it, and what it started, after `limit_s`.

    Args:
        command: the program and its arguments.
        limit_s: how long it may take.
        foreign: whether it is a Python that is not ours, which our variables would lead astray.
    """
    hidden = _HIDDEN if foreign else ()
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as wrong:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=wrong,
                env=environment,
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            return Answer(None, problem=error.strerror or type(error).__name__)
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            return Answer(None, problem=f"it has not answered for {limit_s:g} s")
        told.seek(0)
        wrong.seek(0)
        said = told.read(_MOST).decode(errors="replace")
        lines = wrong.read(_MOST).decode(errors="replace").strip().splitlines()
    return Answer(code, said, lines[-1].strip() if lines else f"it ended with {code}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
