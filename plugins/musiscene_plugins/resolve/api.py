"""Every call to Resolve's objects, and what its answer means.

Resolve answers None, False or an empty list where something went wrong and says no more; here
that becomes a HostError that names the call, the likely cause and what to do. No other module
calls Resolve, but delivery.py for renders and timeline files. What is placed where, and in which
order, is not decided here.
Source: the scripting README that comes with Resolve (July 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from musiscene_core.errors import HostError, TimecodeError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import Edition, EditorInfo, TrackKind
from musiscene_plugins.resolve.frames import OffsetFrame, RecordFrame, TimelineClock
from musiscene_plugins.resolve.transport import Call, Transport
from musiscene_plugins.resolve.values import (
    ApiItem,
    ApiMarker,
    ApiMedia,
    ApiTimeline,
    ApiTrack,
    Appended,
)

_ITEM = ("GetUniqueId", "GetName", "GetStart", "GetDuration", "GetLeftOffset", "GetMediaPoolItem")
_AUDIO_ONLY = 2
_TRY_AGAIN = "Look at Resolve: close any dialog that is open there, then try again."


class ResolveApi:
    """A connection to Resolve, call by call."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._known: dict[str, bool] = {}
        self._manager: Any = None

    def knows(self, target: Any, method: str) -> bool:
        """Whether objects like `target` have `method` in this version."""
        if method not in self._known:
            self._known[method] = self.transport.has(target, method)
        return self._known[method]

    def editor(self) -> EditorInfo:
        """Product, version and edition."""
        root = self.transport.root
        name, version = self._all(Call(root, "GetProductName"), Call(root, "GetVersionString"))
        name = str(name or "DaVinci Resolve")
        edition: Edition = "studio" if "studio" in name.lower() else "free"
        return EditorInfo(name=name, version=str(version or ""), edition=edition)

    def page(self) -> str:
        """The page that is open; empty where none is."""
        return str(self._one(self.transport.root, "GetCurrentPage") or "")

    def open_page(self, page: str) -> None:
        """Turn to `page`."""
        self._demand(
            self.transport.root, "OpenPage", page, why=f"the {page} page did not open", hint=""
        )

    def project(self) -> Any:
        """The open project."""
        if self._manager is None:
            self._manager = self._one(self.transport.root, "GetProjectManager")
        project = None
        if self._manager is not None:
            project = self._one(self._manager, "GetCurrentProject")
        if project is None:
            raise HostError("No project is open in DaVinci Resolve.", hint="Open the project.")
        return project

    def project_id(self) -> str:
        """Resolve's own id for the open project."""
        project = self.project()
        return str(self._one(project, "GetUniqueId") or self._one(project, "GetName") or "")

    def current_timeline(self) -> ApiTimeline:
        """The timeline that is open."""
        timeline = self._one(self.project(), "GetCurrentTimeline")
        if timeline is None:
            raise HostError(
                "No timeline is open in DaVinci Resolve.", hint="Open the timeline to score."
            )
        return self._timeline(timeline)

    def timelines(self) -> list[ApiTimeline]:
        """Every timeline of the project."""
        project = self.project()
        count = _whole(self._one(project, "GetTimelineCount"), "GetTimelineCount")
        calls = [Call(project, "GetTimelineByIndex", (at,)) for at in range(1, count + 1)]
        return [self._timeline(found) for found in self._all(*calls) if found is not None]

    def make_current(self, timeline: ApiTimeline) -> None:
        """Open `timeline`."""
        self._demand(
            self.project(),
            "SetCurrentTimeline",
            timeline.handle,
            why=f"the timeline {timeline.name!r} did not open",
            hint=_TRY_AGAIN,
        )

    def clock(self, timeline: ApiTimeline) -> TimelineClock:
        """Its rate and frames, as the timeline (not the project) says."""
        handle = timeline.handle
        rate, start, end, drop = self._all(
            Call(handle, "GetSetting", ("timelineFrameRate",)),
            Call(handle, "GetStartFrame"),
            Call(handle, "GetEndFrame"),
            Call(handle, "GetSetting", ("timelineDropFrameTimecode",)),
        )
        try:
            exact = FrameRate.parse(str(rate))
            if str(drop) == "1" and not exact.drop_frame:
                exact = FrameRate(exact.numerator, exact.denominator, True)
        except TimecodeError as error:
            raise HostError(
                f"The timeline's frame rate {rate!r} makes no sense.",
                hint="See Timeline Settings in Resolve.",
            ) from error
        first = RecordFrame(_whole(start, "GetStartFrame"))
        return TimelineClock(exact, first, RecordFrame(_whole(end, "GetEndFrame")))

    def tracks(self, timeline: ApiTimeline, kind: TrackKind) -> list[ApiTrack]:
        """Its tracks of one kind, in order."""
        handle = timeline.handle
        count = _whole(self._one(handle, "GetTrackCount", kind), "GetTrackCount")
        known = "GetTrackSubType" if self.knows(handle, "GetTrackSubType") else ""
        methods = [
            "GetTrackName",
            "GetIsTrackEnabled",
            "GetIsTrackLocked",
            *([known] * bool(known)),
        ]
        calls = [Call(handle, name, (kind, at + 1)) for at in range(count) for name in methods]
        answers = self._all(*calls)
        rows = [answers[at * len(methods) : (at + 1) * len(methods)] for at in range(count)]
        return [
            ApiTrack(
                kind=kind,
                index=at,
                name=str(row[0] or ""),
                enabled=row[1] is not False,
                locked=row[2] is True,
                sub_type=str(row[3] or "") if known else "",
            )
            for at, row in enumerate(rows, start=1)
        ]

    def items(self, timeline: ApiTimeline, kind: TrackKind, index: int) -> list[ApiItem]:
        """The clips on one track, in the order Resolve keeps them."""
        handles = _listed(self._one(timeline.handle, "GetItemListInTrack", kind, index))
        if not handles:
            return []
        extra = [
            name
            for name in ("GetClipEnabled", "GetSourceStartFrame", "GetSourceEndFrame")
            if self.knows(handles[0], name)
        ]
        methods = [*_ITEM, *extra]
        answers = self._all(*[Call(handle, name) for handle in handles for name in methods])
        rows = [
            dict(zip(methods, answers[at * len(methods) :], strict=False))
            for at in range(len(handles))
        ]
        pool = [row["GetMediaPoolItem"] for row in rows if row["GetMediaPoolItem"] is not None]
        media = iter(self.media(pool))
        return [
            ApiItem(
                handle=handle,
                id=str(row["GetUniqueId"] or ""),
                name=str(row["GetName"] or ""),
                start=RecordFrame(_whole(row["GetStart"], "GetStart")),
                duration=_whole(row["GetDuration"], "GetDuration"),
                left_offset=_whole(row["GetLeftOffset"] or 0, "GetLeftOffset"),
                source_start=_maybe_whole(row.get("GetSourceStartFrame")),
                source_end=_maybe_whole(row.get("GetSourceEndFrame")),
                enabled=row.get("GetClipEnabled") is not False,
                media=next(media) if row["GetMediaPoolItem"] is not None else None,
            )
            for handle, row in zip(handles, rows, strict=True)
        ]

    def selected_ids(self, timeline: ApiTimeline) -> frozenset[str]:
        """Ids of the clips that the user has selected.

        Raises:
            HostError: this version does not say.
        """
        if not self.knows(timeline.handle, "GetSelectedClips"):
            raise HostError(
                "This version of DaVinci Resolve does not say what is selected.",
                hint="Name the track instead, for example --role A2=temp_track.",
            )
        chosen = _listed(self._one(timeline.handle, "GetSelectedClips"))
        return frozenset(str(i) for i in self._all(*[Call(item, "GetUniqueId") for item in chosen]))

    def media(self, handles: Sequence[Any]) -> list[ApiMedia]:
        """Media pool clips with their file, rate and use."""
        names = ("File Path", "FPS", "Usage")
        calls = []
        for handle in handles:
            calls += [Call(handle, "GetName")]
            calls += [Call(handle, "GetClipProperty", (name,)) for name in names]
        answers = self._all(*calls)
        rows = [answers[at : at + 4] for at in range(0, len(answers), 4)]
        return [
            ApiMedia(handle, *(str(value if value is not None else "") for value in row))
            for handle, row in zip(handles, rows, strict=True)
        ]

    def markers(self, timeline: ApiTimeline) -> list[ApiMarker]:
        """The timeline's markers, in order."""
        found = self._one(timeline.handle, "GetMarkers")
        markers = [
            ApiMarker(
                frame=OffsetFrame(_whole(frame, "GetMarkers")),
                name=str(about.get("name") or ""),
                note=str(about.get("note") or ""),
                color=str(about.get("color") or ""),
                duration=max(1, _whole(about.get("duration") or 1, "GetMarkers")),
                custom=str(about.get("customData") or ""),
            )
            for frame, about in (found.items() if isinstance(found, dict) else ())
            if isinstance(about, dict)
        ]
        return sorted(markers, key=lambda marker: marker.frame)

    def add_marker(self, timeline: ApiTimeline, marker: ApiMarker) -> None:
        """Set a marker where there is none."""
        self._demand(
            timeline.handle,
            "AddMarker",
            marker.frame,
            marker.color,
            marker.name,
            marker.note,
            marker.duration,
            marker.custom,
            why=f"no marker could be set {marker.frame} frames into the timeline",
            hint="See whether a marker is there already.",
        )

    def delete_marker(self, timeline: ApiTimeline, custom: str) -> bool:
        """Delete the marker that carries `custom`; False where there is none any more."""
        return bool(self._one(timeline.handle, "DeleteMarkerByCustomData", custom))

    def marks(self, timeline: ApiTimeline) -> dict[str, dict[str, int]] | None:
        """In and Out marks as Resolve gives them (offsets); None where this version cannot say."""
        if not self.knows(timeline.handle, "GetMarkInOut"):
            return None
        found = self._one(timeline.handle, "GetMarkInOut")
        if not isinstance(found, dict):
            return {}
        return {
            kind: {end: _whole(at, "GetMarkInOut") for end, at in marks.items()}
            for kind, marks in found.items()
            if isinstance(marks, dict) and marks
        }

    def set_marks(self, timeline: ApiTimeline, marks: dict[str, dict[str, int]]) -> None:
        """Put the In and Out marks back as `marks` had them."""
        self._one(timeline.handle, "ClearMarkInOut", "all")
        for kind, ends in marks.items():
            if "in" in ends and "out" in ends:
                self._demand(
                    timeline.handle,
                    "SetMarkInOut",
                    ends["in"],
                    ends["out"],
                    kind,
                    why="the In and Out marks were not set",
                    hint="",
                )

    def playhead(self, timeline: ApiTimeline) -> str:
        """The playhead's timecode; empty on a page that has none."""
        return str(self._one(timeline.handle, "GetCurrentTimecode") or "")

    def move_playhead(self, timeline: ApiTimeline, timecode: str) -> None:
        """Move the playhead."""
        self._one(timeline.handle, "SetCurrentTimecode", timecode)

    def add_stereo_track(self, timeline: ApiTimeline, name: str) -> int:
        """Add a stereo track called `name` below all others; its index."""
        before = len(self.tracks(timeline, "audio"))
        for options in ({"audioType": "stereo"}, "stereo"):
            self._one(timeline.handle, "AddTrack", "audio", options)
            tracks = self.tracks(timeline, "audio")
            if len(tracks) != before + 1:
                continue
            if tracks[-1].sub_type in ("", "stereo"):
                try:
                    self.rename_track(timeline, before + 1, name)
                except HostError:
                    self.delete_track(timeline, before + 1)
                    raise
                return before + 1
            # An old version that does not know the options made a mono track of them.
            self.delete_track(timeline, before + 1)
        raise HostError(
            "DaVinci Resolve refused AddTrack: no stereo track was added.",
            hint=f"Open the timeline on the Edit page. {_TRY_AGAIN}",
        )

    def rename_track(self, timeline: ApiTimeline, index: int, name: str) -> None:
        """Call sound track `index` `name`; on the current timeline only."""
        self._one(timeline.handle, "SetTrackName", "audio", index, name)
        if self._one(timeline.handle, "GetTrackName", "audio", index) != name:
            raise HostError(
                f"DaVinci Resolve refused SetTrackName: track A{index} was not called {name!r}.",
                hint="Keep the timeline open while music is placed.",
            )

    def delete_track(self, timeline: ApiTimeline, index: int) -> None:
        """Delete sound track `index`; the caller has made sure that it is ours, and empty."""
        before = len(self.tracks(timeline, "audio"))
        self._one(timeline.handle, "DeleteTrack", "audio", index)
        if len(self.tracks(timeline, "audio")) != before - 1:
            raise HostError(
                f"DaVinci Resolve refused DeleteTrack: track A{index} is still there.",
                hint="Unlock it and delete it in Resolve.",
            )

    def enable_track(
        self, timeline: ApiTimeline, kind: TrackKind, index: int, enabled: bool
    ) -> None:
        """Let a track be heard or seen, or not."""
        self._demand(
            timeline.handle,
            "SetTrackEnable",
            kind,
            index,
            enabled,
            why=f"{kind} track {index} was not switched",
            hint=_TRY_AGAIN,
        )

    def lock_track(self, timeline: ApiTimeline, kind: TrackKind, index: int, locked: bool) -> None:
        """Lock or unlock a track."""
        self._demand(
            timeline.handle,
            "SetTrackLock",
            kind,
            index,
            locked,
            why=f"{kind} track {index} was not locked or unlocked",
            hint=_TRY_AGAIN,
        )

    def mute_item(self, item: ApiItem) -> None:
        """Switch a clip off."""
        self._demand(
            item.handle,
            "SetClipEnabled",
            False,
            why=f"the clip {item.name!r} was not switched off",
            hint=_TRY_AGAIN,
        )

    def append(self, clips: Sequence[Appended]) -> None:
        """Lay clips on the current timeline. The answer proves nothing: read them back."""
        wanted = [
            {
                "mediaPoolItem": clip.media.handle,
                "startFrame": 0,
                "endFrame": int(clip.end_frame),
                "mediaType": _AUDIO_ONLY,
                "trackIndex": int(clip.track),
                "recordFrame": int(clip.record),
            }
            for clip in clips
        ]
        self._one(self._pool(), "AppendToTimeline", wanted)

    def delete_items(self, timeline: ApiTimeline, items: Sequence[ApiItem]) -> None:
        """Delete clips from the timeline, leaving gaps."""
        if not items:
            return
        self._demand(
            timeline.handle,
            "DeleteClips",
            [item.handle for item in items],
            False,
            why="the clips were not deleted",
            hint="Turn to the Edit page (not Fairlight) and unlock the MusiScene tracks.",
        )

    def current_bin(self) -> Any:
        """The media pool's open folder."""
        return self._one(self._pool(), "GetCurrentFolder")

    def open_bin(self, folder: Any) -> None:
        """Open a folder of the media pool: imports go there."""
        self._demand(
            self._pool(), "SetCurrentFolder", folder, why="the bin did not open", hint=_TRY_AGAIN
        )

    def find_bin(self, name: str) -> Any:
        """The folder `name` in the media pool's root; None where there is none."""
        top = self._one(self._pool(), "GetRootFolder")
        folders = _listed(self._one(top, "GetSubFolderList"))
        names = self._all(*[Call(folder, "GetName") for folder in folders])
        named = (folder for folder, found in zip(folders, names, strict=True) if found == name)
        return next(named, None)

    def bin(self, name: str) -> Any:
        """The folder `name` in the media pool's root; made where there is none."""
        there = self.find_bin(name)
        if there is not None:
            return there
        pool = self._pool()
        top = self._one(pool, "GetRootFolder")
        made = self._one(pool, "AddSubFolder", top, name)
        if made is None:
            raise HostError(
                f"DaVinci Resolve refused AddSubFolder: no bin {name!r} was made.",
                hint=f"Make it yourself in the Media Pool. {_TRY_AGAIN}",
            )
        return made

    def media_in(self, folder: Any) -> list[ApiMedia]:
        """The clips in a folder of the media pool."""
        return self.media(_listed(self._one(folder, "GetClipList")))

    def import_media(self, paths: Sequence[Path]) -> None:
        """Bring files into the open folder. The answer proves nothing: look into the folder."""
        self._one(self._pool(), "ImportMedia", [str(path) for path in paths])

    def delete_media(self, media: Sequence[ApiMedia]) -> bool:
        """Take clips out of the media pool; the files stay. False where Resolve keeps them."""
        handles = [clip.handle for clip in media]
        return not handles or bool(self._one(self._pool(), "DeleteClips", handles))

    def set_levels(self, item: ApiItem, volume_db: float, fade_in: int, fade_out: int) -> bool:
        """Give a clip volume and fades (frames); False where this version cannot."""
        handle = item.handle
        if not all(self.knows(handle, name) for name in ("SetProperties", "SetFades")):
            return False
        done = self._all(
            Call(handle, "SetProperties", ({"AudioVolume": float(volume_db)},)),
            Call(handle, "SetFades", ({"FadeIn": int(fade_in), "FadeOut": int(fade_out)},)),
        )
        return all(done)

    def _pool(self) -> Any:
        pool = self._one(self.project(), "GetMediaPool")
        if pool is None:
            raise HostError("DaVinci Resolve shows no media pool.", hint=_TRY_AGAIN)
        return pool

    def _timeline(self, handle: Any) -> ApiTimeline:
        name, own = self._all(Call(handle, "GetName"), Call(handle, "GetUniqueId"))
        return ApiTimeline(handle=handle, id=str(own or name or ""), name=str(name or ""))

    def _one(self, target: Any, method: str, *arguments: Any) -> Any:
        return self.transport.call_all([Call(target, method, arguments)])[0]

    def _all(self, *calls: Call) -> list[Any]:
        return self.transport.call_all(calls) if calls else []

    def _demand(self, target: Any, method: str, *arguments: Any, why: str, hint: str) -> Any:
        answer = self._one(target, method, *arguments)
        if not answer:
            raise HostError(f"DaVinci Resolve refused {method}: {why}.", hint=hint or _TRY_AGAIN)
        return answer


def _listed(value: Any) -> list[Any]:
    """A list, whether Resolve gave a list, a table numbered from 1, or nothing."""
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return [entry for entry in value if entry is not None] if value else []


def _whole(value: Any, call: str) -> int:
    number = _maybe_whole(value)
    if number is None:
        raise HostError(
            f"DaVinci Resolve answered {call} with {value!r}, which is no frame.",
            hint="See whether the timeline is still open, then try again.",
        )
    return number


def _maybe_whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if abs(value) < 2**53 and value == int(value) else None
