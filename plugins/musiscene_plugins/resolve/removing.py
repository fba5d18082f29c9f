"""Taking away what we placed on a Resolve timeline, and nothing else.

A clip is ours as long as Resolve's id for it is in the placement and it lies where we put it. A
track goes only when it still has our name and no clip is left on it, media only when they lie on
no timeline any more.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import HostError, TimelineError
from musiscene_core.ranges import FrameRange
from musiscene_plugins.host import PlacedItem, Placement
from musiscene_plugins.placements import placements_about
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.keeping import KeptState, kept_state
from musiscene_plugins.resolve.values import ApiItem, ApiTimeline, ApiTrack

logger = logging.getLogger(__name__)

BIN = "MusiScene"
_NO_USE = ("", "0")


@dataclass(frozen=True)
class Found:
    """A clip that a placement lists, as it lies there now."""

    placed: PlacedItem
    item: ApiItem
    track: ApiTrack

    @property
    def untouched(self) -> bool:
        """Whether it still lies on the frames where it was placed."""
        return record_of(self.item) == self.placed.record


def record_of(item: ApiItem) -> FrameRange:
    """A clip's record frames."""
    return FrameRange.from_length(item.start, item.duration)


def fingerprint(items: Iterable[PlacedItem]) -> str:
    """Digest of where clips lie."""
    text = ";".join(f"{item.id}@{item.record.start}+{item.record.length}" for item in items)
    return hashlib.sha256(text.encode()).hexdigest()


def find_items(api: ResolveApi, timeline: ApiTimeline, placement: Placement) -> list[Found]:
    """The clips of `placement` that are still there, moved or not."""
    by_id = {placed.id: placed for placed in placement.items if placed.id}
    meant = {(placed.track, placed.media): placed for placed in placement.items if not placed.id}
    found = []
    for track in api.tracks(timeline, "audio"):
        for item in api.items(timeline, "audio", track.index):
            placed = by_id.get(item.id)
            if placed is None and item.media is not None:
                placed = meant.get((track.name, item.media.path))
            if placed is not None:
                found.append(Found(placed, item, track))
    return found


def remove_from_timeline(api: ResolveApi, placement: Placement) -> None:
    """Take `placement` away.

    Raises:
        TimelineError: it is of another project, gone, or someone has worked on it since.
        HostError: a track is locked, or Resolve refuses.
    """
    timeline = _timeline_of(api, placement)
    found = find_items(api, timeline, placement)
    markers = {marker.custom for marker in api.markers(timeline)}
    has_markers = any(marker.id in markers for marker in placement.markers)
    if placement.complete and not found and not has_markers:
        raise TimelineError(
            f"The music is not on the timeline {timeline.name!r} any more.",
            hint="Nothing was changed.",
        )
    touched = [entry for entry in found if placement.complete and not entry.untouched]
    if touched:
        names = ", ".join(sorted({entry.track.name for entry in touched}))
        raise TimelineError(
            f"Someone has moved or trimmed the music on {names} since it was placed.",
            hint="Nothing was removed; delete those clips in Resolve if you do not want them.",
        )
    refuse_locked(found)
    with kept_state(api, timeline) as kept:
        take_off(api, kept, placement, found)


def refuse_locked(found: Sequence[Found]) -> None:
    """Raise HostError where a track with one of these clips is locked."""
    locked = sorted({entry.track.name for entry in found if entry.track.locked})
    if locked:
        raise HostError(
            f"The track {', '.join(locked)} is locked, so nothing was removed from it.",
            hint="Unlock it in Resolve, then try again.",
        )


def take_off(
    api: ResolveApi, kept: KeptState, placement: Placement, found: Sequence[Found]
) -> None:
    """Delete `found`, their markers, and the tracks and media that are of no use any more.

    Raises:
        HostError: something is still there.
    """
    timeline = kept.timeline
    api.delete_items(timeline, [entry.item for entry in found])
    ids = {entry.item.id for entry in found}
    left = [e for e in find_items(api, timeline, placement) if e.item.id in ids]
    if left:
        raise HostError(
            f"DaVinci Resolve said that it deleted {len(ids)} clips, but {len(left)} are there.",
            hint="Delete them on the MusiScene tracks yourself.",
        )
    everything = len(find_items(api, timeline, placement)) == 0
    spans = [entry.placed.record for entry in found]
    for marker in placement.markers:
        if everything or any(marker.frame in span for span in spans):
            api.delete_marker(timeline, marker.id)
    names = {entry.placed.track for entry in found} | (
        set(placement.tracks) if everything else set()
    )
    take_tracks_off(api, kept, names)
    if everything:
        take_media_out(api, placement)


def take_tracks_off(api: ResolveApi, kept: KeptState, names: Collection[str]) -> None:
    """Delete the sound tracks called so on which no clip is left."""
    timeline = kept.timeline
    for track in reversed(api.tracks(timeline, "audio")):
        if track.name in names and not api.items(timeline, "audio", track.index):
            api.delete_track(timeline, track.index)
            kept.forget_sound_track(track.index)


def forget(api: ResolveApi, timeline: ApiTimeline, path: Path, placement: Placement) -> None:
    """Bring the placement's file at `path` up to date after some of it was taken off."""
    left = {entry.placed.id for entry in find_items(api, timeline, placement)}
    items = tuple(item for item in placement.items if item.id in left)
    if items:
        kept = msgspec.structs.replace(placement, items=items, fingerprint=fingerprint(items))
        write_atomically(path, to_json(kept))
    else:
        path.unlink(missing_ok=True)


def ours_under(
    api: ResolveApi, timeline: ApiTimeline, ranges: Sequence[FrameRange]
) -> list[tuple[Path, Placement, list[Found]]]:
    """What we placed earlier that touches `ranges` and nobody has touched, by placement."""
    media = {
        item.media.path
        for track in api.tracks(timeline, "audio")
        for item in api.items(timeline, "audio", track.index)
        if item.media is not None and any(record_of(item).overlap(span) for span in ranges)
    }
    ours = []
    for path, placement in placements_about(media):
        if placement.host != "resolve" or placement.timeline_id != timeline.id:
            continue
        found = [
            entry
            for entry in find_items(api, timeline, placement)
            if entry.untouched and any(entry.placed.record.overlap(span) for span in ranges)
        ]
        if found:
            ours.append((path, placement, found))
    return ours


def _timeline_of(api: ResolveApi, placement: Placement) -> ApiTimeline:
    if placement.host != "resolve":
        raise TimelineError("This was placed in a file, not in DaVinci Resolve.")
    if not placement.items and not placement.tracks:
        raise TimelineError("Nothing was placed, so there is nothing to take away.")
    if placement.project != api.project_id():
        raise TimelineError(
            f"The timeline {placement.timeline!r} is in another project than the open one.",
            hint="Open that project in Resolve, then try again.",
        )
    for timeline in api.timelines():
        if timeline.id == placement.timeline_id:
            return timeline
    raise TimelineError(
        f"The timeline {placement.timeline!r} is not in the project any more.",
        hint="Nothing was changed.",
    )


def take_media_out(api: ResolveApi, placement: Placement) -> None:
    """Take what was imported for `placement` out of our bin, where no timeline uses it."""
    if not placement.imported:
        return
    unused = [
        media
        for media in api.media_in(api.bin(BIN))
        if media.path in placement.imported and media.usage in _NO_USE
    ]
    if not api.delete_media(unused):
        logger.warning("The takes stay in Resolve's bin %s: it did not let go of them.", BIN)
