"""Writing MLT XML for Shotcut and `melt`, and Kdenlive's projects, which are MLT XML too.

Positions are frames of the profile; a cut's in and out are both played. Every lane is a playlist
of its own that a `mix` transition with sum=1 adds up, so stems sound as loud as they are. MLT has
no start timecode: ours travels in a property of our own.
Source: MLT's docs/mlt-xml.txt; Kdenlive's dev-docs/fileformat.md, generation 4 to 5.
"""

from __future__ import annotations

import json
from fractions import Fraction

from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.edit import (
    Edit,
    Event,
    Lane,
    Media,
    common_losses,
    lost_in_media,
    media_length,
    on_a_source_frame,
    path_of,
)
from musiscene_plugins.formats.safe_xml import Element, child, rendered

START = "musiscene:start"
DROP_FRAME = "musiscene:drop_frame"
TAG = "musiscene:take"
_VERSION = "7.12.0"
_SILENT_DB = -60
_Key = tuple[Media, Fraction, int, str]


def write_mlt(edit: Edit) -> bytes:
    """`edit` as MLT XML with Shotcut's track names."""
    return _Writer(edit).shotcut()


def write_kdenlive(edit: Edit) -> bytes:
    """`edit` as a Kdenlive project."""
    return _Writer(edit).kdenlive()


def losses_in_mlt(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold."""
    said = [*common_losses(edit), *lost_in_media(edit)]
    frame = edit.rate.fps
    events = [event for lane in edit.lanes for event in lane.events if event.media is not None]
    between = sum(
        ((event.source - (event.media.start if event.media else 0)) * frame).denominator != 1
        for event in events
    )
    if between:
        said.append(f"{between} clips begin between frames of their media; the nearest is taken.")
    if any(event.speed == 0 for event in events):
        said.append("Freeze frames play at normal speed.")
    if any(not e.enabled for lane in edit.lanes if lane.enabled for e in lane.events):
        said.append("Clips that are switched off are left as gaps.")
    if edit.start:
        said.append("Shotcut and Kdenlive count timecode from zero.")
    if any(note.color for note in edit.notes):
        said.append("Markers lose their colours.")
    return said


def losses_in_kdenlive(edit: Edit) -> list[str]:
    """What of `edit` a Kdenlive project cannot hold."""
    notes = ["Markers lose their notes."] if any(note.comment for note in edit.notes) else []
    return [*losses_in_mlt(edit), *notes]


class _Writer:
    """Builds one document; producers come before the playlists that cut them."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._last = max(0, edit.length - 1)
        self._root = Element("mlt", LC_NUMERIC="C", version=_VERSION, title=edit.name)
        self._producers: dict[_Key, str] = {}
        self._profile()
        for lane in edit.lanes:
            for event in lane.events:
                if event.media is not None:
                    self._producer(event, event.media, lane)
        black = child(self._root, "producer", id="background", **{"in": 0, "out": self._last})
        _properties(
            black,
            length=edit.length,
            eof="pause",
            resource="0",
            mlt_service="color",
            aspect_ratio=1,
        )

    def shotcut(self) -> bytes:
        names = []
        for number, lane in enumerate(self._edit.lanes):
            playlist = child(self._root, "playlist", id=f"playlist{number}")
            kind = {f"shotcut:{lane.kind}": 1, "shotcut:name": lane.name}
            _properties(playlist, **kind)
            self._fill(playlist, lane, for_kdenlive=False)
            names.append((f"playlist{number}", lane))
        main = self._tractor("main", names)
        _properties(main, shotcut=1, **self._clock())
        markers = child(main, "properties", name="shotcut:markers")
        for number, note in enumerate(self._edit.notes):
            marker = child(markers, "properties", name=number)
            _properties(
                marker,
                text=note.name,
                start=_clock_value(note.start, self._edit.rate),
                end=_clock_value(note.start + note.length - 1, self._edit.rate),
                comment=note.written_comment,
            )
        self._root.set("producer", "main")
        return rendered(self._root, "")

    def kdenlive(self) -> bytes:
        contents = child(self._root, "playlist", id="main_bin")
        guides = [
            {
                "comment": note.name,
                "pos": note.start,
                "duration": note.length,
                "type": 0,
                **({TAG: note.tag.to_line()} if note.tag is not None else {}),
            }
            for note in self._edit.notes
        ]
        _properties(
            contents,
            **{
                "kdenlive:docproperties.version": "1.04",
                "kdenlive:docproperties.kdenliveversion": "22.12.3",
                "kdenlive:docproperties.guides": json.dumps(guides),
                "xml_retain": 1,
            },
        )
        for (_, _, length, _), name in zip(self._producers, self._producers.values(), strict=True):
            child(contents, "entry", producer=name, **{"in": 0, "out": length - 1})
        names = []
        audio, video = self._edit.of_kind("audio"), self._edit.of_kind("video")
        for number, lane in enumerate((*reversed(audio), *video)):
            for half in (0, 1):
                playlist = child(self._root, "playlist", id=f"playlist{2 * number + half}")
                if lane.kind == "audio":
                    _properties(playlist, **{"kdenlive:audio_track": 1})
                if half == 0:
                    self._fill(playlist, lane, for_kdenlive=True)
            span = {"in": 0, "out": self._last}
            track = child(self._root, "tractor", id=f"tractor{number}", **span)
            about: dict[str, object] = {"kdenlive:timeline_active": 1}
            if lane.kind == "audio":
                about["kdenlive:audio_track"] = 1
            _properties(track, **about, **{"kdenlive:track_name": lane.name})
            hide = "video" if lane.kind == "audio" else "audio"
            for half in (0, 1):
                child(track, "track", producer=f"playlist{2 * number + half}", hide=hide)
            names.append((f"tractor{number}", lane))
        main = self._tractor("main", names)
        main.set("global_feed", "1")
        _properties(main, **self._clock())
        return rendered(self._root, "")

    def _profile(self) -> None:
        rate, width, height = self._edit.rate, self._edit.width, self._edit.height
        shape = Fraction(width, height)
        child(
            self._root,
            "profile",
            description=f"{height}p {rate.name}",
            frame_rate_num=rate.numerator,
            frame_rate_den=rate.denominator,
            width=width,
            height=height,
            progressive=1,
            sample_aspect_num=1,
            sample_aspect_den=1,
            display_aspect_num=shape.numerator,
            display_aspect_den=shape.denominator,
            colorspace=709,
        )

    def _clock(self) -> dict[str, object]:
        return {START: self._edit.start, DROP_FRAME: int(self._edit.rate.drop_frame)}

    def _key(self, event: Event, media: Media, lane: Lane) -> _Key:
        speed = event.speed or Fraction(1)
        played = media_length(event, self._edit.rate) * self._edit.rate.fps / abs(speed)
        return media, speed, max(1, -(-played.numerator // played.denominator)), lane.kind

    def _producer(self, event: Event, media: Media, lane: Lane) -> str:
        key = self._key(event, media, lane)
        if key in self._producers:
            return self._producers[key]
        number = len(self._producers)
        name = self._producers[key] = f"producer{number}"
        _, speed, length, kind = key
        made = child(self._root, "producer", id=name, **{"in": 0, "out": length - 1})
        path = path_of(media)
        about: dict[str, object] = {"length": length, "eof": "pause"}
        if speed == 1:
            about |= {"resource": path, "mlt_service": "avformat"}
        else:
            about |= {
                "resource": f"{float(speed):.9g}:{path}",
                "mlt_service": "timewarp",
                "warp_speed": f"{float(speed):.9g}",
                "warp_resource": path,
            }
        _properties(
            made,
            **about,
            **{
                "audio_index" if kind == "video" else "video_index": -1,
                "kdenlive:clipname": media.name,
                "kdenlive:id": number + 2,
                "kdenlive:folderid": -1,
                "shotcut:caption": media.name,
            },
        )
        if kind == "audio" and event.stream:
            _properties(made, astream=event.stream)
        return name

    def _fill(self, playlist: Element, lane: Lane, *, for_kdenlive: bool) -> None:
        at = 0
        for event in lane.events:
            if event.media is None or (lane.enabled and not event.enabled):
                continue
            if event.start > at:
                child(playlist, "blank", length=event.start - at)
            key = self._key(event, event.media, lane)
            begin = self._begin(event, key)
            entry = child(
                playlist,
                "entry",
                producer=self._producers[key],
                **{"in": begin, "out": begin + event.length - 1},
            )
            _properties(entry, **{"musiscene:name": event.name})
            if event.tag is not None:
                _properties(entry, **{TAG: event.tag.to_json()})
            if lane.kind == "audio":
                self._levels(entry, event, begin, for_kdenlive=for_kdenlive)
            at = event.end

    def _begin(self, event: Event, key: _Key) -> int:
        rate, speed = self._edit.rate, key[1]
        if speed == 1:
            return max(0, on_a_source_frame(event, rate))
        assert event.media is not None
        past = event.source - event.media.start
        if speed < 0:
            past = key[2] * rate.seconds(1) * -speed - past
        return max(0, rate.frame_nearest(past / abs(speed)))

    def _levels(self, entry: Element, event: Event, begin: int, *, for_kdenlive: bool) -> None:
        last = begin + event.length - 1
        if event.gain_db:
            names = {"kdenlive_id": "volume"} if for_kdenlive else {"shotcut:filter": "audioGain"}
            _filter(entry, begin, last, level=f"{event.gain_db:.6g}", **names)
        for length, which in ((event.fade_in, "in"), (event.fade_out, "out")):
            if not length:
                continue
            first = begin if which == "in" else last - length + 1
            until = begin + length - 1 if which == "in" else last
            if for_kdenlive:
                ends = {"gain": 0, "end": 1} if which == "in" else {"gain": 1, "end": 0}
                _filter(entry, first, until, kdenlive_id=f"fade{which}", **ends)
            else:
                ramp = (_SILENT_DB, 0) if which == "in" else (0, _SILENT_DB)
                names = {
                    "shotcut:filter": f"fade{which.capitalize()}Volume",
                    f"shotcut:anim{which.capitalize()}": str(length),
                }
                _filter(entry, first, until, level=f"0={ramp[0]};{length - 1}={ramp[1]}", **names)

    def _tractor(self, name: str, tracks: list[tuple[str, Lane]]) -> Element:
        tractor = child(self._root, "tractor", id=name, **{"in": 0, "out": self._last})
        child(tractor, "track", producer="background")
        for producer, lane in tracks:
            hide = "video" if lane.kind == "audio" else "audio"
            child(tractor, "track", producer=producer, hide=hide if lane.enabled else "both")
        for number, (_, lane) in enumerate(tracks, start=1):
            service = "mix" if lane.kind == "audio" else "qtblend"
            about: dict[str, object] = {"mlt_service": service, "always_active": 1}
            if service == "mix":
                about |= {"sum": 1, "combine": 1}
            between = child(tractor, "transition")
            _properties(between, a_track=0, b_track=number, **about, internal_added=237)
        return tractor


def _filter(entry: Element, first: int, last: int, **values: object) -> None:
    made = child(entry, "filter", **{"in": first, "out": last})
    _properties(made, mlt_service="volume", **values)


def _properties(parent: Element, **values: object) -> None:
    for name, value in values.items():
        child(parent, "property", value, name=name)


def _clock_value(frame: int, rate: FrameRate) -> str:
    """A frame as HH:MM:SS.mmm, as Shotcut writes times."""
    milliseconds = round(rate.seconds(frame) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
