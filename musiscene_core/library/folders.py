"""Reading take folders, none of them trusted: what cannot be read is skipped with a reason.

    <data folder>/takes/<cue>-<job>/<take>/take.json, request.json, brief.json, mix.wav, ...

Links are never followed. Knows nothing of the index.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.errors import MusiSceneError
from musiscene_core.keys import key_name
from musiscene_core.library.records import TakeRecord
from musiscene_core.take import Take

TAKES = "takes"
_MAX_TAKE_BYTES = 4 << 20
_MAX_REQUEST_BYTES = 16 << 20
_MAX_FILES = 10_000
_MAX_PROMPT = 400
_MAX_WORDS = 20_000
_ID_LENGTH = 16
_SAME_TAKE = ("seed", "takes", "critic")
"""What of a request does not tell its takes apart."""


class SkippedError(Exception):
    """No take of ours, for the reason given; never leaves the library."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A take folder, read.

    Attributes:
        place: the job's folder and the take's, joined by a slash.
        stamp: changes when take.json does.
        record: without its marks and its absolute folder.
        packed: the record in msgpack.
        words: everything a search should find it by.
    """

    place: str
    stamp: str
    record: TakeRecord
    packed: bytes
    words: str


def take_names(job_folder: Path) -> list[str]:
    """The take folders in a job's folder.

    Raises:
        OSError: it is gone or unreadable.
    """
    with os.scandir(job_folder) as entries:
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in folders if is_plain(name))


def is_plain(name: str) -> bool:
    """Whether `name` can be one component of a path, and be written down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    foreign = "/" in name or "\\" in name or "\0" in name
    return name not in ("", ".", "..") and not foreign


def stamp(take_folder: Path) -> str:
    """What changes when the folder's take.json does.

    Raises:
        OSError: there is none.
    """
    seen = os.lstat(take_folder / "take.json")
    return f"{seen.st_mtime_ns}:{seen.st_size}"


def read_take(takes: Path, job: str, name: str) -> Found:
    """Read the take at `takes`/`job`/`name`.

    Raises:
        SkippedError: it is no take of ours.
    """
    folder = takes / job / name
    try:
        mark = stamp(folder)
        # Opened first, so that a swap in between shows in the stamp the next time.
        data = read_bounded(folder / "take.json", _MAX_TAKE_BYTES)
        take = msgspec.json.decode(data, type=Take)
        _check_inside(folder, take)
        request = _request(folder / "request.json")
        created = os.lstat(folder / "take.json").st_mtime
        size = size_of(folder)
        group, identity = _names(take, request)
        record = _record(take, group, identity, created, size)
        words = _words(take, record, request or _loose(folder / "brief.json"))
        words.encode()
        packed = msgspec.msgpack.encode(record)
    except OSError as error:
        raise SkippedError(error.strerror or type(error).__name__) from error
    except (msgspec.MsgspecError, MusiSceneError, RecursionError, ValueError) as error:
        # Bad UTF-8 and numbers beyond what can be counted are ValueErrors.
        raise SkippedError(f"not a take ({type(error).__name__})") from error
    except ArithmeticError as error:
        raise SkippedError("its numbers make no sense") from error
    return Found(place=f"{job}/{name}", stamp=mark, record=record, packed=packed, words=words)


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file that is no link.

    Raises:
        SkippedError: something else, or larger than `limit` bytes.
        OSError: unreadable.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise SkippedError(f"{path.name} is not a file")
    # A pipe put there meanwhile must not block, nor a link be followed.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | flags)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SkippedError(f"{path.name} is not a file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise SkippedError(f"{path.name} is too large")
    return data


def size_of(folder: Path) -> int:
    """Bytes below `folder`.

    Raises:
        SkippedError: more files than a take has.
        OSError: unreadable.
    """
    return sum(seen.st_size for seen in _files(folder))


def shares_of(folders: Sequence[Path]) -> list[int]:
    """Bytes below each of `folders`; a file that lies in several of them counts in part in each.

    A folder that cannot be read counts nothing.
    """
    found: list[list[os.stat_result]] = []
    for folder in folders:
        try:
            found.append(list(_files(folder)))
        except (OSError, SkippedError):
            found.append([])
    places = Counter((seen.st_dev, seen.st_ino) for files in found for seen in files)
    return [
        sum(seen.st_size // places[seen.st_dev, seen.st_ino] for seen in files) for files in found
    ]


def _files(folder: Path) -> Iterator[os.stat_result]:
    count, left = 0, [str(folder)]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                count += 1
                if count > _MAX_FILES:
                    raise SkippedError("too many files")
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    # An entry's own stat names no file on Windows.
                    yield os.lstat(entry.path) if os.name == "nt" else entry.stat()


def _check_inside(folder: Path, take: Take) -> None:
    inside = os.path.realpath(folder)
    for name in take.files:
        if os.path.commonpath((inside, os.path.realpath(folder / name))) != inside:
            raise SkippedError("a file of it lies elsewhere")
    if not stat.S_ISREG(os.lstat(folder / take.mix).st_mode):
        raise SkippedError("its mix is not a file")


def _request(path: Path) -> dict[str, Any]:
    """The request without what does not tell its takes apart; empty where unreadable."""
    request = _loose(path)
    return {key: value for key, value in request.items() if key not in _SAME_TAKE}


def _loose(path: Path) -> dict[str, Any]:
    """A JSON object, whoever wrote it; empty where there is none: a take is one without it."""
    try:
        read = msgspec.json.decode(read_bounded(path, _MAX_REQUEST_BYTES))
    except (OSError, SkippedError, msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _names(take: Take, request: dict[str, Any]) -> tuple[str, str]:
    """The take's group and id."""
    made = take.provenance
    described = msgspec.structs.replace(
        take, name="", provenance=msgspec.structs.replace(made, request_digest="")
    )
    # Engines on a GPU may play the same request differently; the measured result tells.
    measured = _digest(described)
    wanted = _digest(request) if request else measured
    group = _digest([wanted, made.engine, made.engine_version, made.model, made.model_hash])
    return group[:_ID_LENGTH], _digest([group, measured])[:_ID_LENGTH]


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _record(take: Take, group: str, identity: str, created: float, size: int) -> TakeRecord:
    made = take.provenance
    tonic = take.tonic if take.tonic is not None and 0 <= take.tonic < 12 else None
    return TakeRecord(
        id=identity,
        group=group,
        name=take.name[:_MAX_PROMPT],
        cue=take.cue[:_MAX_PROMPT],
        engine=made.engine[:_MAX_PROMPT],
        engine_version=made.engine_version[:_MAX_PROMPT],
        model=made.model[:_MAX_PROMPT],
        seed=made.seed,
        key="" if tonic is None else key_name(tonic, take.mode),
        tempo_bpm=take.tempo.segments[0].bpm if take.tempo and take.tempo.segments else None,
        length_s=round(take.length_samples / take.sample_rate, 3),
        prompt=made.prompt[:_MAX_PROMPT],
        licence=made.licence,
        commercial_use=made.commercial_use,
        created=created,
        size_bytes=size,
        mix=take.mix,
        peaks=take.peaks,
    )


def _words(take: Take, record: TakeRecord, source: dict[str, Any]) -> str:
    """Everything to search by; `source` is a request or a brief."""
    brief = source.get("brief", source)
    captions = brief.get("captions") if isinstance(brief, dict) else None
    texts = [record.cue, record.engine, record.model, record.key, take.provenance.prompt]
    for caption in captions.values() if isinstance(captions, dict) else ():
        text = caption.get("text") if isinstance(caption, dict) else None
        if isinstance(text, str):
            texts.append(text)
    return "\n".join(dict.fromkeys(filter(None, texts)))[:_MAX_WORDS]
