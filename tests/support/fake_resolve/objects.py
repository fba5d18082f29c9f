"""Resolve's scripting objects on a timeline: tracks, clips, their media, markers.

Methods are named as Resolve names them.
"""

# ruff: noqa: N802

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.fake_resolve.world import Scripted, World


class FakeMedia(Scripted):
    def __init__(self, world: World, path: str, fps: str, name: str = "") -> None:
        super().__init__(world)
        self.path, self.fps, self.name = path, fps, name or Path(path).name
        self.uses: set[int] = set()

    def GetName(self) -> str:
        return self.name

    def GetClipProperty(self, key: str) -> str:
        used = sum(
            item.media is self
            for timeline in self._world.timelines
            for item in timeline.all_items()
        )
        return {"File Path": self.path, "FPS": self.fps, "Usage": str(used)}.get(key, "")


class FakeItem(Scripted):
    def __init__(
        self, world: World, media: FakeMedia | None, start: int, duration: int, left: int = 0
    ) -> None:
        super().__init__(world)
        self.id = world.new_id("item")
        self.media, self.start, self.duration, self.left = media, start, duration, left
        self.enabled, self.levels = True, {}
        self.speed = 1.0

    def GetUniqueId(self) -> str:
        return self.id

    def GetName(self) -> str:
        return self.media.name if self.media else "Cross Dissolve"

    def GetStart(self) -> int:
        return self.start

    def GetDuration(self) -> int:
        return self.duration

    def GetLeftOffset(self) -> int:
        return self.left

    def GetSourceStartFrame(self) -> int:
        return self.left

    def GetSourceEndFrame(self) -> int:
        return self.left + round(self.duration * self.speed) - 1

    def GetMediaPoolItem(self) -> FakeMedia | None:
        return self.media

    def GetClipEnabled(self) -> bool:
        return self.enabled

    def SetClipEnabled(self, enabled: bool) -> bool:
        self.enabled = enabled
        return True

    def SetProperties(self, properties: dict[str, float]) -> bool:
        self.levels.update(properties)
        return True

    def SetFades(self, fades: dict[str, int]) -> bool:
        self.levels.update(fades)
        return True


@dataclass
class Track:
    name: str
    sub_type: str = ""
    enabled: bool = True
    locked: bool = False
    items: list[FakeItem] = field(default_factory=list)


class FakeTimeline(Scripted):
    def __init__(self, world: World, name: str, start: int = 86_400) -> None:
        super().__init__(world)
        self.name, self.start, self.id = name, start, world.new_id("timeline")
        self.kinds: dict[str, list[Track]] = {
            "video": [Track("Video 1")],
            "audio": [Track("Audio 1", "stereo")],
        }
        self.markers: dict[int, dict[str, Any]] = {}
        self.marks: dict[str, dict[str, int]] = {}
        self.playhead = "01:00:00:00"
        self.selected: list[FakeItem] = []

    def all_items(self) -> list[FakeItem]:
        tracks = [track for kind in self.kinds.values() for track in kind]
        return [item for track in tracks for item in track.items]

    def put(self, kind: str, index: int, media: FakeMedia, start: int, duration: int) -> FakeItem:
        item = FakeItem(self._world, media, start, duration)
        self.kinds[kind][index - 1].items.append(item)
        return item

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return self.id

    def GetSetting(self, key: str) -> str:
        return self._world.rate if key == "timelineFrameRate" else ""

    def GetStartFrame(self) -> int:
        return self.start

    def GetEndFrame(self) -> int:
        ends = [item.start + item.duration for item in self.all_items()]
        return max(ends, default=self.start) - self._world.semantics.timeline_end_inclusive

    def GetTrackCount(self, kind: str) -> int:
        return len(self.kinds.get(kind, []))

    def _track(self, kind: str, index: int) -> Track | None:
        tracks = self.kinds.get(kind, [])
        return tracks[index - 1] if 1 <= index <= len(tracks) else None

    def GetTrackName(self, kind: str, index: int) -> str:
        track = self._track(kind, index)
        return track.name if track else ""

    def GetTrackSubType(self, kind: str, index: int) -> str:
        track = self._track(kind, index)
        return track.sub_type if track else ""

    def GetIsTrackEnabled(self, kind: str, index: int) -> bool:
        track = self._track(kind, index)
        return bool(track and track.enabled)

    def GetIsTrackLocked(self, kind: str, index: int) -> bool:
        track = self._track(kind, index)
        return bool(track and track.locked)

    def SetTrackEnable(self, kind: str, index: int, enabled: bool) -> bool:
        track = self._track(kind, index)
        if track:
            track.enabled = enabled
        return track is not None

    def SetTrackLock(self, kind: str, index: int, locked: bool) -> bool:
        track = self._track(kind, index)
        if track:
            track.locked = locked
        return track is not None

    def SetTrackName(self, kind: str, index: int, name: str) -> bool:
        track = self._track(kind, index)
        if track is None or self._world.current is not self:
            return False
        track.name = name
        return True

    def AddTrack(self, kind: str, options: Any = None) -> bool:
        known = isinstance(options, str) or not self._world.semantics.track_options_unknown
        if isinstance(options, dict):
            options = options.get("audioType")
        sub_type = (options if known and options else "mono") if kind == "audio" else ""
        number = len(self.kinds[kind]) + 1
        self.kinds[kind].append(Track(f"{kind.capitalize()} {number}", sub_type))
        return True

    def DeleteTrack(self, kind: str, index: int) -> bool:
        if self._track(kind, index) is None:
            return False
        del self.kinds[kind][index - 1]
        return True

    def GetItemListInTrack(self, kind: str, index: int) -> Any:
        track = self._track(kind, index)
        return self._listed(list(track.items)) if track else None

    def GetSelectedClips(self) -> Any:
        return self._listed(self.selected)

    def DeleteClips(self, items: Any, ripple: bool = False) -> bool:
        items = list(items.values()) if isinstance(items, dict) else list(items)
        if self._world.page == "fairlight" or ripple:
            return False
        tracks = [track for kind in self.kinds.values() for track in kind]
        if any(track.locked and item in track.items for track in tracks for item in items):
            return False
        for track in tracks:
            track.items = [item for item in track.items if item not in items]
        return True

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {float(frame): dict(about) for frame, about in self.markers.items()}

    def AddMarker(
        self, frame: int, color: str, name: str, note: str, duration: int, custom: str = ""
    ) -> bool:
        if frame in self.markers or frame < 0 or not color or frame != int(frame):
            return False
        self.markers[int(frame)] = {
            "color": color,
            "duration": float(duration),
            "note": note,
            "name": name,
            "customData": custom,
        }
        return True

    def DeleteMarkerByCustomData(self, custom: str) -> bool:
        for frame, about in self.markers.items():
            if about["customData"] == custom:
                del self.markers[frame]
                return True
        return False

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return copy.deepcopy(self.marks)

    def SetMarkInOut(self, start: int, end: int, kind: str = "all") -> bool:
        for name in ("video", "audio") if kind == "all" else (kind,):
            self.marks[name] = {"in": start, "out": end}
        return True

    def ClearMarkInOut(self, kind: str = "all") -> bool:
        self.marks = {}
        return True

    def GetCurrentTimecode(self) -> str:
        return self.playhead

    def SetCurrentTimecode(self, timecode: str) -> bool:
        self.playhead = timecode
        return True

    def DuplicateTimeline(self, name: str) -> FakeTimeline | None:
        if any(timeline.name == name for timeline in self._world.timelines):
            return None
        made = FakeTimeline(self._world, name, self.start)
        for kind, tracks in self.kinds.items():
            made.kinds[kind] = [
                Track(
                    track.name,
                    track.sub_type,
                    track.enabled,
                    track.locked,
                    [FakeItem(self._world, i.media, i.start, i.duration) for i in track.items],
                )
                for track in tracks
            ]
        self._world.timelines.append(made)
        self._world.current = made
        return made

    def Export(self, path: str, kind: Any, subtype: Any = None) -> bool:
        if kind != "otio":
            return False
        Path(path).write_text('{"OTIO_SCHEMA": "Timeline.1"}')
        return True
