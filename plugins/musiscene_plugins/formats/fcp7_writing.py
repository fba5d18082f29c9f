"""Writing Final Cut Pro 7 XML (xmeml 5) as Premiere and Resolve take it.

Either a whole new document, or lanes and notes joined to one that an editor wrote, in which all
else stays as it was. Each stereo clip lies on one track as Premiere writes it. Resolve wants a
non-empty `format` and reads the track's name from Premiere's attribute.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from musiscene_core.timecode import SAMPLE_RATE, FrameRate, format_timecode
from musiscene_plugins.formats.edit import (
    Edit,
    Event,
    Lane,
    LaneKind,
    Media,
    common_losses,
    file_url,
    media_length,
)
from musiscene_plugins.formats.fcp7_reading import (
    TAG_PATH,
    clips_of_ours,
    rate_of,
    sequence_in,
)
from musiscene_plugins.formats.safe_xml import Element, child, rendered, text_of, whole
from musiscene_plugins.formats.tags import TRACK_PREFIX, Removal, Tag

_DOCTYPE = "<!DOCTYPE xmeml>"


def write_fcp7(edit: Edit) -> bytes:
    """`edit` as a new document."""
    root = Element("xmeml", version="5")
    sequence = child(root, "sequence", id="sequence-1")
    child(sequence, "name", edit.name)
    child(sequence, "duration", edit.length)
    _rate(sequence, edit.rate)
    _timecode(sequence, edit.start, edit.rate)
    if edit.marks is not None:
        child(sequence, "in", edit.marks[0])
        child(sequence, "out", edit.marks[1])
    media = child(sequence, "media")
    video = child(media, "video")
    picture = child(child(video, "format"), "samplecharacteristics")
    _rate(picture, edit.rate)
    _picture(picture, edit.width, edit.height)
    audio = child(media, "audio")
    child(audio, "numOutputChannels", 2)
    sound = child(child(audio, "format"), "samplecharacteristics")
    _sound(sound)
    _Writer(edit, sequence).add(edit.lanes)
    return rendered(root, _DOCTYPE)


def join_fcp7(root: Element, path: Path, edit: Edit, name: str | None, removal: Removal) -> bytes:
    """The document under `root`, without `removal`, and with what `edit` adds to its sequence.

    Raises:
        TimelineError: the sequence is not found.
    """
    sequence = sequence_in(root, path, name)
    if removal:
        _take_away(root, sequence, removal)
    writer = _Writer(edit, sequence, root)
    writer.add(tuple(lane for lane in edit.lanes if lane.added), only_added_notes=True)
    return rendered(root, _DOCTYPE)


def losses_in_fcp7(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold."""
    said = common_losses(edit)
    if any(event.speed == 0 for lane in edit.lanes for event in lane.events):
        said.append("Freeze frames play at normal speed.")
    if any(note.color for note in edit.notes):
        said.append("Markers lose their colours.")
    return said


class _Writer:
    """Adds tracks to one sequence element; every id is new to the document."""

    def __init__(self, edit: Edit, sequence: Element, root: Element | None = None) -> None:
        self._edit = edit
        self._sequence = sequence
        self._rate = edit.rate if sequence.find("rate") is None else rate_of(sequence)
        self._files: dict[tuple[Media, LaneKind], str] = {}
        outer = root if root is not None else sequence
        taken = {e.get("id") for e in outer.iter() if e.tag in ("clipitem", "file")}
        self._clip_ids = _free("musiscene-clip", taken)
        self._file_ids = _free("musiscene-file", taken)

    def add(self, lanes: tuple[Lane, ...], *, only_added_notes: bool = False) -> None:
        for lane in lanes:
            self._track(_found(_found(self._sequence, "media"), lane.kind), lane)
        for note in self._edit.notes:
            if note.added or not only_added_notes:
                marker = child(self._sequence, "marker")
                child(marker, "comment", note.written_comment)
                child(marker, "name", note.name)
                child(marker, "in", note.start)
                child(marker, "out", note.start + note.length if note.length > 1 else -1)

    def _track(self, parent: Element, lane: Lane) -> None:
        track = child(parent, "track")
        if lane.name:
            track.set("MZ.TrackName", lane.name)
        if lane.kind == "audio":
            track.set("premiereTrackType", "Stereo")
        for event in lane.events:
            if event.media is None:
                continue
            if event.fade_in:
                _fade(track, self._rate, event.start, event.fade_in, lane.kind, black="start-black")
            self._clip(track, event, event.media, lane.kind)
            if event.fade_out:
                begin = event.end - event.fade_out
                _fade(track, self._rate, begin, event.fade_out, lane.kind, black="end-black")
        child(track, "enabled", "TRUE" if lane.enabled else "FALSE")
        child(track, "locked", "FALSE")

    def _clip(self, track: Element, event: Event, media: Media, kind: LaneKind) -> None:
        item = child(track, "clipitem", id=next(self._clip_ids))
        if kind == "audio":
            item.set("premiereChannelType", "stereo")
        own = self._source_rate(event, media)
        speed = abs(event.speed) or Fraction(1)
        begin = round((event.source - media.start) * own.fps / speed)
        length = round(self._rate.seconds(event.length) * own.fps)
        child(item, "name", event.name)
        child(item, "enabled", "TRUE" if event.enabled else "FALSE")
        child(item, "duration", round(media_length(event, self._rate) * own.fps / speed))
        _rate(item, own)
        child(item, "start", event.start)
        child(item, "end", event.end)
        child(item, "in", begin)
        child(item, "out", begin + length)
        self._file(item, event, media, kind)
        if kind == "audio":
            source = child(item, "sourcetrack")
            child(source, "mediatype", "audio")
            child(source, "trackindex", event.stream + 1)
        if event.tag is not None:
            child(child(item, "comments"), TAG_PATH.rpartition("/")[2], event.tag.to_json())
        if event.gain_db:
            _filter(
                item,
                "Audio Levels",
                "audiolevels",
                "audio",
                level=f"{10 ** (event.gain_db / 20):.8f}",
            )
        if event.speed not in (0, 1):
            _filter(
                item,
                "Time Remap",
                "timeremap",
                "video",
                variablespeed=0,
                speed=float(abs(event.speed) * 100),
                reverse="TRUE" if event.speed < 0 else "FALSE",
            )

    def _source_rate(self, event: Event, media: Media) -> FrameRate:
        """The media's own rate where the clip begins on one of its frames."""
        own = media.rate or self._rate
        on_frame = ((event.source - media.start) * own.fps).denominator == 1
        whole_length = (self._rate.seconds(event.length) * own.fps).denominator == 1
        return own if on_frame and whole_length else self._rate

    def _file(self, item: Element, event: Event, media: Media, kind: LaneKind) -> None:
        name = self._files.get((media, kind))
        if name is not None:
            child(item, "file", id=name)
            return
        name = self._files[media, kind] = next(self._file_ids)
        entry = child(item, "file", id=name)
        rate = media.rate or self._rate
        child(entry, "name", media.name or event.name)
        if media.url:
            child(entry, "pathurl", file_url(media).replace("file:///", "file://localhost/", 1))
        _rate(entry, rate)
        if media.length is not None:
            child(entry, "duration", round(media.length * rate.fps))
        _timecode(entry, rate.frame_nearest(media.start), rate)
        inside = child(entry, "media")
        if kind == "video":
            picture = child(child(inside, "video"), "samplecharacteristics")
            _picture(picture, self._edit.width, self._edit.height)
            return
        if media.rate is not None:
            child(inside, "video")
        audio = child(inside, "audio")
        _sound(child(audio, "samplecharacteristics"))
        child(audio, "channelcount", 2)


def _free(prefix: str, taken: set[str | None]) -> Iterator[str]:
    """Ids that the document does not use."""
    return (name for n in itertools.count(1) if (name := f"{prefix}-{n}") not in taken)


def _take_away(root: Element, sequence: Element, removal: Removal) -> None:
    """Take our clips out, with the fades on them, their markers, and tracks left empty."""
    gone = {
        id(item): event
        for event, item in clips_of_ours(root, sequence)
        if (event.tag, event.start) in removal.clips
    }
    orphans: dict[str, Element] = {}
    for parent in sequence.findall("media/*"):
        for track in parent.findall("track"):
            emptied = _without_clips(track, gone, orphans)
            if emptied and track.find("clipitem") is None and _is_named_ours(track):
                parent.remove(track)
    for entry in root.iter("file"):
        if (whole_file := orphans.pop(entry.get("id", ""), None)) is not None and not len(entry):
            entry.extend(list(whole_file))
    for marker in sequence.findall("marker"):
        tag = Tag.from_line(marker.findtext("comment"))
        at = whole(text_of(marker, "in"), "marker", 0)
        if tag is not None and (tag.of_take, at) in removal.markers:
            sequence.remove(marker)


def _without_clips(track: Element, gone: dict[int, Event], orphans: dict[str, Element]) -> bool:
    """Take the clips in `gone` off `track`; their files' descriptions go to `orphans`."""
    taken = False
    items = list(track)
    for place, item in enumerate(items):
        event = gone.get(id(item))
        if event is None:
            continue
        taken = True
        described = item.find("file")
        if described is not None and len(described):
            orphans[described.get("id", "")] = described
        for beside, edge, black in ((-1, event.start, "start"), (1, event.end, "end")):
            if not 0 <= place + beside < len(items):
                continue
            fade = items[place + beside]
            if fade.tag == "transitionitem" and (
                text_of(fade, "alignment") == f"{black}-black" and text_of(fade, black) == str(edge)
            ):
                track.remove(fade)
        track.remove(item)
    return taken


def _is_named_ours(track: Element) -> bool:
    return (track.get("MZ.TrackName") or track.get("name") or "").startswith(TRACK_PREFIX)


def _found(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return found if found is not None else child(parent, tag)


def _rate(parent: Element, rate: FrameRate) -> None:
    element = child(parent, "rate")
    child(element, "timebase", rate.nominal)
    child(element, "ntsc", "TRUE" if rate.denominator == 1001 else "FALSE")


def _timecode(parent: Element, frame: int, rate: FrameRate) -> None:
    element = child(parent, "timecode")
    _rate(element, rate)
    child(element, "string", format_timecode(frame, rate))
    child(element, "frame", frame)
    child(element, "displayformat", "DF" if rate.drop_frame else "NDF")


def _picture(parent: Element, width: int, height: int) -> None:
    child(parent, "width", width)
    child(parent, "height", height)
    child(parent, "anamorphic", "FALSE")
    child(parent, "pixelaspectratio", "square")
    child(parent, "fielddominance", "none")


def _sound(parent: Element) -> None:
    child(parent, "depth", 24)
    child(parent, "samplerate", SAMPLE_RATE)


def _fade(
    track: Element, rate: FrameRate, start: int, length: int, kind: LaneKind, *, black: str
) -> None:
    item = child(track, "transitionitem")
    child(item, "start", start)
    child(item, "end", start + length)
    child(item, "alignment", black)
    _rate(item, rate)
    effect = child(item, "effect")
    sound = kind == "audio"
    child(effect, "name", "Cross Fade (+3dB)" if sound else "Cross Dissolve")
    child(effect, "effectid", "KGAudioTransCrossFade3dB" if sound else "Cross Dissolve")
    child(effect, "effecttype", "transition")
    child(effect, "mediatype", kind)


def _filter(item: Element, name: str, effect_id: str, media: str, **values: object) -> None:
    effect = child(child(item, "filter"), "effect")
    child(effect, "name", name)
    child(effect, "effectid", effect_id)
    child(effect, "effectcategory", effect_id if media == "audio" else "motion")
    child(effect, "effecttype", "filter" if media == "audio" else "motion")
    child(effect, "mediatype", media)
    for key, value in values.items():
        parameter = child(effect, "parameter")
        child(parameter, "parameterid", key)
        child(parameter, "name", key)
        child(parameter, "value", value)
