"""The nouns on disk (JSON) and on the wire (msgpack), and digests that name them.

Decoding is strict about types and blind to unknown fields, so that an older reader can open what
a newer writer wrote. Nothing here trusts its input.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from musiscene_core.errors import InputError, OutputError

T = TypeVar("T")
_NUMBERS = re.compile(rb"(?<=\[)\n\s*[-+.\deE]+(?:,\n\s*[-+.\deE]+)*\n\s*(?=\])")
MAX_JSON_BYTES = 64 << 20
"""Largest JSON file read; a brief of a whole feature film is about 1 MB."""


def to_json(value: Any) -> bytes:
    """`value` as indented JSON with a final newline; the same value gives the same bytes.

    A list of numbers takes one line: curves of thousands of values stay readable, and half as long.
    """
    indented = msgspec.json.format(msgspec.json.encode(value), indent=2)
    return _NUMBERS.sub(lambda found: b" ".join(found[0].split()), indented) + b"\n"


def digest(value: Any) -> str:
    """SHA-256 of `value` as compact JSON, in hex."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def read_json(path: Path, kind: type[T]) -> T:
    """Read a `kind` from a JSON file.

    Raises:
        InputError: missing, too large, not JSON, or not a `kind`.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path} is too large to be a {kind.__name__}.")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise InputError(f"{path} cannot be read: {reason}.") from error
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a {kind.__name__}: {error}.") from error


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    What need not outlive a power cut is written without waiting for the disk: not `durable`.

    Raises:
        OutputError: no space, no permission, or a file where a folder is needed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError.from_os(error, path) from error
