"""The form: sections and their bars, read from the scene.

Sections turn where the scene turns: at changes of feeling, at shots and at the main hit, always on
a bar line. Knows nothing of chords or notes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from types import MappingProxyType

from musiscene_core.composing.arc import Arc, draw_arc
from musiscene_core.composing.bars import Bar, filled, final_beat, stretches
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.sections import names, stripped, turns
from musiscene_core.composing.styling import density_factor
from musiscene_core.cue import Section

_HELD_BACK = 0.35
_MIDDLING = 0.55
"""The density that an idiom's contrast leaves as it is."""
_DENSITY = MappingProxyType(
    {
        "intro": 0.35,
        "theme": 0.62,
        "build": 0.74,
        "climax": 1.0,
        "strip-down": 0.15,
        "breakdown": 0.3,
        "button": 0.5,
    }
)
_TENSION = MappingProxyType(
    {
        "intro": 0.3,
        "theme": 0.45,
        "build": 0.75,
        "climax": 0.95,
        "strip-down": 0.7,
        "breakdown": 0.3,
        "button": 0.15,
    }
)


@dataclass(frozen=True)
class Form:
    """The cue's form.

    Attributes:
        sections: in order; the last is the button.
        bars: in order, up to the last chord.
        final_beat: where the last chord begins.
        climax: index of the climax among `sections`; None where there is none.
        arc: density and tension over time.
        edges: beats where each of the plan's passages begins, on bar lines.
    """

    sections: tuple[Section, ...]
    bars: tuple[Bar, ...]
    final_beat: float
    climax: int | None
    arc: Arc
    edges: tuple[float, ...]

    def density(self, beat: float) -> float:
        """How full the music is at `beat`, 0 to 1."""
        return self.arc.density(beat)

    def tension(self, beat: float) -> float:
        """How much it presses at `beat`, 0 to 1."""
        return self.arc.tension(beat)

    def contrast(self, beat: float) -> float:
        """How far loud and soft lie apart at `beat`, 1 as usual."""
        return self.arc.contrast(beat)

    def section_at(self, beat: float) -> int:
        """The index of the section that holds at `beat`."""
        after = bisect_right(self.sections, beat + 1e-6, key=lambda section: section.start)
        return max(0, after - 1)


def make_form(plan: Plan) -> Form:
    """Lay out the cue."""
    final = final_beat(plan)
    body = stretches(plan, final)
    lines = [stretch.start for stretch in body if stretch.start == stretch.line]
    lines = [line for line in lines if line > plan.start_beat + 1e-6]
    edges = [plan.start_beat, *turns(plan, lines, final), final]
    if final <= plan.start_beat:
        edges = [final]
    kinds, _ = names(plan, edges)
    edges, kinds = stripped(plan, edges, lines, kinds)
    sections = [
        _section(plan, kind, start, end)
        for kind, start, end in zip(kinds, edges, edges[1:], strict=False)
    ]
    sections.append(_section(plan, "button", final, plan.end_beat))
    arc = draw_arc(plan, sections, [stretch.start for stretch in body])
    bars = []
    section = 0
    for stretch in body:
        while section + 2 < len(sections) and stretch.start >= sections[section + 1].start - 1e-6:
            section += 1
        bar = filled(plan, stretch, section, arc.density(stretch.start))
        if sections[section].name == "strip-down":
            # However much moves there, the bars before the climax hold back.
            bar = replace(bar, activity=round(_HELD_BACK * bar.activity, 4))
        bars.append(bar)
    climax = kinds.index("climax") if "climax" in kinds else None
    return Form(tuple(sections), tuple(bars), final, climax, arc, _passage_edges(plan, sections))


def _passage_edges(plan: Plan, sections: list[Section]) -> tuple[float, ...]:
    """The beat at which each passage begins: its section's, the first bar line near its time."""
    found = [plan.start_beat]
    for passage in plan.passages[1:]:
        beat = plan.clock.beat(passage.start_s)
        nearest = min(sections, key=lambda section: abs(section.start - beat))
        found.append(max(found[-1], nearest.start))
    return tuple(found)


def _section(plan: Plan, name: str, start: float, end: float) -> Section:
    begin_s, end_s = plan.clock.seconds(start), plan.clock.seconds(end)
    speech = plan.scene.speech(begin_s, end_s)
    energy = 0.5 if name == "button" else plan.scene.energy(begin_s, end_s)
    idiom = plan.passage_at((begin_s + end_s) / 2).idiom
    share = 0.25 if name == "strip-down" else 0.45
    density = (1 - share) * _DENSITY[name] + share * energy
    density = _MIDDLING + idiom.contrast * (density - _MIDDLING)
    density = max(0.0, density) * (0.7 + 0.4 * idiom.density)
    density *= density_factor(plan.wishes, (begin_s + end_s) / 2)
    tension = 0.5 * _TENSION[name] + 0.5 * plan.scene.mood(begin_s, max(end_s, begin_s)).tension
    return Section(
        name=name,
        start=start,
        length=round(max(1e-6, end - start), 6),
        density=round(min(1.0, density * (1.0 - 0.35 * speech)), 4),
        tension=round(min(1.0, tension), 4),
    )
