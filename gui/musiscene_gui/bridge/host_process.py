"""HostProcess: an editor's timeline in a child process, asked with a time limit.

The child may crash or hang (an editor's own library runs in it); whoever asks then hears an error
of ours, and the next question starts another child that opens the same timeline again. Knows no Qt.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TypeVar

import msgspec

from musiscene_core.errors import CancelledError, HostError, from_code
from musiscene_core.protocol.hosting import (
    Answered,
    Asked,
    HostReply,
    HostRequest,
    Opened,
    OpenFile,
    OpenResolve,
    Refused,
)

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main", "host")
TIMEOUT_S = 120.0
"""A long timeline over Resolve's API takes its time; a hang takes longer."""
_LEAVE_S = 2.0

R = TypeVar("R")


class HostProcess:
    """One child at a time. For one thread, but for `stop`."""

    def __init__(self, command: Sequence[str] = COMMAND, *, timeout_s: float = TIMEOUT_S) -> None:
        """Start nothing yet.

        Args:
            command: starts a process that speaks musiscene_core.protocol.hosting.
            timeout_s: how long an answer may take.
        """
        self._command = list(command)
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._number = 0
        self._opening: HostRequest | None = None
        self._stopped = False

    @property
    def pid(self) -> int:
        """The child's process; 0 while there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def ask(self, request: HostRequest, kind: type[R]) -> R:
        """The answer to `request`, which must be a `kind`.

        Raises:
            HostError: the child crashed, does not answer in time, or makes no sense.
            MusiSceneError: the host refuses.
            CancelledError: it was stopped.
        """
        opens = isinstance(request, OpenFile | OpenResolve)
        if not self.pid:
            self._start()
            if not opens and self._opening is not None:
                self._expected(self._exchange(self._opening), Opened)
        if opens:
            self._opening = None
        answer = self._expected(self._exchange(request), kind)
        if opens:
            self._opening = request
        return answer

    def stop(self) -> None:
        """End the child for good, from any thread; a question in flight ends with an error."""
        self._stopped = True
        self._kill()

    def _start(self) -> None:
        if self._stopped:
            raise CancelledError("The editor is no longer wanted.")
        self._kill()
        self._lines = queue.SimpleQueue()
        try:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise HostError(f"The editor host cannot be started: {error.strerror}.") from error
        assert self._child.stdout is not None
        reader = threading.Thread(
            target=_read, args=(self._child.stdout, self._lines), daemon=True, name="host-reader"
        )
        reader.start()

    def _exchange(self, request: HostRequest) -> HostReply:
        child = self._child
        assert child is not None
        assert child.stdin is not None
        self._number += 1
        try:
            child.stdin.write(msgspec.json.encode(Asked(self._number, request)) + b"\n")
            child.stdin.flush()
            line = self._lines.get(timeout=self._timeout_s)
        except (BrokenPipeError, ValueError):
            line = b""
        except queue.Empty:
            self._kill()
            raise HostError(
                f"The editor has not answered for {self._timeout_s:g} s.",
                hint="Look whether it shows a dialog, then reload.",
            ) from None
        if not line:
            self._kill()
            if self._stopped:
                raise CancelledError("The editor is no longer wanted.")
            raise HostError("The connection to the editor broke.", hint="Reload the timeline.")
        return self._read(line)

    def _read(self, line: bytes) -> HostReply:
        try:
            answered = msgspec.json.decode(line, type=Answered)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            answered = None
        if answered is None or answered.number != self._number:
            self._kill()
            raise HostError("The editor host answers nonsense.", hint="Reload the timeline.")
        return answered.reply

    def _expected(self, reply: HostReply, kind: type[R]) -> R:
        if isinstance(reply, Refused):
            raise from_code(reply.code, reply.message, reply.hint)
        if not isinstance(reply, kind):
            raise HostError(f"The editor host answered with {type(reply).__name__}.")
        return reply

    def _kill(self) -> None:
        child = self._child
        if child is None:
            return
        with suppress(OSError):
            child.kill()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LEAVE_S)
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()


def _read(output: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Every line of `output`, and an empty one at its end."""
    with output:
        for line in output:
            lines.put(line)
    lines.put(b"")
