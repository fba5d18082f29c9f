"""A worker as a child of an actor: its pipes, read and written by calls."""

from __future__ import annotations

import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from musiscene_core import __version__
from musiscene_core.errors import MusiSceneError
from musiscene_daemon.clustered.share import Share

LEASE_S = 20.0
"""So long a worker lives on though nobody asks for what it says."""
ANSWER_S = 5.0
"""So long a question waits for something to be said."""
_PIECE = 1 << 16
_LAST_WORDS_BYTES = 8192


class RemoteWorker:
    """One worker process on the machine that this is created on. Methods may run side by side."""

    def __init__(self, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        """Prepare to run the worker with `arguments`, and `settings` in its environment."""
        self._command = [sys.executable, "-m", "musiscene_daemon.worker"]
        self._command += ["--parent", str(os.getpid()), *arguments]
        self._environment = {**os.environ, **settings}
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_words: deque[bytes] = deque(maxlen=64)
        self._asked_at = time.monotonic()

    def about(self) -> tuple[str, str]:
        """The name of the machine that runs it, and the version of its MusiScene."""
        return platform.node(), __version__

    def sees(self, path: str) -> bool:
        """Whether the file system here has `path`."""
        return os.path.exists(path)

    def reads(self, url: str, note: str) -> str:
        """Why the note in the share at `url` cannot be read here; empty where it can."""
        try:
            return "" if Share(url).has_note(note) else "it is not the same place"
        except MusiSceneError as error:
            return error.message

    def begin(self) -> None:
        """Start the worker."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        for target in (self._read_all, self._overhear, self._watch_lease):
            threading.Thread(target=target, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Hand bytes to the worker; those for one that is gone are lost, as its pipe is."""
        pipe = self._process.stdin
        if pipe is None:
            return
        try:
            pipe.write(data)
            pipe.flush()
        except OSError:
            # Its end is told by `read`.
            return

    def read(self) -> bytes | None:
        """What the worker said since; empty where nothing came for a while, None at its end."""
        self._asked_at = time.monotonic()
        try:
            return self._said.get(timeout=ANSWER_S)
        except queue.Empty:
            return b""

    def end(self) -> tuple[int, str]:
        """The exit code and last words of the worker, once it has ended."""
        code = self._process.wait()
        return code, b"".join(self._last_words)[-_LAST_WORDS_BYTES:].decode(errors="replace")

    def _read_all(self) -> None:
        pipe = self._process.stdout
        if pipe is not None:
            while data := os.read(pipe.fileno(), _PIECE):
                self._said.put(data)
        self._said.put(None)

    def _overhear(self) -> None:
        for line in self._process.stderr or ():
            self._last_words.append(line[-_LAST_WORDS_BYTES:])

    def _watch_lease(self) -> None:
        """End the worker, and this process, where whoever wanted it is gone."""
        while time.monotonic() - self._asked_at < LEASE_S:
            time.sleep(1.0)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        os._exit(0)
