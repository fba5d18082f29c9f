"""What was done of a reel, in a small file beside its music, so that it goes on where it was.

Each finished cue is kept with digests of all that it depends on; whichever differs later says why
the cue is made again. Knows nothing of jobs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from musiscene_core.codec import digest, read_json, to_json, write_atomically
from musiscene_core.errors import InputError
from musiscene_core.themes import ThemeBook, ThemeUse
from musiscene_core.timeline import TimelineClip, TimelineRange
from musiscene_plugins.reel.cues import CueNote

SCHEMA_VERSION = 1


class CueRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a cue.

    Attributes:
        depends: digest of each thing that its music depends on, by what a user would call it.
        takes: its takes' folders, relative to the reel's; none as long as it is not done.
        usage: how the cue sheet calls its use.
    """

    depends: dict[str, str] = {}
    takes: tuple[str, ...] = ()
    usage: str = ""


class ReelState(msgspec.Struct, frozen=True, kw_only=True):
    """What was done of a reel.

    Attributes:
        cues: by name.
        timeline: the last timeline that was written with the music on it; empty before.
        placed: the folders of the takes on it, as in CueRecord.
        schema_version: of this struct.
    """

    cues: dict[str, CueRecord] = {}
    timeline: str = ""
    placed: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION


def state_path(output: Path, reel: str) -> Path:
    """Where the state of the timeline file called `reel` lies among its music."""
    return output / f"{reel}.reel.json"


def read_state(path: Path) -> ReelState:
    """The state at `path`, or an empty one.

    Raises:
        InputError: the file is damaged, or a newer version's.
    """
    if not path.exists():
        return ReelState()
    hint = "Delete it to score the whole reel anew, or choose another --output."
    try:
        state = read_json(path, ReelState)
    except InputError as error:
        raise InputError(error.message, hint=hint) from error
    if state.schema_version > SCHEMA_VERSION:
        raise InputError(f"{path} was written by a newer MusiScene.", hint=hint)
    return state


def write_state(path: Path, state: ReelState) -> None:
    """Replace what the file says.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(path, to_json(state))


def dependencies(
    timeline: TimelineRange,
    note: CueNote,
    options: Mapping[str, object],
    engine_version: str,
) -> dict[str, str]:
    """What a cue's music depends on, themes apart, each as a digest under its name.

    Clips count only as far as they lie under the range, and media with their size and age.
    """
    record = timeline.record
    others = [marker for marker in timeline.markers if marker.record != record]
    heard = [clip for clip in timeline.clips if clip.role != "score"]
    parts: dict[str, object] = {
        "range": (timeline.rate, record),
        "clips": [_under(clip, timeline) for clip in heard],
        "media": sorted({_stamp(clip.media.path) for clip in heard}),
        "markers": [(marker.record, marker.name) for marker in others],
        "words": note.words,
        "options": dict(sorted(options.items())),
        "engine": engine_version,
    }
    return {name: digest(part) for name, part in parts.items()}


def theme_digest(uses: tuple[ThemeUse, ...], book: ThemeBook | None) -> str:
    """Digest of the themes used, as the book has them now; one that is not there is nothing."""
    return digest([(use, book.theme(use.name) if book is not None else None) for use in uses])


def changed(record: CueRecord, depends: Mapping[str, str]) -> tuple[str, ...]:
    """Names of what is no longer as it was when the cue was done."""
    names = sorted({*record.depends, *depends})
    return tuple(name for name in names if record.depends.get(name) != depends.get(name))


def _under(clip: TimelineClip, timeline: TimelineRange) -> object:
    mapping, heard = clip.mapping, clip.mapping.record.overlap(timeline.record)
    at = mapping.source_seconds(heard.start) if heard is not None else None
    place = (clip.media.path, clip.media.name, clip.media.audio_stream, clip.role, clip.track_index)
    return (*place, heard, str(at), str(mapping.speed))


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return (path, -1, -1)
    return (path, found.st_size, found.st_mtime_ns)
