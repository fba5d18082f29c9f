"""Where sections turn and what each is: intro, theme, build, climax, strip-down, breakdown.

Sections turn where the scene turns, at changes of feeling, at shots, at the main hit, where the
idiom or the words turn, always on a bar line. The climax lies where the scene presses most; the
bars before it are stripped, so that it comes out of little. Knows nothing of chords or notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from musiscene_core.composing.plan import Plan

SECTION_S = 15.0
SHORTEST_S = 7.0
LONGEST_S = 32.0
_CLIMAX_FROM = 0.35
"""How far into the body a climax begins at the earliest."""
_MAIN_HIT_DRAWS = 0.15
"""The main hit is the climax where the scene presses there nearly as much as anywhere."""
_BREAK_BELOW = 0.65
"""A section this much below the mean energy is a breakdown."""
_STRIPPED = ((12, 4), (6, 2), (3, 1))
"""Of a section of so many bars before the climax, so many are stripped."""
_RUSHES = 0.6
"""Motion, relative to the scene's own range, from which nothing is stripped."""


def turns(plan: Plan, lines: Sequence[float], final: float) -> list[float]:
    """The bar lines, in beats, at which a new section begins.

    Args:
        plan: what to write.
        lines: bar lines inside the body.
        final: where the last chord begins.
    """
    clock = plan.clock
    body_s = clock.seconds(final) - clock.seconds(plan.start_beat)
    bar_s = plan.beats_per_bar * 60.0 / clock.beats_in(60.0, 0.0) if lines else 1.0
    gap = max(2, min(math.ceil(SHORTEST_S / bar_s), len(lines) // 3)) * plan.beats_per_bar
    edges = [plan.start_beat, final]
    found = _wanted(plan, lines)

    def fits(line: float) -> bool:
        return all(abs(line - edge) >= gap - 1e-6 for edge in (*edges, *found))

    main = plan.main_hit
    if main is not None and main.beat in lines and main.beat - edges[0] >= gap / 2:
        near = [line for line in found if abs(line - main.beat) < gap / 2]
        if not near:
            found.append(main.beat)
    ranked = sorted(lines, key=lambda line: (-_novelty(plan, line), line))
    wanted = round(body_s / SECTION_S)
    for line in ranked:
        if len(found) >= wanted:
            break
        if fits(line):
            found.append(line)
    # A stretch without a turn is broken at a multiple of four bars.
    while True:
        marks = sorted((*edges, *found))
        spans = [(clock.seconds(b) - clock.seconds(a), a, b) for a, b in pairwise(marks)]
        length, start, end = max(spans)
        inside = [line for line in ranked if start < line < end and fits(line)]
        if length <= LONGEST_S or not inside:
            return sorted(found)
        first = next((place for place, line in enumerate(lines) if line >= start - 1e-6), 0)
        square = [line for line in inside if (lines.index(line) - first) % 4 == 0]
        found.append(min(square or inside, key=lambda line: abs(line - (start + end) / 2)))


def names(plan: Plan, edges: Sequence[float]) -> tuple[list[str], int | None]:
    """What each section between `edges` (beats) is, and which is the climax."""
    clock = plan.clock
    spans = [(clock.seconds(a), clock.seconds(b)) for a, b in pairwise(edges)]
    energies = [plan.scene.energy(a, b) for a, b in spans]
    count = len(energies)
    if count < 2:
        return ["theme"] * count, None
    climax = _climax(plan, edges, [plan.scene.tension(a, b) for a, b in spans])
    mean = sum(energies) / count
    found: list[str] = []
    for index, energy in enumerate(energies):
        before_rise = index + 1 < count and energies[index + 1] > energy + 0.15
        if index == climax:
            found.append("climax")
        elif index == 0:
            found.append("intro")
        elif index + 1 == climax or before_rise:
            found.append("build")
        elif (index - 1 == climax and energy < energies[index - 1]) or energy < _BREAK_BELOW * mean:
            found.append("breakdown")
        elif found[-3:] == ["theme"] * 3:
            # A fourth theme in a row would tire; the music breathes instead.
            found.append("breakdown")
        else:
            found.append("theme")
    return found, climax


def stripped(
    plan: Plan, edges: Sequence[float], lines: Sequence[float], kinds: Sequence[str]
) -> tuple[list[float], list[str]]:
    """`edges` and `kinds` with the last bars before the climax made a section of their own."""
    if "climax" not in kinds:
        return list(edges), list(kinds)
    climax = list(kinds).index("climax")
    if climax == 0:
        return list(edges), list(kinds)
    start, end = edges[climax - 1], edges[climax]
    bars = [line for line in (start, *lines) if start - 1e-6 <= line < end - 1e-6]
    bars = sorted(set(bars))
    bare = next((few for many, few in _STRIPPED if len(bars) >= many), 0)
    if not bare:
        return list(edges), list(kinds)
    # Bars in which the picture moves much are left as it wants them.
    moved = plan.scene.motion(plan.clock.seconds(bars[-bare]), plan.clock.seconds(end))
    if moved > _RUSHES and not plan.scene.still:
        return list(edges), list(kinds)
    return (
        [*edges[:climax], bars[-bare], *edges[climax:]],
        [*kinds[:climax], "strip-down", *kinds[climax:]],
    )


def _wanted(plan: Plan, lines: Sequence[float]) -> list[float]:
    """The bar lines nearest to where the idiom turns, at least two bars apart."""
    found: list[float] = []
    for passage in plan.passages[1:]:
        beat = plan.clock.beat(passage.start_s)
        line = min(lines, key=lambda line: abs(line - beat), default=None)
        if line is not None and line not in found:
            found.append(line)
    return found


def _climax(plan: Plan, edges: Sequence[float], tensions: Sequence[float]) -> int | None:
    """Which section the scene presses most in; none in a cue of one or two without a main hit."""
    count = len(tensions)
    late = [
        index
        for index in range(1, count)
        if (edges[index] - edges[0]) / (edges[-1] - edges[0]) >= _CLIMAX_FROM
    ]
    main = plan.main_hit
    peak = max((tensions[index] for index in late), default=0.0)
    if main is not None and main.beat in edges[1:-1]:
        at = list(edges).index(main.beat)
        if at in late and tensions[at] >= peak - _MAIN_HIT_DRAWS:
            return at
    if count < 3 or not late:
        return None
    # The later of two alike: what peaks early leaves the rest to fall.
    return max(late, key=lambda index: (tensions[index] + 0.05 * index / count, index))


def _novelty(plan: Plan, beat: float) -> float:
    """How much the scene turns at a bar line."""
    scene, clock = plan.scene, plan.clock
    now = clock.seconds(beat)
    novelty = scene.mood(max(0.0, now - 4), now).distance(scene.mood(now, now + 4))
    novelty += 0.5 * abs(scene.motion(max(0.0, now - 4), now) - scene.motion(now, now + 4))
    reach = clock.seconds(beat + plan.tempo.bar_at(beat).beats / 2) - now
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
