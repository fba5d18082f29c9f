"""Reading FCPXML 1.5 to 1.13: Final Cut Pro's own, and what Resolve and others write of it.

All times are rational seconds ("1001/30000s"). An element lies at `offset` on its parent's clock,
shows its own clock from `start` on, and lasts `duration`; with `lane` it hangs above (or below)
its parent. Compound clips, synchronised clips, auditions and multicams are flattened; of a
multicam the angle that is switched on counts. FCPXML has no tracks: a lane of ours is a lane of
theirs, and sound lanes go by their roles.
Source: Apple, FCPXML Reference, and the DTDs 1.8 to 1.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import TimecodeError, TimelineError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.edit import (
    MAX_DEPTH,
    MAX_EVENTS,
    Collector,
    Edit,
    Event,
    Lane,
    LaneKind,
    Media,
    Note,
    note_from,
)
from musiscene_plugins.formats.safe_xml import Element, exact, whole
from musiscene_plugins.formats.tags import Tag

_CLIPS = ("asset-clip", "clip", "video", "audio", "ref-clip", "sync-clip", "mc-clip", "title")
TAG_KEY = "org.musiscene.take"
"""Key of our tag in a clip's metadata."""
_DEFAULT_NAMES = {"dialogue": "Dialogue", "music": "Music", "effects": "Effects"}


def read_fcpxml(root: Element, path: Path, *, name: str | None = None) -> Edit:
    """The project's sequence in an fcpxml document.

    Args:
        root: the document's root.
        path: where it came from, for messages.
        name: which project, where there are several.

    Raises:
        TimelineError: no project, several, or no sense in its times.
    """
    project, sequence = project_in(root, path, name)
    return _Reader(root).edit(project, sequence)


def things_of_ours(
    root: Element, project: Element, sequence: Element
) -> tuple[list[tuple[Event, Element]], list[tuple[Note, Element]]]:
    """Our clips and markers in a project's sequence, each with its element."""
    reader = _Reader(root)
    reader.edit(project, sequence)
    return reader.ours, reader.our_markers


def project_in(root: Element, path: Path, name: str | None) -> tuple[Element, Element]:
    """The project meant, with its sequence.

    Raises:
        TimelineError: none, or several.
    """
    if root.tag != "fcpxml":
        raise TimelineError(
            f"{path} is XML, but no FCPXML timeline.", hint="Export XML from Final Cut Pro."
        )
    found = []
    for project in root.iter("project"):
        sequence = project.find("sequence")
        if sequence is not None and name in (None, project.get("name")):
            found.append((project, sequence))
    if len(found) == 1:
        return found[0]
    if not found:
        raise TimelineError(
            f"{path} holds no such project with a timeline.",
            hint="Select the project itself, not clips, and export it as XML.",
        )
    names = ", ".join(repr(project.get("name", "")) for project, _ in found[:12])
    raise TimelineError(
        f"{path} holds {len(found)} timelines: {names}.", hint="Say which with --timeline NAME."
    )


def seconds(text: str | None, default: Fraction = Fraction(0)) -> Fraction:
    """A time of FCPXML ("3s", "1001/30000s") in seconds.

    Raises:
        TimelineError: it is none.
    """
    return exact(text.strip().removesuffix("s"), "time") if text else default


@dataclass(frozen=True)
class _Shown:
    """How record time shows an element's own clock.

    Attributes:
        first: record second of its first moment.
        last: record second of its end.
        local: its own second at `first`.
        speed: its own seconds per record second.
        gain_db: volume of all that holds it.
        enabled: whether all that holds it is on.
    """

    first: Fraction
    last: Fraction
    local: Fraction
    speed: Fraction = Fraction(1)
    gain_db: float = 0.0
    enabled: bool = True

    def part(self, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """The record seconds at which the local [begin, end) is seen, or None."""
        if self.speed == 0:
            return None
        edges = sorted(self.first + (edge - self.local) / self.speed for edge in (begin, end))
        first, last = max(edges[0], self.first), min(edges[1], self.last)
        return (first, last) if first < last else None


@dataclass
class _Reader:
    root: Element
    resources: dict[str, Element] = field(default_factory=dict)
    tracks: dict[tuple[LaneKind, int, str], Collector] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    rate: FrameRate = field(default=FrameRate(24))
    ours: list[tuple[Event, Element]] = field(default_factory=list)
    our_markers: list[tuple[Note, Element]] = field(default_factory=list)
    captions: list[Note] = field(default_factory=list)
    inside: int = 0
    count: int = 0

    def edit(self, project: Element, sequence: Element) -> Edit:
        for resource in self.root.findall("resources/*"):
            self.resources.setdefault(resource.get("id", ""), resource)
        shape = self.resources.get(sequence.get("format", ""))
        rate = self._rate_of(sequence.get("format", ""))
        if rate is None:
            raise TimelineError("The timeline does not say its frame rate.")
        self.rate = rate
        if sequence.get("tcFormat") == "DF" and rate.denominator == 1001:
            self.rate = _dropping(rate)
        spine = sequence.find("spine")
        origin = seconds(sequence.get("tcStart"))
        if spine is not None:
            end = Fraction(10**9)
            self._spine(spine, _Shown(Fraction(0), end, Fraction(0)), 0, 0)
        return Edit(
            name=project.get("name", ""),
            rate=self.rate,
            start=self.rate.frame_nearest(origin),
            lanes=tuple(self._lanes()),
            notes=tuple(sorted(self.notes, key=lambda note: note.start)),
            width=whole(shape.get("width") if shape is not None else None, "width", 1920),
            height=whole(shape.get("height") if shape is not None else None, "height", 1080),
            warnings=tuple(self.warnings),
            subtitles=tuple(sorted(self.captions, key=lambda note: note.start)),
        )

    def _lanes(self) -> Iterator[Lane]:
        for kind in ("video", "audio"):
            # A silent lane's order among sounds means nothing, so roles keep them together.
            mine = [key for key in self.tracks if key[0] == kind]
            for key in sorted(mine, key=lambda key: key[1] if kind == "video" else -key[1]):
                yield from self.tracks[key].lanes()

    def _spine(self, spine: Element, shown: _Shown, lane: int, depth: int) -> None:
        """Story elements one after another; a missing offset means straight after the last."""
        at = shown.local if depth else Fraction(0)
        for item in spine:
            if item.tag == "transition" or item.tag not in (*_CLIPS, "gap", "audition", "spine"):
                if item.tag == "marker":
                    self._note(item, shown)
                continue
            chosen = _picked(item)
            begin = seconds(item.get("offset"), at) if item.get("offset") else at
            if chosen is not None:
                length = self._length(chosen)
                self._story(chosen, shown, begin, length, lane, depth)
                at = begin + length

    def _story(
        self,
        item: Element,
        outer: _Shown,
        begin: Fraction,
        length: Fraction,
        lane: int,
        depth: int,
    ) -> None:
        self.count += 1
        if self.count > MAX_EVENTS:
            raise TimelineError(f"The timeline holds more than {MAX_EVENTS} clips.")
        if depth > MAX_DEPTH:
            raise TimelineError("The timeline is nested too deeply.")
        if length < 0:
            raise TimelineError(f"The clip {item.get('name', '')!r} has a negative length.")
        seen = outer.part(begin, begin + length)
        start = seconds(item.get("start"))
        clock = replace(
            outer,
            first=outer.first + (begin - outer.local) / (outer.speed or 1),
            last=outer.first + (begin + length - outer.local) / (outer.speed or 1),
            local=start,
            speed=Fraction(1),
            gain_db=outer.gain_db if item.get("lane") is None else 0.0,
            enabled=outer.enabled,
        )
        for anchored in item:
            if anchored.tag == "caption":
                self._caption(anchored, clock)
            if anchored.get("lane") is not None and anchored.tag in (*_CLIPS, "spine", "audition"):
                self._anchored(anchored, clock, lane, depth)
        if seen is None:
            return
        local = start + (seen[0] - clock.first) * outer.speed
        within = replace(clock, first=seen[0], last=seen[1], local=local, speed=outer.speed)
        for marker in item:
            if marker.tag in ("marker", "chapter-marker"):
                self._note(marker, within)
        speed = _retiming(item, self.warnings)
        within = replace(
            within,
            speed=outer.speed * speed,
            local=_retimed_start(item, local, start, speed),
            gain_db=outer.gain_db + _gain(item),
            enabled=outer.enabled and item.get("enabled") != "0",
        )
        self._contents(item, within, lane, depth)

    def _anchored(self, item: Element, clock: _Shown, lane: int, depth: int) -> None:
        own = lane + whole(item.get("lane"), "lane", 0)
        chosen = _picked(item)
        if chosen is None:
            return
        begin = seconds(item.get("offset"))
        endless = replace(clock, first=clock.first - 10**8, local=clock.local - 10**8)
        endless = replace(endless, last=clock.first + 10**8)
        if chosen.tag == "spine":
            at = clock.first + begin - clock.local
            # A secondary storyline counts its elements' offsets from its own beginning.
            self._spine(chosen, _Shown(at, at + 10**8, Fraction(0)), own, depth + 1)
            return
        self._story(chosen, endless, begin, self._length(chosen), own, depth + 1)

    def _contents(self, item: Element, shown: _Shown, lane: int, depth: int) -> None:
        if item.tag in ("asset-clip", "video", "audio", "title"):
            self._leaf(item, shown, lane)
        elif item.tag == "ref-clip":
            target = self._resource(item.get("ref")).find("sequence/spine")
            if target is not None:
                self.inside += 1
                self._spine(target, shown, lane, depth + 1)
                self.inside -= 1
        elif item.tag == "mc-clip":
            self.inside += 1
            self._multicam(item, shown, lane, depth)
            self.inside -= 1
        elif item.tag in ("clip", "sync-clip"):
            for inner in item:
                if inner.tag == "spine" and inner.get("lane") is None:
                    self._spine(inner, shown, lane, depth + 1)
                elif inner.tag in _CLIPS and inner.get("lane") is None:
                    begin = seconds(inner.get("offset"))
                    self._story(inner, shown, begin, self._length(inner), lane, depth + 1)

    def _multicam(self, item: Element, shown: _Shown, lane: int, depth: int) -> None:
        angles = self._resource(item.get("ref")).findall("multicam/mc-angle")
        on = [
            source.get("angleID")
            for source in item.findall("mc-source")
            if source.get("srcEnable", "all") != "none"
        ]
        for angle in angles:
            if angle.get("angleID") in on or (not on and angle is angles[0]):
                self._spine(angle, shown, lane, depth + 1)

    def _leaf(self, item: Element, shown: _Shown, lane: int) -> None:
        asset = self.resources.get(item.get("ref", ""))
        is_file = asset is not None and asset.tag == "asset"
        if not is_file and item.tag == "title":
            has = {"video"}
        elif not is_file or asset is None:
            has = {"audio" if item.tag == "audio" else "video"}
        else:
            has = {
                kind
                for kind, flag in (("video", "hasVideo"), ("audio", "hasAudio"))
                if asset.get(flag) == "1"
            } or {"video"}
        if item.tag in ("video", "audio"):
            has &= {item.tag}
        has &= {"all": {"video", "audio"}}.get(
            item.get("srcEnable", "all"), {item.get("srcEnable", "all")}
        )
        media = self._media(item.get("ref", "")) if is_file else None
        first, last = self.rate.frame_nearest(shown.first), self.rate.frame_nearest(shown.last)
        # What someone nested, or hung something of theirs on, is theirs.
        holds = any(part.get("lane") is not None for part in item)
        tag = None if self.inside or holds else _tag(item)
        for kind in sorted(has):
            fades = _fades(item, self.rate) if kind == "audio" else (0, 0)
            event = Event(
                name=item.get("name") or (media.name if media else ""),
                media=media,
                start=first,
                length=last - first,
                source=shown.local,
                speed=shown.speed,
                gain_db=shown.gain_db if kind == "audio" else 0.0,
                fade_in=fades[0],
                fade_out=fades[1],
                enabled=shown.enabled,
                stream=max(0, whole(item.get("srcID"), "srcID", 1) - 1) if kind == "audio" else 0,
                tag=tag,
            )
            if event.start >= 0:
                if tag is not None:
                    self.ours.append((event, item))
                self._collector("video" if kind == "video" else "audio", lane, item).add(event)

    def _collector(self, kind: LaneKind, lane: int, item: Element) -> Collector:
        role = ""
        if kind == "audio":
            role = item.get("audioRole") or item.get("role") or ""
        main, _, sub = role.partition(".")
        name = sub or _DEFAULT_NAMES.get(main.partition("?")[0].lower(), main)
        if kind == "video":
            name = f"V{lane + 1}" if lane >= 0 else f"Below {-lane}"
        key = (kind, lane, role)
        return self.tracks.setdefault(key, Collector(name, kind))

    def _length(self, item: Element) -> Fraction:
        given = item.get("duration")
        if given is not None:
            return seconds(given)
        resource = self.resources.get(item.get("ref", ""))
        if item.tag == "spine":
            return sum((self._length(part) for part in item if part.tag in _CLIPS), Fraction(0))
        if resource is not None and resource.get("duration"):
            return seconds(resource.get("duration"))
        inner = resource.find("sequence") if resource is not None else None
        if inner is not None and inner.get("duration"):
            return seconds(inner.get("duration"))
        raise TimelineError(f"The clip {item.get('name', '')!r} has no length.")

    def _media(self, name: str) -> Media:
        if name not in self.media:
            asset = self._resource(name)
            held = asset.find("media-rep")
            source = asset.get("src") or (held.get("src", "") if held is not None else "")
            length = asset.get("duration")
            self.media[name] = Media(
                url=source or "",
                name=asset.get("name", ""),
                start=seconds(asset.get("start")),
                length=seconds(length) if length else None,
                rate=self._rate_of(asset.get("format", "")),
            )
        return self.media[name]

    def _resource(self, name: str | None) -> Element:
        found = self.resources.get(name or "")
        if found is None:
            raise TimelineError(f"The timeline refers to {name!r}, which it does not hold.")
        return found

    def _rate_of(self, name: str) -> FrameRate | None:
        shape = self.resources.get(name)
        frame = shape.get("frameDuration") if shape is not None else None
        if not frame:
            return None
        length = seconds(frame)
        if length <= 0:
            raise TimelineError("The timeline's frames have no length.")
        try:
            return FrameRate.from_fraction(1 / length)
        except TimecodeError as error:
            raise TimelineError("The timeline's frame rate is out of range.") from error

    def _caption(self, item: Element, clock: _Shown) -> None:
        words = "\n".join("".join(text.itertext()).strip() for text in item.findall("text")).strip()
        at = clock.first + seconds(item.get("offset")) - clock.local
        start = self.rate.frame_nearest(at)
        length = self.rate.frame_nearest(seconds(item.get("duration")))
        if words and start >= 0 and item.get("enabled") != "0":
            self.captions.append(Note(start, max(1, length), words))

    def _note(self, marker: Element, shown: _Shown) -> None:
        begin = seconds(marker.get("start"))
        at = shown.part(begin, begin + max(seconds(marker.get("duration")), Fraction(1, 10**6)))
        if at is not None and at[0] >= 0:
            length = self.rate.frame_nearest(seconds(marker.get("duration")))
            note = note_from(
                self.rate.frame_nearest(at[0]),
                max(1, length),
                marker.get("value", ""),
                marker.get("note", ""),
            )
            self.notes.append(note)
            if note.tag is not None:
                self.our_markers.append((note, marker))


def _tag(item: Element) -> Tag | None:
    for entry in item.iterfind("metadata/md"):
        if entry.get("key") == TAG_KEY:
            return Tag.from_json(entry.get("value"))
    return None


def _picked(item: Element) -> Element | None:
    """The element that counts: of an audition its first, which is the one picked."""
    if item.tag != "audition":
        return item
    return next((part for part in item if part.tag in _CLIPS), None)


def _retiming(item: Element, warnings: dict[str, None]) -> Fraction:
    points = _points(item)
    if len(points) < 2:
        return Fraction(1)
    (time_0, value_0), (time_1, value_1) = points[0], points[-1]
    if time_1 == time_0:
        return Fraction(1)
    speed = (value_1 - value_0) / (time_1 - time_0)
    if any((v - value_0) != speed * (t - time_0) for t, v in points[1:-1]):
        warnings[f"The varying speed of {item.get('name', '')!r} is read as its average."] = None
    return speed


def _retimed_start(item: Element, local: Fraction, start: Fraction, speed: Fraction) -> Fraction:
    points = _points(item)
    if len(points) < 2:
        return local
    time_0, value_0 = points[0]
    return value_0 + (local - time_0) * speed


def _points(item: Element) -> list[tuple[Fraction, Fraction]]:
    return [
        (seconds(point.get("time")), seconds(point.get("value")))
        for point in item.findall("timeMap/timept")
    ]


def _gain(item: Element) -> float:
    volume = item.find("adjust-volume")
    amount = (volume.get("amount") or "0dB") if volume is not None else "0dB"
    if amount.lower().startswith("-inf"):
        return -100.0
    return max(-100.0, float(exact(amount.lower().removesuffix("db"), "volume")))


def _fades(item: Element, rate: FrameRate) -> tuple[int, int]:
    lengths = []
    for tag in ("fadeIn", "fadeOut"):
        fade = item.find(f"adjust-volume/param/{tag}")
        length = seconds(fade.get("duration")) if fade is not None else Fraction(0)
        lengths.append(max(0, rate.frame_nearest(length)))
    return lengths[0], lengths[1]


def _dropping(rate: FrameRate) -> FrameRate:
    try:
        return FrameRate.from_fraction(rate.fps, drop_frame=True)
    except TimecodeError:
        return rate
