"""The scored copy on disk, in the format that was read or the one asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.timeline import Marker
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Media
from musiscene_plugins.formats.keys import OTIO_FORMAT, WRITTEN_KEYS
from musiscene_plugins.formats.tags import Removal
from musiscene_plugins.otio.document import Document
from musiscene_plugins.otio.publishing import publish_copy
from musiscene_plugins.otio.to_edit import edit_of


@dataclass(frozen=True)
class CopyStyle:
    """How a scored copy is written.

    Attributes:
        format: key of the format; None keeps the one that was read, where it can be written.
        markers: the user's markers, for formats that are written anew.
        path_of: turns a target_url into a path, empty where it is none.
    """

    format: str | None = None
    markers: Sequence[Marker] = ()
    path_of: Callable[[str], str] = str


@dataclass(frozen=True)
class Before:
    """What a copy held before ours were added: its tracks and markers, and what was taken away."""

    tracks: int
    markers: int
    removal: Removal


@dataclass(frozen=True)
class SavedCopy:
    """A scored copy: where it lies, its digest, and what it could not hold, a sentence each."""

    path: Path
    fingerprint: str
    not_kept: tuple[str, ...] = ()


def check_format(key: str) -> None:
    """Refuse a format that cannot be written before any work is done.

    Raises:
        RequestError: no such format, or its library is not installed.
    """
    if key != OTIO_FORMAT:
        writable(key)


def save_copy(
    root: Any,
    timeline: Any,
    document: Document,
    style: CopyStyle,
    *,
    folder: Path,
    base: str,
    had: Before,
) -> SavedCopy:
    """Write `timeline`, a changed copy of the document's, beside no other of its name.

    Args:
        root: the object that holds `timeline`.
        timeline: an OpenTimelineIO Timeline.
        document: what it is a copy of.
        style: format and what it needs.
        folder: where to.
        base: the timeline's name in file names.
        had: what the copy held before ours were added.

    Raises:
        OutputError: it cannot be written.
        RequestError: there is no such format.
    """
    key = _key(document, style)
    if key == OTIO_FORMAT:
        text = str(otio.adapters.write_to_string(root, "otio_json")).encode()
        path, fingerprint = publish_copy(lambda at: _write(at, text), folder, base, ".otio")
        said = () if document.format in (OTIO_FORMAT, "movie") else _unsaid(document)
        return SavedCopy(path, fingerprint, said)
    wanted = writable(key)
    joining = wanted.join is not None and document.format == wanted.key
    as_read = None if joining else _as_read(document, style, had.removal)
    edit = edit_of(
        timeline,
        document,
        markers=style.markers,
        had_tracks=had.tracks,
        had_markers=had.markers,
        path_of=style.path_of,
        only_added=joining or as_read is not None,
    )
    if as_read is not None:
        notes = sorted((*as_read.notes, *edit.notes), key=lambda note: note.start)
        edit = replace(as_read, lanes=(*as_read.lanes, *edit.lanes), notes=tuple(notes))
    if wanted.join is not None and joining:
        joined = wanted.join(document.path, edit, document.chosen, had.removal)
        path, fingerprint = publish_copy(lambda at: _write(at, joined), folder, base, wanted.suffix)
        return SavedCopy(path, fingerprint)
    path, fingerprint = publish_copy(lambda at: wanted.write(edit, at), folder, base, wanted.suffix)
    said = (*wanted.losses(edit), *edit.warnings, *_unsaid(document))
    return SavedCopy(path, fingerprint, tuple(dict.fromkeys(said)))


def _as_read(document: Document, style: CopyStyle, removal: Removal) -> Edit | None:
    """The document's own Edit with the paths of its media resolved; None where it has none."""
    edit = document.edit
    if edit is None or edit.rate.fps != document.rate.fps:
        return None
    media: dict[Media, Media] = {}

    def resolved(event: Event) -> Event:
        if event.media is None or not event.media.url:
            return event
        if event.media not in media:
            path = style.path_of(event.media.url) or event.media.url
            media[event.media] = replace(event.media, url=path)
        found = media[event.media]
        return event if found == event.media else replace(event, media=found)

    lanes = (
        replace(lane, events=tuple(resolved(event) for event in lane.events)) for lane in edit.lanes
    )
    whole = replace(edit, name=document.name, rate=document.rate, lanes=tuple(lanes))
    return whole.without(removal)


def _key(document: Document, style: CopyStyle) -> str:
    if style.format is not None:
        return style.format
    return document.format if document.format in WRITTEN_KEYS else OTIO_FORMAT


def _unsaid(document: Document) -> tuple[str, ...]:
    """What is true of every timeline of another format that is written anew."""
    if document.format in (OTIO_FORMAT, "movie"):
        return ("Effects, titles and colour are not kept: only cuts, levels, speed and markers.",)
    return ("Effects, titles, dissolves and colour of the original are not kept.",)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
