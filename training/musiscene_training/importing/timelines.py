"""Cues in a folder of OpenTimelineIO timelines: the music on a track, and the picture above it.

Music is what lies on sound tracks with a word for it in their name. The picture of a cue is what
the lowest picture track shows under it, cut by cut. Music that runs at another speed is left out
and told; pictures that do, and what lies in nested timelines, are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.errors import InputError
from musiscene_core.media_urls import path_of_url
from musiscene_training.dataset import Problem
from musiscene_training.importing.found import Found
from musiscene_training.vacad.clips import Clip, Stretch

MUSIC_WORDS = ("music", "musik", "musique", "mx", "score", "cue", "cues", "song", "temp")
_MOST_BYTES = 64 << 20
_SHORTEST_S = 1.0
_Placed = tuple[float, float, Any]
"""Where an item begins and ends on the timeline, in seconds."""


def read_timelines(folder: Path, words: tuple[str, ...] = MUSIC_WORDS, licence: str = "") -> Found:
    """The cues of every .otio file in `folder` and below, as clips to build from.

    Raises:
        InputError: there is no such file.
    """
    paths = sorted(folder.resolve().rglob("*.otio"))
    if not paths:
        raise InputError(f"{folder} holds no .otio files.", hint="Export timelines into it.")
    clips: list[Clip] = []
    problems: list[Problem] = []
    for path in paths:
        name = path.relative_to(folder.resolve()).with_suffix("").as_posix()
        try:
            for place, found in _cues(path, name, words, licence):
                if isinstance(found, Clip):
                    clips.append(found)
                else:
                    problems.append(Problem(place, found))
        except InputError as error:
            problems.append(Problem(name, str(error)))
    return Found({}, clips, problems)


def _cues(
    path: Path, name: str, words: tuple[str, ...], licence: str
) -> Iterator[tuple[str, Clip | str]]:
    tracks = list(_timeline(path).tracks)
    sound, video = otio.schema.TrackKind.Audio, otio.schema.TrackKind.Video
    seen = next((list(_placed(one)) for one in tracks if one.kind == video), [])
    heard = [one for one in tracks if one.kind == sound and one.enabled and _is_music(one, words)]
    if not heard:
        yield name, f"It has no sound track with one of the words {', '.join(words)} in its name."
    for track in heard:
        for number, (start, end, item) in enumerate(_placed(track), 1):
            cue = f"{name}/{track.name}/{number}"
            if end - start < _SHORTEST_S:
                continue
            music = _stretch(item, 0.0, end - start, path.parent)
            if isinstance(music, str):
                yield cue, music
                continue
            under = (
                _stretch(shot, max(start, first) - first, min(end, last) - first, path.parent)
                for first, last, shot in seen
                if first < end and last > start
            )
            pictures = tuple(one for one in under if isinstance(one, Stretch))
            if not pictures:
                yield cue, "No picture that can be found lies above it."
                continue
            yield (
                cue,
                Clip(id=cue[-200:], source=name, sound=music, pictures=pictures, licence=licence),
            )


def _timeline(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError("It is too large to be a timeline.")
        text = path.read_text(encoding="utf-8-sig")
        # Deep nesting ends the process in the library's parser; here it is an error.
        json.loads(text)
        found = otio.adapters.read_from_string(text, "otio_json")
    except OSError as error:
        raise InputError(f"It cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError, otio.exceptions.OTIOError) as error:
        raise InputError(f"It is no timeline: {error}.", hint="Export it again.") from error
    if not isinstance(found, otio.schema.Timeline):
        raise InputError("It holds no timeline.", hint="Export a timeline, not a clip.")
    return found


def _placed(track: Any) -> Iterator[_Placed]:
    """The clips of a track, in seconds from the timeline's beginning."""
    place = 0.0
    for item in track:
        if isinstance(item, otio.schema.Transition):
            continue
        length = item.duration().to_seconds()
        if isinstance(item, otio.schema.Clip) and item.enabled:
            yield place, place + length, item
        place += length


def _stretch(item: Any, first_s: float, last_s: float, folder: Path) -> Stretch | str:
    """A clip's file from `first_s` to `last_s` after the clip begins, or why it has none."""
    if any(getattr(effect, "time_scalar", 1.0) != 1.0 for effect in item.effects):
        return "It runs at another speed."
    reference = item.media_reference
    path = path_of_url(str(getattr(reference, "target_url", "") or ""), folder)
    if not path or not _is_file(path):
        return f"The file of {item.name or 'a clip'} is not there: {path or 'none is named'}."
    start = item.trimmed_range().start_time.to_seconds()
    if reference.available_range is not None:
        start -= reference.available_range.start_time.to_seconds()
    start = max(0.0, start)
    return Stretch(path=path, start_s=start + first_s, end_s=start + last_s)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _is_music(track: Any, words: tuple[str, ...]) -> bool:
    parts = re.findall(
        r"[a-zà-ÿ]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", track.name or "").casefold()
    )
    return bool(set(parts) & set(words))
