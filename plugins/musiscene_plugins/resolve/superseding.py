"""Music of ours that later music stands in for, and what placements left that broke off.

A clip is known here by its media, so that a copy of the timeline counts too. Clips that play a
whole stem, all moved by one distance if at all, are as we made them; whatever someone cut, trimmed
or moved apart is theirs, and goes only when they ask for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import HostError, InputError, OutputError, TimelineError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.paths import private_folder, runtime_folder
from musiscene_plugins.carried import take_at, take_folder
from musiscene_plugins.host import Placement
from musiscene_plugins.placements import placements_about, placements_in
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.keeping import KeptState
from musiscene_plugins.resolve.removing import (
    BIN,
    forget,
    remove_from_timeline,
    take_media_out,
    take_tracks_off,
)
from musiscene_plugins.resolve.values import ApiItem, ApiTimeline, ApiTrack

_LOCK_NAME = "resolve.lock"
_TURN_S = 60.0


@dataclass(frozen=True)
class LyingClip:
    """A clip of a take, the take's folder, and the track on which it lies."""

    folder: Path
    item: ApiItem
    track: ApiTrack


@contextmanager
def our_turn() -> Iterator[None]:
    """One MusiScene of this user at a time changes a timeline: this one, for the work inside.

    Raises:
        HostError: another is at it, and does not end.
        OutputError: the lock cannot be written.
    """
    lock = _lock()
    if not lock.acquire(_TURN_S):
        raise HostError(
            "Another MusiScene is placing music in DaVinci Resolve.",
            hint="Wait until it is done, then try again.",
        )
    try:
        yield
    finally:
        lock.release()


def lying_clips(api: ResolveApi, timeline: ApiTimeline) -> list[LyingClip]:
    """Every clip on a sound track that plays a take's sound."""
    found = []
    folders: dict[Path, Path | None] = {}
    for track in api.tracks(timeline, "audio"):
        for item in api.items(timeline, "audio", track.index):
            if item.media is None or not item.media.path:
                continue
            path = Path(item.media.path)
            if path.parent not in folders:
                folders[path.parent] = take_folder(path)
            folder = folders[path.parent]
            if folder is not None:
                found.append(LyingClip(folder, item, track))
    return found


def take_instead(
    api: ResolveApi,
    kept: KeptState,
    folders: Sequence[Path],
    *,
    new: Collection[str],
    pieces: bool,
) -> tuple[str, ...]:
    """Take the music of the takes in `folders` off; what stays, a sentence each.

    Args:
        api: the connection.
        kept: the timeline, open, with the user's state to put back.
        folders: of the earlier takes.
        new: ids of clips that stay whatever they play.
        pieces: also what someone has cut, trimmed or moved apart.

    Raises:
        HostError: a track is locked, or Resolve refuses.
    """
    timeline = kept.timeline
    clips = [
        clip
        for clip in lying_clips(api, timeline)
        if clip.folder in folders and clip.item.id not in new
    ]
    gone = [clip for folder in folders for clip in _going(clips, folder, pieces)]
    locked = sorted({clip.track.name for clip in gone if clip.track.locked})
    if locked:
        raise HostError(
            f"The earlier music on {', '.join(locked)} cannot go: the track is locked.",
            hint="Unlock it in Resolve, then try again.",
        )
    api.delete_items(timeline, [clip.item for clip in gone])
    ids = {clip.item.id for clip in gone}
    there = [clip for clip in lying_clips(api, timeline) if clip.folder in folders]
    if any(clip.item.id in ids for clip in there):
        raise HostError(
            "DaVinci Resolve said that it deleted the earlier music, but some of it is there.",
            hint="Delete it on the MusiScene tracks yourself.",
        )
    left = [clip for clip in there if clip.item.id not in new]
    for folder in folders:
        _forgotten(api, kept, folder, {clip.folder for clip in left})
    return tuple(
        _told(folder, [clip for clip in left if clip.folder == folder])
        for folder in folders
        if any(clip.folder == folder for clip in left)
    )


def clear_broken(api: ResolveApi) -> tuple[str, ...]:
    """Take away what placements in the open project left that broke off; a sentence each.

    Their media are in our bin: they are brought in before anything is laid on a timeline.
    """
    lock = _lock()
    if not lock.acquire():
        return ()
    try:
        folder = api.find_bin(BIN)
        if folder is None:
            return ()
        media = [media.path for media in api.media_in(folder) if media.path]
        return tuple(
            said
            for path, placement in placements_about(media)
            if placement.host == "resolve" and not placement.complete
            if (said := _cleared(api, path, placement))
        )
    finally:
        lock.release()


def _cleared(api: ResolveApi, path: Path, placement: Placement) -> str:
    """What became of a placement that broke off; empty where it is none of this project's."""
    if placement.project != api.project_id():
        return ""
    try:
        remove_from_timeline(api, placement)
    except TimelineError:
        return ""
    except HostError as error:
        return (
            f"Placing {path.parent} broke off on {placement.timeline}, and what it left there "
            f"cannot be taken away: {error}"
        )
    path.unlink(missing_ok=True)
    return f"Placing {path.parent} had broken off; what it left on {placement.timeline} is gone."


def _going(clips: Sequence[LyingClip], folder: Path, pieces: bool) -> list[LyingClip]:
    own = [clip for clip in clips if clip.folder == folder]
    if pieces:
        return own
    try:
        take = take_at(folder).take
    except InputError:
        return []
    whole = [
        clip
        for clip in own
        if clip.item.left_offset == 0 and clip.item.duration == take.record.length
    ]
    starts = {clip.item.start for clip in whole}
    if len(starts) > 1:
        return [clip for clip in whole if clip.item.start == take.record.start]
    return whole


def _forgotten(api: ResolveApi, kept: KeptState, folder: Path, left: Collection[Path]) -> None:
    """Markers, empty tracks, media and records of a take that lies here no more."""
    timeline = kept.timeline
    for path, placement in placements_in(folder):
        if placement.host != "resolve":
            continue
        if folder not in left:
            for marker in placement.markers:
                api.delete_marker(timeline, marker.id)
        take_tracks_off(api, kept, set(placement.tracks))
        take_media_out(api, placement)
        if placement.timeline_id == timeline.id:
            forget(api, timeline, path, placement)


def _told(folder: Path, clips: Sequence[LyingClip]) -> str:
    tracks = ", ".join(sorted({clip.track.name for clip in clips}))
    count = f"{len(clips)} clips" if len(clips) > 1 else "a clip"
    return (
        f"Of the earlier music in {folder}, {count} on {tracks} stayed: someone has cut, trimmed "
        "or moved them since."
    )


def _lock() -> InstanceLock:
    folder = runtime_folder()
    try:
        private_folder(folder)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    return InstanceLock(folder / _LOCK_NAME)
