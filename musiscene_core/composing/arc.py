"""The arc of a cue: its density and tension as functions of time.

They are read bar by bar. Density moves in steps of a layer, one in or out every four bars (eight
in a long section): a build climbs to what follows it, a section entered from a thinner one takes
its last layer in after the first group, the last group moves towards what follows, a breakdown
thins out and comes back. Tension follows the
scene between the levels that the sections set. Knows nothing of which layers there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.composing.plan import Plan
from musiscene_core.cue import Section

LAYER = 0.16
"""How much density one layer is."""
_GROUP, _LONG_GROUP = 4, 8
_LONG_SECTION = 24
"""Bars of a section from which layers move every eight bars."""


@dataclass(frozen=True)
class Arc:
    """Density and tension over beats, a value a bar, each 0 to 1.

    Attributes:
        starts: first beat of each bar, in order; the last is the last chord's.
        densities: how full each bar is.
        tensions: how much each presses.
        contrasts: how far its idiom sets loud and soft apart, 1 as usual.
    """

    starts: tuple[float, ...]
    densities: tuple[float, ...]
    tensions: tuple[float, ...]
    contrasts: tuple[float, ...]

    def density(self, beat: float) -> float:
        """How full the music is at `beat`: steps, a layer in or out on a bar line."""
        return self.densities[self._bar(beat)]

    def tension(self, beat: float) -> float:
        """How much it presses at `beat`: a line from bar to bar."""
        bar = self._bar(beat)
        if bar + 1 == len(self.starts) or beat <= self.starts[bar]:
            return self.tensions[bar]
        share = (beat - self.starts[bar]) / (self.starts[bar + 1] - self.starts[bar])
        return self.tensions[bar] + share * (self.tensions[bar + 1] - self.tensions[bar])

    def contrast(self, beat: float) -> float:
        """How far loud and soft lie apart in the idiom of the bar at `beat`."""
        return self.contrasts[self._bar(beat)]

    def _bar(self, beat: float) -> int:
        return max(0, bisect_right(self.starts, beat + 1e-6) - 1)


def draw_arc(plan: Plan, sections: Sequence[Section], bars: Sequence[float]) -> Arc:
    """The arc through `sections` whose bars begin at the beats `bars`."""
    starts: list[float] = []
    densities: list[float] = []
    tensions: list[float] = []
    contrasts: list[float] = []
    for index, section in enumerate(sections):
        end = section.start + section.length
        own = [bar for bar in bars if section.start - 1e-6 <= bar < end - 1e-6] or [section.start]
        before = sections[index - 1].density if index else section.density
        following = [one for one in sections[index + 1 :] if one.name != "strip-down"]
        after = following[0] if following else section
        for place, bar in enumerate(own):
            starts.append(bar)
            densities.append(round(_density(section, before, after.density, place, len(own)), 4))
            now, later = plan.clock.seconds(bar), plan.clock.seconds(bar) + 4.0
            pressing = plan.scene.tension(now, min(later, plan.scene.length_s))
            level = section.tension
            if section.name == "build":
                level += max(LAYER, after.tension - level) * place / len(own)
            tensions.append(round(min(1.0, 0.7 * level + 0.3 * pressing), 4))
            contrasts.append(plan.passage_at(now).idiom.contrast)
    return Arc(tuple(starts), tuple(densities), tuple(tensions), tuple(contrasts))


def _density(section: Section, before: float, after: float, place: int, count: int) -> float:
    """The density of bar `place` of `count` in a section."""
    group = _LONG_GROUP if count >= _LONG_SECTION else _GROUP
    groups = -(-count // group)
    step = place // group
    level = section.density
    if section.name == "build" and groups > 1:
        return level + min(step * LAYER, max(0.0, after - level))
    if section.name == "breakdown" and groups > 2:
        # Out, then back in for what follows.
        return max(0.0, level - LAYER) if 0 < step < groups - 1 else level
    if section.name == "climax" or groups == 1:
        return level
    if step == 0 and level - before > LAYER:
        return level - LAYER
    if step == groups - 1 and abs(after - level) > LAYER:
        # What follows is announced by its first layer in, or the first one out.
        return max(0.0, min(1.0, level + (LAYER if after > level else -LAYER)))
    return level
