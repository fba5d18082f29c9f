"""Reading Final Cut Pro 7 XML (xmeml 4 and 5), as Premiere and Resolve export it.

Times are frames of the nearest rate above them; a clip's In and Out count in its own rate, and
where its speed is changed, in frames after the change. A clip that starts or ends in a transition
has -1 there. Nested sequences are flattened, a dissolve is read as a cut in its middle.
Source: Apple, Final Cut Pro XML Interchange Format, version 5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import TimecodeError, TimelineError
from musiscene_core.timecode import FrameRate, parse_timecode
from musiscene_plugins.formats.edit import (
    MAX_DEPTH,
    MAX_EVENTS,
    Collector,
    Edit,
    Event,
    LaneKind,
    Media,
    Note,
    note_from,
    trimmed,
)
from musiscene_plugins.formats.safe_xml import Element, exact, text_of, unique, whole
from musiscene_plugins.formats.tags import Tag

TAG_PATH = "comments/mastercomment4"
"""Where our tag lies in a clip: the last of the comments that editors carry along."""
_TRANSITION = -1


def read_fcp7(root: Element, path: Path, *, name: str | None = None) -> Edit:
    """The sequence in an xmeml document.

    Args:
        root: the document's root.
        path: where it came from, for messages.
        name: which sequence, where there are several.

    Raises:
        TimelineError: no sequence, several, or no sense in its times.
    """
    return _Reader(root).edit(sequence_in(root, path, name))


def clips_of_ours(root: Element, sequence: Element) -> list[tuple[Event, Element]]:
    """Our clips in `sequence`, each with its element."""
    reader = _Reader(root)
    reader.edit(sequence)
    return reader.ours


def sequence_in(root: Element, path: Path, name: str | None = None) -> Element:
    """The sequence element meant: the named one, or the only one that no other holds.

    Raises:
        TimelineError: none, or several.
    """
    if root.tag != "xmeml":
        raise TimelineError(
            f"{path} is XML, but no Final Cut Pro 7 timeline.",
            hint="Export Final Cut Pro XML or OpenTimelineIO from the editor.",
        )
    found = [item for item in _outer_sequences(root) if len(item)]
    if name is not None:
        found = [item for item in found if text_of(item, "name") == name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise TimelineError(
            f"{path} holds no such sequence.", hint="Export a sequence from the editor."
        )
    names = ", ".join(repr(text_of(item, "name")) for item in found[:12])
    raise TimelineError(
        f"{path} holds {len(found)} timelines: {names}.", hint="Say which with --timeline NAME."
    )


def _outer_sequences(root: Element) -> Iterator[Element]:
    for item in root:
        if item.tag == "sequence":
            yield item
        elif item.tag in ("project", "bin", "children"):
            yield from _outer_sequences(item)


def rate_of(element: Element | None, default: FrameRate | None = None) -> FrameRate:
    """The frame rate that a `rate` element gives.

    Raises:
        TimelineError: none, or an impossible one, and there is no default.
    """
    rate = element.find("rate") if element is not None else None
    base = whole(text_of(rate, "timebase"), "timebase", 0)
    if not 1 <= base <= 1000:
        if default is not None and base == 0:
            return default
        raise TimelineError("The timeline does not say its frame rate.")
    slowed = text_of(rate, "ntsc").upper() == "TRUE"
    return FrameRate(base * 1000, 1001) if slowed else FrameRate(base)


@dataclass
class _Reader:
    root: Element
    files: dict[str, Element] = field(init=False)
    sequences: dict[str, Element] = field(init=False)
    multiclips: dict[str, Element] = field(init=False)
    media: dict[str, Media] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    ours: list[tuple[Event, Element]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.files = unique(self.root.iter("file"))
        self.sequences = unique(self.root.iter("sequence"))
        self.multiclips = unique(self.root.iter("multiclip"))

    def edit(self, sequence: Element) -> Edit:
        rate = rate_of(sequence)
        clock = sequence.find("timecode")
        if text_of(clock, "displayformat") == "DF" and rate.denominator == 1001:
            rate = _dropping(rate)
        lanes = []
        for kind in ("video", "audio"):
            for track, collector in self._tracks(sequence, kind, rate, ()):
                collector.name = track.get("MZ.TrackName") or track.get("name") or ""
                lanes += collector.lanes()
        picture = sequence.find("media/video/format/samplecharacteristics")
        marks = tuple(whole(text_of(sequence, key), key, -1) for key in ("in", "out"))
        return Edit(
            name=text_of(sequence, "name"),
            rate=rate,
            start=_clock_start(clock, rate),
            lanes=tuple(lanes),
            notes=tuple(self._notes(sequence)),
            width=whole(text_of(picture, "width"), "width", 0) or 1920,
            height=whole(text_of(picture, "height"), "height", 0) or 1080,
            marks=(marks[0], marks[1]) if 0 <= marks[0] < marks[1] else None,
            warnings=tuple(self.warnings),
        )

    def _tracks(
        self, sequence: Element, kind: LaneKind, rate: FrameRate, inside: tuple[Element, ...]
    ) -> Iterator[tuple[Element, Collector]]:
        if len(inside) > MAX_DEPTH or any(sequence is outer for outer in inside):
            raise TimelineError("The timeline is nested too deeply.")
        for track in sequence.findall(f"media/{kind}/track"):
            on = text_of(track, "enabled").upper() != "FALSE"
            collector = Collector("", kind, enabled=on)
            items = [item for item in track if item.tag not in ("enabled", "locked")]
            for place, item in enumerate(items):
                if item.tag in ("clipitem", "generatoritem"):
                    for event in self._events(items, place, kind, rate, (*inside, sequence)):
                        self.count += 1
                        if self.count > MAX_EVENTS:
                            raise TimelineError(f"The timeline holds more than {MAX_EVENTS} clips.")
                        collector.add(event)
            yield track, collector

    def _events(
        self,
        items: list[Element],
        place: int,
        kind: LaneKind,
        rate: FrameRate,
        inside: tuple[Element, ...],
    ) -> Iterator[Event]:
        item = items[place]
        head = _neighbour(items, place - 1)
        tail = _neighbour(items, place + 1)
        own = rate_of(item, rate)
        start = whole(text_of(item, "start"), "start", _TRANSITION)
        end = whole(text_of(item, "end"), "end", _TRANSITION)
        first = Fraction(exact(text_of(item, "in", "0"), "in"))
        fade_in, fade_out = 0, 0
        if head is not None and start == _TRANSITION:
            start = _cut(head)
            begin = whole(text_of(head, "start"), "start")
            first += (start - begin) * own.fps / rate.fps
        if tail is not None and end == _TRANSITION:
            end = _cut(tail)
        if head is not None and text_of(head, "alignment") == "start-black":
            fade_in = whole(text_of(head, "end"), "end") - start
        if tail is not None and text_of(tail, "alignment") == "end-black":
            fade_out = end - whole(text_of(tail, "start"), "start")
        if start < 0 or end < start:
            raise TimelineError(
                f"The clip {text_of(item, 'name')!r} ends before it begins, or begins nowhere."
            )
        speed = self._speed(item)
        event = Event(
            name=text_of(item, "name"),
            media=self._media_of(item, own, kind),
            start=start,
            length=end - start,
            source=first * (abs(speed) or 1) / own.fps,
            speed=speed,
            gain_db=_gain(item),
            fade_in=max(0, fade_in),
            fade_out=max(0, fade_out),
            enabled=text_of(item, "enabled").upper() != "FALSE",
            stream=_stream(item) if kind == "audio" else 0,
            tag=Tag.from_json(item.findtext(TAG_PATH)),
        )
        if event.tag is not None:
            self.ours.append((event, item))
        nested = item.find("sequence")
        if nested is not None:
            yield from self._nested(event, nested, kind, rate, inside)
            return
        if event.media is not None:
            event = replace(event, source=event.source + event.media.start)
        yield event

    def _nested(
        self,
        event: Event,
        nested: Element,
        kind: LaneKind,
        rate: FrameRate,
        inside: tuple[Element, ...],
    ) -> Iterator[Event]:
        sequence = self.sequences.get(nested.get("id", ""), nested)
        if event.speed != 1:
            self._warn(f"The speed change on the sequence {event.name!r} is read as normal speed.")
        inner = rate_of(sequence, rate)
        offset = rate.frame_nearest(event.source)
        for _, collector in self._tracks(sequence, kind, inner, inside):
            for found in collector.events if collector.enabled else ():
                at = rate.frame_nearest(inner.seconds(found.start))
                until = rate.frame_nearest(inner.seconds(found.end))
                moved = replace(found, start=at, length=until - at)
                seen = trimmed(moved, offset, offset + event.length, rate)
                if seen is not None:
                    yield replace(
                        seen,
                        start=seen.start - offset + event.start,
                        enabled=seen.enabled and event.enabled,
                        gain_db=seen.gain_db + event.gain_db,
                        tag=None,
                    )

    def _media_of(self, item: Element, own: FrameRate, kind: LaneKind) -> Media | None:
        entry = item.find("file")
        if entry is None:
            entry = self._angle(item, kind)
        if entry is None:
            return None
        name = entry.get("id") or ""
        if name in self.media:
            return self.media[name]
        known = self.files.get(name, entry)
        rate = rate_of(known, own)
        frames = whole(text_of(known, "duration"), "duration", 0)
        media = Media(
            url=text_of(known, "pathurl"),
            name=text_of(known, "name") or text_of(item, "name"),
            start=rate.seconds(_clock_start(known.find("timecode"), rate)),
            length=rate.seconds(frames) if frames > 0 else None,
            rate=rate if known.find("media/video") is not None or kind == "video" else None,
        )
        if name:
            self.media[name] = media
        return media

    def _angle(self, item: Element, kind: LaneKind) -> Element | None:
        """The file of a multiclip's angle that is switched on."""
        held = item.find("multiclip")
        if held is None:
            return None
        self._warn(
            f"The multicam clip {text_of(item, 'name')!r} is read as its active angle, "
            "which may be some frames off."
        )
        angles = self.multiclips.get(held.get("id", ""), held).findall("angle")
        on = [angle for angle in angles if text_of(angle, f"active{kind}angle").upper() == "TRUE"]
        chosen = next(iter(on or angles), None)
        return next(chosen.iter("file"), None) if chosen is not None else None

    def _speed(self, item: Element) -> Fraction:
        for effect in item.iterfind("filter/effect"):
            if text_of(effect, "effectid") != "timeremap":
                continue
            values = {text_of(p, "parameterid"): text_of(p, "value") for p in effect}
            if values.get("variablespeed", "0") not in ("0", ""):
                self._warn(
                    f"The varying speed of {text_of(item, 'name')!r} is read as its average."
                )
            speed = exact(values.get("speed", "100"), "speed") / 100
            return -abs(speed) if values.get("reverse", "").upper() == "TRUE" else speed
        return Fraction(1)

    def _notes(self, sequence: Element) -> Iterator[Note]:
        for marker in sequence.findall("marker"):
            begin = whole(text_of(marker, "in"), "marker", 0)
            end = whole(text_of(marker, "out"), "marker", -1)
            yield note_from(
                begin, max(1, end - begin), text_of(marker, "name"), text_of(marker, "comment")
            )

    def _warn(self, text: str) -> None:
        self.warnings[text] = None


def _neighbour(items: list[Element], place: int) -> Element | None:
    inside = 0 <= place < len(items) and items[place].tag == "transitionitem"
    return items[place] if inside else None


def _cut(transition: Element) -> int:
    """The frame at which a transition passes from one clip to the next."""
    start = whole(text_of(transition, "start"), "transition")
    end = whole(text_of(transition, "end"), "transition")
    align = text_of(transition, "alignment").partition("-")[0]
    return {"start": start, "end": end}.get(align, (start + end) // 2)


def _gain(item: Element) -> float:
    for effect in item.iterfind("filter/effect"):
        if text_of(effect, "effectid") == "audiolevels":
            for parameter in effect.iterfind("parameter"):
                if text_of(parameter, "parameterid") == "level":
                    level = float(exact(text_of(parameter, "value", "1"), "level"))
                    return 20 * math.log10(level) if level > 1e-5 else -100.0
    return 0.0


def _stream(item: Element) -> int:
    index = whole(text_of(item, "sourcetrack/trackindex"), "sourcetrack", 1)
    paired = item.get("premiereChannelType", "")
    return max(0, index - 1) if paired in ("stereo", "5.1") and index > 1 else 0


def _clock_start(clock: Element | None, rate: FrameRate) -> int:
    if clock is None:
        return 0
    rate = rate_of(clock, rate)
    frame = text_of(clock, "frame")
    if frame:
        return max(0, whole(frame, "timecode"))
    text = text_of(clock, "string")
    if not text:
        return 0
    drops = ";" in text or text_of(clock, "displayformat") == "DF"
    try:
        return parse_timecode(text, _dropping(rate) if drops else rate)
    except TimecodeError:
        return 0


def _dropping(rate: FrameRate) -> FrameRate:
    try:
        return FrameRate.from_fraction(rate.fps, drop_frame=True)
    except TimecodeError:
        return rate
