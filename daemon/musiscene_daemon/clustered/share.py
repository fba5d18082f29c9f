"""A place that machines without a common folder reach by a URL: an object store, a server.

    footage/<sha256>/data            a file, by what is in it; sent once
    footage/<sha256>/used-<hour>     when it was last wanted, in hours of Unix time
    results/<hour>-<token>/...       one attempt's result, taken away once it was fetched

Any file system of fsspec does that can write, list and delete; it has its own ways to say who we
are. A file appears under its name when all of it is there, and what is fetched is checked.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from musiscene_core.errors import CancelledError, MusiSceneError, OutputError
from musiscene_daemon.worker_link import SentFile

SHARE_VARIABLE = "MUSISCENE_SHARE"
ROOM_VARIABLE = "MUSISCENE_SHARE_GB"
DEFAULT_ROOM_GB = 200.0
T = TypeVar("T")
OnBytes = Callable[[int], None]
"""Hears of every piece that went over; what it raises ends the transfer."""

_PIECE = 4 << 20
_TRIES = 3
_PAUSE_S = 0.5
_HOUR_S = 3600
_KEPT_H = 24
"""Hours in which nothing that was wanted is deleted: somebody may be at work with it."""


class _AlteredError(OutputError):
    """What lies there is not what was sent."""


class Share:
    """The place at a URL."""

    def __init__(self, url: str) -> None:
        """Prepare to use the place at `url`.

        Raises:
            OutputError: nothing here can reach such a URL.
        """
        self._shown = re.sub(r"//[^/@]*@", "//", url)
        try:
            import fsspec

            self._files: Any
            self._files, root = fsspec.core.url_to_fs(url)
        except Exception as error:
            # Whatever the library of that protocol raises, or that it is not installed.
            raise self._unusable(error) from error
        self._root = root.rstrip("/")

    def leave_note(self) -> str:
        """Write a note for somebody else to read; returns its name.

        Raises:
            OutputError: nothing can be written.
        """
        name = f"notes/{secrets.token_hex(8)}"
        with self._trouble():
            self._folder_of(name)
            self._files.pipe_file(self._at(name), name.encode())
        return name

    def has_note(self, name: str) -> bool:
        """Whether the note is there and says what it should.

        Raises:
            OutputError: the place cannot be read.
        """
        with self._trouble():
            self._files.invalidate_cache()
            return bool(
                self._files.exists(self._at(name))
                and self._files.cat_file(self._at(name)) == name.encode()
            )

    def remove(self, name: str) -> None:
        """Delete a file or folder, where that can be done."""
        with contextlib.suppress(MusiSceneError), self._trouble():
            self._files.rm(self._at(name), recursive=True)

    def send_footage(self, path: Path, sha256: str, on_bytes: OnBytes) -> None:
        """See to it that the file at `path`, known to hold `sha256`, is there.

        Raises:
            OutputError: it cannot be sent, or was changed meanwhile.
            CancelledError: `on_bytes` raised it.
        """
        folder = f"footage/{sha256}"
        self._mark(folder)
        with self._trouble():
            there = self._files.exists(self._at(f"{folder}/data"))
        if there:
            on_bytes(path.stat().st_size)
        elif self._send(path, f"{folder}/data", on_bytes) != sha256:
            self.remove(folder)
            raise OutputError(
                f"{path.name} was changed while it was sent.", hint="Score again when it is still."
            )

    def fetch_footage(self, file: SentFile, target: Path, on_bytes: OnBytes) -> None:
        """Bring what `file` says to `target`, a new file.

        Raises:
            OutputError: it is not there, not what was sent, or cannot be read or written.
            CancelledError: `on_bytes` raised it.
        """
        folder = f"footage/{file.sha256}"
        try:
            self._fetch(f"{folder}/data", file, target, on_bytes)
        except _AlteredError:
            # Whoever sends it next finds none there, and sends it anew.
            self.remove(folder)
            raise

    def send_result(self, folder: Path, on_bytes: OnBytes) -> tuple[str, tuple[SentFile, ...]]:
        """Send all of a result; returns the parcel's name and what is in it.

        Raises:
            OutputError: it cannot be sent.
            CancelledError: `on_bytes` raised it.
        """
        parcel = f"results/{_hour()}-{secrets.token_hex(8)}"
        sent = []
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            name = path.relative_to(folder).as_posix()
            sha256 = self._send(path, f"{parcel}/{name}", on_bytes)
            sent.append(SentFile(path=name, sha256=sha256, bytes=path.stat().st_size))
        return parcel, tuple(sent)

    def fetch_result(
        self, parcel: str, files: tuple[SentFile, ...], folder: Path, on_bytes: OnBytes
    ) -> None:
        """Bring all of a result into `folder`, a new one, and take it away from here.

        Raises:
            OutputError: something is not as it was sent, or cannot be read or written.
        """
        inside = folder.resolve()
        for file in files:
            target = (folder / file.path).resolve()
            if not target.is_relative_to(inside):
                raise OutputError(f"The share sends {file.path!r}, which leads elsewhere.")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(f"{parcel}/{file.path}", file, target, on_bytes)
        self.remove(parcel)

    def tidy(self, room_bytes: int) -> None:
        """Delete what was left behind, and beyond `room_bytes` the footage longest not wanted."""
        self._let_go("results", 0)
        self._let_go("footage", room_bytes)

    def _let_go(self, kind: str, room_bytes: int) -> None:
        """Delete the oldest of a kind's folders beyond what there is room for."""
        sizes: dict[str, int] = {}
        wanted: dict[str, int] = {}
        with contextlib.suppress(MusiSceneError), self._trouble():
            self._files.invalidate_cache()
            if not self._files.exists(self._at(kind)):
                return
            inside = f"/{self._at(kind).strip('/')}/"
            for path, about in self._files.find(self._at(kind), detail=True).items():
                folder, _, file = f"/{path}".partition(inside)[2].partition("/")
                sizes[folder] = sizes.get(folder, 0) + int(about.get("size") or 0)
                wanted[folder] = max(wanted.get(folder, 0), _hour_in(folder), _hour_in(file))
        total = sum(sizes.values())
        for folder in sorted(sizes, key=lambda one: wanted[one]):
            if total <= room_bytes or _hour() - wanted[folder] <= _KEPT_H:
                return
            self.remove(f"{kind}/{folder}")
            total -= sizes[folder]

    def _mark(self, folder: str) -> None:
        with self._trouble():
            mark = self._at(f"{folder}/used-{_hour()}")
            if not self._files.exists(mark):
                self._folder_of(f"{folder}/used")
                self._files.pipe_file(mark, b"used")

    def _send(self, path: Path, name: str, on_bytes: OnBytes) -> str:
        """Send a file, under its name once it is whole; returns the SHA-256 of what went over."""
        partial = f"{name}.{secrets.token_hex(4)}.part"
        self._folder_of(name)
        try:
            sha256 = self._again(lambda: self._copy_out(path, partial, on_bytes))
            with self._trouble():
                self._files.mv(self._at(partial), self._at(name))
        except BaseException:
            self.remove(partial)
            raise
        return sha256

    def _copy_out(self, path: Path, name: str, on_bytes: OnBytes) -> str:
        with (
            open(path, "rb") as source,
            self._trouble(),
            self._files.open(self._at(name), "wb") as target,
        ):
            return _copy(source, target, on_bytes)

    def _fetch(self, name: str, file: SentFile, target: Path, on_bytes: OnBytes) -> None:
        def once() -> None:
            with self._trouble():
                self._files.invalidate_cache()
                with self._files.open(self._at(name), "rb") as source, open(target, "wb") as copy:
                    sha256 = _copy(source, copy, on_bytes)
                    copy.flush()
                    os.fsync(copy.fileno())
            if (sha256, target.stat().st_size) != (file.sha256, file.bytes):
                raise _AlteredError(
                    f"{Path(file.path).name} did not come through the share as it was sent.",
                    hint=f"Ask again: it is sent anew to {self._shown}.",
                )

        self._again(once)

    def _again(self, transfer: Callable[[], T]) -> T:
        """Do a transfer, a few times where it fails: a network's trouble passes."""
        for number in range(_TRIES - 1):
            try:
                return transfer()
            except CancelledError:
                raise
            except MusiSceneError:
                time.sleep(_PAUSE_S * 2**number)
        return transfer()

    def _folder_of(self, name: str) -> None:
        with self._trouble():
            self._files.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except MusiSceneError:
            raise
        except Exception as error:
            # Each protocol's library raises errors of its own.
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OutputError.from_os(error, error.filename or self._shown) from error
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> OutputError:
        said = str(error).strip().splitlines()
        return OutputError(
            f"The share {self._shown} cannot be used ({type(error).__name__}"
            f"{': ' + said[-1] if said else ''}).",
            hint=f"Mend {SHARE_VARIABLE}, or what lets this machine in; see docs/workers.md.",
        )


def _copy(source: IO[bytes], target: IO[bytes], on_bytes: OnBytes) -> str:
    known = hashlib.sha256()
    while piece := source.read(_PIECE):
        known.update(piece)
        target.write(piece)
        on_bytes(len(piece))
    return known.hexdigest()


def _hour() -> int:
    return int(time.time()) // _HOUR_S


def _hour_in(name: str) -> int:
    """The hour that a name of ours tells, "hour-..." or "used-hour"; 0 where it tells none."""
    found = re.fullmatch(r"(?:used-(\d{1,9})|(\d{1,9})-.*)", name)
    return int(found[1] or found[2]) if found else 0
