"""A studio's cue library: music files beside a sheet of what each was written for, or timelines.

The sheet is a CSV; a name that many use for a column is known as well:

    file                            the music, relative to the sheet (path, filename, audio, wav)
    scene                           what it was written for (description, notes, comment)
    id, film                        (title, cue; project, production, source)
    start, end                      of the part that is meant, in seconds or h:mm:ss
    picture, picture_in, _out       the movie it lies under, and where
    music, seen, licence            texts that are there already

These names are ours: no two studios' sheets are alike.
"""

from __future__ import annotations

import re
from pathlib import Path

from musiscene_core.captioning.prompts import SCENE
from musiscene_core.errors import InputError
from musiscene_training.dataset import Problem, Row, tabled
from musiscene_training.importing.found import Found
from musiscene_training.vacad.clips import Clip, Stretch

_ALIASES = {
    "file": ("file", "path", "filename", "file name", "audio", "wav", "music file"),
    "scene": ("scene", "description", "notes", "note", "comment", "comments"),
    "id": ("id", "cue", "number", "title", "name"),
    "film": ("film", "project", "production", "source", "show"),
    "start": ("start",),
    "end": ("end",),
    "picture": ("picture", "video", "movie"),
    "picture_in": ("picture_in", "picture in", "record in"),
    "picture_out": ("picture_out", "picture out", "record out"),
    "music": ("music", "music caption"),
    "seen": ("seen", "video caption"),
    "licence": ("licence", "license"),
}
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)")


def read_sheet(path: Path, licence: str = "") -> Found:
    """The cues of a CSV sheet: clips to build from, and rows where a scene was written down.

    Raises:
        InputError: it cannot be read, or has no column that names files.
    """
    rows: list[Row] = []
    clips: dict[str, Clip] = {}
    problems: list[Problem] = []
    folder = path.parent.resolve()
    for place, given in tabled(path):
        cells = {str(name).strip().casefold(): str(value).strip() for name, value in given.items()}
        if not any(name in cells for name in _ALIASES["file"]):
            raise InputError(
                f"{path} has no column that names the music's files.",
                hint=f"Call it one of {', '.join(_ALIASES['file'])}.",
            )
        try:
            clip = _clip(cells, folder, licence)
        except ValueError as error:
            problems.append(Problem(place, f"{error}."))
            continue
        if clip.id in clips:
            problems.append(Problem(place, f"Another cue before is called {clip.id!r}."))
            continue
        clips[clip.id] = clip
        if clip.scene and clip.sound is not None:
            rows.append(row_of(clip, clip.sound))
    return Found({"": rows}, tuple(clips.values()), problems)


def row_of(clip: Clip, sound: Stretch) -> Row:
    """A cue whose scene was written down, as a row to train with."""
    return Row(
        id=clip.id,
        question=SCENE,
        answer=clip.scene,
        sound=sound.path,
        start_s=sound.start_s,
        end_s=sound.end_s,
        source=clip.source,
        licence=clip.licence,
    )


def _clip(cells: dict[str, str], folder: Path, licence: str) -> Clip:
    """A cue.

    Raises:
        ValueError: says why it cannot be used.
    """

    def cell(name: str) -> str:
        return next((cells[one] for one in _ALIASES[name] if cells.get(one)), "")

    if not cell("file"):
        raise ValueError("It names no file")
    sound = _stretch(folder / cell("file"), cell("start"), cell("end"))
    pictures = ()
    if cell("picture"):
        shown = folder / cell("picture")
        pictures = (_stretch(shown, cell("picture_in"), cell("picture_out")),)
    name = cell("id") or cell("file")
    return Clip(
        id=f"{cell('film')}/{name}"[-200:] if cell("film") else name[-200:],
        source=cell("film") or cell("file"),
        sound=sound,
        pictures=pictures,
        licence=cell("licence") or licence,
        seen=cell("seen"),
        heard=cell("music"),
        scene=cell("scene"),
    )


def _stretch(path: Path, start: str, end: str) -> Stretch:
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    start_s = _seconds(start) if start else 0.0
    end_s = _seconds(end) if end else None
    if end_s is not None and end_s <= start_s:
        raise ValueError(f"{start} to {end} is no stretch of {path.name}")
    return Stretch(path=str(path), start_s=start_s, end_s=end_s)


def _seconds(text: str) -> float:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither seconds nor h:mm:ss")
    hours, minutes, seconds = found.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
