"""Takes that were made before: a repeatable engine need not make them again.

The earlier result is linked, file by file, into the new job's own folder: deleting, renaming or
marking either leaves the other whole, and equal files are stored once. A result that was changed
since it was made does not do. Runs in the worker.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
from pathlib import Path

import msgspec

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import MusiSceneError
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.takes import sync_tree
from musiscene_daemon.work import TAKE_NAME
from musiscene_daemon.worker_link import RunJob

log = logging.getLogger(__name__)


def made_before(job: RunJob, engines: Registry, folder: Path) -> tuple[str, ...]:
    """Put an earlier result of the same content into `folder`, an empty one, where one is whole.

    Returns:
        The names of its takes; none where it has to be made.
    """
    if not job.earlier:
        return ()
    request = msgspec.msgpack.decode(job.payload, type=ScoreRequest)
    engine = next((info for info in engines.infos if info.name == request.engine), None)
    if engine is None or not engine.repeatable:
        return ()
    for earlier in map(Path, job.earlier):
        takes = _whole(earlier, request, engine.version)
        if takes and _link(earlier, takes, folder):
            return tuple(take.name for take in takes)
    return ()


def _whole(earlier: Path, request: ScoreRequest, version: str) -> list[Take]:
    """The takes of `earlier` if all are there, by this version, and untouched."""
    takes: list[Take] = []
    try:
        for index in range(request.takes):
            place = earlier / f"take-{index + 1}"
            take = msgspec.json.decode((place / TAKE_NAME).read_bytes(), type=Take)
            made = take.provenance
            if (take.name, made.engine, made.engine_version, made.seed) != (
                *(place.name, request.engine, version),
                request.seed + index,
            ):
                return []
            # take.json was written last.
            made_at = os.lstat(place / TAKE_NAME).st_mtime_ns
            files = [os.lstat(place / name) for name in take.files]
            if not all(stat.S_ISREG(one.st_mode) and one.st_mtime_ns <= made_at for one in files):
                return []
            takes.append(take)
    except (OSError, ValueError, msgspec.MsgspecError):
        return []
    return takes


def _link(earlier: Path, takes: list[Take], folder: Path) -> bool:
    """Whether every take could be linked; `folder` is empty again where not."""
    try:
        for take in takes:
            place = folder / take.name
            shutil.copytree(earlier / take.name, place, symlinks=True, copy_function=os.link)
            # A file of its own: its age is this take's.
            write_atomically(place / TAKE_NAME, to_json(take))
        sync_tree(folder)
    except (OSError, MusiSceneError) as error:
        # A disk without links, or a take deleted meanwhile.
        log.info("an earlier result is not used: %s", type(error).__name__)
        for place in folder.iterdir():
            shutil.rmtree(place)
        return False
    return True
