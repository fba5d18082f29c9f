"""Resolve's scripting objects around timelines: bins, the media pool, the project, Resolve itself.

Methods are named as Resolve names them.
"""

# ruff: noqa: N802

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

from musiscene_core.timecode import FrameRate
from tests.support.fake_resolve.objects import FakeItem, FakeMedia, FakeTimeline
from tests.support.fake_resolve.world import Scripted, Semantics, World


class FakeFolder(Scripted):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name
        self.folders: list[FakeFolder] = []
        self.clips: list[FakeMedia] = []

    def GetName(self) -> str:
        return self.name

    def GetSubFolderList(self) -> Any:
        return self._listed(list(self.folders))

    def GetClipList(self) -> Any:
        return self._listed(list(self.clips))


class FakePool(Scripted):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.top = FakeFolder(world, "Master")
        self.open = self.top

    def GetRootFolder(self) -> FakeFolder:
        return self.top

    def GetCurrentFolder(self) -> FakeFolder:
        return self.open

    def SetCurrentFolder(self, folder: FakeFolder) -> bool:
        self.open = folder
        return True

    def AddSubFolder(self, folder: FakeFolder, name: str) -> FakeFolder | None:
        if any(known.name == name for known in folder.folders):
            return None
        made = FakeFolder(self._world, name)
        folder.folders.append(made)
        self.open = made
        return made

    def ImportMedia(self, paths: list[str]) -> Any:
        paths = list(paths.values()) if isinstance(paths, dict) else list(paths)
        made = []
        for path in paths:
            known = any(clip.path == path for clip in self.open.clips)
            if not Path(path).is_file() or (known and self._world.semantics.reimport_refused):
                continue
            rate = self._world.semantics.project_rate or self._world.rate.split()[0]
            made.append(FakeMedia(self._world, path, rate))
        self.open.clips += made
        return self._listed(made)

    def DeleteClips(self, clips: Any) -> bool:
        clips = list(clips.values()) if isinstance(clips, dict) else list(clips)
        for folder in (self.top, *self.top.folders):
            folder.clips = [clip for clip in folder.clips if clip not in clips]
        return True

    def AppendToTimeline(self, wanted: Any) -> Any:
        wanted = list(wanted.values()) if isinstance(wanted, dict) else list(wanted)
        numbers = [row[key] for row in wanted for key in ("startFrame", "endFrame", "recordFrame")]
        if any(number != int(number) for number in numbers):
            return None
        placed = [item for row in wanted for item in self._append(row)]
        return self._listed(placed)

    def _append(self, row: dict[str, Any]) -> list[FakeItem]:
        world = self._world
        timeline = world.current
        track = timeline._track("audio", int(row["trackIndex"])) if timeline else None
        if track is None or track.locked:
            return []
        media = row["mediaPoolItem"]
        frames = row["endFrame"] - row["startFrame"] + world.semantics.end_frame_inclusive
        own, rate = FrameRate.parse(media.fps).fps, FrameRate.parse(world.rate).fps
        duration = int(Fraction(frames) / own * rate + Fraction(1, 2))
        start, end = int(row["recordFrame"]), int(row["recordFrame"]) + duration
        item = FakeItem(world, media, start, duration, int(row["startFrame"]))
        if any(i.start < end and start < i.start + i.duration for i in track.items):
            return [item] if world.semantics.append_lies else []
        track.items.append(item)
        return [item]

    def CreateEmptyTimeline(self, name: str) -> FakeTimeline | None:
        if any(timeline.name == name for timeline in self._world.timelines):
            return None
        made = FakeTimeline(self._world, name)
        self._world.timelines.append(made)
        self._world.current = made
        return made

    def DeleteTimelines(self, timelines: Any) -> bool:
        gone = list(timelines.values()) if isinstance(timelines, dict) else list(timelines)
        world = self._world
        world.timelines[:] = [timeline for timeline in world.timelines if timeline not in gone]
        world.current = None if world.current in gone else world.current
        return True

    def ImportTimelineFromFile(self, path: str, options: dict[str, Any]) -> FakeTimeline | None:
        if not Path(path).is_absolute() or not Path(path).is_file():
            return None
        return self.CreateEmptyTimeline(options["timelineName"])


class FakeProject(Scripted):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.name, self.id, self.pool = "Secret Film", world.new_id("project"), FakePool(world)
        self.settings: dict[str, Any] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.polls = 0

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return self.id

    def GetMediaPool(self) -> FakePool:
        return self.pool

    def GetTimelineCount(self) -> int:
        return len(self._world.timelines)

    def GetTimelineByIndex(self, index: int) -> FakeTimeline | None:
        known = self._world.timelines
        return known[int(index) - 1] if 1 <= index <= len(known) else None

    def GetCurrentTimeline(self) -> FakeTimeline | None:
        return self._world.current

    def SetCurrentTimeline(self, timeline: FakeTimeline) -> bool:
        if timeline not in self._world.timelines:
            return False
        self._world.current = timeline
        return True

    def LoadRenderPreset(self, name: str) -> bool:
        return name == "Audio Only"

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        self.settings.update(settings)
        start = self._world.current.start
        ends = (settings["MarkIn"] - start, settings["MarkOut"] - start)
        self._world.current.SetMarkInOut(*ends)
        return True

    def AddRenderJob(self) -> str:
        if self._world.page != "deliver":
            return ""
        job = self._world.new_id("job")
        self.jobs[job] = dict(self.settings)
        return job

    def DeleteRenderJob(self, job: str) -> bool:
        return self.jobs.pop(job, None) is not None

    def StartRendering(self, jobs: Any) -> bool:
        for job in list(jobs.values()) if isinstance(jobs, dict) else list(jobs):
            self._write(self.jobs[job])
        self.polls = 1
        return True

    def _write(self, wanted: dict[str, Any]) -> None:
        frames = int(wanted["MarkOut"]) - int(wanted["MarkIn"]) + 1
        rate = FrameRate.parse(self._world.rate).fps
        heard = [track for track in self._world.current.kinds["audio"] if track.enabled]
        value = sum(bool(track.items) for track in heard)
        path = Path(wanted["TargetDir"]) / f"{wanted['CustomName']}.wav"
        with wave.open(str(path), "wb") as file:
            samples = round(frames / rate * 48_000)
            file.setparams((2, 3, 48_000, samples, "NONE", ""))
            file.writeframes(value.to_bytes(3, "little") * 2 * samples)

    def IsRenderingInProgress(self) -> bool:
        self.polls -= 1
        return self.polls >= 0

    def GetRenderJobStatus(self, job: str) -> dict[str, Any]:
        return {"JobStatus": "Fertig", "CompletionPercentage": 100}


class FakeManager(Scripted):
    def GetCurrentProject(self) -> FakeProject | None:
        return self._world.project


class FakeResolve(Scripted):
    """The `resolve` object, with `world` for tests to set up and look into."""

    EXPORT_OTIO = "otio"
    EXPORT_NONE = "none"

    def __init__(self, semantics: Semantics | None = None, rate: str = "24") -> None:
        super().__init__(World(semantics or Semantics(), rate=rate))
        self.world: Any = self._world
        self.world.project = FakeProject(self.world)
        self.world.timelines = []
        self.world.current = None

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("EXPORT_"):
            return object.__getattribute__(self, name)
        return super().__getattribute__(name)

    def new_timeline(self, name: str, start: int = 86_400) -> FakeTimeline:
        made = FakeTimeline(self.world, name, start)
        self.world.timelines.append(made)
        self.world.current = made
        return made

    def GetProductName(self) -> str:
        return self.world.semantics.product

    def GetVersionString(self) -> str:
        return self.world.semantics.version

    def GetCurrentPage(self) -> str:
        return self.world.page

    def OpenPage(self, page: str) -> bool:
        self.world.page = page
        return True

    def GetProjectManager(self) -> FakeManager:
        return FakeManager(self.world)
