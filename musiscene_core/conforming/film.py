"""Which film two versions of a range share: old cue frames, and where they lie now.

What a range shows is its topmost picture; film is the same where it shows the same source time of
the same file at the same speed. The longest runs that moved as one are paired first, across cuts,
so that a shot that is used twice goes with its neighbours. Where neither version has clips, film is
known by its record frames.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePath

import msgspec

from musiscene_core.conforming.shown import ShownClip, shown_clips
from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import TimelineRange

_PICTURES = ("picture",)
_SOUNDS = ("mixed", "dialogue", "effects", "temp_track")
_MOST_PLACES = 64
"""Places of one file that are weighed for one stretch; where more fit, the nearest."""

Key = tuple[str, Fraction]


class KeptFilm(msgspec.Struct, frozen=True):
    """Film that both versions show.

    Attributes:
        was: its cue frames in the old range.
        now: its cue frames in the new range; as many, where the frame rate is the same.
    """

    was: FrameRange
    now: FrameRange


@dataclass(frozen=True)
class _Seen:
    """A stretch of one clip that is seen: cue time, first source time, speed."""

    start: Fraction
    end: Fraction
    source: Fraction
    key: Key

    @property
    def speed(self) -> Fraction:
        return self.key[1]

    @property
    def span(self) -> tuple[Fraction, Fraction]:
        """The earliest and the latest source time."""
        last = self.source + (self.end - self.start) * self.speed
        return min(self.source, last), max(self.source, last)


@dataclass(frozen=True)
class _Run:
    """Old cue time [start, end) that lies `shift` later now."""

    start: Fraction
    end: Fraction
    shift: Fraction

    @property
    def length(self) -> Fraction:
        return self.end - self.start


def kept_film(old: TimelineRange, new: TimelineRange) -> tuple[KeptFilm, ...]:
    """The film that `new` still shows, in the order of `old`; no frame of either is in two."""
    before, after = _seen(old), _seen(new)
    if not before and not after:
        return _by_record(old, new)
    runs = _joined_over_gaps(_chosen(_candidates(before, after)), before, after)
    kept = []
    for run in runs:
        was = FrameRange(old.rate.frame_nearest(run.start), old.rate.frame_nearest(run.end))
        first = new.rate.frame_nearest(run.start + run.shift)
        last = new.rate.frame_nearest(run.end + run.shift)
        if was.length and last > first:
            kept.append(KeptFilm(was, FrameRange(first, last)))
    return tuple(kept)


def _by_record(old: TimelineRange, new: TimelineRange) -> tuple[KeptFilm, ...]:
    both = old.record.overlap(new.record)
    if both is None or old.rate.fps != new.rate.fps:
        return ()
    return (KeptFilm(both.shifted(-old.record.start), both.shifted(-new.record.start)),)


def _seen(timeline: TimelineRange) -> list[_Seen]:
    """What is seen from first to last; what is heard, where there is no picture at all."""
    clips = shown_clips(timeline)
    for roles in (_PICTURES, _SOUNDS):
        shown = [clip for clip in clips if clip.role in roles]
        if shown:
            return list(_topmost(shown))
    return []


def _topmost(clips: Sequence[ShownClip]) -> Iterator[_Seen]:
    """Stretches in order, each of the clip on the highest track there."""
    begin = sorted(clips, key=lambda clip: clip.start_s)
    edges = sorted({edge for clip in clips for edge in (clip.start_s, clip.end_s)})
    above: list[tuple[int, int]] = []
    at = 0
    last: tuple[int, Fraction, Fraction] | None = None
    for start, end in pairwise(edges):
        while at < len(begin) and begin[at].start_s <= start:
            heapq.heappush(above, (-begin[at].layer, at))
            at += 1
        while above and begin[above[0][1]].end_s <= start:
            heapq.heappop(above)
        top = above[0][1] if above else -1
        if last is not None and last[0] == top:
            last = (top, last[1], end)
            continue
        if last is not None and last[0] >= 0:
            yield _stretch(begin[last[0]], last[1], last[2])
        last = (top, start, end)
    if last is not None and last[0] >= 0:
        yield _stretch(begin[last[0]], last[1], last[2])


def _stretch(clip: ShownClip, start: Fraction, end: Fraction) -> _Seen:
    name = PurePath(clip.path.replace("\\", "/")).name or clip.media
    source = clip.first_s + (start - clip.start_s) * clip.speed
    return _Seen(start, end, source, (name.casefold(), clip.speed))


def _candidates(before: Sequence[_Seen], after: Sequence[_Seen]) -> list[_Run]:
    """Every run of old time that shows the same film now, runs with one shift joined at cuts."""
    places: dict[Key, list[_Seen]] = defaultdict(list)
    for now in sorted(after, key=lambda one: one.span):
        places[now.key].append(now)
    lows = {key: [one.span[0] for one in seen] for key, seen in places.items()}
    longest = {key: max(o.span[1] - o.span[0] for o in seen) for key, seen in places.items()}
    found: dict[Fraction, list[_Run]] = defaultdict(list)
    for was in before:
        if was.key not in places:
            continue
        low, high = was.span
        first = bisect_left(lows[was.key], low - longest[was.key])
        last = bisect_right(lows[was.key], high)
        fitting = places[was.key][first:last]
        if len(fitting) > _MOST_PLACES:
            fitting = sorted(fitting, key=lambda one: abs(one.start - was.start))[:_MOST_PLACES]
        for now in fitting:
            run = _shared(was, now)
            if run is not None:
                found[run.shift].append(run)
    runs = []
    for of_shift in found.values():
        of_shift.sort(key=lambda run: run.start)
        joined = [of_shift[0]]
        for run in of_shift[1:]:
            if run.start <= joined[-1].end:
                end = max(joined[-1].end, run.end)
                joined[-1] = _Run(joined[-1].start, end, run.shift)
            else:
                joined.append(run)
        runs += joined
    return runs


def _shared(was: _Seen, now: _Seen) -> _Run | None:
    """The old time of `was` whose film `now` shows."""
    if was.speed == 0:
        # A still shows one instant: it begins where it began.
        if was.source != now.source:
            return None
        end = was.start + min(was.end - was.start, now.end - now.start)
        return _Run(was.start, end, now.start - was.start)
    shift = (now.start - was.start) - (now.source - was.source) / was.speed
    start, end = max(was.start, now.start - shift), min(was.end, now.end - shift)
    return _Run(start, end, shift) if end > start else None


def _chosen(runs: Sequence[_Run]) -> list[_Run]:
    """Runs that overlap neither in old time nor in new, the longest first; in old order."""
    heap = [(-run.length, abs(run.shift), run.start, place) for place, run in enumerate(runs)]
    heapq.heapify(heap)
    left = list(runs)
    taken_was, taken_now = _Taken(), _Taken()
    chosen: list[_Run] = []
    while heap:
        length, _, _, place = heapq.heappop(heap)
        run = left[place]
        free = [
            _Run(a, b, run.shift)
            for start, end in taken_was.free(run.start, run.end)
            for a, b in (
                (x - run.shift, y - run.shift)
                for x, y in taken_now.free(start + run.shift, end + run.shift)
            )
        ]
        if len(free) == 1 and free[0].length == -length:
            chosen.append(run)
            taken_was.add(run.start, run.end)
            taken_now.add(run.start + run.shift, run.end + run.shift)
            continue
        for piece in free:
            left.append(piece)
            entry = (-piece.length, abs(piece.shift), piece.start, len(left) - 1)
            heapq.heappush(heap, entry)
    return sorted(chosen, key=lambda run: run.start)


class _Taken:
    """Time that is given away, as disjoint spans in order."""

    def __init__(self) -> None:
        self._spans: list[tuple[Fraction, Fraction]] = []

    def add(self, start: Fraction, end: Fraction) -> None:
        """Give away [start, end), which is free."""
        self._spans.insert(bisect_left(self._spans, (start, end)), (start, end))

    def free(self, start: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
        """What of [start, end) is free."""
        found = []
        at = max(0, bisect_left(self._spans, (start, start)) - 1)
        while at < len(self._spans) and self._spans[at][0] < end and start < end:
            low, high = self._spans[at]
            if low > start:
                found.append((start, low))
            start = max(start, high)
            at += 1
        if start < end:
            found.append((start, end))
        return found


def _joined_over_gaps(
    runs: Sequence[_Run], before: Sequence[_Seen], after: Sequence[_Seen]
) -> list[_Run]:
    """`runs`, those joined that moved as one and have nothing but a gap between them."""
    joined: list[_Run] = []
    olds, news = [one.start for one in before], [one.start for one in after]
    for run in runs:
        last = joined[-1] if joined else None
        if last is not None and last.shift == run.shift:
            empty = last.end == run.start or (
                not _any_in(before, olds, last.end, run.start)
                and not _any_in(after, news, last.end + run.shift, run.start + run.shift)
            )
            if empty:
                joined[-1] = _Run(last.start, run.end, run.shift)
                continue
        joined.append(run)
    return joined


def _any_in(
    seen: Sequence[_Seen], starts: Sequence[Fraction], start: Fraction, end: Fraction
) -> bool:
    at = max(0, bisect_right(starts, start) - 1)
    return any(one.start < end and one.end > start for one in seen[at : bisect_left(starts, end)])
