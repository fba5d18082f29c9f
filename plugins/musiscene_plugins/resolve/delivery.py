"""Resolve's calls for renders and timeline files; see api.py for how answers are judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiscene_core.errors import HostError
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.transport import Call
from musiscene_plugins.resolve.values import ApiTimeline

_POLL_S = 0.25


class Delivery:
    """The Deliver page and the ways in and out of a project, call by call."""

    def __init__(self, api: ResolveApi) -> None:
        self._api = api
        self._transport = api.transport

    def add_render(self, settings: Mapping[str, Any]) -> str:
        """Queue a render of the current timeline with `settings`; its id."""
        project = self._api.project()
        # A missing preset is no matter: the settings below say all that counts.
        self._one(project, "LoadRenderPreset", "Audio Only")
        if not self._one(project, "SetRenderSettings", dict(settings)):
            raise HostError(
                "DaVinci Resolve refused SetRenderSettings.",
                hint="Turn to the Deliver page and make sure that its folder can be written to.",
            )
        job = self._one(project, "AddRenderJob")
        if not job:
            raise HostError(
                "DaVinci Resolve refused AddRenderJob.",
                hint="Choose a preset that writes sound on the Deliver page, then try again.",
            )
        return str(job)

    def render(self, job: str, *, timeout_s: float) -> None:
        """Render `job` and wait for it.

        Raises:
            HostError: it did not start or took longer than `timeout_s`.
        """
        project = self._api.project()
        if not self._one(project, "StartRendering", [job]):
            raise HostError(
                "DaVinci Resolve refused StartRendering.",
                hint="Wait until its other renders have ended, then try again.",
            )
        deadline = time.monotonic() + timeout_s
        # The status text is translated; whether anything renders is not.
        while self._one(project, "IsRenderingInProgress"):
            if time.monotonic() > deadline:
                self._one(project, "StopRendering")
                raise HostError(f"DaVinci Resolve did not finish rendering in {timeout_s:.0f} s.")
            time.sleep(_POLL_S)

    def remove_render(self, job: str) -> None:
        """Take `job` off the queue."""
        self._one(self._api.project(), "DeleteRenderJob", job)

    def export_otio(self, timeline: ApiTimeline, path: Path) -> Path:
        """Write `timeline` as an .otio file to `path`, which must be vacant.

        Raises:
            HostError: this version cannot, or nothing was written.
        """
        kind = self._transport.constant("EXPORT_OTIO")
        none = self._transport.constant("EXPORT_NONE")
        if kind is None:
            raise HostError(
                "This DaVinci Resolve writes no OpenTimelineIO.", hint="Version 18.5 or newer does."
            )
        path = path.absolute()
        self._transport.call_all([Call(timeline.handle, "Export", (str(path), kind, none))])
        if not path.is_file() or path.stat().st_size == 0:
            raise HostError(
                f"DaVinci Resolve refused Export: {path} was not written.",
                hint="Choose a folder that Resolve may write to.",
            )
        return path

    def import_timeline(self, path: Path, name: str) -> ApiTimeline:
        """Make a new timeline called `name` of a timeline file.

        Raises:
            HostError: the name exists, or Resolve cannot read the file.
        """
        if any(found.name == name for found in self._api.timelines()):
            raise HostError(
                f"A timeline {name!r} is in the project already.",
                hint="Rename that one, or choose another name.",
            )
        options = {"timelineName": name, "importSourceClips": True}
        pool = self._one(self._api.project(), "GetMediaPool")
        made = self._one(pool, "ImportTimelineFromFile", str(path.absolute()), options)
        if made is None:
            raise HostError(
                f"DaVinci Resolve refused ImportTimelineFromFile: {path} gave no timeline.",
                hint="See that all its media are there, then import it by hand to read why not.",
            )
        found = [timeline for timeline in self._api.timelines() if timeline.name == name]
        if not found:
            raise HostError(f"DaVinci Resolve imported {path}, but under another name.")
        return found[0]

    def duplicate(self, timeline: ApiTimeline, name: str) -> ApiTimeline:
        """A copy of the current `timeline` called `name`."""
        known = {found.id for found in self._api.timelines()}
        self._one(timeline.handle, "DuplicateTimeline", name)
        made = [found for found in self._api.timelines() if found.id not in known]
        if len(made) != 1:
            raise HostError(
                "DaVinci Resolve refused DuplicateTimeline.", hint="Open the timeline, try again."
            )
        return made[0]

    def empty_timeline(self, name: str) -> ApiTimeline:
        """A new, empty timeline called `name`."""
        pool = self._one(self._api.project(), "GetMediaPool")
        known = {found.id for found in self._api.timelines()}
        self._one(pool, "CreateEmptyTimeline", name)
        made = [found for found in self._api.timelines() if found.id not in known]
        if len(made) != 1:
            raise HostError(
                f"DaVinci Resolve refused CreateEmptyTimeline: no timeline {name!r} was made.",
                hint="See whether one of this name is there already.",
            )
        return made[0]

    def delete_timeline(self, timeline: ApiTimeline) -> bool:
        """Delete a timeline of ours; whether it is gone."""
        pool = self._one(self._api.project(), "GetMediaPool")
        self._one(pool, "DeleteTimelines", [timeline.handle])
        return all(found.id != timeline.id for found in self._api.timelines())

    def _one(self, target: Any, method: str, *arguments: Any) -> Any:
        return self._transport.call_all([Call(target, method, arguments)])[0]
