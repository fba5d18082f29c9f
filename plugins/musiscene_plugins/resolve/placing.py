"""Takes laid on a Resolve timeline: all of it, read back and right, or none of it.

    check -> ledger -> import -> a track each -> append, read back -> markers -> (replace) -> done

Resolve drops clips without a word (overlap, locked track, wrong frame space), so every clip is
read back. What goes wrong is undone in full; where Resolve went away on the way, the placement
beside the take says what to remove another day.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.errors import HostError, MediaOfflineError, MusiSceneError, RequestError
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
from musiscene_plugins.resolve.transport import ConnectionLostError
from musiscene_plugins.resolve.values import ApiItem, ApiMarker, ApiMedia, ApiTimeline, Appended

_MARKER_COLOR = "Purple"


@dataclass(frozen=True)
class _Part:
    """A sound to place: which track, on which frames, and whether it is heard."""

    track: str
    path: Path
    record: FrameRange
    heard: bool


def place_on_timeline(
    api: ResolveApi,
    timeline: ApiTimeline,
    clock: TimelineClock,
    takes: Sequence[TakeInFolder],
    *,
    layout: PlaceLayout,
    policy: PlacePolicy,
) -> Placement:
    """Lay `takes` on new tracks of `timeline`; see EditorHost.place_takes.

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
    parts = _parts(takes, layout, {track.name for track in api.tracks(timeline, "audio")})
    placement = Placement(
        timeline=timeline.name,
        tracks=tuple(part.track for part in parts),
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
        work = _Work(api, kept, clock, ledger, placement)
        try:
            work.place(takes, parts)
            if policy == "replace":
                work.replace_earlier([placed.take.record for placed in takes])
        except BaseException as error:
            work.roll_back(error)
            raise
    return work.placement


class _Work:
    """A placement in the making."""

    def __init__(
        self,
        api: ResolveApi,
        kept: KeptState,
        clock: TimelineClock,
        ledger: Ledger,
        placement: Placement,
    ) -> None:
        self._api = api
        self._kept = kept
        self._timeline = kept.timeline
        self._clock = clock
        self._ledger = ledger
        self._end_counts = False
        self.placement = placement

    def place(self, takes: Sequence[TakeInFolder], parts: Sequence[_Part]) -> None:
        """Everything but the replacing."""
        media = self._imported([part.path for part in parts])
        for part in parts:
            index = self._api.add_stereo_track(self._timeline, part.track)
            added = (*self.placement.added, PlacedTrack(name=part.track, index=index))
            self._note(added=added)
        items = []
        for part in parts:
            item, index = self._laid(part, media[part.path])
            items.append(PlacedItem(item.id, part.track, part.record, str(part.path)))
            self._note(items=(*items, *self.placement.items[len(items) :]))
            if not part.heard:
                self._api.mute_item(item)
                self._api.enable_track(self._timeline, "audio", index, False)
        for placed in _heard(takes):
            self._mark_hits(placed)
        self._note(complete=True, fingerprint=fingerprint(items))

    def replace_earlier(self, ranges: Sequence[FrameRange]) -> None:
        """Take away what we placed earlier under `ranges`; our tracks get the names then free."""
        mine = {item.id for item in self.placement.items}
        earlier = [
            (path, placement, found)
            for path, placement, found in ours_under(self._api, self._timeline, ranges)
            if not any(entry.item.id in mine for entry in found)
        ]
        refuse_locked([entry for _, _, found in earlier for entry in found])
        for path, placement, found in earlier:
            take_off(self._api, self._kept, placement, found)
            forget(self._api, self._timeline, path, placement)
        if earlier:
            self._take_free_names()

    def roll_back(self, cause: BaseException) -> None:
        """Take away all that was placed.

        Raises:
            HostError: some of it is still there; says how to remove it.
        """
        try:
            if isinstance(cause, ConnectionLostError):
                raise cause
            found = find_items(self._api, self._timeline, self.placement)
            take_off(self._api, self._kept, self.placement, found)
        except MusiSceneError as error:
            first = cause.message if isinstance(cause, MusiSceneError) else str(cause)
            raise HostError(
                f"{first} Some of the music may be left on the timeline.",
                hint=f"Once Resolve is there again, run: musiscene undo {self._ledger.path}",
            ) from error
        self._ledger.discard()

    def _note(self, **changes: object) -> None:
        self.placement = msgspec.structs.replace(self.placement, **changes)
        self._ledger.write(self.placement)

    def _imported(self, paths: Sequence[Path]) -> dict[Path, ApiMedia]:
        """The media of `paths` in our bin; what is there already is used again."""
        api = self._api
        folder = api.bin(BIN)
        known = {Path(media.path) for media in api.media_in(folder)}
        wanted = [path for path in paths if path not in known]
        self._note(imported=tuple(str(path) for path in wanted))
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

    def _laid(self, part: _Part, media: ApiMedia) -> tuple[ApiItem, int]:
        """Lay `part` on its track and read it back; the clip and the track's index."""
        length = _in_media_frames(part.record.length, media, self._clock.rate)
        item, index = self._append(part, media, length - self._end_counts)
        if item.duration == part.record.length + 1 and not self._end_counts:
            # This version counts the end frame in: once more, and so from here on.
            self._api.delete_items(self._timeline, [item])
            self._end_counts = True
            item, index = self._append(part, media, length - 1)
        if record_of(item) != part.record or item.left_offset != 0:
            raise HostError(
                f"DaVinci Resolve laid {part.path.name} on frames {item.start} to "
                f"{item.start + item.duration} instead of {part.record.start} to "
                f"{part.record.end}.",
                hint="The media pool may have imported it at another frame rate than the "
                "timeline's: make a project at the timeline's rate, or score an exported .otio.",
            )
        return item, index

    def _append(self, part: _Part, media: ApiMedia, end_frame: int) -> tuple[ApiItem, int]:
        api, timeline = self._api, self._timeline
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
        items = api.items(timeline, "audio", index)
        if len(items) != 1 or items[0].media is None or Path(items[0].media.path) != part.path:
            raise HostError(
                f"DaVinci Resolve refused AppendToTimeline: {part.path.name} is not on the track "
                f"{part.track!r}.",
                hint="Unlock the track, leave the Fairlight page, and see that nothing lies on it.",
            )
        return items[0], index

    def _take_back_strays(self, part: _Part, index: int) -> None:
        """Where another timeline was opened in that very moment, the clip may lie on it."""
        opened = self._api.current_timeline()
        if opened.id == self._timeline.id or index > len(self._api.tracks(opened, "audio")):
            return
        strays = [
            item
            for item in self._api.items(opened, "audio", index)
            if item.media is not None
            and Path(item.media.path) == part.path
            and item.start == part.record.start
        ]
        self._api.delete_items(opened, strays)

    def _mark_hits(self, placed: TakeInFolder) -> None:
        """A marker at every hit where the user has none: there is room for one a frame."""
        clock, take = self._clock, placed.take
        taken = {marker.frame for marker in self._api.markers(self._timeline)}
        for hit in take.hits:
            record = RecordFrame(take.record.start + hit.frame)
            frame = clock.offset(record)
            if frame in taken or record not in clock.record:
                continue
            taken.add(frame)
            marker = PlacedMarker(id=f"{OURS}{uuid.uuid4().hex}", frame=record)
            self._note(markers=(*self.placement.markers, marker))
            name = f"Hit: {hit.label or hit.kind.replace('_', ' ')}"
            note = f"{take.cue} {take.name}, off by {hit.error_ms:+.1f} ms"
            self._api.add_marker(
                self._timeline, ApiMarker(frame, name, note, _MARKER_COLOR, 1, marker.id)
            )

    def _take_free_names(self) -> None:
        names = {track.name for track in self._api.tracks(self._timeline, "audio")}
        base, suffix = _without_number(self.placement.tracks[0])
        plain = {name: name.removesuffix(suffix) for name in self.placement.tracks}
        if not base or not suffix or names & set(plain.values()):
            return
        for track in self._api.tracks(self._timeline, "audio"):
            if track.name in plain:
                self._api.rename_track(self._timeline, track.index, plain[track.name])
        self._note(
            tracks=tuple(plain[name] for name in self.placement.tracks),
            added=tuple(
                PlacedTrack(name=track.name, index=track.index)
                for track in self._api.tracks(self._timeline, "audio")
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


def _parts(takes: Sequence[TakeInFolder], layout: PlaceLayout, known: set[str]) -> list[_Part]:
    """What goes on which track; names get a number where one of them is there already."""
    parts: list[_Part] = []
    known = set(known)
    heard = _heard(takes)
    for placed in takes:
        take, folder = placed.take, placed.folder.absolute()
        sounds = (
            [("mix", take.mix)]
            if layout == "mix"
            else [(stem.title, stem.path) for stem in take.stems]
        )
        names = {title: f"MusiScene {title[:1].upper()}{title[1:]}" for title, _ in sounds}
        suffix, count = "", 1
        while any(name + suffix in known for name in names.values()):
            count += 1
            suffix = f" {count}"
        for title, relative in sounds:
            path = folder / relative
            if not path.is_file():
                raise MediaOfflineError(f"The take's file {path} is missing.", hint="Score again.")
            name = _free_name(names[title] + suffix, known)
            known.add(name)
            parts.append(_Part(name, path, take.record, placed in heard))
    return parts


def _heard(takes: Sequence[TakeInFolder]) -> list[TakeInFolder]:
    """The first take of each range: the others are choices beside it."""
    first: dict[FrameRange, TakeInFolder] = {}
    for placed in takes:
        first.setdefault(placed.take.record, placed)
    return list(first.values())


def _free_name(name: str, known: set[str]) -> str:
    """`name`, with a number where two stems have one title."""
    numbered = (f"{name} {number}" for number in range(2, len(known) + 3))
    return next(found for found in (name, *numbered) if found not in known)


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
