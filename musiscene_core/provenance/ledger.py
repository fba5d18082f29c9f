"""The library's ledger: a line for every take that was made, each holding the hash of the last.

    <data folder>/ledger.jsonl

Only ever grows. A line that was changed, taken out or put in between breaks the chain there; lines
taken off the end do not, as nothing after them says so: keep the last hash elsewhere to know of
that. A line that a crash tore in the middle was never written, and is cut off before the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from musiscene_core.errors import InputError, OutputError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.provenance.statement import MAX_STATEMENT, name_of

LEDGER_FILE = "ledger.jsonl"
_LOCK_FILE = "ledger.lock"
_WAIT_S = 10.0
FIRST = "0" * 64
_MAX_LINE = 2 * MAX_STATEMENT + (1 << 16)


class Line(NamedTuple):
    """A line of the ledger.

    Attributes:
        number: counted from 1.
        time: Unix time, in seconds.
        place: where the take lay in the library.
        statement: its text.
        previous: hash of the line before.
        hash: of this one.
        problem: why the chain breaks here; empty where it holds.
    """

    number: int
    time: float
    place: str
    statement: str
    previous: str
    hash: str
    problem: str = ""

    @property
    def name(self) -> str:
        """What its statement is named by."""
        return name_of(self.statement)


class Ledger:
    """The ledger in one data folder. Any thread writes it, and any process, one after another."""

    def __init__(self, data_folder: Path) -> None:
        self._path = data_folder / LEDGER_FILE
        self._lock = InstanceLock(data_folder / _LOCK_FILE)
        self._guard = threading.Lock()
        self._last: tuple[int, str] | None = None
        self._size = 0
        self._places: set[str] = set()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def note(self, place: str, statement: str, time: float) -> bool:
        """Add a line for the take at `place`, once; on the disk when this returns.

        Returns:
            Whether it was added: a place that has its line keeps it.

        Raises:
            OutputError: it cannot be written, or another process holds it.
        """
        # Two processes' lines after the same one would break the chain.
        with self._guard, self._lock.held(self._path, self._busy, _WAIT_S):
            try:
                if self._last is None or self._size_now() != self._size:
                    self._take_up()
                if place in self._places:
                    return False
                number, previous = self._last or (0, FIRST)
                entry = {
                    "number": number + 1,
                    "time": round(time, 3),
                    "place": place,
                    "statement": statement,
                    "previous": previous,
                }
                entry["hash"] = hash_of(entry)
                line = _written(entry) + b"\n"
                with open(self._path, "ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
                    self._size = file.tell()
            except OSError as error:
                self._last = None
                raise OutputError.from_os(error, self._path) from error
            self._last = number + 1, str(entry["hash"])
            self._places.add(place)
            return True

    def _busy(self, holder: int) -> OutputError:
        return OutputError(
            f"{self._path} is held by process {holder}.",
            hint="It is noted the next time; end that process if it hangs.",
        )

    def _size_now(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def lines(self) -> Iterator[Line]:
        """Every whole line, each with what is wrong with it.

        Raises:
            InputError: the file cannot be read.
        """
        yield from read_lines(self._path)

    def _take_up(self) -> None:
        """Cut off a torn last line, and know what was noted."""
        if not self._path.exists():
            self._last, self._places, self._size = (0, FIRST), set(), 0
            return
        with open(self._path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            whole = _end_of_last_line(file, size)
            if whole < size:
                file.truncate(whole)
            self._size = whole
        self._places = set()
        last = (0, FIRST)
        for line in read_lines(self._path):
            self._places.add(line.place)
            last = line.number, line.hash
        self._last = last


def read_lines(path: Path) -> Iterator[Line]:
    """Every line of the ledger at `path` that was written whole; none where there is no ledger.

    Raises:
        InputError: it cannot be read.
    """
    previous, number = FIRST, 0
    try:
        if not path.exists():
            return
        with open(path, "rb") as file:
            while data := file.readline(_MAX_LINE):
                if not data.endswith(b"\n"):
                    if len(data) < _MAX_LINE:
                        return
                    data = _rest_skipped(file)
                number += 1
                line = _line(data, number, previous)
                previous = line.hash
                yield line
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def hash_of(entry: dict[str, Any]) -> str:
    """SHA-256 of all of a line but its own hash."""
    return hashlib.sha256(
        _written({key: value for key, value in entry.items() if key != "hash"})
    ).hexdigest()


def _line(data: bytes, number: int, previous: str) -> Line:
    try:
        entry = json.loads(data)
        line = Line(
            number=int(entry["number"]),
            time=float(entry["time"]),
            place=str(entry["place"]),
            statement=str(entry["statement"]),
            previous=str(entry["previous"]),
            hash=str(entry["hash"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        broken = hashlib.sha256(data).hexdigest()
        return Line(number, 0.0, "", "", "", broken, f"Line {number} cannot be read.")
    if line.hash != hash_of(entry):
        return line._replace(problem=f"Line {number} was changed.")
    if line.previous != previous or line.number != number:
        return line._replace(problem=f"Before line {number} something was changed or taken out.")
    return line


def _written(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _end_of_last_line(file: Any, size: int) -> int:
    at = size
    while at:
        begin = max(0, at - (1 << 16))
        file.seek(begin)
        found = file.read(at - begin).rfind(b"\n")
        if found >= 0:
            return int(begin + found + 1)
        at = begin
    return 0


def _rest_skipped(file: Any) -> bytes:
    """Past the end of a line that is longer than any of ours."""
    while (more := file.readline(_MAX_LINE)) and not more.endswith(b"\n"):
        pass
    return b""
