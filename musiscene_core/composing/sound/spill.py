"""Where a stem waits between playing and mastering: an unnamed temporary file.

The master needs the whole cue before it can write the first sample, and twenty minutes of five
stems are 2.3 GB. The file has no name, so it vanishes with the process however that ends, and its
pages belong to the system's cache, not to this process.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np

from musiscene_core.composing.sound.signal import Audio
from musiscene_core.errors import OutputError

_BYTES = 4


class Spill:
    """Float samples [2, samples], silent until written; for one thread at a time."""

    def __init__(self, folder: Path | None, samples: int) -> None:
        """Make the file in `folder`, or where the system keeps temporary files.

        Raises:
            OutputError: no file can be made there.
        """
        self.samples = samples
        self.silent = True
        self._where = folder or Path(tempfile.gettempdir())
        try:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 (closed by close)
                dir=self._where, prefix="musiscene-", buffering=0
            )
            self._file.truncate(2 * samples * _BYTES)
        except OSError as error:
            raise self._failed(error) from error

    def write(self, first: int, block: Audio) -> None:
        """Put `block` [2, n] at sample `first`.

        Raises:
            OutputError: the disk is full.
        """
        if not block.any():
            return
        self.silent = False
        try:
            for side, channel in enumerate(block):
                self._file.seek((side * self.samples + first) * _BYTES)
                left = np.ascontiguousarray(channel, dtype=np.float32).data.cast("B")
                while left:
                    left = left[self._file.write(left) :]
        except OSError as error:
            raise self._failed(error) from error

    def add(self, first: int, block: Audio) -> None:
        """Put `block` [2, n] on top of what is at sample `first`; what passes the end goes round.

        Raises:
            OutputError: the disk is full.
        """
        at = first % self.samples
        while block.shape[1]:
            count = min(block.shape[1], self.samples - at)
            if block[:, :count].any():
                self.write(at, self.read(at, at + count) + block[:, :count])
            block, at = block[:, count:], 0

    def read(self, first: int, last: int) -> Audio:
        """Samples [2, last - first] from `first` on.

        Raises:
            OutputError: they cannot be read back.
        """
        block: Audio = np.zeros((2, last - first), dtype=np.float32)
        if self.silent:
            return block
        try:
            for side in (0, 1):
                self._file.seek((side * self.samples + first) * _BYTES)
                left = block[side].data.cast("B")
                while left:
                    count = self._file.readinto(left)
                    if not count:
                        raise OSError("a temporary file was cut short")
                    left = left[count:]
        except OSError as error:
            raise self._failed(error) from error
        return block

    def close(self) -> None:
        """Give the room back."""
        self._file.close()

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _failed(self, error: OSError) -> OutputError:
        return OutputError.from_os(error, f"A temporary file in {self._where}")
