"""Two versions of a range compared: which clip became which, and how.

Clips are one where they show the same file for the same purpose and share source time: equal
stretches at one place first, then equal stretches anywhere, then the largest overlap. A file that
was moved to another folder is known by its name. Only what lies inside the range counts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

from musiscene_core.conforming.carry import carried
from musiscene_core.conforming.changes import Changes, ClipChange, MarkerChange
from musiscene_core.conforming.shown import ShownClip, shown_clips
from musiscene_core.timeline import Marker, TimelineRange

_MOST_CANDIDATES = 64
"""Clips of one file that are weighed for one clip; where more overlap it, any will do."""


def compare(old: TimelineRange, new: TimelineRange, hits: Sequence[int] = ()) -> Changes:
    """How `new` differs from `old`, and where `hits`, cue frames of the old range, went."""
    before, after = shown_clips(old), shown_clips(new)
    pairs = _paired(before, after)
    partner = {id(was): now for was, now in pairs}
    layers = _layers(before), _layers(after)
    became = {id(now): was for was, now in pairs}
    clips = [
        _changed(became[id(now)], now, new, layers)
        if id(now) in became
        else ClipChange(name=now.name, role=now.role, now=now.cue)
        for now in after
    ]
    clips += [
        ClipChange(name=was.name, role=was.role, was=was.cue)
        for was in before
        if id(was) not in partner
    ]
    return Changes(
        cue=new.cue,
        rate_was=old.rate,
        rate_now=new.rate,
        record_was=old.record,
        record_now=new.record,
        clips=tuple(clips),
        markers=_markers(old, new),
        hits=carried(hits, old, new, pairs),
    )


def _paired(
    before: Sequence[ShownClip], after: Sequence[ShownClip]
) -> list[tuple[ShownClip, ShownClip]]:
    """The clips that became which, each at most once."""
    pairs: list[tuple[ShownClip, ShownClip]] = []
    left, right = list(before), list(after)
    exact: tuple[Callable[[ShownClip], Hashable], ...] = (
        lambda clip: (_by_path(clip), clip.stretch, clip.start_s),
        lambda clip: (_by_path(clip), clip.stretch),
        lambda clip: (_by_name(clip), clip.stretch),
    )
    for key in exact:
        waiting: dict[Hashable, deque[ShownClip]] = defaultdict(deque)
        for now in right:
            waiting[key(now)].append(now)
        found = [(was, waiting[key(was)].popleft()) for was in left if waiting[key(was)]]
        left, right = _rest(left, right, found)
        pairs += found
    for key in (_by_path, _by_name):
        found = _overlapping(left, right, key)
        left, right = _rest(left, right, found)
        pairs += found
    return pairs


def _by_path(clip: ShownClip) -> Hashable:
    return clip.role, clip.stream, clip.path or clip.media


def _by_name(clip: ShownClip) -> Hashable:
    return clip.role, clip.stream, PurePath(clip.path).name or clip.media


def _rest(
    left: Sequence[ShownClip],
    right: Sequence[ShownClip],
    found: Sequence[tuple[ShownClip, ShownClip]],
) -> tuple[list[ShownClip], list[ShownClip]]:
    used = {id(clip) for pair in found for clip in pair}
    return (
        [clip for clip in left if id(clip) not in used],
        [clip for clip in right if id(clip) not in used],
    )


@dataclass(frozen=True)
class _Candidate:
    overlap_s: Fraction
    apart_s: Fraction
    was: ShownClip
    now: ShownClip


def _overlapping(
    left: Sequence[ShownClip], right: Sequence[ShownClip], key: Callable[[ShownClip], Hashable]
) -> list[tuple[ShownClip, ShownClip]]:
    groups: dict[Hashable, list[ShownClip]] = defaultdict(list)
    for now in sorted(right, key=lambda clip: clip.source_s):
        groups[key(now)].append(now)
    starts = {name: [clip.source_s[0] for clip in clips] for name, clips in groups.items()}
    longest = {
        name: max(clip.source_s[1] - clip.source_s[0] for clip in clips)
        for name, clips in groups.items()
    }
    candidates = []
    for was in left:
        name = key(was)
        if name not in groups:
            continue
        low, high = was.source_s
        first = bisect_left(starts[name], low - longest[name])
        last = bisect_right(starts[name], high)
        candidates += [
            _Candidate(overlap, abs(was.start_s - now.start_s), was, now)
            for now in groups[name][max(first, last - _MOST_CANDIDATES) : last]
            if (overlap := _overlap(was, now))
        ]
    pairs: list[tuple[ShownClip, ShownClip]] = []
    used: set[int] = set()
    for one in sorted(candidates, key=lambda one: (-one.overlap_s, one.apart_s)):
        if id(one.was) not in used and id(one.now) not in used:
            used |= {id(one.was), id(one.now)}
            pairs.append((one.was, one.now))
    return pairs


def _overlap(was: ShownClip, now: ShownClip) -> Fraction:
    """Shared source seconds; a still picture shares an instant with itself."""
    (a, b), (c, d) = was.source_s, now.source_s
    if a == b or c == d:
        return Fraction(1, 10**6) if max(a, c) <= min(b, d) else Fraction(0)
    return max(Fraction(0), min(b, d) - max(a, c))


def _changed(
    was: ShownClip,
    now: ShownClip,
    new: TimelineRange,
    layers: tuple[dict[int, int], dict[int, int]],
) -> ClipChange:
    def frames(seconds: Fraction) -> int:
        return new.rate.frame_nearest(seconds)

    head, tail, moved = now.against(was)
    relayered = now.role == "picture" and layers[0][was.layer] != layers[1][now.layer]
    return ClipChange(
        name=now.name,
        role=now.role,
        was=was.cue,
        now=now.cue,
        moved=frames(moved),
        head=frames(head),
        tail=frames(tail),
        speed_was=float(was.speed),
        speed_now=float(now.speed),
        relayered=relayered,
    )


def _layers(clips: Sequence[ShownClip]) -> dict[int, int]:
    """Picture tracks by their place among those that show anything: empty ones do not count."""
    used = sorted({clip.layer for clip in clips if clip.role == "picture"})
    return {layer: place for place, layer in enumerate(used)}


def _markers(old: TimelineRange, new: TimelineRange) -> tuple[MarkerChange, ...]:
    waiting: dict[str, deque[int]] = defaultdict(deque)
    for marker in new.markers:
        waiting[marker.name].append(_cue_frame(marker, new))
    changes = []
    for marker in old.markers:
        was = _cue_frame(marker, old)
        now = waiting[marker.name].popleft() if waiting[marker.name] else None
        if now is None or old.rate.seconds(was) != new.rate.seconds(now):
            changes.append(MarkerChange(name=marker.name, was=was, now=now))
    changes += [
        MarkerChange(name=name, was=None, now=frame)
        for name, frames in waiting.items()
        for frame in frames
    ]
    return tuple(changes)


def _cue_frame(marker: Marker, timeline: TimelineRange) -> int:
    return marker.record.start - timeline.record.start
