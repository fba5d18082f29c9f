"""Opening .otio, .otioz and .otiod files without trusting them.

A bundle's entries are checked (names, sizes as declared and as unpacked) before anything is
written; media of an .otioz is unpacked to a folder of the caller's, once, and reused from there.
Knows nothing of what a timeline means.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import opentimelineio as otio

from musiscene_core.errors import InputError, OutputError, TimelineError
from musiscene_core.paths import cache_folder

MAX_TIMELINE_BYTES = 256 << 20
"""Largest timeline text read; 10,000 clips are about 25 MB."""
MAX_BUNDLE_BYTES = 200 << 30
MAX_BUNDLE_ENTRIES = 100_000
MAX_NESTING = 600
"""Deepest nesting of JSON read: far past any editor's, and far below the parser's stack."""
CONTENT_NAME = "content.otio"
_STRINGS = re.compile(rb'"[^"]*"')
_ALL_BUT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_EXPORT_AGAIN = "Export the timeline from the editor again."


def read_timeline_object(path: Path) -> Any:
    """The OpenTimelineIO object in an .otio, .otioz or .otiod file.

    Raises:
        InputError: the file cannot be read.
        TimelineError: it is not OpenTimelineIO, is damaged, or is unreasonably large.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".otioz":
            return _parsed(_content_of_zip(path), path)
        if suffix == ".otiod":
            return _parsed(_file_text(path / CONTENT_NAME), path)
        return _parsed(_file_text(path), path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def media_folder(path: Path) -> Path:
    """The folder that relative media paths of the timeline at `path` start from.

    For an .otioz its media are unpacked into the cache first.

    Raises:
        TimelineError: the bundle is damaged or tries to write outside its folder.
        OutputError: no room to unpack.
    """
    if path.suffix.lower() == ".otiod":
        return path
    if path.suffix.lower() != ".otioz":
        return path.parent
    state = path.stat()
    identity = f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    name = hashlib.sha256(identity.encode()).hexdigest()[:24]
    return unpack_media(path, cache_folder() / "otioz" / name)


def unpack_media(path: Path, folder: Path) -> Path:
    """Unpack everything but the timeline of the .otioz at `path` into a new `folder`.

    `folder` appears complete or not at all; one that is there already is taken as it is.

    Raises:
        TimelineError: the bundle is damaged or tries to write outside its folder.
        OutputError: `folder` cannot be written.
    """
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as scratch:
            target = Path(scratch) / "media"
            target.mkdir()
            _unpack(path, target)
            try:
                os.rename(target, folder)
            except OSError:
                if not folder.is_dir():  # another process unpacked the same bundle meanwhile
                    raise
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    return folder


def _unpack(path: Path, target: Path) -> None:
    with _opened_zip(path) as bundle:
        entries = _checked_entries(bundle, path)
        total = sum(entry.file_size for entry in entries)
        if total > shutil.disk_usage(target).free:
            raise OutputError(
                f"The disk is full; {path} unpacks to {total / 1e9:.1f} GB.",
                hint="Free some space, or export the timeline as .otio instead.",
            )
        for entry in entries:
            if entry.is_dir() or entry.filename == CONTENT_NAME:
                continue
            file = target / PurePosixPath(entry.filename)
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with bundle.open(entry) as packed, open(file, "xb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
                raise _damaged(path) from error


def _opened_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path) from error


def _content_of_zip(path: Path) -> bytes:
    with _opened_zip(path) as bundle:
        entries = _checked_entries(bundle, path)
        content = [entry for entry in entries if entry.filename == CONTENT_NAME]
        if len(content) != 1:
            raise TimelineError(f"{path} holds no {CONTENT_NAME}.", hint=_EXPORT_AGAIN)
        try:
            with bundle.open(content[0]) as packed:
                text = packed.read(MAX_TIMELINE_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise _damaged(path) from error
    return _of_bearable_size(text, len(text), path)


def _checked_entries(bundle: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    entries = bundle.infolist()
    if len(entries) > MAX_BUNDLE_ENTRIES:
        raise TimelineError(f"{path} holds {len(entries)} files; that is no timeline bundle.")
    if sum(entry.file_size for entry in entries) > MAX_BUNDLE_BYTES:
        raise TimelineError(f"{path} would unpack to more than {MAX_BUNDLE_BYTES >> 30} GB.")
    if len({entry.filename for entry in entries}) < len(entries):
        raise _damaged(path)
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0] or is_link:
            raise TimelineError(
                f"{path} holds {entry.filename!r}, which would land outside its folder.",
                hint="Do not use this file; export the timeline again from the editor.",
            )
    return entries


def _file_text(path: Path) -> bytes:
    size = path.stat().st_size
    with open(path, "rb") as file:
        return _of_bearable_size(file.read(MAX_TIMELINE_BYTES + 1), size, path)


def _of_bearable_size(text: bytes, size: int, path: Path) -> bytes:
    if max(size, len(text)) > MAX_TIMELINE_BYTES:
        raise TimelineError(f"{path} is too large to be a timeline.", hint=_EXPORT_AGAIN)
    if not text.strip():
        raise TimelineError(f"{path} is empty.", hint=_EXPORT_AGAIN)
    return text


def _parsed(text: bytes, path: Path) -> Any:
    if _nesting(text) > MAX_NESTING:
        raise TimelineError(f"{path} is nested too deeply to be a timeline.", hint=_EXPORT_AGAIN)
    try:
        return otio.adapters.read_from_string(text.decode("utf-8-sig"), "otio_json")
    except Exception as error:  # whatever the parser makes of it, the file is at fault
        raise TimelineError(
            f"{path} is not a readable OpenTimelineIO file: {error}.",
            hint=f"{_EXPORT_AGAIN} A movie can be given directly.",
        ) from error


def _nesting(text: bytes) -> int:
    """Deepest nesting of brackets outside strings; the parser would crash on 50,000."""
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = _STRINGS.sub(b"", unescaped.translate(None, delete=_ALL_BUT_STRUCTURE))
    marks = np.frombuffer(structure, dtype=np.uint8)
    opening = (marks == ord("[")) | (marks == ord("{"))
    closing = (marks == ord("]")) | (marks == ord("}"))
    depth = np.cumsum(opening.astype(np.int32) - closing.astype(np.int32))
    return int(depth.max(initial=0))


def _damaged(path: Path) -> TimelineError:
    return TimelineError(f"{path} is damaged or not an .otioz bundle.", hint=_EXPORT_AGAIN)
