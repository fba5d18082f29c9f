"""The form: bars, sections and the place of the last chord, read from the scene.

Sections turn where the scene turns: at changes of feeling, at shots and at the main hit, always on
a bar line. Knows nothing of chords or notes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from musiscene_core.composing.plan import RING_ONLY_S, Plan
from musiscene_core.cue import Section

_TAIL_S = 2.0
"""The last chord begins at least this long before the end."""
_LONG_TAIL_S = 4.5
_SECTION_S = 15.0
_SHORTEST_SECTION_S = 7.0
_LONGEST_SECTION_S = 32.0
_CLIMAX_FROM = 0.35
"""How far into the body the main hit must lie to make a climax."""

_DENSITY = MappingProxyType(
    {"intro": 0.35, "theme": 0.62, "build": 0.74, "climax": 1.0, "strip-down": 0.3, "button": 0.5}
)
_TENSION = MappingProxyType(
    {"intro": 0.3, "theme": 0.45, "build": 0.75, "climax": 0.95, "strip-down": 0.3, "button": 0.15}
)


@dataclass(frozen=True)
class Bar:
    """One bar, or the part of one before the first downbeat or the last chord.

    Attributes:
        line: beat of its bar line; rhythms count from here.
        start: first beat inside the cue.
        end: beat where it ends.
        section: index of its section.
        activity: how much should happen, 0 to 1, following the picture's motion.
        speech: share of it in which someone speaks.
    """

    line: float
    start: float
    end: float
    section: int
    activity: float
    speech: float


@dataclass(frozen=True)
class Form:
    """The cue's form.

    Attributes:
        sections: in order; the last is the button.
        bars: in order, up to the last chord.
        final_beat: where the last chord begins.
        climax: index of the climax among `sections`; None where there is none.
    """

    sections: tuple[Section, ...]
    bars: tuple[Bar, ...]
    final_beat: float
    climax: int | None

    def section_at(self, beat: float) -> int:
        """The index of the section that holds at `beat`."""
        after = bisect_right(self.sections, beat + 1e-6, key=lambda section: section.start)
        return max(0, after - 1)


def make_form(plan: Plan) -> Form:
    """Lay out the cue."""
    final = final_beat(plan)
    lines = _bar_lines(plan, final)
    turns = _turns(plan, lines, final)
    edges = [plan.start_beat, *turns, final] if final > plan.start_beat else [final]
    energies = [
        plan.scene.energy(plan.clock.seconds(a), plan.clock.seconds(b)) for a, b in pairwise(edges)
    ]
    names, climax = _names(plan, edges, energies)
    sections = [
        _section(plan, name, start, end, energy)
        for name, start, end, energy in zip(names, edges, edges[1:], energies, strict=False)
    ]
    sections.append(_section(plan, "button", final, plan.end_beat, 0.5))
    bars = _bars(plan, lines, sections, final)
    return Form(tuple(sections), bars, final, climax)


def final_beat(plan: Plan) -> float:
    """Where the last chord begins.

    On the last chosen hit where that lies near the end, else on the latest downbeat that leaves
    room for the chord to ring; a beat where bars are long; the very beginning of a short cue.
    """
    clock, length_s = plan.clock, plan.scene.length_s
    if length_s < RING_ONLY_S:
        return plan.start_beat
    tail = min(_TAIL_S, 0.35 * length_s)
    late = [hit for hit in plan.hits if length_s - 5.0 <= clock.seconds(hit.beat) <= length_s - 0.9]
    body_s = 0.4 * length_s
    if late:
        last = max(late, key=lambda hit: (round(hit.weight, 6), hit.beat))
        if last.weight >= 0.4 and clock.seconds(last.beat) > body_s:
            return last.beat
    bar = plan.beats_per_bar
    latest = clock.beat(length_s - tail)
    for grid in (float(bar), 1.0, 0.5):
        beat = math.floor(latest / grid + 1e-9) * grid
        rings = length_s - clock.seconds(beat)
        if clock.seconds(beat) > body_s and (grid < bar or rings <= _LONG_TAIL_S):
            return beat
    return max(plan.start_beat, round(latest, 6))


def _bar_lines(plan: Plan, final: float) -> list[float]:
    """Bar lines strictly inside the body, in beats."""
    bar = plan.beats_per_bar
    first = 0 if plan.start_beat < -1e-6 else 1
    count = max(0, math.ceil(final / bar - 1e-6))
    lines = [float(index * bar) for index in range(first, count)]
    # A bar cut shorter than a beat by the last chord is part of the one before.
    return [line for line in lines if final - line >= 1.0 - 1e-6]


def _novelty(plan: Plan, beat: float) -> float:
    """How much the scene turns at a bar line."""
    scene, clock = plan.scene, plan.clock
    now = clock.seconds(beat)
    novelty = scene.mood(max(0.0, now - 4), now).distance(scene.mood(now, now + 4))
    novelty += 0.5 * abs(scene.motion(max(0.0, now - 4), now) - scene.motion(now, now + 4))
    reach = clock.seconds(beat + plan.beats_per_bar / 2) - now
    rate = scene.brief.timeline.rate
    low, high = rate.frame_at(max(0.0, now - reach)), rate.frame_at(now + reach)
    for shot in scene.brief.shots:
        if shot.start_frame > high:
            break
        if low <= shot.start_frame and shot.start_frame > 0:
            novelty += 0.3 if shot.transition == "cut" else 0.45
    for hit in plan.hits:
        if abs(hit.beat - beat) < 1e-6:
            novelty += 0.6 * hit.weight
    return round(novelty, 6)


def _turns(plan: Plan, lines: list[float], final: float) -> list[float]:
    """The bar lines at which a new section begins."""
    clock = plan.clock
    body_s = clock.seconds(final) - clock.seconds(plan.start_beat)
    bar_s = plan.beats_per_bar * 60.0 / clock.beats_in(60.0, 0.0) if lines else 1.0
    gap = max(2, min(math.ceil(_SHORTEST_SECTION_S / bar_s), len(lines) // 3)) * plan.beats_per_bar
    edges = [plan.start_beat, final]
    main = plan.main_hit
    turns: list[float] = []

    def fits(line: float) -> bool:
        return all(abs(line - edge) >= gap - 1e-6 for edge in (*edges, *turns))

    if main is not None and main.beat in lines and main.beat - edges[0] >= gap / 2:
        turns.append(main.beat)
    ranked = sorted(lines, key=lambda line: (-_novelty(plan, line), line))
    wanted = round(body_s / _SECTION_S)
    for line in ranked:
        if len(turns) >= wanted:
            break
        if fits(line):
            turns.append(line)
    # A stretch without a turn is broken at a multiple of four bars.
    while True:
        marks = sorted((*edges, *turns))
        stretches = [(clock.seconds(b) - clock.seconds(a), a, b) for a, b in pairwise(marks)]
        length, start, end = max(stretches)
        inside = [line for line in ranked if start < line < end and fits(line)]
        if length <= _LONGEST_SECTION_S or not inside:
            return sorted(turns)
        square = [
            line for line in inside if (line - max(0.0, start)) % (4 * plan.beats_per_bar) == 0
        ]
        turns.append(min(square or inside, key=lambda line: abs(line - (start + end) / 2)))


def _names(plan: Plan, edges: list[float], energies: list[float]) -> tuple[list[str], int | None]:
    """What each section of the body is, and which is the climax."""
    count = len(energies)
    if count < 2:
        return ["theme"] * count, None
    main = plan.main_hit
    climax = None
    if main is not None and main.beat in edges[1:-1]:
        far = (main.beat - edges[0]) / (edges[-1] - edges[0])
        climax = edges.index(main.beat) if far >= _CLIMAX_FROM else None
    if climax is None and count >= 3:
        # The later, the better: what peaks early leaves the rest to fall.
        first = max(1, round(_CLIMAX_FROM * count))
        climax = max(
            range(first, count), key=lambda index: (energies[index] + 0.15 * index / count, index)
        )
    mean = sum(energies) / count
    names = []
    for index, energy in enumerate(energies):
        before_rise = index + 1 < count and energies[index + 1] > energy + 0.15
        if index == climax:
            names.append("climax")
        elif index == 0:
            names.append("intro")
        elif index + 1 == climax or before_rise:
            names.append("build")
        elif (index - 1 == climax and energy < energies[index - 1]) or energy < 0.65 * mean:
            names.append("strip-down")
        elif names[-3:] == ["theme"] * 3:
            # A fourth theme in a row would tire; the music breathes instead.
            names.append("strip-down")
        else:
            names.append("theme")
    return names, climax


def _section(plan: Plan, name: str, start: float, end: float, energy: float) -> Section:
    begin_s, end_s = plan.clock.seconds(start), plan.clock.seconds(end)
    speech = plan.scene.speech(begin_s, end_s)
    density = (0.55 * _DENSITY[name] + 0.45 * energy) * (0.7 + 0.4 * plan.idiom.density)
    tension = 0.5 * _TENSION[name] + 0.5 * plan.scene.mood(begin_s, max(end_s, begin_s)).tension
    return Section(
        name=name,
        start=start,
        length=round(max(1e-6, end - start), 6),
        density=round(min(1.0, density * (1.0 - 0.35 * speech)), 4),
        tension=round(min(1.0, tension), 4),
    )


def _bars(plan: Plan, lines: list[float], sections: list[Section], final: float) -> tuple[Bar, ...]:
    if final <= plan.start_beat:
        return ()
    metre = plan.beats_per_bar
    first = -float(metre) if plan.start_beat < -1e-6 else 0.0
    starts = [first, *lines]
    bars = []
    section = 0
    for index, line in enumerate(starts):
        start = max(line, plan.start_beat)
        end = starts[index + 1] if index + 1 < len(starts) else final
        while section + 2 < len(sections) and start >= sections[section + 1].start - 1e-6:
            section += 1
        begin_s, end_s = plan.clock.seconds(start), plan.clock.seconds(end)
        motion = plan.scene.motion(begin_s, end_s)
        activity = 0.75 * motion + 0.17 * sections[section].density + 0.08 * plan.idiom.density
        speech = plan.scene.speech(begin_s, end_s)
        bars.append(Bar(line, start, end, section, round(activity, 4), round(speech, 4)))
    return tuple(bars)
