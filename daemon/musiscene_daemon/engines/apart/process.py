"""A child process in another Python environment: started, asked, stopped, and noticed when it dies.

One thread of the worker asks; two threads of ours serve the pipes. Knows no task by name.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from musiscene_core.errors import CancelledError, EngineError, from_code
from musiscene_core.progress import Progress
from musiscene_daemon.engines.apart import wire
from musiscene_daemon.engines.apart.musiscene_child import write_message

log = logging.getLogger(__name__)

START_LIMIT_S = 240.0
"""Long enough to import any framework from a cold disk."""
SILENCE_S = 15.0
"""A child that says nothing for so long is stuck: its signs of life need no more than the lock."""
STOP_GRACE_S = 0.2
"""Less than the daemon gives the worker, so that the worker and its other models live on."""

_POLL_S = 0.05
_LAST_WORDS_BYTES = 8192
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class ChildLost(Exception):  # noqa: N818 - not an error of a user's
    """A child ended or got stuck at work: the job is begun anew, as after a worker's death."""


class ChildProcess:
    """A child that has said it is ready.

    Attributes:
        about: what it said of itself.
        pid: its process.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        progress: Progress,
        *,
        mend: str,
        environment: Mapping[str, str] | None = None,
        start_limit_s: float = START_LIMIT_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Start it and wait until it is ready.

        Args:
            command: the environment's interpreter and what it runs.
            progress: asked while waiting; what it raises ends the child and passes through.
            mend: what a user should do where it does not start, a sentence.
            environment: further variables for it.
            start_limit_s: seconds it may take to be ready.
            silence_s: seconds it may say nothing afterwards.

        Raises:
            EngineError: it does not start, or speaks another protocol.
            ChildLost: it was killed meanwhile.
        """
        self._mend, self._silence_s = mend, silence_s
        inherited = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        try:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**inherited, **(environment or {})},
                creationflags=_creation_flags(),
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise EngineError(f"{command[0]} cannot be run: {reason}.", hint=mend) from error
        self.pid = self._process.pid
        self._said: queue.SimpleQueue[wire.Said | None] = queue.SimpleQueue()
        self._nonsense = False
        self._words: deque[bytes] = deque()
        self._numbers = itertools.count(1)
        self._heard = time.monotonic()
        self._threads = [
            threading.Thread(target=target, daemon=True, name=f"child-{self.pid}-{target.__name__}")
            for target in (self._read, self._overhear)
        ]
        for thread in self._threads:
            thread.start()
        try:
            self.about = self._greet(progress, time.monotonic() + start_limit_s)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ask(
        self, task: str, given: Mapping[str, Any], folder: Path, progress: Progress
    ) -> dict[str, Any]:
        """Have it do `task`, and wait.

        Args:
            task: one of `about.tasks`.
            given: what it needs to know; plain JSON.
            folder: where it may write.
            progress: hears of each stage. What it raises stops the child, by force where it does
                not stop within the grace, and passes through.

        Raises:
            MusiSceneError: what the child says went wrong.
            EngineError: it does not know the task, or talks nonsense.
            ChildLost: it died, or got stuck.
        """
        if task not in self.about.tasks:
            raise EngineError(f"The environment cannot {task!r}.", hint=self._mend)
        number = str(next(self._numbers))
        self._send(
            {"type": "do", "id": number, "task": task, "given": given, "folder": str(folder)}
        )
        self._heard = time.monotonic()
        stage, fraction = "Starting", 0.0
        while True:
            try:
                progress(stage, fraction)
            except BaseException:
                self._stop(number)
                raise
            match self._hear():
                case wire.Progressed(id=of) as said if of == number:
                    stage, fraction = said.stage, said.fraction
                case wire.Done(id=of, result=result) if of == number:
                    return result
                case wire.Stopped(id=of) if of == number:
                    raise CancelledError("The job was cancelled.")
                case wire.Failed(id=of) as said if of == number:
                    raise from_code(said.code, said.message, said.hint)

    def close(self) -> None:
        """End it now."""
        self._process.kill()
        for thread in self._threads:
            thread.join(2.0)
        self._process.wait()
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                log.debug("an order was left unread")

    def _greet(self, progress: Progress, until: float) -> wire.Ready:
        self._send({"type": "hello", "protocol": wire.PROTOCOL})
        while True:
            progress("Starting the environment", 0.0)
            try:
                said = self._next()
            except ChildLost as lost:
                if self._process.returncode is not None and self._process.returncode < 0:
                    raise
                raise EngineError(f"It does not start: {lost}", hint=self._mend) from lost
            if isinstance(said, wire.Ready):
                break
            if time.monotonic() > until:
                raise EngineError("It does not become ready.", hint=self._mend)
        if said.protocol != wire.PROTOCOL:
            raise EngineError(
                f"The environment speaks protocol {said.protocol}, MusiScene {wire.PROTOCOL}.",
                hint=self._mend,
            )
        self._heard = time.monotonic()
        return said

    def _hear(self) -> wire.Said | None:
        """What it said within a moment; None for nothing. Notices that it is stuck."""
        said = self._next()
        now = time.monotonic()
        if said is not None:
            self._heard = now
        elif now - self._heard > self._silence_s:
            self.close()
            raise ChildLost(f"it said nothing for {self._silence_s:.0f} s. {self._last_words()}")
        return said

    def _next(self) -> wire.Said | None:
        try:
            said = self._said.get(timeout=_POLL_S)
        except queue.Empty:
            return None
        if said is not None:
            return said
        self.close()
        if self._nonsense:
            raise EngineError("The environment says what makes no sense.", hint=self._mend)
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"code {code}"
        raise ChildLost(f"it ended with {how}. {self._last_words()}")

    def _stop(self, number: str) -> None:
        """Have it stop what it does; kill it where it goes on."""
        self._send({"type": "stop", "id": number})
        until = time.monotonic() + STOP_GRACE_S
        while (left := until - time.monotonic()) > 0:
            try:
                said = self._said.get(timeout=left)
            except queue.Empty:
                break
            if said is None:
                break
            if isinstance(said, wire.Stopped | wire.Done | wire.Failed) and said.id == number:
                return
        self.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the child was started without its pipes")
        try:
            write_message(self._process.stdin, message)
        except OSError:
            log.debug("child %d is gone", self.pid)

    def _read(self) -> None:
        pipe = _piped(self._process.stdout)
        try:
            while (said := wire.read(pipe)) is not None:
                self._said.put(said)
        except (OSError, ValueError):
            self._nonsense = True
        pipe.close()
        self._said.put(None)

    def _overhear(self) -> None:
        kept = 0
        pipe = _piped(self._process.stderr)
        for line in pipe:
            self._words.append(line[-_LAST_WORDS_BYTES:])
            kept += len(self._words[-1])
            while kept > _LAST_WORDS_BYTES:
                kept -= len(self._words.popleft())
        pipe.close()

    def _last_words(self) -> str:
        words = b"".join(self._words).decode(errors="replace").strip()
        return f"Its last words: {words}" if words else "It said nothing."


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _piped(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the child was started without its pipes")
    return pipe
