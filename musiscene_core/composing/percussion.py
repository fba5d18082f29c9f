"""The percussion: patterns that fill up with the picture, fills, and impacts exactly on hits.

Knows nothing of how a drum sounds; pitches are General MIDI percussion.
"""

from __future__ import annotations

from musiscene_core.composing.bars import Bar
from musiscene_core.composing.form import Form
from musiscene_core.composing.idioms import Pattern
from musiscene_core.composing.performance import level
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.rhythms import STEPS_PER_BEAT, steps
from musiscene_core.cue import Note

_DRUM_BEATS = 0.2
_QUIET = 0.4
"""Sections less dense than this have no lanes."""


def write_percussion(plan: Plan, form: Form) -> list[Note]:
    """All percussion of the cue."""
    style = plan.idiom.drums
    notes: list[Note] = []
    sparse = "percussion" in plan.wishes.without
    if not sparse:
        patterns = _patterns(plan, form)
        for bar in form.bars:
            if form.density(bar.start) >= _QUIET or bar.activity >= 0.6:
                notes += _groove(patterns[bar.section], form, bar)
        notes = _hushed_before_main(plan, notes)
        notes += _fills(plan, form)
    notes += _impacts(plan, form)
    if not notes and plan.scene.length_s > 4:
        notes.append(_strike(style.impact[-1], form.final_beat, 58))
    return notes


def _patterns(plan: Plan, form: Form) -> list[Pattern]:
    """The pattern of each section: the first in the climax, the others in turn elsewhere."""
    patterns = plan.idiom.drums.patterns
    if not patterns:
        return [()] * len(form.sections)
    others = patterns[1:] or patterns
    turn = plan.dice("patterns").pick(range(len(others)))
    return [
        patterns[0] if section.name == "climax" else others[(turn + index) % len(others)]
        for index, section in enumerate(form.sections)
    ]


def _groove(pattern: Pattern, form: Form, bar: Bar) -> list[Note]:
    notes = []
    for lane in pattern:
        if bar.activity < lane.floor:
            continue
        share = 0.35 + 0.65 * (bar.activity - lane.floor) / max(0.1, 1.0 - lane.floor)
        table = steps(lane.order, bar.beats, lane.most * bar.beats / 4 * share)
        for step in table:
            beat = bar.line + step / STEPS_PER_BEAT
            if bar.start - 1e-6 <= beat < bar.end - 0.05:
                accent = 8 if step % 6 == 0 and lane.order == "332" else 0
                velocity = lane.velocity * (0.55 + 0.006 * level(form, beat)) + accent
                notes.append(_strike(lane.pitch, beat, round(velocity)))
    return notes


def _hushed_before_main(plan: Plan, notes: list[Note]) -> list[Note]:
    """Half a beat of silence before the main hit, so that it strikes out of nothing."""
    main = plan.main_hit
    if main is None:
        return notes
    return [note for note in notes if not main.beat - 0.5 <= note.start < main.beat - 1e-6]


def _fills(plan: Plan, form: Form) -> list[Note]:
    """Strokes that lead into a full section, ever louder."""
    fills = plan.idiom.drums.fills
    if not fills:
        return []
    dice = plan.dice("fills")
    notes = []
    for before, after in zip(form.sections, form.sections[1:], strict=False):
        if after.density < _QUIET or before.length < plan.beats_per_bar:
            continue
        if before.name == "strip-down":
            # The climax comes out of bars left bare.
            continue
        fill = max(fills, key=len) if after.name == "climax" else dice.pick(fills)
        for place, (sixteenths, drum) in enumerate(fill):
            beat = after.start - sixteenths / STEPS_PER_BEAT
            notes.append(_strike(drum, beat, 62 + 7 * place))
    return notes


def _impacts(plan: Plan, form: Form) -> list[Note]:
    """A stroke on every hit, the fuller the more it matters, and on a last chord that is loud."""
    style = plan.idiom.drums
    notes: list[Note] = []
    for hit in plan.hits:
        loud = 58 + 0.35 * level(form, hit.beat) + 22 * hit.weight
        drums = style.impact if hit.main else style.impact[: 2 if hit.weight > 0.6 else 1]
        for place, pitch in enumerate(drums):
            velocity = loud + (12 if hit.main else 0) - 10 * place
            notes.append(_strike(pitch, hit.beat, min(124, round(velocity))))
    struck = any(abs(hit.beat - form.final_beat) < 1e-6 for hit in plan.hits)
    if not struck and style.patterns and plan.scene.length_s > 4:
        for place, pitch in enumerate(style.impact[:2]):
            notes.append(_strike(pitch, form.final_beat, 84 - 10 * place))
    return notes


def _strike(pitch: int, beat: float, velocity: int) -> Note:
    return Note(round(beat, 6), _DRUM_BEATS, pitch, velocity)
