"""Reading plain AAFs in a moment: cuts, gaps, levels, mutes and markers of one sequence.

Ten thousand clips take a second here and half a minute by the general adapter, which builds an
object for every property. Whatever is not plain (effects, dissolves, nested sequences, groups of
essence, tapes with timecode) is left to the adapter: then there is no answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import TimecodeError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats import aaf_objects as aaf
from musiscene_plugins.formats.aaf_objects import AafObject, fraction_in, indirect
from musiscene_plugins.formats.compound import CompoundError, Node, read_compound
from musiscene_plugins.formats.edit import Collector, Edit, Event, Lane, LaneKind, Media, Note
from musiscene_plugins.formats.tags import Tag

TAG_NAME = "MusiScene"
GAIN = aaf.key_of("9d2ea894-0968-11d3-8a38-0050040ef7d2")
_KINDS: dict[bytes, LaneKind] = {
    aaf.key_of("01030202-0100-0000-060e-2b3404010101"): "video",
    aaf.key_of("6f3c8ce1-6cef-11d2-807d-006008143e6f"): "video",
    aaf.key_of("01030202-0200-0000-060e-2b3404010101"): "audio",
    aaf.key_of("78e1ebe1-6cef-11d2-807d-006008143e6f"): "audio",
}
_HIGHEST_DB, _LOWEST_DB = 30.0, -100.0


class _NotPlainError(Exception):
    """Something in the file needs the general adapter."""


def read_plain_aaf(path: Path, name: str | None = None) -> Edit | None:
    """The timeline in the AAF at `path`; None where it is not plain, or damaged.

    Raises:
        TimelineError: impossible times.
    """
    try:
        with open(path, "rb") as file:
            return _Reader(read_compound(file)).edit(name)
    except (_NotPlainError, CompoundError, TimecodeError):
        return None


@dataclass
class _Reader:
    root: Node
    mobs: dict[bytes, AafObject] = field(default_factory=dict)
    rate: FrameRate | None = None
    masters: dict[tuple[bytes, int], tuple[Media, Fraction, Tag | None]] = field(
        default_factory=dict
    )

    def edit(self, name: str | None) -> Edit:
        header = AafObject(self.root).one(aaf.HEADER)
        content = header.one(aaf.CONTENT) if header is not None else None
        for mob in content.many(aaf.MOBS) if content is not None else ():
            self.mobs[mob.values.get(aaf.MOB_ID, b"")] = mob
        compositions = [mob for mob in self.mobs.values() if mob.kind == aaf.COMPOSITION_MOB]
        if len(compositions) != 1 or name not in (None, compositions[0].text(aaf.MOB_NAME)):
            raise _NotPlainError
        main = compositions[0]
        lanes: list[Lane] = []
        notes: list[Note] = []
        start, drop = 0, False
        for slot in main.many(aaf.SLOTS):
            segment = slot.one(aaf.SEGMENT)
            if segment is None:
                raise _NotPlainError
            if slot.kind == aaf.EVENT_SLOT:
                notes += self._notes(segment, slot.ratio(aaf.EVENT_RATE))
                continue
            if slot.kind != aaf.TIMELINE_SLOT:
                raise _NotPlainError
            self._agree(slot.ratio(aaf.EDIT_RATE))
            if segment.kind == aaf.TIMECODE:
                start, drop = self._clock(segment)
            else:
                lanes += self._lanes(slot.text(aaf.SLOT_NAME), segment)
        if self.rate is None:
            raise _NotPlainError
        can_drop = self.rate.denominator == 1001 and self.rate.nominal % 30 == 0
        return Edit(
            name=main.text(aaf.MOB_NAME),
            rate=FrameRate.from_fraction(self.rate.fps, drop_frame=drop and can_drop),
            start=max(0, start),
            lanes=tuple(sorted(lanes, key=lambda lane: lane.kind == "audio")),
            notes=tuple(sorted(notes, key=lambda note: note.start)),
        )

    def _agree(self, fps: Fraction) -> FrameRate:
        """The one rate of all tracks."""
        if not 1 <= fps <= 240 or (self.rate is not None and self.rate.fps != fps):
            raise _NotPlainError
        self.rate = self.rate or FrameRate.from_fraction(fps)
        return self.rate

    def _clock(self, timecode: AafObject) -> tuple[int, bool]:
        assert self.rate is not None
        if timecode.whole(aaf.CLOCK_FPS) != self.rate.nominal:
            raise _NotPlainError
        return timecode.whole(aaf.CLOCK_START), timecode.whole(aaf.CLOCK_DROP, 0) != 0

    def _lanes(self, name: str, segment: AafObject) -> list[Lane]:
        kind = _KINDS.get(segment.key(aaf.DATA_DEFINITION))
        if kind is None:
            raise _NotPlainError
        collector = Collector(name, kind)
        at = 0
        whole = segment.kind == aaf.SEQUENCE
        for component in segment.many(aaf.COMPONENTS) if whole else (segment,):
            length = component.whole(aaf.LENGTH)
            if length < 0:
                raise _NotPlainError
            if component.kind != aaf.FILLER:
                collector.add(self._event(component, kind, at, length))
            at += length
        return collector.lanes()

    def _event(self, item: AafObject, kind: LaneKind, at: int, length: int) -> Event:
        if item.kind == aaf.SOURCE_CLIP:
            return self._clip(item, kind, at, length)
        if item.kind == aaf.SELECTOR:
            chosen, others = item.one(aaf.SELECTED), item.many(aaf.ALTERNATES)
            if chosen is None or chosen.kind != aaf.FILLER or len(others) != 1:
                raise _NotPlainError
            return replace(self._event(others[0], kind, at, length), enabled=False)
        inputs = item.many(aaf.INPUTS) if item.kind == aaf.OPERATION_GROUP else []
        if item.key(aaf.OPERATION) != GAIN or len(inputs) != 1:
            raise _NotPlainError
        gain, fade_in, fade_out = _levels(item, length)
        inner = self._event(inputs[0], kind, at, length)
        return replace(
            inner,
            gain_db=inner.gain_db + gain,
            fade_in=max(inner.fade_in, fade_in),
            fade_out=max(inner.fade_out, fade_out),
        )

    def _clip(self, item: AafObject, kind: LaneKind, at: int, length: int) -> Event:
        assert self.rate is not None
        key = item.values.get(aaf.SOURCE_ID, b""), item.whole(aaf.SOURCE_SLOT)
        if key not in self.masters:
            self.masters[key] = self._master(*key, kind)
        media, offset, tag = self.masters[key]
        return Event(
            name=media.name,
            media=media,
            start=at,
            length=length,
            source=media.start + offset + self.rate.seconds(item.whole(aaf.START_TIME, 0)),
            tag=tag,
        )

    def _master(
        self, mob_id: bytes, slot_id: int, kind: LaneKind
    ) -> tuple[Media, Fraction, Tag | None]:
        """The media that a master clip plays, how far into it, and our tag on it."""
        master, slot, clip = self._played(mob_id, slot_id, aaf.MASTER_MOB)
        rate = slot.ratio(aaf.EDIT_RATE)
        source, _, end = self._played(
            clip.values.get(aaf.SOURCE_ID, b""), clip.whole(aaf.SOURCE_SLOT), aaf.SOURCE_MOB
        )
        if any(end.values.get(aaf.SOURCE_ID, b"")) or rate <= 0:
            raise _NotPlainError
        essence = source.one(aaf.ESSENCE)
        locators = essence.many(aaf.LOCATORS) if essence is not None else []
        links = [found.text(aaf.URL) for found in locators if found.kind == aaf.NETWORK_LOCATOR]
        begin = clip.whole(aaf.START_TIME, 0) / rate
        media = Media(
            url=links[0] if links else "",
            name=master.text(aaf.MOB_NAME),
            length=begin + clip.whole(aaf.LENGTH) / rate,
            rate=FrameRate.from_fraction(rate) if kind == "video" and 1 <= rate <= 240 else None,
        )
        tag = Tag.from_json(aaf.tagged(master.many(aaf.MOB_COMMENTS), TAG_NAME))
        return media, begin, tag

    def _played(
        self, mob_id: bytes, slot_id: int, kind: int
    ) -> tuple[AafObject, AafObject, AafObject]:
        """A mob, the slot of it that is meant, and the one clip on that slot."""
        mob = self.mobs.get(mob_id)
        if mob is None or mob.kind != kind:
            raise _NotPlainError
        for slot in mob.many(aaf.SLOTS):
            if slot.kind == aaf.TIMELINE_SLOT and slot.whole(aaf.SLOT_ID) == slot_id:
                segment = slot.one(aaf.SEGMENT)
                if segment is not None and segment.kind == aaf.SOURCE_CLIP:
                    return mob, slot, segment
        raise _NotPlainError

    def _notes(self, segment: AafObject, fps: Fraction) -> list[Note]:
        self._agree(fps)
        notes = []
        for marker in segment.many(aaf.COMPONENTS) if segment.kind == aaf.SEQUENCE else (segment,):
            if marker.kind not in (aaf.DESCRIPTIVE_MARKER, aaf.COMMENT_MARKER):
                raise _NotPlainError
            tag = Tag.from_line(aaf.tagged(marker.many(aaf.USER_COMMENTS), TAG_NAME))
            note = Note(
                start=marker.whole(aaf.POSITION),
                length=max(1, marker.whole(aaf.LENGTH, 1)),
                name=marker.text(aaf.COMMENT),
                tag=tag,
            )
            notes += [note] if note.start >= 0 else []
        return notes


def _levels(group: AafObject, length: int) -> tuple[float, int, int]:
    """Volume in dB and fades in frames, of amplitudes over the clip from 0 to 1."""
    parameters = group.many(aaf.PARAMETERS)
    if len(parameters) != 1:
        raise _NotPlainError
    value = parameters[0]
    if value.kind == aaf.CONSTANT_VALUE:
        return _decibels(fraction_in(indirect(value.values.get(aaf.CONSTANT, b"")))), 0, 0
    if value.kind != aaf.VARYING_VALUE:
        raise _NotPlainError
    path = [
        (point.ratio(aaf.POINT_TIME), fraction_in(indirect(point.values[aaf.POINT_VALUE])))
        for point in value.many(aaf.POINTS)
        if aaf.POINT_VALUE in point.values
    ]
    loudest = max((level for _, level in path), default=Fraction(0))
    if loudest <= 0:
        raise _NotPlainError
    places = [place for place, level in path if level == loudest]
    fade_in = round(places[0] * length) if path[0][1] == 0 else 0
    fade_out = round((1 - places[-1]) * length) if path[-1][1] == 0 else 0
    return _decibels(loudest), fade_in, fade_out


def _decibels(amplitude: Fraction) -> float:
    if amplitude <= Fraction(1, 10**5):
        return _LOWEST_DB
    return min(20 * math.log10(amplitude), _HIGHEST_DB)
