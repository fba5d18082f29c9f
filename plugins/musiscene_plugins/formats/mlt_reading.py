"""Reading MLT XML: Shotcut's and Kdenlive's projects, and what `melt` writes.

The last tractor is the timeline. A track of it is a playlist, or with Kdenlive a tractor of two
playlists; tractors inside playlists (nested sequences, Shotcut's transitions) are flattened.
MLT knows no timecode, so media and timelines begin at zero unless we wrote them.
"""

from __future__ import annotations

import json
import math
import re
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
    trimmed,
)
from musiscene_plugins.formats.mlt_writing import DROP_FRAME, START, TAG
from musiscene_plugins.formats.safe_xml import Element, exact, whole
from musiscene_plugins.formats.subtitles import MAX_SUBTITLE_BYTES, subtitles_in
from musiscene_plugins.formats.tags import Tag

_CLOCK = re.compile(r"^(\d+):([0-5]?\d):([0-5]?\d)[.,](\d{1,9})$")
_TIMECODE = re.compile(r"^(\d+):([0-5]?\d):([0-5]?\d)[:;](\d{1,3})$")
_FILES = ("avformat", "avformat-novalidate", "xml", "qimage", "pixbuf", "timewarp", "")
_GUIDES = ("docproperties.guides", "sequenceproperties.guides")
_SILENT = ("qimage", "pixbuf")


def is_kdenlive(root: Element) -> bool:
    """Whether Kdenlive wrote the document, or is to read it."""
    return any(
        (item.get("name") or "").startswith("kdenlive:docproperties")
        for item in root.iterfind("playlist/property")
    )


def read_mlt(root: Element, path: Path) -> Edit:
    """The timeline in an MLT document.

    Raises:
        TimelineError: no timeline in it, or no sense in its times.
    """
    return _Reader(root, path).edit()


@dataclass
class _Reader:
    root: Element
    path: Path
    services: dict[str, Element] = field(init=False)
    rate: FrameRate = field(init=False)
    media: dict[str, Media | None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        found = self.root.iter()
        kinds = ("producer", "chain", "playlist", "tractor", "multitrack")
        self.services = {e.get("id", ""): e for e in found if e.tag in kinds and e.get("id")}
        profile = self.root.find("profile")
        if profile is None:
            raise TimelineError(
                f"{self.path} does not say its frame rate.", hint="Save the project again."
            )
        numerator = whole(profile.get("frame_rate_num"), "frame rate", 0)
        denominator = whole(profile.get("frame_rate_den"), "frame rate", 1)
        try:
            self.rate = FrameRate.from_fraction(Fraction(numerator, denominator))
        except (TimecodeError, ZeroDivisionError) as error:
            raise TimelineError(f"{self.path} runs at an impossible frame rate.") from error

    def edit(self) -> Edit:
        main = self._main()
        about = _properties(main)
        if about.get(DROP_FRAME) == "1" and self.rate.denominator == 1001:
            self.rate = FrameRate.from_fraction(self.rate.fps, drop_frame=True)
        lanes: list[Lane] = []
        for track in main.iter("track"):
            service = self.services.get(track.get("producer", ""))
            if service is not None and service.tag in ("playlist", "tractor"):
                lanes += self._lanes(service, track.get("hide", ""))
        audio = [lane for lane in lanes if lane.kind == "audio"]
        # Kdenlive stacks its sound tracks from the bottom up.
        audio = audio[::-1] if is_kdenlive(self.root) else audio
        profile = self.root.find("profile")
        return Edit(
            name=self.root.get("title", ""),
            rate=self.rate,
            start=max(0, whole(about.get(START), "start", 0)),
            lanes=(*(lane for lane in lanes if lane.kind == "video"), *audio),
            notes=tuple(sorted(self._notes(main), key=lambda note: note.start)),
            width=whole(profile.get("width") if profile is not None else None, "width", 1920),
            height=whole(profile.get("height") if profile is not None else None, "height", 1080),
            warnings=tuple(self.warnings),
            subtitles=tuple(self._subtitles()),
        )

    def _main(self) -> Element:
        tractors = [item for item in self.root if item.tag == "tractor"]
        if not tractors:
            raise TimelineError(
                f"{self.path} holds no timeline, only clips.", hint="Put the clips on a timeline."
            )
        main = tractors[-1]
        for _ in range(MAX_DEPTH):
            inner = [self.services.get(track.get("producer", "")) for track in main.iter("track")]
            held = inner[0] if len(inner) == 1 else None
            if held is None or held.tag != "tractor":
                break
            main = held
        return main

    def _lanes(self, service: Element, hide: str) -> Iterator[Lane]:
        about = _properties(service)
        halves = [service]
        if service.tag == "tractor":
            tracks = list(service.iter("track"))
            halves = [self.services.get(track.get("producer", ""), service) for track in tracks]
            halves = [half for half in halves if half is not service and half.tag == "playlist"]
        audio_only = about.get("kdenlive:audio_track") == "1" or about.get("shotcut:audio") == "1"
        audio_only = audio_only or (service.tag == "playlist" and hide == "video")
        name = about.get("kdenlive:track_name") or about.get("shotcut:name") or ""
        kinds: tuple[LaneKind, ...] = ("audio",) if audio_only else ("video", "audio")
        mute = ("both", "video") if not audio_only else ("both", "audio")
        for kind in kinds:
            extra = kind == "audio" and not audio_only
            if extra and (hide in ("audio", "both") or service.tag == "tractor"):
                continue
            collector = Collector(name, kind, enabled=hide not in mute)
            for half in halves:
                for event in self._playlist(half, kind, 0):
                    collector.add(event)
            if extra and not collector.events:
                continue
            yield from collector.lanes()

    def _playlist(self, playlist: Element, kind: LaneKind, depth: int) -> Iterator[Event]:
        if depth > MAX_DEPTH:
            raise TimelineError("The timeline is nested too deeply.")
        at = 0
        for item in playlist:
            if item.tag == "blank":
                at += max(0, self._frame(item.get("length"), 0))
            elif item.tag == "entry":
                service = self.services.get(item.get("producer", ""))
                if service is None:
                    raise TimelineError(
                        f"{self.path} refers to {item.get('producer')!r}, which it does not hold."
                    )
                first = self._frame(item.get("in"), 0)
                default = self._frame(service.get("out"), first)
                length = self._frame(item.get("out"), default) - first + 1
                if first < 0 or length < 0:
                    raise TimelineError(f"A clip in {self.path} ends before it begins.")
                self.count += 1
                if self.count > MAX_EVENTS:
                    raise TimelineError(f"The timeline holds more than {MAX_EVENTS} clips.")
                yield from self._events(item, service, kind, at, first, length, depth)
                at += length

    def _events(
        self,
        entry: Element,
        service: Element,
        kind: LaneKind,
        at: int,
        first: int,
        length: int,
        depth: int,
    ) -> Iterator[Event]:
        if service.tag in ("tractor", "playlist"):
            for found in self._inside(service, kind, depth + 1):
                seen = trimmed(found, first, first + length, self.rate)
                if seen is not None:
                    yield replace(seen, start=seen.start - first + at, tag=None)
            return
        about = _properties(service)
        silent = about.get("audio_index") == "-1" or about.get("set.test_audio") == "1"
        if kind == "audio" and (silent or about.get("mlt_service", "") in _SILENT):
            return
        media = self._media(service, about)
        if kind == "audio" and media is None:
            return
        speed = Fraction(1)
        if about.get("mlt_service") == "timewarp":
            speed = exact(about.get("warp_speed", "1"), "speed")
        source = self.rate.seconds(first) * abs(speed)
        if speed < 0:
            whole_length = self._frame(about.get("length"), first + length)
            source = self.rate.seconds(whole_length) * -speed - source
        stream = whole(about.get("astream"), "astream", 0) if kind == "audio" else 0
        ours = _properties(entry)
        name = ours.get("musiscene:name") or (media.name if media else "")
        event = Event(
            name=name,
            media=media,
            start=at,
            length=length,
            source=source,
            speed=speed,
            stream=max(0, stream),
            tag=Tag.from_json(ours.get(TAG)),
        )
        yield self._with_levels(event, entry) if kind == "audio" else event

    def _inside(self, service: Element, kind: LaneKind, depth: int) -> Iterator[Event]:
        if service.tag == "playlist":
            yield from self._playlist(service, kind, depth)
            return
        for track in service.iter("track"):
            held = self.services.get(track.get("producer", ""))
            hidden = track.get("hide", "") in ("both", kind)
            if held is None or hidden or held is service:
                continue
            if depth > MAX_DEPTH:
                raise TimelineError("The timeline is nested too deeply.")
            if held.tag in ("playlist", "tractor"):
                yield from self._inside(held, kind, depth + 1)
            else:
                first = self._frame(track.get("in"), 0)
                until = self._frame(track.get("out"), self._frame(held.get("out"), first))
                length = max(0, until - first + 1)
                yield from self._events(track, held, kind, 0, first, length, depth + 1)

    def _media(self, service: Element, about: dict[str, str]) -> Media | None:
        name = service.get("id", "")
        if name not in self.media:
            resource = about.get("warp_resource") or about.get("resource", "")
            is_file = about.get("mlt_service", "") in _FILES and resource
            frames = self._frame(about.get("length"), 0)
            is_music = about.get("video_index") == "-1"
            speed = abs(exact(about.get("warp_speed", "1"), "speed")) or 1
            base = self.root.get("root", "")
            if is_file and base and not re.match(r"^([/\\]|[A-Za-z]+:)", resource):
                resource = f"{base}/{resource}"
            caption = about.get("kdenlive:clipname") or about.get("shotcut:caption")
            self.media[name] = (
                None
                if not is_file
                else Media(
                    url=resource,
                    name=caption or Path(resource).name,
                    length=self.rate.seconds(frames) * speed if frames > 0 else None,
                    rate=None if is_music else self.rate,
                )
            )
        return self.media[name]

    def _with_levels(self, event: Event, entry: Element) -> Event:
        gain, fade_in, fade_out = 0.0, 0, 0
        for item in entry.iterfind("filter"):
            about = _properties(item)
            if about.get("mlt_service") != "volume" or about.get("disable") == "1":
                continue
            first = self._frame(item.get("in"), 0)
            length = self._frame(item.get("out"), first) - first + 1
            kind = (about.get("kdenlive_id") or about.get("shotcut:filter") or "").lower()
            if kind.startswith("fadein"):
                fade_in = whole(about.get("shotcut:animIn"), "fade", length)
            elif kind.startswith("fadeout"):
                fade_out = whole(about.get("shotcut:animOut"), "fade", length)
            else:
                gain += _decibels(about, self.warnings)
        return replace(
            event,
            gain_db=gain,
            fade_in=min(max(0, fade_in), event.length),
            fade_out=min(max(0, fade_out), event.length),
        )

    def _notes(self, main: Element) -> Iterator[Note]:
        for item in main.iterfind("properties[@name='shotcut:markers']/properties"):
            about = _properties(item)
            start = self._frame(about.get("start"), 0)
            end = self._frame(about.get("end"), start)
            length = max(1, end - start + 1)
            yield note_from(start, length, about.get("text", ""), about.get("comment", ""))
        for item in self.root.iter("property"):
            if (item.get("name") or "").endswith(
                ("docproperties.guides", "sequenceproperties.guides")
            ):
                yield from _guides(item.text or "")

    def _subtitles(self) -> Iterator[Note]:
        """What Shotcut's first subtitle track holds, which is SubRip in a filter."""
        for item in self.root.iter("filter"):
            about = _properties(item)
            if about.get("mlt_service") == "subtitle_feed" and about.get("text"):
                for line in subtitles_in(about["text"][:MAX_SUBTITLE_BYTES]):
                    start, end = (self.rate.frame_nearest(at) for at in (line.start, line.end))
                    yield Note(start, max(1, end - start), line.text)
                return

    def _frame(self, text: str | None, default: int) -> int:
        """A position as MLT writes it: frames, HH:MM:SS.mmm or HH:MM:SS:FF."""
        word = (text or "").strip()
        if not word:
            return default
        clock, code = _CLOCK.match(word), _TIMECODE.match(word)
        if clock is not None:
            hours, minutes, seconds = (int(clock[part]) for part in (1, 2, 3))
            fraction = Fraction(int(clock[4]), 10 ** len(clock[4]))
            return self.rate.frame_nearest(3600 * hours + 60 * minutes + seconds + fraction)
        if code is not None:
            hours, minutes, seconds, frames = (int(code[part]) for part in (1, 2, 3, 4))
            return (3600 * hours + 60 * minutes + seconds) * self.rate.nominal + frames
        return whole(word, "position")


def _properties(item: Element) -> dict[str, str]:
    return {part.get("name", ""): part.text or "" for part in item.findall("property")}


def _decibels(about: dict[str, str], warnings: dict[str, None]) -> float:
    level = about.get("level", "")
    if "=" in level:
        warnings["Moving volume levels are not followed."] = None
        return 0.0
    try:
        if level:
            return float(exact(level, "level"))
        gain = float(exact(about.get("gain", "1"), "gain"))
    except TimelineError:
        return 0.0
    return 20 * math.log10(gain) if gain > 1e-5 else -100.0


def _guides(text: str) -> Iterator[Note]:
    try:
        found = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError):
        return
    for entry in found if isinstance(found, list) else ():
        place = entry.get("pos") if isinstance(entry, dict) else None
        if isinstance(place, int) and 0 <= place < 10**9:
            length, tag = entry.get("duration", 1), entry.get(TAG)
            yield Note(
                start=place,
                length=length if isinstance(length, int) and 0 < length < 10**9 else 1,
                name=str(entry.get("comment", "")),
                tag=Tag.from_line(tag) if isinstance(tag, str) else None,
            )
