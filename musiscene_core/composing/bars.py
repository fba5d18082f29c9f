"""The bars of a cue, from its beginning to its last chord, and what the scene asks of each.

Bar lines are the tempo map's, odd bars before hits included. Knows nothing of sections.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from musiscene_core.composing.plan import RING_ONLY_S, Plan

_TAIL_S = 2.0
"""The last chord begins at least this long before the end."""
_LONG_TAIL_S = 4.5


@dataclass(frozen=True)
class Bar:
    """One bar, or the part of one before the first downbeat or the last chord.

    Attributes:
        line: beat of its bar line; rhythms count from here.
        start: first beat inside the cue.
        end: beat where it ends.
        beats: its metre: beats from its line to the next, in the cue or not.
        section: index of its section.
        activity: how much should happen, 0 to 1, following the picture's motion.
        speech: share of it in which someone speaks.
    """

    line: float
    start: float
    end: float
    beats: int
    section: int
    activity: float
    speech: float


@dataclass(frozen=True)
class Stretch:
    """A bar before its section is known: bar line, first and last beat, metre."""

    line: float
    start: float
    end: float
    beats: int


def final_beat(plan: Plan) -> float:
    """Where the last chord begins.

    On the last chosen hit where that lies near the end, else on the latest downbeat that leaves
    room for the chord to ring; a beat where bars are long; the very beginning of a short cue; a
    loop's last bar line, for it has no end to ring out in.
    """
    clock, length_s = plan.clock, plan.scene.length_s
    if plan.loop:
        return max(plan.start_beat, plan.tempo.bar_at(plan.end_beat - 0.5).beat)
    if length_s < RING_ONLY_S:
        return plan.start_beat
    tail = min(_TAIL_S, 0.35 * length_s)
    late = [hit for hit in plan.hits if length_s - 5.0 <= clock.seconds(hit.beat) <= length_s - 0.9]
    body_s = 0.4 * length_s
    if late:
        last = max(late, key=lambda hit: (round(hit.weight, 6), hit.beat))
        if last.weight >= 0.4 and clock.seconds(last.beat) > body_s:
            return last.beat
    latest = clock.beat(length_s - tail)
    line = plan.tempo.bar_at(latest).beat
    if clock.seconds(line) > body_s and length_s - clock.seconds(line) <= _LONG_TAIL_S:
        return line
    for grid in (1.0, 0.5):
        beat = math.floor(latest / grid + 1e-9) * grid
        if clock.seconds(beat) > body_s:
            return beat
    return max(plan.start_beat, round(latest, 6))


def stretches(plan: Plan, final: float) -> tuple[Stretch, ...]:
    """The bars of the body, from the cue's first beat to `final`."""
    if final <= plan.start_beat:
        return ()
    opening = plan.tempo.bar_at(plan.start_beat)
    # A bar cut shorter than a beat by the last chord is part of the one before.
    lines = [
        opening,
        *(
            bar
            for bar in plan.tempo.bar_lines(opening.beat + opening.beats, final)
            if final - bar.beat >= 1.0 - 1e-6
        ),
    ]
    ends = [*(bar.beat for bar in lines[1:]), final]
    return tuple(
        Stretch(bar.beat, max(bar.beat, plan.start_beat), end, bar.beats)
        for bar, end in zip(lines, ends, strict=True)
    )


def filled(plan: Plan, stretch: Stretch, section: int, density: float) -> Bar:
    """The bar of `stretch` in a section of `density`, with what the scene asks of it."""
    begin_s, end_s = plan.clock.seconds(stretch.start), plan.clock.seconds(stretch.end)
    motion = plan.scene.motion(begin_s, end_s)
    activity = 0.75 * motion + 0.17 * density + 0.08 * plan.idiom.density
    return Bar(
        line=stretch.line,
        start=stretch.start,
        end=stretch.end,
        beats=stretch.beats,
        section=section,
        activity=round(activity, 4),
        speech=round(plan.scene.speech(begin_s, end_s), 4),
    )
