"""Which clips there shall be: of AudioSet's CSV, of a folder, or of a file that lists them.

AudioSet: lines "YTID, start_seconds, end_seconds, "mid,mid"" after three that begin with "#"
(Gemmeke et al. 2017). Its labels are CC BY 4.0; what the videos may be used for only their makers
can say.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from musiscene_core.errors import InputError
from musiscene_training.dataset import lines_of
from musiscene_training.vacad.clips import Clip, Stretch

MUSIC = "/m/04rlf"
"""The class "Music" in AudioSet's ontology."""
MEDIA_ENDINGS = frozenset(
    {
        *(".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mxf", ".mpg", ".mpeg", ".ts"),
        *(".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff"),
    }
)
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LONGEST_S = 86_400.0


class Selection(NamedTuple):
    """What was chosen.

    Attributes:
        clips: in order.
        left_out: why others were not, by the place they are known by.
    """

    clips: tuple[Clip, ...]
    left_out: tuple[tuple[str, str], ...]


def from_audioset(
    path: Path, label: str = MUSIC, licence: str = "", limit: int | None = None
) -> Selection:
    """The clips of a segments CSV that carry `label`.

    Raises:
        InputError: it cannot be read, or nothing in it carries the label.
    """
    seen = others = 0
    found: list[Clip] = []
    left_out: list[tuple[str, str]] = []
    for place, fields in _segments(path):
        seen += 1
        clip = _segment(fields, licence)
        if isinstance(clip, str):
            left_out.append((place, clip))
        elif label in clip.labels:
            found.append(clip)
        else:
            others += 1
    if not found:
        raise InputError(
            f"Of {seen} clips in {path} none carries the label {label}.",
            hint="Name one of AudioSet's segments CSVs, and a label of its ontology.",
        )
    return _once(found, left_out, limit)


def from_folder(folder: Path, licence: str = "", limit: int | None = None) -> Selection:
    """Every media file in `folder` and below; files of one subfolder are of one source.

    Raises:
        InputError: there is no such folder, or no media file in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint="Name a folder with clips in it.")
    root = folder.resolve()
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in MEDIA_ENDINGS and path.is_file() and path.name[0] != "."
    )
    clips = [_file(path, root, licence) for path in paths]
    if not clips:
        raise InputError(
            f"{folder} holds no movies or sounds.", hint="Name a folder with clips in it."
        )
    return _once(clips, [], limit)


def from_list(path: Path, licence: str = "", limit: int | None = None) -> Selection:
    """The clips of a JSONL file, as `musiscene-train import cues` writes it.

    Paths in it are absolute, or relative to its folder.

    Raises:
        InputError: it cannot be read, or lists no clip.
    """
    found: list[Clip] = []
    left_out: list[tuple[str, str]] = []
    folder = path.parent.resolve()
    for place, line in lines_of(path):
        try:
            clip = msgspec.json.decode(line, type=Clip)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            left_out.append((place, f"It is no clip: {error}."))
            continue
        if clip.sound is None:
            left_out.append((clip.id, "It names no sound."))
            continue
        found.append(
            msgspec.structs.replace(
                clip,
                sound=_under(folder, clip.sound),
                pictures=tuple(_under(folder, picture) for picture in clip.pictures),
                source=clip.source or clip.id,
                licence=clip.licence or licence,
            )
        )
    if not found:
        first = f" The first: {left_out[0][0]}: {left_out[0][1]}" if left_out else ""
        raise InputError(f"{path} lists no clip.{first}", hint="Write a JSON object a line.")
    return _once(found, left_out, limit)


def _under(folder: Path, stretch: Stretch) -> Stretch:
    return msgspec.structs.replace(stretch, path=str(folder / stretch.path))


def _file(path: Path, root: Path, licence: str) -> Clip:
    inside = path.relative_to(root)
    name = inside.as_posix()
    # A subfolder is a film, a reel, an album: what is in it sounds alike.
    source = inside.parts[0] if len(inside.parts) > 1 else name
    return Clip(id=name[-200:], source=source, sound=Stretch(path=str(path)), licence=licence)


def _segments(path: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, skipinitialspace=True, strict=True)
            for fields in rows:
                if fields and not fields[0].lstrip().startswith("#"):
                    yield f"{path.name}:{rows.line_num}", fields
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no segments CSV of AudioSet: {error}.", hint="Get it again."
        ) from error


def _segment(fields: list[str], licence: str) -> Clip | str:
    if len(fields) != 4:
        return f"It has {len(fields)} fields, not id, start, end and labels."
    video, start, end, labels = (field.strip() for field in fields)
    try:
        start_s, end_s = float(start), float(end)
    except ValueError:
        return f"{start} to {end} are no seconds."
    if not _VIDEO_ID.fullmatch(video):
        return f"{video[:40]!r} is no video's id."
    if not 0 <= start_s < end_s <= _LONGEST_S:
        return f"{start} to {end} s is no stretch of a video."
    return Clip(
        id=f"{video}_{round(start_s * 1000)}",
        source=video,
        start_s=start_s,
        end_s=end_s,
        labels=tuple(label for label in labels.split(",") if label),
        licence=licence,
    )


def _once(clips: list[Clip], left_out: list[tuple[str, str]], limit: int | None) -> Selection:
    known: dict[str, Clip] = {}
    for clip in clips:
        # Ids that differ by case alone would be one file on some disks.
        if clip.key.casefold() in known:
            left_out.append((clip.id, "Another clip before has this id."))
        elif limit is None or len(known) < limit:
            known[clip.key.casefold()] = clip
    return Selection(tuple(known.values()), tuple(left_out))
