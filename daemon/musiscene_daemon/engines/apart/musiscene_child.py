"""The child's side of the wire: all that a process in another environment needs, one file.

Runs with Python 3.9 and newer and imports nothing but the standard library. A message is four
bytes of length, big-endian, then JSON in UTF-8: docs/environments.md lists them. Sound crosses as
files of raw little-endian float32. What libraries print goes to standard error.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

PROTOCOL = 1
MAX_MESSAGE_BYTES = 1 << 20
LENGTH = struct.Struct(">I")
ALIVE_INTERVAL_S = 1.0
PROGRESS_INTERVAL_S = 0.05
WRONG_PROTOCOL = 3
_PR_SET_PDEATHSIG = 1

Message = dict[str, Any]
Tell = Callable[[str, float], None]
Task = Callable[[Mapping[str, Any], str, Tell], Message]
"""Does work from (what is given, the folder to write to, progress); gives its result."""


class Stopped(BaseException):
    """The work is not wanted any more; passes through whatever runs."""


class ChildError(Exception):
    """What a user can mend, with how."""

    def __init__(self, message: str, hint: str = "", code: str = "engine") -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code


def write_message(pipe: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write one message and flush it."""
    data = json.dumps(message).encode()
    pipe.write(LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """Read the bytes of one message; None where the other end is gone.

    Raises:
        ValueError: it is longer than messages are.
    """
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    if length > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {length} bytes")
    data = pipe.read(length)
    return data if len(data) == length else None


def read_message(pipe: IO[bytes]) -> Message | None:
    """Read one message; None where the other end is gone.

    Raises:
        ValueError: the other end does not keep to the rules.
    """
    data = read_frame(pipe)
    if data is None:
        return None
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message


class Child:
    """Does one task after another for the worker that started it."""

    def __init__(self, name: str, tasks: Mapping[str, Task], versions: Mapping[str, str]) -> None:
        """Take over standard input and output.

        Args:
            name: what this child is called.
            tasks: what it can do.
            versions: of the libraries it works with.
        """
        self._about = {"name": name, "tasks": sorted(tasks), "versions": dict(versions)}
        self._tasks = tasks
        self._commands, self._reports = _take_over_pipes()
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stopped: set[str] = set()

    def run(self) -> None:
        """Work until the worker is gone."""
        _die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        hello = read_message(self._commands)
        self._send({"type": "ready", "protocol": PROTOCOL, **self._about})
        if hello is None or hello.get("protocol") != PROTOCOL:
            os._exit(WRONG_PROTOCOL)
        for target in (self._listen, self._show_life):
            threading.Thread(target=target, daemon=True).start()
        while True:
            self._do(self._work.get())

    def _do(self, order: Message) -> None:
        number = str(order.get("id"))
        told = _Told(self, number)
        try:
            task = self._tasks[order["task"]]
            told("", 0.0)
            result = task(order["given"], order["folder"], told)
            answer: Message = {"type": "done", "result": result}
        except Stopped:
            answer = {"type": "stopped"}
        except ChildError as problem:
            answer = {"type": "failed", "message": problem.message}
            answer.update(hint=problem.hint, code=problem.code)
        except MemoryError:
            answer = {"type": "failed", "code": "engine", "message": "There is not enough memory."}
        except Exception as error:
            traceback.print_exc()
            said = f"{type(error).__name__}: {error}"
            answer = {"type": "failed", "code": "job_failed", "message": said[:2000]}
        self._stopped.discard(number)
        self._send({**answer, "id": number})

    def stopped(self, number: str) -> bool:
        """Whether work is not wanted any more."""
        return number in self._stopped

    def tell(self, number: str, stage: str, fraction: float) -> None:
        """Report how far work is."""
        self._send({"type": "progress", "id": number, "stage": stage, "fraction": fraction})

    def _listen(self) -> None:
        while True:
            try:
                order = read_message(self._commands)
            except (OSError, ValueError):
                order = None
            if order is None:
                # The worker is gone, and whatever runs here is wanted by nobody.
                os._exit(0)
            if order.get("type") == "stop":
                self._stopped.add(str(order.get("id")))
            elif order.get("type") == "do":
                self._work.put(order)

    def _show_life(self) -> None:
        while True:
            self._send({"type": "alive"})
            time.sleep(ALIVE_INTERVAL_S)

    def _send(self, message: Message) -> None:
        with self._lock:
            try:
                write_message(self._reports, message)
            except OSError:
                os._exit(0)


class _Told:
    """Passes progress on, seldom enough, and ends work that is not wanted any more."""

    def __init__(self, child: Child, number: str) -> None:
        self._child, self._number = child, number
        self._stage, self._next_s = "", 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        if self._child.stopped(self._number):
            raise Stopped
        now = time.monotonic()
        if not stage or (stage == self._stage and now < self._next_s):
            return
        self._stage, self._next_s = stage, now + PROGRESS_INTERVAL_S
        self._child.tell(self._number, stage, min(1.0, max(0.0, fraction)))


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    commands, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, reports


def _die_with_parent() -> None:
    """Have the system end this process with the worker even where the interpreter is stuck."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
