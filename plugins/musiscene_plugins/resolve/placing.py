"""Takes laid on a Resolve timeline: all of it, read back and right, or none of it.

    check -> ledger -> import -> tracks -> append, read back -> markers -> earlier music -> done

Resolve drops clips without a word (overlap, locked track, wrong frame space), so every clip is
read back. What goes wrong is undone in full; where Resolve went away on the way, the placement
beside the take says what to remove another day.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from musiscene_core.errors import HostError, HostLostError, MusiSceneError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import (
    PlacedItem,
    PlacedMarker,
    PlacedTrack,
    PlaceLayout,
    Placement,
    PlacePolicy,
    TakeInFolder,
)
from musiscene_plugins.placements import Ledger
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.frames import RecordFrame, TimelineClock
from musiscene_plugins.resolve.keeping import KeptState, kept_state
from musiscene_plugins.resolve.parts import Part, heard_takes, parts_of
from musiscene_plugins.resolve.reading import OURS
from musiscene_plugins.resolve.removing import (
    BIN,
    find_items,
    fingerprint,
    forget,
    ours_under,
    record_of,
    refuse_locked,
    take_off,
)
from musiscene_plugins.resolve.values import ApiItem, ApiMarker, ApiMedia, ApiTimeline, Appended

_MARKER_COLOR = "Purple"


Afterwards = Callable[["Work"], None]
"""What happens to earlier music once the new lies there."""


def place_on_timeline(
    api: ResolveApi,
    timeline: ApiTimeline,
    clock: TimelineClock,
    takes: Sequence[TakeInFolder],
    *,
    layout: PlaceLayout,
    policy: PlacePolicy = "new",
    afterwards: Afterwards | None = None,
) -> Placement:
    """Lay `takes` on new tracks of `timeline`; see EditorHost.place_takes.

    Where they are of several cues, each cue's part of the placement is kept beside its first take,
    so that one of them can be replaced or taken away alone. Where `afterwards` fails, all is
    taken away again too.

    Raises:
        RequestError: no take, or one at another frame rate or outside the timeline.
        MediaOfflineError: a take's file is missing.
        OutputError: the placement cannot be kept beside the take.
        HostError: Resolve refused; what was placed is taken away again.
    """
    if not takes:
        raise RequestError("There is no take to place.")
    for placed in takes:
        _check_fits(placed, clock)
    skipped: tuple[str, ...] = ()
    if policy == "skip":
        free = [not ours_under(api, timeline, [placed.take.record]) for placed in takes]
        skipped = tuple(put.take.name for put, ok in zip(takes, free, strict=True) if not ok)
        takes = [put for put, ok in zip(takes, free, strict=True) if ok]
    parts = parts_of(takes, layout, {track.name for track in api.tracks(timeline, "audio")})
    placement = Placement(
        timeline=timeline.name,
        tracks=tuple(dict.fromkeys(part.track for part in parts)),
        fingerprint="",
        host="resolve",
        project=api.project_id(),
        timeline_id=timeline.id,
        items=tuple(PlacedItem("", part.track, part.record, str(part.path)) for part in parts),
        skipped=skipped,
        complete=False,
    )
    if not takes:
        return msgspec.structs.replace(placement, complete=True)
    ledger = Ledger.beside(takes[0])
    ledger.write(placement)
    with kept_state(api, timeline) as kept:
        work = Work(api, kept, clock, ledger, placement)
        try:
            work.place(takes, parts)
            if policy == "replace":
                work.replace_earlier([placed.take.record for placed in takes])
            if afterwards is not None:
                afterwards(work)
        except BaseException as error:
            work.roll_back(error)
            raise
    work.part_by_cue(takes)
    return work.placement


class Work:
    """A placement in the making."""

    def __init__(
        self,
        api: ResolveApi,
        kept: KeptState,
        clock: TimelineClock,
        ledger: Ledger,
        placement: Placement,
    ) -> None:
        self.api = api
        self.kept = kept
        self._timeline = kept.timeline
        self._clock = clock
        self._ledger = ledger
        self._end_counts = False
        self._hits: dict[Path, list[PlacedMarker]] = {}
        self.placement = placement

    def place(self, takes: Sequence[TakeInFolder], parts: Sequence[Part]) -> None:
        """Everything but what happens to earlier music."""
        media = self._imported([part.path for part in parts])
        for name in self.placement.tracks:
            index = self.api.add_stereo_track(self._timeline, name)
            self.note(added=(*self.placement.added, PlacedTrack(name=name, index=index)))
        items: list[PlacedItem] = []
        for part in parts:
            item, index = self._laid(part, media[part.path], {done.id for done in items})
            items.append(PlacedItem(item.id, part.track, part.record, str(part.path)))
            self.note(items=(*items, *self.placement.items[len(items) :]))
            if not part.heard:
                self.api.mute_item(item)
                self.api.enable_track(self._timeline, "audio", index, False)
        for placed in heard_takes(takes):
            self._mark_hits(placed)
        self.note(complete=True, fingerprint=fingerprint(items))

    def replace_earlier(self, ranges: Sequence[FrameRange]) -> None:
        """Take away what we placed earlier under `ranges`; our tracks get the names then free."""
        mine = {item.id for item in self.placement.items}
        earlier = [
            (path, placement, found)
            for path, placement, found in ours_under(self.api, self._timeline, ranges)
            if not any(entry.item.id in mine for entry in found)
        ]
        refuse_locked([entry for _, _, found in earlier for entry in found])
        for path, placement, found in earlier:
            take_off(self.api, self.kept, placement, found)
            forget(self.api, self._timeline, path, placement)
        if earlier:
            self.take_free_names()

    def roll_back(self, cause: BaseException) -> None:
        """Take away all that was placed.

        Raises:
            HostError: some of it is still there; says how to remove it.
        """
        try:
            if isinstance(cause, HostLostError):
                raise cause
            found = find_items(self.api, self._timeline, self.placement)
            take_off(self.api, self.kept, self.placement, found)
        except MusiSceneError as error:
            first = cause.message if isinstance(cause, MusiSceneError) else str(cause)
            raise HostError(
                f"{first} Some of the music may be left on the timeline.",
                hint=f"Once Resolve is there again, run: musiscene undo {self._ledger.path}",
            ) from error
        self._ledger.discard()

    def note(self, **changes: object) -> None:
        """Change what the placement says, on disk too."""
        self.placement = msgspec.structs.replace(self.placement, **changes)
        self._ledger.write(self.placement)

    def _imported(self, paths: Sequence[Path]) -> dict[Path, ApiMedia]:
        """The media of `paths` in our bin; what is there already is used again."""
        api = self.api
        folder = api.bin(BIN)
        known = {Path(media.path) for media in api.media_in(folder)}
        wanted = [path for path in paths if path not in known]
        self.note(imported=tuple(str(path) for path in wanted))
        api.open_bin(folder)
        if wanted:
            api.import_media(wanted)
        there = {Path(media.path): media for media in api.media_in(folder)}
        missing = [path for path in paths if path not in there]
        if missing:
            raise HostError(
                f"DaVinci Resolve refused ImportMedia: {missing[0]} is not in the bin {BIN}.",
                hint="See whether Resolve may read that folder, and whether the same file is in "
                "another bin under this name.",
            )
        return there

    def _laid(self, part: Part, media: ApiMedia, done: set[str]) -> tuple[ApiItem, int]:
        """Lay `part` on its track and read it back; the clip and the track's index."""
        length = _in_media_frames(part.record.length, media, self._clock.rate)
        item, index = self._append(part, media, length - self._end_counts, done)
        if item.duration == part.record.length + 1 and not self._end_counts:
            # This version counts the end frame in: once more, and so from here on.
            self.api.delete_items(self._timeline, [item])
            self._end_counts = True
            item, index = self._append(part, media, length - 1, done)
        if record_of(item) != part.record or item.left_offset != 0:
            raise HostError(
                f"DaVinci Resolve laid {part.path.name} on frames {item.start} to "
                f"{item.start + item.duration} instead of {part.record.start} to "
                f"{part.record.end}.",
                hint="The media pool may have imported it at another frame rate than the "
                "timeline's: make a project at the timeline's rate, or score an exported .otio.",
            )
        return item, index

    def _append(
        self, part: Part, media: ApiMedia, end_frame: int, done: set[str]
    ) -> tuple[ApiItem, int]:
        api, timeline = self.api, self._timeline
        if api.current_timeline().id != timeline.id:
            raise HostError(
                f"Another timeline than {timeline.name!r} was opened while music was placed.",
                hint="Keep it open until the music lies on it.",
            )
        tracks = [track for track in api.tracks(timeline, "audio") if track.name == part.track]
        if len(tracks) != 1:
            raise HostError(
                f"The track {part.track!r} was deleted or renamed while music was placed.",
                hint="Place the take again.",
            )
        index = tracks[0].index
        api.append([Appended(media, index, RecordFrame(part.record.start), end_frame)])
        self._take_back_strays(part, index)
        laid = [
            item
            for item in api.items(timeline, "audio", index)
            if item.id not in done and item.media is not None and Path(item.media.path) == part.path
        ]
        if len(laid) != 1:
            raise HostError(
                f"DaVinci Resolve refused AppendToTimeline: {part.path.name} is not on the track "
                f"{part.track!r}.",
                hint="Unlock the track, leave the Fairlight page, and see that nothing lies on it.",
            )
        return laid[0], index

    def _take_back_strays(self, part: Part, index: int) -> None:
        """Where another timeline was opened in that very moment, the clip may lie on it."""
        opened = self.api.current_timeline()
        if opened.id == self._timeline.id or index > len(self.api.tracks(opened, "audio")):
            return
        strays = [
            item
            for item in self.api.items(opened, "audio", index)
            if item.media is not None
            and Path(item.media.path) == part.path
            and item.start == part.record.start
        ]
        self.api.delete_items(opened, strays)

    def _mark_hits(self, placed: TakeInFolder) -> None:
        """A marker at every hit where the user has none: there is room for one a frame."""
        clock, take = self._clock, placed.take
        taken = {marker.frame for marker in self.api.markers(self._timeline)}
        for hit in take.hits:
            record = RecordFrame(take.record.start + hit.frame)
            frame = clock.offset(record)
            if frame in taken or record not in clock.record:
                continue
            taken.add(frame)
            marker = PlacedMarker(id=f"{OURS}{uuid.uuid4().hex}", frame=record)
            self._hits.setdefault(placed.folder, []).append(marker)
            self.note(markers=(*self.placement.markers, marker))
            name = f"Hit: {hit.label or hit.kind.replace('_', ' ')}"
            note = f"{take.cue} {take.name}, off by {hit.error_ms:+.1f} ms"
            self.api.add_marker(
                self._timeline, ApiMarker(frame, name, note, _MARKER_COLOR, 1, marker.id)
            )

    def part_by_cue(self, takes: Sequence[TakeInFolder]) -> None:
        """Keep what was placed of each cue beside its first take."""
        cues: dict[FrameRange, list[TakeInFolder]] = {}
        for put in takes:
            cues.setdefault(put.take.record, []).append(put)
        first, *others = cues.values()
        # The whole is cut down last: where this breaks off, all of it can still be undone.
        for cue in others:
            Ledger.beside(cue[0]).write(self._about(cue))
        if others:
            self._ledger.write(self._about(first))

    def _about(self, cue: Sequence[TakeInFolder]) -> Placement:
        folders = [put.folder.absolute() for put in cue]

        def inside(path: str) -> bool:
            return any(Path(path).is_relative_to(folder) for folder in folders)

        whole = self.placement
        items = tuple(item for item in whole.items if inside(item.media))
        names = {item.track for item in items}
        return msgspec.structs.replace(
            whole,
            tracks=tuple(name for name in whole.tracks if name in names),
            fingerprint=fingerprint(items),
            added=tuple(track for track in whole.added if track.name in names),
            items=items,
            markers=tuple(marker for put in cue for marker in self._hits.get(put.folder, ())),
            imported=tuple(path for path in whole.imported if inside(path)),
        )

    def take_free_names(self) -> None:
        """Call our tracks by their plain names, where those are free now."""
        names = {track.name for track in self.api.tracks(self._timeline, "audio")}
        base, suffix = _without_number(self.placement.tracks[0])
        plain = {name: name.removesuffix(suffix) for name in self.placement.tracks}
        if not base or not suffix or names & set(plain.values()):
            return
        for track in self.api.tracks(self._timeline, "audio"):
            if track.name in plain:
                self.api.rename_track(self._timeline, track.index, plain[track.name])
        self.note(
            tracks=tuple(plain[name] for name in self.placement.tracks),
            added=tuple(
                PlacedTrack(name=track.name, index=track.index)
                for track in self.api.tracks(self._timeline, "audio")
                if track.name in plain.values()
            ),
            items=tuple(
                msgspec.structs.replace(item, track=plain[item.track])
                for item in self.placement.items
            ),
        )


def _check_fits(placed: TakeInFolder, clock: TimelineClock) -> None:
    take = placed.take
    if take.rate.fps != clock.rate.fps:
        raise RequestError(
            f"{take.name} was made at {take.rate.name} frames a second, "
            f"the timeline runs at {clock.rate.name}.",
            hint="Score this timeline anew.",
        )
    if take.record.overlap(clock.record) != take.record:
        raise RequestError(
            f"{take.name} lies outside the timeline.", hint="Score this timeline anew."
        )


def _in_media_frames(frames: int, media: ApiMedia, rate: FrameRate) -> int:
    """Timeline frames as frames of a pool clip, whose rate was fixed when it was imported."""
    try:
        own = FrameRate.parse(media.fps)
    except MusiSceneError:
        return frames
    return own.frame_nearest(rate.seconds(frames))


def _without_number(name: str) -> tuple[str, str]:
    """("MusiScene Bass", " 2") of "MusiScene Bass 2"; no suffix where there is no number."""
    base, _, last = name.rpartition(" ")
    return (base, f" {last}") if last.isdigit() else (name, "")
