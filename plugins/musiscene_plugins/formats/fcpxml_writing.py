"""Writing FCPXML 1.10, which Final Cut Pro 10.6 and Resolve 18 and later read.

Every time is an exact fraction of seconds. The lowest picture lane is the spine; all else hangs
on the spine's element under its first frame. Either a whole new document, or lanes and notes
joined to one that an editor wrote. Track names live in the sub-role ("music.MusiScene Bass").
"""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import TimelineError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.edit import (
    Edit,
    Event,
    Lane,
    Media,
    Note,
    common_losses,
    file_url,
    media_length,
)
from musiscene_plugins.formats.fcpxml_reading import (
    TAG_KEY,
    project_in,
    seconds,
    things_of_ours,
)
from musiscene_plugins.formats.safe_xml import Element, child, printable, rendered, whole
from musiscene_plugins.formats.tags import Removal
from musiscene_plugins.roles import role_of_track

_DOCTYPE = "<!DOCTYPE fcpxml>"
_VERSION = "1.10"
_MAIN_ROLES = {"dialogue": "dialogue", "effects": "effects", "mixed": "dialogue"}
_SPINE = ("asset-clip", "clip", "video", "gap", "ref-clip", "sync-clip", "mc-clip", "title")
_AFTER_ANCHORED = re.compile(
    r"^(marker|chapter-marker|rating|keyword|analysis-marker|audio-channel-source|audio-role-source"
    r"|mc-source|sync-source|filter-video|filter-video-mask|filter-audio|metadata)$"
)


def write_fcpxml(edit: Edit) -> bytes:
    """`edit` as a new document."""
    root = Element("fcpxml", version=_VERSION)
    resources = child(root, "resources")
    frame = 1 / edit.rate.fps
    child(
        resources,
        "format",
        id="r1",
        name="MusiSceneTimeline",
        frameDuration=time(frame),
        width=edit.width,
        height=edit.height,
    )
    event = child(child(root, "library"), "event", name=edit.name or "MusiScene")
    sequence = child(
        child(event, "project", name=edit.name),
        "sequence",
        format="r1",
        duration=time(edit.rate.seconds(edit.length)),
        tcStart=time(edit.rate.seconds(edit.start)),
        tcFormat="DF" if edit.rate.drop_frame else "NDF",
        audioLayout="stereo",
        audioRate="48k",
    )
    writer = _Writer(edit, resources)
    spine = child(sequence, "spine")
    video = edit.of_kind("video")
    at = 0
    for event_ in video[0].events if video else ():
        if event_.media is None:
            continue
        writer.gap(spine, at, event_.start)
        writer.clip(spine, event_, video[0], edit.rate.seconds(event_.start), lane=0)
        at = event_.end
    writer.gap(spine, at, edit.length)
    above = [*video[1:], *edit.of_kind("audio")]
    writer.hang(spine, above, edit.notes, edit.rate, first_audio=len(video[1:]))
    return rendered(root, _DOCTYPE)


def join_fcpxml(root: Element, path: Path, edit: Edit, name: str | None, removal: Removal) -> bytes:
    """The document under `root`, without `removal`, and with what `edit` adds to its project.

    Raises:
        TimelineError: the project is not found.
    """
    project, sequence = project_in(root, path, name)
    resources, spine = root.find("resources"), sequence.find("spine")
    if resources is None or spine is None:
        raise TimelineError(f"{path} holds no timeline to add to.")
    if removal:
        _take_away(root, project, sequence, removal)
    writer = _Writer(edit, resources)
    lanes = [lane for lane in edit.lanes if lane.added]
    notes = tuple(note for note in edit.notes if note.added)
    writer.hang(spine, lanes, notes, edit.rate)
    return rendered(root, _DOCTYPE)


def losses_in_fcpxml(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold."""
    said = common_losses(edit)
    named = [lane.name for lane in edit.of_kind("video") if lane.name]
    if any(name != f"V{number}" for number, name in enumerate(named, start=1)):
        said.append("Picture tracks have no names in FCPXML; they become lanes.")
    video = edit.of_kind("video")
    if any(e.fade_in or e.fade_out for lane in video for e in lane.events):
        said.append("Fades of picture clips are not kept.")
    if any(note.color for note in edit.notes):
        said.append("Markers lose their colours.")
    return said


def time(value: Fraction) -> str:
    """Seconds as FCPXML writes them: "3s", "1001/30000s"."""
    return f"{value.numerator}s" if value.denominator == 1 else f"{value}s"


class _Writer:
    """Adds assets to `resources` and clips to a spine; every id is new to the document."""

    def __init__(self, edit: Edit, resources: Element) -> None:
        self._edit = edit
        self._resources = resources
        self._known: dict[tuple[Media, str], str] = {}
        taken = {resource.get("id") for resource in resources}
        self._ids = (f"r{n}" for n in itertools.count(2) if f"r{n}" not in taken)
        self._formats: dict[FrameRate, str] = {}

    def gap(self, spine: Element, start: int, end: int) -> None:
        """Nothing from frame `start` to `end`, where there is any."""
        if end > start:
            rate = self._edit.rate
            child(
                spine,
                "gap",
                name="Gap",
                offset=time(rate.seconds(start)),
                start="0s",
                duration=time(rate.seconds(end - start)),
            )

    def clip(
        self, parent: Element, event: Event, where: Lane, offset: Fraction, *, lane: int
    ) -> None:
        """`event` as a child of `parent`, at `offset` of its clock."""
        assert event.media is not None
        own = event.source
        attributes = {
            "ref": self._asset(event, where.kind),
            "name": event.name,
            "offset": time(offset),
            "start": time(own),
            "duration": time(self._edit.rate.seconds(event.length)),
            "srcEnable": where.kind,
        }
        if lane:
            attributes["lane"] = str(lane)
        if not (event.enabled and where.enabled):
            attributes["enabled"] = "0"
        if where.kind == "audio":
            attributes["audioRole"] = _role(where)
        if event.stream:
            attributes["srcID"] = str(event.stream + 1)
        item = Element("asset-clip", attributes)
        if event.speed != 1:
            mapped = child(item, "timeMap")
            played = self._edit.rate.seconds(event.length)
            for past in (Fraction(0), played):
                value = own + past * event.speed
                child(mapped, "timept", time=time(own + past), value=time(value), interp="linear")
        if where.kind == "audio" and (event.gain_db or event.fade_in or event.fade_out):
            self._volume(item, event)
        if event.tag is not None:
            child(child(item, "metadata"), "md", key=TAG_KEY, value=event.tag.to_json())
        _insert_anchored(parent, item) if lane else parent.append(item)

    def hang(
        self,
        spine: Element,
        lanes: list[Lane],
        notes: tuple[Note, ...],
        rate: FrameRate,
        first_audio: int = 0,
    ) -> None:
        """Hang `lanes` and `notes` on the elements of `spine` that lie under them."""
        places = _Places(spine, rate)
        used = [whole(e.get("lane"), "lane", 0) for e in spine.iter() if e.get("lane")]
        above, below = max(0, *used, 0), min(0, *used, 0)
        for lane in lanes:
            if lane.kind == "video":
                above += 1
                number = above
            else:
                below -= 1
                number = below
            for event in lane.events:
                if event.media is not None:
                    holder, offset = places.at(event.start, self)
                    self.clip(holder, event, lane, offset, lane=number)
        for note in notes:
            holder, offset = places.at(note.start, self)
            made = Element(
                "marker",
                start=time(offset),
                duration=time(rate.seconds(note.length)),
                value=note.name or "Marker",
            )
            if note.written_comment:
                made.set("note", printable(note.written_comment))
            _insert_marker(holder, made)

    def _asset(self, event: Event, kind: str) -> str:
        media = event.media
        assert media is not None
        known = self._known.get((media, kind))
        if known is not None:
            return known
        name = self._known[media, kind] = next(self._ids)
        asset = child(
            self._resources,
            "asset",
            id=name,
            name=media.name or event.name,
            start=time(media.start),
            duration=time(media.length or media_length(event, self._edit.rate)),
        )
        if media.rate is not None:
            asset.set("format", self._format(media.rate))
        if kind == "video":
            asset.set("hasVideo", "1")
        else:
            for key, value in (("hasAudio", 1), ("audioSources", 1), ("audioChannels", 2)):
                asset.set(key, str(value))
            asset.set("audioRate", "48000")
        child(asset, "media-rep", kind="original-media", src=file_url(media))
        return name

    def _format(self, rate: FrameRate) -> str:
        plain = FrameRate.from_fraction(rate.fps)
        if plain not in self._formats:
            name = self._formats[plain] = next(self._ids)
            made = child(self._resources, "format", id=name, frameDuration=time(1 / plain.fps))
            made.set("width", str(self._edit.width))
            made.set("height", str(self._edit.height))
        return self._formats[plain]

    def _volume(self, item: Element, event: Event) -> None:
        volume = child(item, "adjust-volume", amount=f"{event.gain_db:.6g}dB")
        if event.fade_in or event.fade_out:
            amount = child(volume, "param", name="amount")
            for tag, length in (("fadeIn", event.fade_in), ("fadeOut", event.fade_out)):
                if length:
                    span = time(self._edit.rate.seconds(length))
                    child(amount, tag, type="linear", duration=span)


class _Places:
    """Where on a spine each frame lies; the spine grows by a gap for frames past its end."""

    def __init__(self, spine: Element, rate: FrameRate) -> None:
        self._spine = spine
        self._rate = rate
        self._spans: list[tuple[Fraction, Fraction, Element]] = []
        at = Fraction(0)
        for item in spine:
            if item.tag in _SPINE:
                begin = seconds(item.get("offset"), at)
                length = seconds(item.get("duration"))
                self._spans.append((begin, begin + length, item))
                at = begin + length
        self._last = 0

    def at(self, frame: int, writer: _Writer) -> tuple[Element, Fraction]:
        """The element under `frame`, and the second of its own clock there."""
        moment = self._rate.seconds(frame)
        if self._last >= len(self._spans) or self._spans[self._last][0] > moment:
            self._last = 0
        for place in range(self._last, len(self._spans)):
            begin, end, item = self._spans[place]
            if begin <= moment < end:
                self._last = place
                return item, seconds(item.get("start")) + moment - begin
        end = self._spans[-1][1] if self._spans else Fraction(0)
        writer.gap(self._spine, self._rate.frame_nearest(end), frame + 1)
        item = self._spine[-1]
        if item.tag != "gap":
            raise TimelineError("The timeline's clips lie at impossible times.")
        self._spans.append((end, self._rate.seconds(frame + 1), item))
        return item, moment - end


def _take_away(root: Element, project: Element, sequence: Element, removal: Removal) -> None:
    """Take our clips out, with the assets that nothing else uses, and their markers."""
    clips, markers = things_of_ours(root, project, sequence)
    gone = [item for event, item in clips if (event.tag, event.start) in removal.clips]
    unwanted = {id(item) for item in gone} | {
        id(item)
        for note, item in markers
        if note.tag is not None and (note.tag.of_take, note.start) in removal.markers
    }
    for parent in list(sequence.iter()):
        for item in [item for item in parent if id(item) in unwanted]:
            parent.remove(item)
    left = {item.get("ref") for item in root.iter() if item.get("ref")}
    names = {item.get("ref") for item in gone} - left
    for resources in root.findall("resources"):
        for asset in [entry for entry in resources if entry.get("id") in names]:
            resources.remove(asset)


def _role(lane: Lane) -> str:
    """A role of Final Cut Pro that carries the track's name."""
    main = _MAIN_ROLES.get(role_of_track(lane.name, "audio"), "music")
    name = re.sub(r"[.?]", " ", lane.name).strip()
    return f"{main}.{name}" if name else main


def _insert_anchored(parent: Element, item: Element) -> None:
    """Put `item` where the DTD wants anchored items: before markers, filters and metadata."""
    for place in range(len(parent), 0, -1):
        if not _AFTER_ANCHORED.match(parent[place - 1].tag):
            parent.insert(place, item)
            return
    parent.insert(0, item)


def _insert_marker(parent: Element, item: Element) -> None:
    """Put `item` after the anchored items and markers, before what follows them."""
    follows = re.compile(r"^(audio-|mc-source|sync-source|filter-|metadata)")
    for place in range(len(parent), 0, -1):
        if not follows.match(parent[place - 1].tag):
            parent.insert(place, item)
            return
    parent.insert(0, item)
