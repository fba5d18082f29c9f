"""Commands: `musiscene` run for the panel, each in a process of its own, heard line by line.

How far one is comes among its errors, as on a terminal: "42 % words", a line each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main")
_LEAVE_MS = 3_000
_TOLD = 12
_PROGRESS = re.compile(r"\s*\d+ % ")


class _Lines:
    """Whole lines out of pieces of bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> list[str]:
        """The lines that `piece` completes, empty ones left out."""
        # What draws a bar goes back to the beginning of its line.
        *lines, self._rest = (self._rest + piece).replace(b"\r", b"\n").split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines if line.strip()]


class Commands(QObject):
    """A Runner. Close it at the end."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Start nothing yet.

        Args:
            command: what every run begins with.
        """
        # Owned by the application: Python would collect it, and its processes with it, in the
        # middle of whatever event is being handled, which Qt does not survive.
        super().__init__(QCoreApplication.instance())
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
        told, wrong = _Lines(), _Lines()
        problems: list[str] = []
        over = False

        def read(end: bytes = b"") -> None:
            for line in told.add(bytes(process.readAllStandardOutput().data()) + end):
                said(line)

        def read_wrong(end: bytes = b"") -> None:
            for line in wrong.add(bytes(process.readAllStandardError().data()) + end):
                if _PROGRESS.match(line):
                    said(line)
                else:
                    problems.append(line)

        def finish(code: int) -> None:
            nonlocal over
            if over:
                return
            over = True
            read(b"\n")
            read_wrong(b"\n")
            self._running.discard(process)
            process.deleteLater()
            ended(code, "\n".join(problems[-_TOLD:]) or (process.errorString() if code else ""))

        def stopped(code: int, status: QProcess.ExitStatus) -> None:
            finish(code if status == QProcess.ExitStatus.NormalExit else code or 1)

        def failed(error: QProcess.ProcessError) -> None:
            if error == QProcess.ProcessError.FailedToStart:
                finish(1)

        process.readyReadStandardOutput.connect(lambda: read())
        process.readyReadStandardError.connect(lambda: read_wrong())
        process.finished.connect(stopped)
        process.errorOccurred.connect(failed)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("MUSISCENE_PROGRESS", "percent")
        process.setProcessEnvironment(environment)
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
