"""Putting a finished copy of a timeline into the user's folder: whole, and never over another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from musiscene_core.errors import OutputError
from musiscene_core.whole_files import file_sha256

_MAX_COPIES = 10_000
_LONGEST_NAME = 255
"""Bytes that a file's name may have, on the file systems that count fewest."""


def publish_copy(
    write: Callable[[Path], None], folder: Path, base: str, suffix: str
) -> tuple[Path, str]:
    """Publish what `write` writes as the next free `<base>.scored[-N]<suffix>` in `folder`.

    Args:
        write: writes the whole file to the path it is given.
        folder: made where it is not there.
        base: the timeline's name; its end goes where the whole would be too long for a file.
        suffix: with its dot.

    Returns:
        Where it lies, and the SHA-256 of it in hex.

    Raises:
        OutputError: it cannot be written; nothing is left.
    """
    base = _fitting(base, suffix)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{base}.", suffix=suffix)
        os.close(handle)
        scratch = Path(name)
        try:
            write(scratch)
            with open(scratch, "rb+") as file:
                os.fsync(file.fileno())
            os.chmod(scratch, 0o644)
            fingerprint = file_sha256(scratch)
            return _claimed(scratch, folder.absolute(), base, suffix), fingerprint
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder / f"{base}.scored{suffix}") from error


def _fitting(base: str, suffix: str) -> str:
    """As much of `base` as leaves room in a file's name for what is put behind it."""
    room = _LONGEST_NAME - len(f".scored-{_MAX_COPIES}{suffix}".encode())
    whole = base.encode("utf-8", "surrogateescape")
    return base if len(whole) <= room else whole[:room].decode("utf-8", "ignore")


def _claimed(scratch: Path, folder: Path, base: str, suffix: str) -> Path:
    for number in range(1, _MAX_COPIES):
        count = "" if number == 1 else f"-{number}"
        path = folder / f"{base}.scored{count}{suffix}"
        try:
            os.link(scratch, path)
        except FileExistsError:
            continue
        except OSError:
            # No hard links on this file system: claim the name, then fill it in one step.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
                os.replace(scratch, path)
                return path
            continue
        return path
    raise OutputError(f"{folder} holds too many scored copies.", hint="Choose another --output.")
