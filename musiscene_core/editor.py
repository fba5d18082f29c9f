"""What travels between an editor's timeline and whoever scores it: a glance, a choice, a placement.

The hosts (musiscene_plugins.host) answer with these; the panel, which imports no host, knows them
too. Knows nothing of any editor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Role

TrackKind = Literal["video", "audio"]
PlaceLayout = Literal["stems", "mix"]
"""One track per stem, or one track with the mix."""
PlacePolicy = Literal["new", "replace", "skip"]
"""What happens to music that we placed earlier under the range of a take:

    new      it stays; the take goes on tracks of its own
    replace  once the take lies on its tracks, ours that nobody has touched since is taken away
    skip     it stays, and the take is not placed

Whatever anyone else put there always stays, and so does what we placed and someone then moved
or trimmed. A timeline file is never changed: all of this happens in the copy.
"""
Edition = Literal["studio", "free", "file"]
"""An editor's paid and free editions; a file needs no editor."""


class RangeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the timeline to score, as the user said it.

    Attributes:
        record_in: record timecode or record frame number; None is the timeline's beginning.
        record_out: the same for the frame after the last one; None is the timeline's end.
        marker: name of a marker whose length is the range; not together with In and Out.
        cue: what to call the cue; empty lets the host name it.
    """

    record_in: str | None = None
    record_out: str | None = None
    marker: str | None = None
    cue: str = ""


class TrackDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One track of a timeline.

    Attributes:
        name: as the user named it; may be empty.
        label: its place among its kind: "V1", "A2".
        kind: picture or sound.
        role: what its clips are taken for.
        clips: how many clips it shows or plays.
    """

    name: str
    label: str
    kind: TrackKind
    role: Role
    clips: int


class TimelineDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A timeline at a glance.

    Attributes:
        name: the timeline's name.
        rate: its frame rate.
        record: its record frames, from its start timecode to its end.
        tracks: picture from the bottom up, then sound.
        warnings: what could not be made sense of, a sentence each.
    """

    name: str
    rate: FrameRate
    record: FrameRange
    tracks: tuple[TrackDescription, ...]
    warnings: tuple[str, ...] = ()


class EditorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which editor it is.

    Attributes:
        name: as its makers call it.
        version: as it says itself; empty for a file.
        edition: which of its editions.
    """

    name: str
    version: str = ""
    edition: Edition = "file"


class TakeInFolder(msgspec.Struct, frozen=True):
    """A take and the folder that its paths are relative to."""

    take: Take
    folder: Path


class PlacedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track that was added.

    Attributes:
        name: what we called it.
        index: its place among the sound tracks when it was added, 1 at the top.
    """

    name: str
    index: int


class PlacedItem(msgspec.Struct, frozen=True):
    """A clip that was laid on a track.

    Attributes:
        id: the editor's own name for it; empty as long as it is only meant to be placed.
        track: name of its track.
        record: its record frames.
        media: absolute path of its sound.
    """

    id: str
    track: str
    record: FrameRange
    media: str


class PlacedMarker(msgspec.Struct, frozen=True, kw_only=True):
    """A marker that was set: `id` is ours and travels with it, `frame` is its record frame."""

    id: str
    frame: int


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """What was laid on a timeline: enough to find it again and take it away, also another day.

    Attributes:
        timeline: the timeline that carries it: a file's path, or a name inside the editor.
        tracks: names of the tracks that were added, in order.
        fingerprint: digest of what was written; tells whether someone has worked on it since.
        host: who placed it.
        project: the editor's own name for its project; empty for a file.
        timeline_id: the editor's own name for the timeline; empty for a file.
        added: the tracks that were added, with their places; for a file `tracks` says it all.
        items: the clips; none for a file, whose copy is removed whole.
        markers: the markers; the same.
        imported: paths of media that were brought into the editor's pool for this.
        skipped: names of takes that were not placed, as the policy asked.
        left: earlier music that was to go but that someone has worked on since, a sentence each.
        not_kept: what the copy's format could not hold of the timeline, a sentence each.
        complete: all of it was placed; else the work broke off on the way.
        schema_version: of this struct.
    """

    timeline: str
    tracks: tuple[str, ...]
    fingerprint: str
    host: Literal["file", "resolve"] = "file"
    project: str = ""
    timeline_id: str = ""
    added: tuple[PlacedTrack, ...] = ()
    items: tuple[PlacedItem, ...] = ()
    markers: tuple[PlacedMarker, ...] = ()
    imported: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    not_kept: tuple[str, ...] = ()
    complete: bool = True
    schema_version: int = 1
