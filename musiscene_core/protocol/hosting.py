"""Messages to and from a process that holds an editor's timeline (`musiscene host`).

A line of JSON each way on its standard input and output: one request, one reply, in order, with
the request's number in both. The process is a child of whoever asks, which can so outlive an
editor's library that crashes or hangs. An error crosses as code, message and hint.
"""

from __future__ import annotations

import msgspec

from musiscene_core.editor import (
    EditorInfo,
    PlaceLayout,
    Placement,
    PlacePolicy,
    RangeChoice,
    TimelineDescription,
)
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineRange

MAX_LINE_BYTES = 64 << 20


class OpenFile(msgspec.Struct, frozen=True, kw_only=True, tag="open_file"):
    """Take hold of a movie or timeline file; answered by Opened.

    Attributes:
        path: the file.
        rate: frame rate to take instead of the file's; empty for the file's.
        roles: roles by track name or label, in lower case.
        timeline: which timeline, where the file holds several; empty for the only one.
        output: folder for scored copies; empty for the file's own.
        format: key of the format of scored copies; empty keeps the file's.
    """

    path: str
    rate: str = ""
    roles: dict[str, Role] = {}
    timeline: str = ""
    output: str = ""
    format: str = ""


class OpenResolve(msgspec.Struct, frozen=True, kw_only=True, tag="open_resolve"):
    """Take hold of the timeline open in DaVinci Resolve; answered by Opened.

    Attributes:
        bridge: over the script that the user started in Resolve (free edition).
        roles: as in OpenFile.
    """

    bridge: bool = False
    roles: dict[str, Role] = {}


class ReadRange(msgspec.Struct, frozen=True, tag="read_range"):
    """Asks for RangeRead."""

    choice: RangeChoice


class LocateMedia(msgspec.Struct, frozen=True, tag="locate_media"):
    """Asks for MediaLocated."""

    reference: MediaReference


class PlaceTakes(msgspec.Struct, frozen=True, kw_only=True, tag="place_takes"):
    """Place takes, given as the folders that hold their take.json; answered by Placed."""

    folders: tuple[str, ...]
    layout: PlaceLayout = "stems"
    policy: PlacePolicy = "new"


class RemovePlacement(msgspec.Struct, frozen=True, tag="remove_placement"):
    """Take a placement away again; answered by Removed.

    Attributes:
        placement: which.
        folders: of the takes that were placed, where it is kept too.
    """

    placement: Placement
    folders: tuple[str, ...] = ()


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """An open timeline: which editor, at a glance, and the user's markers."""

    editor: EditorInfo
    description: TimelineDescription
    markers: tuple[Marker, ...]


class RangeRead(msgspec.Struct, frozen=True, tag="range_read"):
    """A range with what lies under it."""

    timeline: TimelineRange


class MediaLocated(msgspec.Struct, frozen=True, tag="media_located"):
    """Where a file is."""

    path: str


class Placed(msgspec.Struct, frozen=True, tag="placed"):
    """What was laid on the timeline."""

    placement: Placement


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """It is gone."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """One of our errors."""

    code: str
    message: str
    hint: str = ""


HostRequest = OpenFile | OpenResolve | ReadRange | LocateMedia | PlaceTakes | RemovePlacement
HostReply = Opened | RangeRead | MediaLocated | Placed | Removed | Refused


class Asked(msgspec.Struct, frozen=True):
    """One line to the host."""

    number: int
    request: HostRequest


class Answered(msgspec.Struct, frozen=True):
    """One line from the host; number 0 where the request could not be read."""

    number: int
    reply: HostReply
