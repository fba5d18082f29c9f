"""Commands: `musiscene` run for the panel, each in a process of its own, heard line by line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QProcess

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main")
_LEAVE_MS = 3_000


class Commands(QObject):
    """A Runner. Close it at the end."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Start nothing yet.

        Args:
            command: what every run begins with.
        """
        super().__init__()
        self._command = tuple(command)
        self._running: set[QProcess] = set()

    def run(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int, str], object],
    ) -> Callable[[], object]:
        """As Runner.run; a process that cannot be started ends at once."""
        program, *first = self._command
        process = QProcess(self)
        self._running.add(process)
        rest = bytearray()
        over = False

        def read() -> None:
            rest.extend(process.readAllStandardOutput().data())
            # What draws a bar goes back to the beginning of its line.
            *lines, last = bytes(rest).replace(b"\r", b"\n").split(b"\n")
            rest[:] = last
            for line in lines:
                if line.strip():
                    said(line.decode("utf-8", "replace"))

        def finish(code: int) -> None:
            nonlocal over
            if over:
                return
            over = True
            rest.extend(b"\n")
            read()
            problem = process.readAllStandardError().data().decode("utf-8", "replace")
            self._running.discard(process)
            process.deleteLater()
            ended(code, problem or (process.errorString() if code else ""))

        def stopped(code: int, status: QProcess.ExitStatus) -> None:
            finish(code if status == QProcess.ExitStatus.NormalExit else code or 1)

        def failed(error: QProcess.ProcessError) -> None:
            if error == QProcess.ProcessError.FailedToStart:
                finish(1)

        process.readyReadStandardOutput.connect(read)
        process.finished.connect(stopped)
        process.errorOccurred.connect(failed)
        process.start(program, [*first, *arguments])
        process.closeWriteChannel()
        return process.terminate

    def close(self) -> None:
        """Stop all that runs; what was done is kept, and gone on with another time."""
        for process in tuple(self._running):
            process.blockSignals(True)
            process.terminate()
        for process in tuple(self._running):
            if process.state() != QProcess.ProcessState.NotRunning and not process.waitForFinished(
                _LEAVE_MS
            ):
                process.kill()
                process.waitForFinished(_LEAVE_MS)
        self._running.clear()
