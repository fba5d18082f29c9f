"""From moments on beats to tempo segments: plateaus joined by ramps.

Between two moments the tempo leaves one joint in a ramp, holds a plateau and ramps to the next
joint, on beats and each ramp at most a bar long; the plateau is the one tempo for which the span
lasts exactly as long as it must. Where ramps would push a plateau past the limit they get shorter,
down to a step. Knows nothing of which moments or beats are best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from musiscene_core.tempo_map import TempoSegment

_SHORTEST = 0.5
_SWEEPS = 6
_SHORTENINGS = 8
_EVEN_BPM = 1e-7
"""Tempi nearer than this are one."""


@dataclass
class _Span:
    """What lies between two moments: its length, and its ramps' lengths in beats."""

    seconds: float
    beats: float
    rise: float
    fall: float

    @property
    def mean_bpm(self) -> float:
        return 60.0 * self.beats / self.seconds

    def plateau(self, before: float, after: float) -> float:
        """The plateau in BPM between joints of `before` and `after` BPM.

        Solves seconds = rise * 120 / (before + p) + (beats - rise - fall) * 60 / p
        + fall * 120 / (p + after) for p by Newton's method; the left side falls with p.
        """
        held = self.beats - self.rise - self.fall
        bpm = self.mean_bpm
        for _ in range(30):
            first, last = before + bpm, bpm + after
            over = 120.0 * (self.rise / first + self.fall / last) + 60.0 * held / bpm - self.seconds
            slope = 120.0 * (self.rise / first**2 + self.fall / last**2) + 60.0 * held / bpm**2
            step = over / slope
            bpm = max(bpm / 2, bpm + step)
            if abs(step) < 1e-13 * bpm:
                break
        return bpm


def segments_for(
    moments: Sequence[tuple[float, float]], base_bpm: float, bar: int, limit: float
) -> tuple[TempoSegment, ...]:
    """The tempo segments under which every moment falls on its beat.

    Args:
        moments: cue seconds and beat of each, both rising; at least one.
        base_bpm: the tempo before the first and after the last.
        bar: beats a ramp may last.
        limit: how far, relative to the base, ramps may push a plateau; further only where the
            span's mean tempo lies further.
    """
    spans = [_Span(s1 - s0, b1 - b0, 0.0, 0.0) for (s0, b0), (s1, b1) in pairwise(moments)]
    for index, span in enumerate(spans):
        room = min(float(bar), _halves(span.beats / 3))
        span.rise = room if index else 0.0
        span.fall = room if index + 1 < len(spans) else 0.0
    joints, plateaus = _tempi(spans, base_bpm)
    for _ in range(_SHORTENINGS):
        bad = [
            span
            for span, bpm in zip(spans, plateaus, strict=True)
            if abs(bpm / base_bpm - 1) > limit and (span.rise or span.fall)
        ]
        if not bad:
            break
        for span in bad:
            span.rise, span.fall = _halves(span.rise / 2), _halves(span.fall / 2)
        joints, plateaus = _tempi(spans, base_bpm)
    return _laid_out(moments, spans, joints, plateaus, base_bpm, bar)


def _halves(beats: float) -> float:
    """`beats` rounded down to half beats."""
    return math.floor(2 * beats + 1e-9) / 2


def _tempi(spans: list[_Span], base: float) -> tuple[list[tuple[float, float]], list[float]]:
    """The tempo just before and after each joint, and each span's plateau, in BPM.

    A joint takes the tempo that leaves the plateaus beside it equally far from the base, or as
    near to that as their mean tempi reach.
    """
    means = [span.mean_bpm for span in spans]
    if not spans:
        return [(base, base)], []
    plateaus = list(means)
    joints = [(means[0], means[0])] * (len(spans) + 1)
    joints[-1] = (means[-1], means[-1])
    for _ in range(_SWEEPS):
        for at in range(1, len(spans)):
            before, after = spans[at - 1], spans[at]
            if before.fall and after.rise:
                reach = max(abs(means[at - 1] - base), abs(means[at] - base))
                # A plateau moves against its joint by half the ramp's share of the span.
                give = before.fall / (2 * before.beats) + after.rise / (2 * after.beats)
                now = joints[at][0]
                lean = (plateaus[at - 1] - base) + (plateaus[at] - base)
                middle = min(base + reach, max(base - reach, now + 0.7 * lean / give))
                joints[at] = (middle, middle)
            elif before.fall:
                joints[at] = (plateaus[at], plateaus[at])
            elif after.rise:
                joints[at] = (plateaus[at - 1], plateaus[at - 1])
            else:
                joints[at] = (plateaus[at - 1], plateaus[at])
            for index in (at - 1, at):
                plateaus[index] = spans[index].plateau(joints[index][1], joints[index + 1][0])
    for at in range(1, len(spans)):
        if not (spans[at - 1].fall or spans[at].rise):
            joints[at] = (plateaus[at - 1], plateaus[at])
    return joints, plateaus


def _laid_out(
    moments: Sequence[tuple[float, float]],
    spans: list[_Span],
    joints: list[tuple[float, float]],
    plateaus: list[float],
    base: float,
    bar: int,
) -> tuple[TempoSegment, ...]:
    # The ends of the first and last spans, which have no ramp there, are their plateaus.
    opening = plateaus[0] if plateaus else base
    closing = plateaus[-1] if plateaus else base
    segments = _opening(moments[0], opening, base, bar)
    for index, span in enumerate(spans):
        seconds, beat = moments[index]
        p, fall_from = plateaus[index], moments[index + 1][1] - span.fall
        if span.rise:
            segments.append(_ramp(beat, seconds, span.rise, joints[index][1], p))
            seconds += 120.0 * span.rise / (joints[index][1] + p)
        held = fall_from - beat - span.rise
        if held > 0:
            segments.append(_steady(beat + span.rise, seconds, p))
            seconds += 60.0 * held / p
        if span.fall:
            segments.append(_ramp(fall_from, seconds, span.fall, p, joints[index + 1][0]))
    seconds, beat = moments[-1]
    if abs(closing - base) > _EVEN_BPM:
        segments.append(_ramp(beat, seconds, float(bar), closing, base))
        seconds += 120.0 * bar / (closing + base)
        beat += bar
    segments.append(_steady(beat, seconds, base))
    return _merged(segments)


def _opening(first: tuple[float, float], bpm: float, base: float, bar: int) -> list[TempoSegment]:
    """From the base tempo to `bpm` at the first moment, within the time there is before it."""
    seconds, beat = first
    ramp = _halves(min(float(bar), seconds * base / 120.0))
    if abs(bpm - base) <= _EVEN_BPM or ramp < _SHORTEST:
        back = math.floor(seconds * bpm / 60.0)
        return [_steady(beat - back, seconds - back * 60.0 / bpm, bpm)] if back else []
    begin = seconds - 120.0 * ramp / (base + bpm)
    back = math.floor(begin * base / 60.0)
    steady = [_steady(beat - ramp - back, begin - back * 60.0 / base, base)]
    return [*steady, _ramp(beat - ramp, begin, ramp, base, bpm)]


def _steady(beat: float, seconds: float, bpm: float) -> TempoSegment:
    return TempoSegment(start_beat=beat, start_s=seconds, bpm=bpm)


def _ramp(beat: float, seconds: float, beats: float, start: float, end: float) -> TempoSegment:
    """From `start` to `end` BPM within `beats`, linear in time."""
    if abs(end - start) <= _EVEN_BPM:
        return _steady(beat, seconds, start)
    slope = (end - start) * (start + end) / (120.0 * beats)
    return TempoSegment(start_beat=beat, start_s=seconds, bpm=start, bpm_per_s=slope)


def _merged(segments: list[TempoSegment]) -> tuple[TempoSegment, ...]:
    """`segments` without those that only go on as before, or that last no time."""
    kept: list[TempoSegment] = []
    for segment in segments:
        if kept and kept[-1].start_beat >= segment.start_beat:
            kept.pop()
        same = kept and not kept[-1].bpm_per_s and not segment.bpm_per_s
        if same and abs(kept[-1].bpm - segment.bpm) <= _EVEN_BPM:
            continue
        kept.append(segment)
    return tuple(kept)
