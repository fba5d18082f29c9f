"""The user's state in Resolve, put back as it was: also when the work fails.

Page, open timeline, playhead, In and Out marks, open bin, and which tracks are heard and locked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from musiscene_core.errors import HostError, MusiSceneError
from musiscene_plugins.host import TrackKind
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.values import ApiTimeline, ApiTrack

logger = logging.getLogger(__name__)

_KINDS: tuple[TrackKind, ...] = ("video", "audio")


@dataclass
class KeptState:
    """What there is to put back; the work says which tracks it deleted meanwhile."""

    page: str
    opened: ApiTimeline
    timeline: ApiTimeline
    playhead: str
    marks: dict[str, dict[str, int]] | None
    folder: Any
    tracks: dict[TrackKind, list[ApiTrack]] = field(default_factory=dict)

    def forget_sound_track(self, index: int) -> None:
        """Sound track `index` is gone: those below it have moved up by one."""
        if index <= len(self.tracks["audio"]):
            del self.tracks["audio"][index - 1]


@contextmanager
def kept_state(api: ResolveApi, timeline: ApiTimeline) -> Iterator[KeptState]:
    """Open `timeline` on the Edit page for the work inside; afterwards all is as it was.

    Raises:
        HostError: the page or the timeline does not open.
    """
    opened = api.current_timeline()
    kept = KeptState(
        page=api.page(),
        opened=opened,
        timeline=timeline,
        playhead=api.playhead(opened),
        marks=None,
        folder=api.current_bin(),
    )
    try:
        if kept.page != "edit":
            api.open_page("edit")
        if opened.id != timeline.id:
            api.make_current(timeline)
        kept.marks = api.marks(timeline)
        kept.tracks = {kind: api.tracks(timeline, kind) for kind in _KINDS}
        yield kept
    finally:
        _put_back(api, kept)


def _put_back(api: ResolveApi, kept: KeptState) -> None:
    _try(lambda: _put_tracks_back(api, kept), "the tracks' state")
    _try(lambda: _put_marks_back(api, kept), "the In and Out marks")
    if kept.folder is not None:
        _try(lambda: api.open_bin(kept.folder), "the open bin")
    opened = kept.opened
    _try(lambda: _put_timeline_back(api, opened), "the open timeline")
    if kept.page:
        _try(lambda: _put_page_back(api, kept.page), "the page")
    if kept.playhead:
        _try(lambda: _put_playhead_back(api, opened, kept.playhead), "the playhead")


def _put_tracks_back(api: ResolveApi, kept: KeptState) -> None:
    for kind, tracks in kept.tracks.items():
        now = api.tracks(kept.timeline, kind)
        for index, (was, found) in enumerate(zip(tracks, now, strict=False), start=1):
            if was.enabled != found.enabled:
                api.enable_track(kept.timeline, kind, index, was.enabled)
            if was.locked != found.locked:
                api.lock_track(kept.timeline, kind, index, was.locked)


def _put_marks_back(api: ResolveApi, kept: KeptState) -> None:
    if kept.marks is not None and api.marks(kept.timeline) != kept.marks:
        api.set_marks(kept.timeline, kept.marks)


def _put_timeline_back(api: ResolveApi, opened: ApiTimeline) -> None:
    try:
        now = api.current_timeline().id
    except HostError:
        # None is open: ours was, and is deleted.
        now = ""
    if now != opened.id:
        api.make_current(opened)


def _put_page_back(api: ResolveApi, page: str) -> None:
    if api.page() != page:
        api.open_page(page)


def _put_playhead_back(api: ResolveApi, timeline: ApiTimeline, timecode: str) -> None:
    if api.playhead(timeline) != timecode:
        api.move_playhead(timeline, timecode)


def _try(put_back: Callable[[], None], what: str) -> None:
    try:
        put_back()
    except MusiSceneError as error:
        logger.warning("In DaVinci Resolve %s could not be put back: %s", what, error.message)
