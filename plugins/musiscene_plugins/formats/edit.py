"""Edit: a timeline as the formats share it: lanes of events on whole frames, with levels and notes.

    a file --reader--> Edit --writer--> a file of any other format

Positions are frames from the timeline's beginning, half-open; source times are exact seconds of
the media's own clock (its timecode where it has one). Nested sequences are flattened by the
readers. Knows nothing of any one format.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from musiscene_core.errors import TimelineError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.tags import TRACK_PREFIX, Removal, Tag

LaneKind = Literal["video", "audio"]
MAX_EVENTS = 200_000
"""A nest that repeats itself could make endless events of a small file."""
MAX_DEPTH = 40
"""Deepest nesting of sequences followed; editors rarely go past four."""
MAX_FRAMES = 400 * 3600 * 240
"""Longest timeline believed, in frames."""
MAX_SPEED = 10_000
PURPLE = "PURPLE"
"""Colour of the markers that we set."""


@dataclass(frozen=True)
class Media:
    """A media file.

    Attributes:
        url: path or file URL as the timeline has it; empty where it names none.
        name: what the editor calls it.
        start: its first moment by its own clock, in seconds.
        length: in seconds; None where the timeline does not say.
        rate: its frame rate; None for sound and where the timeline does not say.
    """

    url: str = ""
    name: str = ""
    start: Fraction = Fraction(0)
    length: Fraction | None = None
    rate: FrameRate | None = None


@dataclass(frozen=True)
class Event:
    """A clip on a lane.

    Attributes:
        name: the clip's name.
        media: what it shows or plays; None is a generator, a title or a colour.
        start: first frame, from the timeline's beginning.
        length: frames, at least 1.
        source: second of the media's clock at the first frame.
        speed: source seconds per second; 0 is a freeze frame, negative runs backwards.
        gain_db: volume.
        fade_in: frames of fade-in.
        fade_out: frames of fade-out.
        enabled: whether it is seen or heard.
        stream: which of the file's sound streams, from 0.
        tag: which take of ours it is; None where it is not ours.
    """

    name: str
    media: Media | None
    start: int
    length: int
    source: Fraction = Fraction(0)
    speed: Fraction = Fraction(1)
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0
    enabled: bool = True
    stream: int = 0
    tag: Tag | None = None

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + self.length


@dataclass(frozen=True)
class Lane:
    """A track: events in order of time that do not overlap; between them is nothing.

    Attributes:
        name: as the user, or we, named it; may be empty.
        kind: picture or sound.
        events: what lies on it.
        enabled: whether it is seen or heard.
        added: whether we add it to what the file has already.
    """

    name: str
    kind: LaneKind
    events: tuple[Event, ...] = ()
    enabled: bool = True
    added: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether we made the track: it bears our name, and music of ours lies on it."""
        named = self.name.startswith(TRACK_PREFIX)
        return named and any(event.tag is not None for event in self.events)


@dataclass(frozen=True)
class Note:
    """A marker of the timeline; `added` where we set it now, with a tag where we ever did."""

    start: int
    length: int
    name: str
    comment: str = ""
    color: str = ""
    added: bool = False
    tag: Tag | None = None

    @property
    def written_comment(self) -> str:
        """Its note as formats keep it that have no other field for our tag."""
        return self.tag.to_line() if self.tag is not None else self.comment


def note_from(start: int, length: int, name: str, comment: str) -> Note:
    """A marker as it was read; ours is known by its note."""
    tag = Tag.from_line(comment)
    return Note(start, length, name, "" if tag is not None else comment, tag=tag)


@dataclass(frozen=True)
class Edit:
    """A timeline.

    Attributes:
        name: its name.
        rate: its frame rate and way of counting.
        start: record frame of its beginning.
        lanes: picture from the bottom up, then sound from the top down.
        notes: its markers in order of time.
        width: of the picture, in pixels.
        height: of the picture.
        marks: In and Out as the timeline carries them, from its beginning.
        warnings: what could not be made sense of, a sentence each.
        subtitles: captions that the timeline carries, the words as names.
    """

    name: str
    rate: FrameRate
    start: int
    lanes: tuple[Lane, ...]
    notes: tuple[Note, ...] = ()
    width: int = 1920
    height: int = 1080
    marks: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    subtitles: tuple[Note, ...] = ()

    @property
    def length(self) -> int:
        """Frames until the last event ends."""
        return max((lane.events[-1].end for lane in self.lanes if lane.events), default=0)

    def of_kind(self, kind: LaneKind) -> tuple[Lane, ...]:
        """The lanes of one kind, in order."""
        return tuple(lane for lane in self.lanes if lane.kind == kind)

    def without(self, removal: Removal) -> Edit:
        """The timeline without what `removal` names, and without tracks of ours left empty."""
        if not removal:
            return self
        lanes = []
        for lane in self.lanes:
            left = tuple(e for e in lane.events if (e.tag, e.start) not in removal.clips)
            if left or not lane.events or not lane.is_ours:
                lanes.append(replace(lane, events=left))
        notes = tuple(
            note
            for note in self.notes
            if note.tag is None or (note.tag.of_take, note.start) not in removal.markers
        )
        return replace(self, lanes=tuple(lanes), notes=notes)


@dataclass
class Collector:
    """Events of one track of a file in any order, made into as few lanes as hold them."""

    name: str
    kind: LaneKind
    enabled: bool = True
    added: bool = False
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take `event` up; one without a frame is left out.

        Raises:
            TimelineError: impossible times, or too many of them.
        """
        if not (0 <= event.start <= MAX_FRAMES and event.length <= MAX_FRAMES):
            raise TimelineError(f"The clip {event.name!r} lies at an impossible time.")
        if abs(event.speed) > MAX_SPEED:
            raise TimelineError(f"The clip {event.name!r} runs at {event.speed} times its speed.")
        if len(self.events) >= MAX_EVENTS:
            raise TimelineError(f"The timeline holds more than {MAX_EVENTS} clips.")
        if event.length > 0:
            self.events.append(event)

    def lanes(self) -> list[Lane]:
        """The track, and one more for each layer of events that overlap."""
        layers: list[list[Event]] = [[]]
        for event in sorted(self.events, key=lambda one: one.start):
            free = (layer for layer in layers if not layer or layer[-1].end <= event.start)
            layer = next(free, None)
            if layer is None:
                layers.append(layer := [])
            layer.append(event)
        return [
            Lane(
                name=self.name if number == 1 else f"{self.name} ({number})",
                kind=self.kind,
                events=tuple(layer),
                enabled=self.enabled,
                added=self.added,
            )
            for number, layer in enumerate(layers, start=1)
        ]


def trimmed(event: Event, start: int, end: int, rate: FrameRate) -> Event | None:
    """The part of `event` in the frames [start, end), or None."""
    first, last = max(event.start, start), min(event.end, end)
    if first >= last:
        return None
    cut = first - event.start
    return replace(
        event,
        start=first,
        length=last - first,
        source=event.source + rate.seconds(cut) * event.speed,
        fade_in=max(0, event.fade_in - cut) if cut else event.fade_in,
        fade_out=event.fade_out if last == event.end else 0,
    )


def on_a_source_frame(event: Event, rate: FrameRate) -> int:
    """The frame of `rate`, from the media's beginning, nearest to where `event` begins."""
    start = event.media.start if event.media is not None else Fraction(0)
    return rate.frame_nearest(event.source - start)


def media_length(event: Event, rate: FrameRate) -> Fraction:
    """How long the event's media lasts at the least, in seconds."""
    played = rate.seconds(event.length) * max(abs(event.speed), Fraction(0))
    if event.media is None:
        return played
    needed = event.source - event.media.start + played
    return max(event.media.length or Fraction(0), needed)


def path_of(media: Media) -> str:
    """The media's plain path, without `file://`."""
    if not media.url.startswith("file:"):
        return media.url
    return unquote(urlsplit(media.url.replace("#", "%23").replace("?", "%3F")).path)


def file_url(media: Media) -> str:
    """The media's path as a percent-encoded file URL; what is no absolute path stays as it is."""
    path = path_of(media)
    return Path(path).as_uri() if path.startswith("/") else media.url


def common_losses(edit: Edit, *, fades: bool = True) -> list[str]:
    """What most formats cannot hold: events without media."""
    said = []
    without = sum(event.media is None for lane in edit.lanes for event in lane.events)
    if without:
        said.append(f"{without} titles or generators are left as gaps.")
    if not fades and any(e.fade_in or e.fade_out for lane in edit.lanes for e in lane.events):
        said.append("Fades of clips are not kept.")
    return said


def lost_in_media(edit: Edit) -> list[str]:
    """What a format cannot hold that counts every media file from zero."""
    events = [event for lane in edit.lanes for event in lane.events if event.media is not None]
    counted = any(event.media is not None and event.media.start for event in events)
    return ["The timecode of media is not kept."] if counted else []
