"""Takes laid on a copy of a timeline, each stem at its record frame.

The user's file is never written to, and an earlier copy never replaced. Everything that was on
the timeline stays as it was; relative media paths become absolute where the copy lies in another
folder. Our media references are plain absolute paths (Resolve rejects file:// URLs) whose source
time is the record timecode, as the `bext` time reference of our WAV files says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import opentimelineio as otio

from musiscene_core.errors import (
    MediaOfflineError,
    OutputError,
    RequestError,
    TimelineError,
)
from musiscene_core.media_urls import is_relative_url, path_of_url
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.whole_files import file_sha256
from musiscene_plugins.formats.tags import Removal, Tag
from musiscene_plugins.host import PlaceLayout, Placement, PlacePolicy, TakeInFolder
from musiscene_plugins.lanes import TakeLane, placed_sounds, take_lanes, track_titles
from musiscene_plugins.otio.bundle import media_folder, unpack_media
from musiscene_plugins.otio.document import OURS, Document
from musiscene_plugins.otio.exact_time import time_range
from musiscene_plugins.otio.flatten import stack_origin
from musiscene_plugins.otio.replacing import take_ours_away, untouched_ours
from musiscene_plugins.otio.saving import Before, CopyStyle, save_copy
from musiscene_plugins.placements import Ledger

_SCORED = re.compile(r"\.scored(-\d+)?$")
RESOLVE_TRACK = {"Audio Type": "Stereo", "Locked": False, "SoloOn": False}
"""What DaVinci Resolve writes on a stereo sound track, and wants to find there."""


def place_in_copy(
    document: Document,
    takes: Sequence[TakeInFolder],
    *,
    folder: Path,
    layout: PlaceLayout,
    policy: PlacePolicy = "new",
    style: CopyStyle | None = None,
) -> Placement:
    """Write `<name>.scored.otio`, or in another format, into `folder` with `takes` on new tracks.

    The first take of a range is heard; the tracks and clips of its others are muted (lanes.py).
    The name gets a number where a scored copy is there already. Where the policy leaves no take,
    nothing is written.

    Raises:
        RequestError: no take, or one at another frame rate or outside the timeline.
        MediaOfflineError: a take's file is missing.
        OutputError: the copy cannot be written.
    """
    if not takes:
        raise RequestError("There is no take to place.")
    for placed in takes:
        _check_fits(placed.take, document)
    style = style or CopyStyle()
    wanted = [placed.take.record for placed in takes]
    skipped: tuple[str, ...] = ()
    if policy == "skip":
        there = [found.record for found in untouched_ours(document.timeline, document)]
        free = [not any(at.overlap(record) for at in there) for record in wanted]
        skipped = tuple(put.take.name for put, ok in zip(takes, free, strict=True) if not ok)
        takes = [put for put, ok in zip(takes, free, strict=True) if ok]
        if not takes:
            path = str(document.path)
            return Placement(timeline=path, tracks=(), fingerprint="", skipped=skipped)
    ledger = Ledger.beside(takes[0])
    try:
        placement = _written_copy(document, takes, folder, layout, wanted, policy, style)
    except BaseException:
        ledger.discard()
        raise
    placement = msgspec.structs.replace(placement, skipped=skipped)
    ledger.write(placement)
    return placement


def _written_copy(
    document: Document,
    takes: Sequence[TakeInFolder],
    folder: Path,
    layout: PlaceLayout,
    wanted: Sequence[FrameRange],
    policy: PlacePolicy,
    style: CopyStyle,
) -> Placement:
    root, timeline = _copied(document)
    removal = Removal()
    if policy == "replace":
        removal = take_ours_away(timeline, document, wanted)
    base = base_name(document.path)
    _make_media_reachable(root, document, folder, base)
    names: list[str] = []
    had = Before(len(timeline.tracks), len(timeline.tracks.markers), removal)
    for lane in take_lanes(takes):
        names += _add_lane(timeline, lane, document, layout=layout)
    if document.rate.drop_frame:
        ours = dict(timeline.metadata.get(OURS, {}))
        timeline.metadata[OURS] = ours | {"drop_frame": True}
    saved = save_copy(root, timeline, document, style, folder=folder, base=base, had=had)
    return Placement(
        timeline=str(saved.path),
        tracks=tuple(names),
        fingerprint=saved.fingerprint,
        not_kept=saved.not_kept,
    )


def base_name(path: Path) -> str:
    """The name that all scored copies of a timeline share: "reel" of reel.scored-2.otio."""
    return _SCORED.sub("", path.stem)


def remove_copy(placement: Placement) -> None:
    """Delete the copy that `placement` wrote.

    Raises:
        TimelineError: it is gone, or was changed since.
        OutputError: it cannot be deleted.
    """
    path = Path(placement.timeline)
    if not placement.tracks:
        raise TimelineError("Nothing was placed, so there is nothing to take away.")
    try:
        found = file_sha256(path)
    except OSError as error:
        raise TimelineError(f"{path} is not there any more.") from error
    if found != placement.fingerprint:
        raise TimelineError(
            f"{path} was changed since the music was placed, so it is kept.",
            hint="Delete the MusiScene tracks in the editor instead.",
        )
    try:
        path.unlink()
    except OSError as error:
        raise OutputError.from_os(error, path) from error


def _check_fits(take: Take, document: Document) -> None:
    if take.rate.fps != document.rate.fps:
        raise RequestError(
            f"{take.name} was made at {take.rate.name} frames a second, "
            f"the timeline runs at {document.rate.name}.",
            hint="Score this timeline anew.",
        )
    inside = document.record.start <= take.record.start and take.record.end <= document.record.end
    if not inside:
        raise RequestError(
            f"{take.name} lies outside the timeline.", hint="Score this timeline anew."
        )


def _copied(document: Document) -> tuple[Any, Any]:
    """A deep copy of the whole file's object, and the timeline inside the copy."""
    root = document.root.deepcopy()
    if document.timeline is document.root:
        return root, root
    if not isinstance(document.root, otio.schema.SerializableCollection):
        timeline = document.timeline.deepcopy()
        return timeline, timeline
    originals = document.root.find_children(descended_from_type=otio.schema.Timeline)
    copies = root.find_children(descended_from_type=otio.schema.Timeline)
    for original, copy in zip(originals, copies, strict=True):
        if original is document.timeline:
            return root, copy
    raise TimelineError(f"The timeline {document.name!r} was not found again in its file.")


def _make_media_reachable(root: Any, document: Document, folder: Path, base: str) -> None:
    """Make relative media paths absolute, and give a packed bundle's media a lasting place."""
    relative = [
        reference
        for reference in _references(root)
        if is_relative_url(getattr(reference, "target_url", "") or "")
    ]
    if not relative:
        return
    if document.path.suffix.lower() == ".otioz":
        start = unpack_media(document.path, folder.absolute() / f"{base}-media")
    else:
        start = media_folder(document.path)
        if start.resolve() == folder.resolve():
            return
    for reference in relative:
        reference.target_url = path_of_url(reference.target_url, start)


def _references(root: Any) -> Iterator[Any]:
    if isinstance(root, otio.schema.Timeline):
        root = root.tracks
    for clip in root.find_children(descended_from_type=otio.schema.Clip):
        yield from clip.media_references().values()


def _add_lane(
    timeline: Any, lane: TakeLane, document: Document, *, layout: PlaceLayout
) -> list[str]:
    parts: dict[str, list[tuple[TakeInFolder, str]]] = {}
    for placed in lane.takes:
        for part, relative in placed_sounds(placed.take, layout):
            parts.setdefault(part, []).append((placed, relative))
    known = {track.name for track in timeline.tracks}
    titles = track_titles(list(parts), known)
    for part, sounding in parts.items():
        track = otio.schema.Track(titles[part], kind=otio.schema.TrackKind.Audio)
        track.metadata["Resolve_OTIO"] = dict(RESOLVE_TRACK)
        alone = len(lane.takes) == 1
        track.metadata[OURS] = _notes(lane.takes[0].take, part) if alone else {"role": part}
        track.enabled = lane.heard
        end = 0
        for placed, relative in sounding:
            path = placed.folder.absolute() / relative
            if not path.is_file():
                raise MediaOfflineError(f"The take's file {path} is missing.", hint="Score again.")
            start = _frames_before(timeline, placed.take, document)
            if start > end:
                gap = time_range(0, start - end, document.float_rate)
                track.append(otio.schema.Gap(source_range=gap))
            notes = _notes(placed.take, part)
            track.append(_clip(placed.take, part, path, notes, document.float_rate))
            track[-1].enabled = lane.heard
            end = start + placed.take.record.length
        timeline.tracks.append(track)
    if lane.heard:
        for placed in lane.takes:
            _mark_hits(timeline, placed.take, document)
    return list(titles.values())


def _clip(take: Take, role: str, path: Path, notes: dict[str, Any], rate: float) -> Any:
    span = time_range(take.record.start, take.record.length, rate)
    media = otio.schema.ExternalReference(target_url=str(path), available_range=span)
    media.name = path.name
    clip = otio.schema.Clip(f"{take.cue} {take.name} {role}", media, span)
    clip.metadata[OURS] = dict(notes)
    return clip


def _notes(take: Take, role: str) -> dict[str, Any]:
    tag = Tag(
        cue=take.cue,
        take=take.name,
        role=role,
        engine=take.provenance.engine,
        seed=str(take.provenance.seed),
        request_digest=take.provenance.request_digest,
        start=take.record.start,
        length=take.record.length,
    )
    return tag.to_mapping()


def _mark_hits(timeline: Any, take: Take, document: Document) -> None:
    offset = _frames_before(timeline, take, document)
    for number, hit in enumerate(take.hits):
        at = time_range(offset + hit.frame, 1, document.float_rate)
        marker = otio.schema.Marker(
            name=f"Hit: {hit.label or hit.kind.replace('_', ' ')}",
            marked_range=at,
            color=otio.schema.MarkerColor.PURPLE,
        )
        marker.metadata[OURS] = _notes(take, "hit") | {
            "id": marker_id(take, number),
            "error_ms": hit.error_ms,
        }
        timeline.tracks.markers.append(marker)


def marker_id(take: Take, number: int) -> str:
    """The name under which we know the marker of a take's hit again."""
    return f"{take.cue} {take.name} hit {number}"


def _frames_before(timeline: Any, take: Take, document: Document) -> int:
    """Frames from the beginning of the top stack's own clock to the take."""
    origin: Fraction = stack_origin(timeline)
    return take.record.start - document.record.start + document.rate.frame_nearest(origin)
