"""Takes laid on a copy of a timeline, each stem at its record frame.

The user's file is never written to, and an earlier copy never replaced. Everything that was on
the timeline stays as it was; relative media paths become absolute where the copy lies in another
folder. Our media references are plain absolute paths (Resolve rejects file:// URLs) whose source
time is the record timecode, as the `bext` time reference of our WAV files says.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.errors import (
    MediaOfflineError,
    OutputError,
    RequestError,
    TimelineError,
)
from musiscene_core.take import Take
from musiscene_plugins.host import PlaceLayout, Placement, TakeInFolder
from musiscene_plugins.otio.bundle import media_folder, unpack_media
from musiscene_plugins.otio.document import OURS, Document
from musiscene_plugins.otio.exact_time import time_range
from musiscene_plugins.otio.flatten import stack_origin
from musiscene_plugins.otio.media_urls import is_relative_url, path_of_url

_SCORED = re.compile(r"\.scored(-\d+)?$")
_MAX_COPIES = 10_000
RESOLVE_TRACK = {"Audio Type": "Stereo", "Locked": False, "SoloOn": False}
"""What DaVinci Resolve writes on a stereo sound track, and wants to find there."""


def place_in_copy(
    document: Document, takes: Sequence[TakeInFolder], *, folder: Path, layout: PlaceLayout
) -> Placement:
    """Write `<name>.scored.otio` into `folder` with `takes` on new tracks.

    The first take is heard; the tracks and clips of the others are muted. The name gets a number
    where a scored copy is there already.

    Raises:
        RequestError: no take, or one at another frame rate or outside the timeline.
        MediaOfflineError: a take's file is missing.
        OutputError: the copy cannot be written.
    """
    if not takes:
        raise RequestError("There is no take to place.")
    for placed in takes:
        _check_fits(placed.take, document)
    root, timeline = _copied(document)
    base = base_name(document.path)
    _make_media_reachable(root, document, folder, base)
    names: list[str] = []
    for index, placed in enumerate(takes):
        names += _add_take(timeline, placed, document, layout=layout, heard=index == 0)
    if document.rate.drop_frame:
        ours = dict(timeline.metadata.get(OURS, {}))
        timeline.metadata[OURS] = ours | {"drop_frame": True}
    text = str(otio.adapters.write_to_string(root, "otio_json")).encode()
    path = _write_new(text, folder, base)
    return Placement(
        timeline=str(path), tracks=tuple(names), fingerprint=hashlib.sha256(text).hexdigest()
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
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TimelineError(f"{path} is not there any more.") from error
    if hashlib.sha256(text).hexdigest() != placement.fingerprint:
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


def _add_take(
    timeline: Any, placed: TakeInFolder, document: Document, *, layout: PlaceLayout, heard: bool
) -> list[str]:
    take, folder = placed.take, placed.folder.absolute()
    parts = (
        [("mix", take.mix)] if layout == "mix" else [(stem.role, stem.path) for stem in take.stems]
    )
    known = {track.name for track in timeline.tracks}
    titles = {role: f"MusiScene {role.capitalize()}" for role, _ in parts}
    suffix, number = "", 1
    while any(title + suffix in known for title in titles.values()):
        number += 1
        suffix = f" {number}"
    for role, relative in parts:
        path = folder / relative
        if not path.is_file():
            raise MediaOfflineError(f"The take's file {path} is missing.", hint="Score again.")
        notes = _notes(take, role)
        track = otio.schema.Track(titles[role] + suffix, kind=otio.schema.TrackKind.Audio)
        track.metadata["Resolve_OTIO"] = dict(RESOLVE_TRACK)
        track.metadata[OURS] = notes
        offset = _frames_before(timeline, take, document)
        if offset:
            gap = time_range(0, offset, document.float_rate)
            track.append(otio.schema.Gap(source_range=gap))
        track.append(_clip(take, role, path, notes, document.float_rate))
        if not heard:
            track.enabled = False
            track[-1].enabled = False
        timeline.tracks.append(track)
    if heard:
        _mark_hits(timeline, take, document)
    return [title + suffix for title in titles.values()]


def _clip(take: Take, role: str, path: Path, notes: dict[str, Any], rate: float) -> Any:
    span = time_range(take.record.start, take.record.length, rate)
    media = otio.schema.ExternalReference(target_url=str(path), available_range=span)
    media.name = path.name
    clip = otio.schema.Clip(f"{take.cue} {take.name} {role}", media, span)
    clip.metadata[OURS] = dict(notes)
    return clip


def _notes(take: Take, role: str) -> dict[str, Any]:
    return {
        "cue": take.cue,
        "take": take.name,
        "role": role,
        "engine": take.provenance.engine,
        # A JSON reader may keep numbers as doubles; a seed must survive to the last digit.
        "seed": str(take.provenance.seed),
        "request_digest": take.provenance.request_digest,
    }


def _mark_hits(timeline: Any, take: Take, document: Document) -> None:
    offset = _frames_before(timeline, take, document)
    for hit in take.hits:
        at = time_range(offset + hit.frame, 1, document.float_rate)
        marker = otio.schema.Marker(
            name=f"Hit: {hit.label or hit.kind.replace('_', ' ')}",
            marked_range=at,
            color=otio.schema.MarkerColor.PURPLE,
        )
        marker.metadata[OURS] = _notes(take, "hit") | {"error_ms": hit.error_ms}
        timeline.tracks.markers.append(marker)


def _frames_before(timeline: Any, take: Take, document: Document) -> int:
    """Frames from the beginning of the top stack's own clock to the take."""
    origin: Fraction = stack_origin(timeline)
    return take.record.start - document.record.start + document.rate.frame_nearest(origin)


def _write_new(text: bytes, folder: Path, base: str) -> Path:
    """Publish `text` as the next free name, whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=folder, prefix=f".{base}.", suffix=".otio")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(scratch, 0o644)
            return _claimed(Path(scratch), folder.absolute(), base)
        finally:
            Path(scratch).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder / f"{base}.scored.otio") from error


def _claimed(scratch: Path, folder: Path, base: str) -> Path:
    for number in range(1, _MAX_COPIES):
        path = folder / (f"{base}.scored.otio" if number == 1 else f"{base}.scored-{number}.otio")
        try:
            os.link(scratch, path)
        except FileExistsError:
            continue
        except OSError:
            # No hard links on this file system: claim the name, then fill it in one step.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
                os.replace(scratch, path)
                return path
            continue
        return path
    raise OutputError(f"{folder} holds too many scored copies.", hint="Choose another --output.")
