"""SHA-256 of files of any size, with progress; and what of a model is no longer as it came."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from musiscene_core.errors import ModelError
from musiscene_core.models.shelf import FileRecord, ShelvedModel
from musiscene_core.progress import Progress
from musiscene_core.whole_files import blocks_of


def file_sha256(path: Path, progress: Progress, begin: float, share: float) -> str:
    """SHA-256 of the file at `path`, in hex.

    Args:
        path: of the file.
        progress: hears of it.
        begin: how much of the progress was done before.
        share: this file's part of it.

    Raises:
        ModelError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        size = max(1, path.stat().st_size)
        done = 0
        for block in blocks_of(path):
            digest.update(block)
            done += len(block)
            progress(f"Checking {path.name}", begin + share * min(1.0, done / size))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the disk and its rights."
        ) from error
    return digest.hexdigest()


def records(folder: Path, paths: Sequence[Path], progress: Progress) -> tuple[FileRecord, ...]:
    """The files `paths` below `folder` as they are now.

    Raises:
        ModelError: one cannot be read.
    """
    try:
        sizes = [path.stat().st_size for path in paths]
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}.") from error
    total, done = max(1, sum(sizes)), 0
    found = []
    for path, size in zip(paths, sizes, strict=True):
        sha256 = file_sha256(path, progress, done / total, size / total)
        done += size
        found.append(
            FileRecord(path=path.relative_to(folder).as_posix(), bytes=size, sha256=sha256)
        )
    return tuple(found)


def problems(model: ShelvedModel, progress: Progress) -> dict[str, str]:
    """What is wrong with the files of `model`, by path; reads all of them."""
    folder = Path(model.path)
    if folder.is_file():
        folder = folder.parent
    found: dict[str, str] = {}
    total, done = max(1, model.bytes), 0
    for file in model.files:
        path = folder / file.path
        begin, share = done / total, file.bytes / total
        done += file.bytes
        if not path.is_file():
            found[file.path] = "is missing"
            continue
        if path.stat().st_size != file.bytes:
            found[file.path] = f"has {path.stat().st_size} bytes, not {file.bytes}"
            continue
        try:
            if file_sha256(path, progress, begin, share) != file.sha256:
                found[file.path] = "is not the file that came"
        except ModelError as error:
            found[file.path] = f"cannot be read ({error.message})"
    return found
