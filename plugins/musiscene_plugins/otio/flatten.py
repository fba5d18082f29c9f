"""A timeline's nested tracks, stacks and speed changes as one flat list of clips.

Every position is an exact fraction of seconds, so nothing drifts over long tracks. A composition's
clock runs from its own beginning; a window says which record time of it is seen. Dissolves keep
the cut's ranges: OpenTimelineIO's transitions lie over the clips and take no time of their own.
Speed: LinearTimeWarp and FreezeFrame (0). Backwards (negative) shows the clip's source range from
its end. Knows nothing of roles or frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from musiscene_core.errors import TimelineError
from musiscene_plugins.otio.exact_time import exact_duration, exact_seconds

MAX_DEPTH = 40
"""Deepest nesting of sequences followed; editors rarely go past four."""
MAX_CLIPS = 200_000
"""A nest that repeats itself could make endless clips of a small file."""
_MAX_SPEED = 10_000
_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Window:
    """How record time (seconds from the timeline's beginning) runs through something's own time.

    Attributes:
        start: record second where it becomes visible.
        end: record second where it ends.
        local_start: its own second shown at `start`.
        speed: its own seconds per record second.
    """

    start: Fraction
    end: Fraction
    local_start: Fraction
    speed: Fraction

    def child(self, start: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """The record seconds at which the local [start, end) is seen, or None."""
        if self.speed is _ONE:
            if self.start != self.local_start:
                offset = self.start - self.local_start
                start, end = start + offset, end + offset
            first, last = max(start, self.start), min(end, self.end)
            return (first, last) if first < last else None
        if self.speed == 0:
            return None
        at = sorted(self.start + (edge - self.local_start) / self.speed for edge in (start, end))
        first, last = max(at[0], self.start), min(at[1], self.end)
        return (first, last) if first < last else None

    def local(self, record: Fraction) -> Fraction:
        """Its own second shown at `record`."""
        if record == self.start:
            return self.local_start
        return self.local_start + (record - self.start) * self.speed


@dataclass(frozen=True)
class FlatClip:
    """A clip as the viewer meets it.

    Attributes:
        clip: the OpenTimelineIO clip.
        track: the outermost track it lies on.
        order: its stacking order among nested tracks; a larger one hides a smaller.
        window: when it is seen, and which source seconds (by the media's own clock) then.
        enabled: whether it is, and all between it and its track.
    """

    clip: Any
    track: Any
    order: tuple[int, ...]
    window: Window
    enabled: bool = True


def stack_origin(timeline: Any) -> Fraction:
    """The second of the top stack's own clock at which the timeline begins."""
    trim = timeline.tracks.source_range
    return exact_seconds(trim.start_time) if trim is not None else _ZERO


def duration(item: Any) -> Fraction:
    """How long `item` lasts in whatever holds it, in seconds.

    Raises:
        TimelineError: it has no length, or an impossible one.
    """
    trim = getattr(item, "source_range", None)
    if trim is not None:
        return exact_duration(trim.duration)
    if isinstance(item, otio.schema.Clip):
        available = getattr(item.media_reference, "available_range", None)
        if available is None:
            raise TimelineError(f"The clip {item.name!r} has no length.")
        return exact_duration(available.duration)
    if isinstance(item, otio.schema.Stack):
        return max((duration(child) for child in item), default=_ZERO)
    if isinstance(item, otio.core.Composition):
        return sum((duration(child) for child in item if _takes_time(child)), _ZERO)
    raise TimelineError(f"The timeline holds a {type(item).__name__} without a length.")


def flat_clips(
    timeline: Any, warn: Callable[[str], None], *, with_disabled: bool = False, first: int = 0
) -> list[FlatClip]:
    """Every enabled clip of `timeline`, track by track.

    Args:
        timeline: an OpenTimelineIO Timeline.
        warn: told a sentence about each thing that cannot be followed.
        with_disabled: those that are switched off too.
        first: the track to begin with.

    Raises:
        TimelineError: impossible times, or nesting without end.
    """
    found: list[FlatClip] = []
    try:
        tracks = list(timeline.tracks)
        lengths = [duration(track) for track in tracks]
        trim = timeline.tracks.source_range
        total = max(lengths, default=_ZERO) if trim is None else exact_duration(trim.duration)
        whole = Window(_ZERO, total, stack_origin(timeline), _ONE)
        for index, (track, length) in enumerate(zip(tracks, lengths, strict=True)):
            if index < first:
                continue
            seen = whole.child(_ZERO, length)
            if seen is None or not (with_disabled or getattr(track, "enabled", True)):
                continue
            window = Window(*seen, whole.local(seen[0]), whole.speed)
            walk = _Walk(track, kind_of(track), warn, with_disabled)
            for clip in walk.through(track, window, (index,)):
                found.append(clip)
                if len(found) > MAX_CLIPS:
                    raise TimelineError(f"The timeline holds more than {MAX_CLIPS} clips.")
    except RecursionError as error:
        raise TimelineError("The timeline is nested too deeply.") from error
    return found


def kind_of(item: Any) -> str | None:
    """The kind ("Video" or "Audio") where `item` is a track, else None."""
    return str(item.kind) if isinstance(item, otio.schema.Track) else None


@dataclass(frozen=True)
class _Walk:
    """A walk through one outermost track."""

    track: Any
    kind: str | None
    warn: Callable[[str], None]
    with_disabled: bool

    def through(
        self, item: Any, window: Window, order: tuple[int, ...], enabled: bool = True
    ) -> Iterator[FlatClip]:
        """The clips in `item`, whose parent shows it during `window` (local 0 = its beginning)."""
        # A track's own switch is kept by the track.
        if len(order) > 1 or not isinstance(item, otio.schema.Track):
            enabled = enabled and bool(getattr(item, "enabled", True))
        if not (enabled or self.with_disabled) or isinstance(item, otio.schema.Gap):
            return
        if len(order) > MAX_DEPTH:
            raise TimelineError("The timeline is nested too deeply.")
        inside = _through_item(item, window, self.warn)
        if isinstance(item, otio.schema.Clip):
            yield FlatClip(item, track=self.track, order=order, window=inside, enabled=enabled)
        elif isinstance(item, otio.schema.Stack):
            yield from self._stacked(item, inside, order, enabled)
        elif isinstance(item, otio.core.Composition):
            yield from self._in_a_row(item, inside, order, enabled)

    def _stacked(
        self, stack: Any, inside: Window, order: tuple[int, ...], enabled: bool
    ) -> Iterator[FlatClip]:
        for index, child in enumerate(stack):
            child_kind = kind_of(child)
            if self.kind is not None and child_kind is not None and child_kind != self.kind:
                continue
            seen = inside.child(_ZERO, duration(child))
            if seen is not None:
                part = Window(*seen, inside.local(seen[0]), inside.speed)
                yield from self.through(child, part, (*order, index), enabled)

    def _in_a_row(
        self, row: Any, inside: Window, order: tuple[int, ...], enabled: bool
    ) -> Iterator[FlatClip]:
        at = _ZERO
        for child in row:
            if not _takes_time(child):
                continue
            end = at + duration(child)
            seen = inside.child(at, end)
            if seen is not None and not isinstance(child, otio.schema.Gap):
                part = Window(*seen, inside.local(seen[0]) - at, inside.speed)
                nested = (*order, 0) if isinstance(child, otio.core.Composition) else order
                yield from self.through(child, part, nested, enabled)
            at = end


def _through_item(item: Any, window: Window, warn: Callable[[str], None]) -> Window:
    """`window`, counted from the item's beginning, as a window into what the item trims."""
    trim = item.source_range
    if trim is None and isinstance(item, otio.schema.Clip):
        trim = item.media_reference.available_range
    begin = exact_seconds(trim.start_time) if trim is not None else _ZERO
    speed = _speed(item, warn)
    if speed is _ONE:
        at = begin + window.local_start
        return Window(window.start, window.end, at, window.speed) if begin else window
    if speed < 0:
        begin += duration(item) * -speed
    return replace(
        window, local_start=begin + window.local_start * speed, speed=window.speed * speed
    )


def _speed(item: Any, warn: Callable[[str], None]) -> Fraction:
    speed = _ONE
    for effect in item.effects:
        if not isinstance(effect, otio.schema.TimeEffect) or not getattr(effect, "enabled", True):
            continue
        scalar = getattr(effect, "time_scalar", None)
        if scalar is None:
            warn(f"The speed change {effect.name!r} on {item.name!r} is read as normal speed.")
            continue
        if not math.isfinite(scalar) or abs(scalar) > _MAX_SPEED:
            raise TimelineError(f"The clip {item.name!r} runs at {scalar} times its speed.")
        speed *= Fraction(scalar).limit_denominator(100_000)
    return speed


def _takes_time(child: Any) -> bool:
    return not isinstance(child, otio.schema.Transition)
