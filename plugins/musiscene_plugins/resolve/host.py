"""ResolveHost: the timeline that is open in a running DaVinci Resolve, as an editor host."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from musiscene_core.errors import MediaOfflineError, RangeError, TimelineError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineClip, TimelineRange
from musiscene_plugins.choosing import choose_range
from musiscene_plugins.host import (
    EditorInfo,
    PlaceLayout,
    Placement,
    PlacePolicy,
    RangeChoice,
    TakeInFolder,
    TimelineDescription,
)
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.mixdown import mix_down
from musiscene_plugins.resolve.placing import Work, place_on_timeline
from musiscene_plugins.resolve.reading import ResolveReading, read_timeline
from musiscene_plugins.resolve.removing import remove_from_timeline
from musiscene_plugins.resolve.superseding import (
    clear_broken,
    lying_clips,
    our_turn,
    take_instead,
)
from musiscene_plugins.resolve.values import ApiTimeline

logger = logging.getLogger(__name__)


class ResolveHost:
    """The timeline open in Resolve when this was made; see EditorHost for what methods promise."""

    def __init__(
        self,
        api: ResolveApi,
        roles: Mapping[str, Role] | None = None,
        *,
        mixdowns: Path | None = None,
    ) -> None:
        """Take hold of the open timeline.

        Args:
            api: the connection.
            roles: the user's roles by track name or label, in lower case.
            mixdowns: where Resolve may mix sound down whose media cannot be read; None: it is
                left out.
        """
        self._api = api
        self._mixdowns = mixdowns
        self._roles = dict(roles or {})
        self._opened = api.current_timeline()

    def editor(self) -> EditorInfo:
        """Which Resolve it is."""
        return self._api.editor()

    def describe(self) -> TimelineDescription:
        """The timeline at a glance."""
        timeline = self._timeline()
        reading = self._read(timeline)
        return TimelineDescription(
            name=timeline.name,
            rate=reading.clock.rate,
            record=reading.clock.record,
            tracks=reading.tracks,
            warnings=reading.warnings,
        )

    def markers(self) -> tuple[Marker, ...]:
        """The user's markers in order of time."""
        return self._read(self._timeline()).markers

    def read_range(self, choice: RangeChoice) -> TimelineRange:
        """The range that `choice` names; where it names none, the In and Out marks."""
        timeline = self._timeline()
        reading = self._read(timeline)
        for warning in reading.warnings:
            logger.warning("%s", warning)
        clock = reading.clock
        if reading.marks is not None and choice == RangeChoice(cue=choice.cue):
            start, end = str(reading.marks.start), str(reading.marks.end)
            choice = RangeChoice(record_in=start, record_out=end, cue=choice.cue)
        chosen = choose_range(
            choice,
            timeline=clock.record,
            rate=clock.rate,
            markers=reading.markers,
            marks=None,
            stem=timeline.name,
        )
        touching = [clip for clip in reading.clips if clip.mapping.record.overlap(chosen.record)]
        if not any(clip.role != "score" for clip in touching):
            start, end = (
                format_timecode(frame, clock.rate)
                for frame in (chosen.record.start, chosen.record.end)
            )
            raise RangeError(
                f"Nothing lies under the range {start} to {end}: it is in a gap.",
                hint="Move In and Out over a clip.",
            )
        return TimelineRange(
            cue=chosen.cue,
            rate=clock.rate,
            record=chosen.record,
            clips=self._audible(timeline, touching, chosen.record, clock.rate),
            markers=tuple(
                marker for marker in reading.markers if marker.record.overlap(chosen.record)
            ),
        )

    def locate_media(self, reference: MediaReference) -> Path:
        """The file of `reference`."""
        if _is_there(reference):
            return Path(reference.path)
        raise MediaOfflineError(
            f"The media of {reference.name!r} is offline: "
            f"{reference.path or 'Resolve names no file for it'}.",
            hint="Relink it in the Media Pool, or let Resolve mix it down with --mixdown.",
        )

    def place_takes(
        self,
        takes: Sequence[TakeInFolder],
        *,
        layout: PlaceLayout = "stems",
        policy: PlacePolicy = "new",
    ) -> Placement:
        """Lay `takes` on new sound tracks of the timeline, read them back, or undo it all."""
        timeline = self._timeline()
        clock = self._read(timeline).clock
        with our_turn():
            return place_on_timeline(
                self._api, timeline, clock, takes, layout=layout, policy=policy
            )

    def place_instead(
        self,
        takes: Sequence[TakeInFolder],
        earlier: Sequence[Path],
        *,
        layout: PlaceLayout = "stems",
        pieces: bool = False,
    ) -> Placement:
        """Lay `takes`, then take off what lies there of the takes in the folders `earlier`."""
        timeline = self._timeline()
        clock = self._read(timeline).clock

        def take_earlier_off(work: Work) -> None:
            new = {item.id for item in work.placement.items}
            left = take_instead(self._api, work.kept, earlier, new=new, pieces=pieces)
            work.take_free_names()
            work.note(left=left)

        with our_turn():
            return place_on_timeline(
                self._api, timeline, clock, takes, layout=layout, afterwards=take_earlier_off
            )

    def lying(self) -> frozenset[Path]:
        """Folders of the takes of which any sound lies on the timeline."""
        return frozenset(clip.folder for clip in lying_clips(self._api, self._timeline()))

    def clear_broken(self) -> tuple[str, ...]:
        """Take away what placements left that broke off."""
        return clear_broken(self._api)

    def remove_placement(self, placement: Placement) -> None:
        """Take away exactly what `placement` says."""
        remove_from_timeline(self._api, placement)

    def _timeline(self) -> ApiTimeline:
        """The timeline again: the user may have closed it, or opened another, meanwhile."""
        for found in self._api.timelines():
            if found.id == self._opened.id:
                return found
        raise TimelineError(
            f"The timeline {self._opened.name!r} is not in the open project any more.",
            hint="Open its project and timeline in Resolve, then try again.",
        )

    def _audible(
        self,
        timeline: ApiTimeline,
        clips: Sequence[TimelineClip],
        record: FrameRange,
        rate: FrameRate,
    ) -> tuple[TimelineClip, ...]:
        """`clips`; where media are not there, a mixdown of the whole sound track instead."""
        lost = {
            clip.track_index
            for clip in clips
            if clip.role not in ("picture", "score") and not _is_there(clip.media)
        }
        if not lost or self._mixdowns is None:
            return tuple(clips)
        kept = [c for c in clips if c.role == "picture" or c.track_index not in lost]
        for index in sorted(lost):
            first = next(c for c in clips if c.role != "picture" and c.track_index == index)
            path = mix_down(self._api, timeline, record, [index + 1], self._mixdowns)
            kept.append(
                TimelineClip(
                    name=f"{first.track} (mixdown)",
                    media=MediaReference(path=str(path), name=path.name),
                    mapping=SourceMapping(record, rate, 0, rate),
                    track=first.track,
                    track_index=index,
                    role=first.role,
                )
            )
        return tuple(kept)

    def _read(self, timeline: ApiTimeline) -> ResolveReading:
        return read_timeline(self._api, timeline, self._roles)


def _is_there(reference: MediaReference) -> bool:
    try:
        return bool(reference.path) and Path(reference.path).is_file()
    except (OSError, ValueError):
        return False
