"""A live look at what this Resolve does where versions differ, for `musiscene doctor --resolve`.

Every experiment happens on a timeline of our own, made for it and deleted afterwards, with two
seconds of silence as media. The report names no project, timeline or path.
"""

from __future__ import annotations

import platform
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from musiscene_core.errors import MusiSceneError
from musiscene_core.media import write_wav
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_plugins.host import EditorInfo
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.delivery import Delivery
from musiscene_plugins.resolve.frames import OffsetFrame, RecordFrame
from musiscene_plugins.resolve.keeping import kept_state
from musiscene_plugins.resolve.removing import BIN
from musiscene_plugins.resolve.values import ApiMarker, ApiMedia, ApiTimeline, Appended

_SECONDS = 2
_PLACE, _LENGTH = 10, 24
_METHODS = (
    "AddTrack",
    "DeleteMarkerByCustomData",
    "DuplicateTimeline",
    "Export",
    "GetMarkInOut",
    "GetSelectedClips",
    "GetTrackSubType",
    "GetUniqueId",
    "SetTrackLock",
)
_ITEM_METHODS = ("GetClipEnabled", "GetSourceStartFrame", "SetFades", "SetProperties")


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; nothing in it names the user's work.

    Attributes:
        editor: product, version, edition.
        system: operating system and Python.
        methods: which calls this version knows.
        findings: what the experiments gave, by name; None where one could not be made.
        problems: calls that were refused, and what could not be cleaned up.
    """

    editor: EditorInfo
    system: str
    methods: dict[str, bool]
    findings: dict[str, bool | int | str | None]
    problems: tuple[str, ...] = ()


def probe_resolve(api: ResolveApi) -> ProbeReport:
    """Try out the disputed calls; a project with a timeline must be open.

    Raises:
        HostError: no project or timeline is open, or Resolve went away.
    """
    opened = api.current_timeline()
    methods = {name: api.knows(opened.handle, name) for name in _METHODS}
    experiments = _Experiments(api, methods)
    with kept_state(api, opened), tempfile.TemporaryDirectory(prefix="musiscene-") as folder:
        experiments.run(Path(folder))
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return ProbeReport(
        editor=api.editor(),
        system=system,
        methods=methods,
        findings=experiments.findings,
        problems=tuple(experiments.problems),
    )


class _Experiments:
    def __init__(self, api: ResolveApi, methods: dict[str, bool]) -> None:
        self._api, self._methods = api, methods
        self._delivery = Delivery(api)
        self.findings: dict[str, bool | int | str | None] = {}
        self.problems: list[str] = []

    def run(self, folder: Path) -> None:
        name = f"MusiScene probe {uuid.uuid4().hex[:8]}"
        made: list[ApiTimeline] = []
        media: list[ApiMedia] = []
        self._try("an empty timeline", lambda: made.append(self._delivery.empty_timeline(name)))
        try:
            if made:
                self._try("media", lambda: media.append(self._silence(folder, name)))
            if media:
                self._on(made[0], media[0])
        finally:
            self._try("clearing up", lambda: self._clear(made))
            if not self._api.delete_media(media):
                self.problems.append("the silence could not be taken out of the media pool")

    def _on(self, timeline: ApiTimeline, media: ApiMedia) -> None:
        api = self._api
        clock = api.clock(timeline)
        self.findings["timeline_rate"] = clock.rate.name
        self.findings["media_rate"] = media.fps
        index: list[int] = []
        self._try(
            "a stereo track",
            lambda: index.append(api.add_stereo_track(timeline, "MusiScene probe")),
        )
        if not index:
            return
        track = index[0]
        place = RecordFrame(clock.start + _PLACE)

        def laid(at: int, end: int) -> int:
            before = len(api.items(timeline, "audio", track))
            api.append([Appended(media, track, RecordFrame(at), end)])
            return len(api.items(timeline, "audio", track)) - before

        self._find("append_adds", lambda: laid(place, _LENGTH))
        items = api.items(timeline, "audio", track)
        if not items:
            return
        item = items[0]
        for method in _ITEM_METHODS:
            self._methods[method] = api.knows(item.handle, method)
        self.findings["end_frame"] = {_LENGTH: "exclusive", _LENGTH + 1: "inclusive"}.get(
            item.duration, f"{item.duration} frames for {_LENGTH}"
        )
        self.findings["record_frame_is_absolute"] = item.start == place
        self.findings["left_offset"] = item.left_offset
        end = api.clock(timeline).end
        self.findings["timeline_end_minus_clip_end"] = end - (item.start + item.duration)
        self._find("overlap_adds", lambda: laid(place, _LENGTH))
        self._find("levels", lambda: api.set_levels(item, -3.0, 4, 4))
        self._find("locked_track_adds", lambda: self._while_locked(timeline, track, laid))
        self._find("marker_offset", lambda: self._marker(timeline))
        self._find("marks_come_back", lambda: self._marks(timeline))

    def _silence(self, folder: Path, name: str) -> ApiMedia:
        path = folder / f"{name}.wav"
        write_wav(path, np.zeros((2, _SECONDS * SAMPLE_RATE), np.int32))
        bin_ = self._api.bin(BIN)
        self._api.open_bin(bin_)
        self._api.import_media([path])
        return next(media for media in self._api.media_in(bin_) if Path(media.path) == path)

    def _while_locked(
        self, timeline: ApiTimeline, track: int, laid: Callable[[int, int], int]
    ) -> int:
        self._api.lock_track(timeline, "audio", track, True)
        try:
            return laid(self._api.clock(timeline).start + 10 * _PLACE, _LENGTH)
        finally:
            self._api.lock_track(timeline, "audio", track, False)

    def _marker(self, timeline: ApiTimeline) -> int:
        custom = f"musiscene:probe-{uuid.uuid4().hex}"
        self._api.add_marker(timeline, ApiMarker(OffsetFrame(5), "probe", "", "Purple", 1, custom))
        found = [m.frame for m in self._api.markers(timeline) if m.custom == custom]
        self._api.delete_marker(timeline, custom)
        return found[0] if found else -1

    def _marks(self, timeline: ApiTimeline) -> bool | None:
        if self._api.marks(timeline) is None:
            return None
        wanted = {"video": {"in": 3, "out": 9}, "audio": {"in": 3, "out": 9}}
        self._api.set_marks(timeline, wanted)
        return self._api.marks(timeline) == wanted

    def _clear(self, made: list[ApiTimeline]) -> None:
        if not all(self._delivery.delete_timeline(timeline) for timeline in made):
            self.problems.append("the probe's timeline could not be deleted: delete it in Resolve")

    def _find(self, name: str, experiment: Callable[[], Any]) -> None:
        self.findings[name] = None
        self._try(name, lambda: self.findings.__setitem__(name, experiment()))

    def _try(self, name: str, experiment: Callable[[], Any]) -> None:
        try:
            experiment()
        except (MusiSceneError, StopIteration) as error:
            # The message may carry a path or a name; the kind of refusal is enough.
            text = error.message if isinstance(error, MusiSceneError) else "not in the bin"
            self.problems.append(f"{name}: {text.split(':')[0]}")
