"""Composing: a request becomes a Cue, the same for the same request and seed on every machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from musiscene_core.composing.arrangement import arrange
from musiscene_core.composing.form import Form, make_form
from musiscene_core.composing.harmony import harmonise
from musiscene_core.composing.modulation import plan_keys
from musiscene_core.composing.obeying import obey
from musiscene_core.composing.plan import Plan, make_plan
from musiscene_core.composing.splicing import Written, splice
from musiscene_core.composing.statements import choose_material
from musiscene_core.composing.staying import Stays
from musiscene_core.composing.timing import make_timing
from musiscene_core.cue import Chord, Cue, ThemeHeard
from musiscene_core.request import ScoreRequest

_log = logging.getLogger(__name__)


def compose(
    request: ScoreRequest, seed: int, *, whole_bars: bool = False, stays: Stays | None = None
) -> Cue:
    """Write the music `request` asks for, in the variation that `seed` names (0 or more).

    `whole_bars` has it begin and end on bar lines, in one tempo, as a loop does; what `stays` of an
    earlier cue is written around.
    """
    plan = make_plan(request, seed, whole_bars=whole_bars, fit=stays.fit if stays else make_timing)
    plan = stays.continued(plan) if stays else plan
    form = make_form(plan)
    given = stays.chords() if stays else ()
    pieces = [_written(request, plan.within(passage), form, given) for passage in plan.passages]
    whole = splice(pieces, form.edges)
    parts = obey(plan, form, whole.parts)
    _log.info(
        "composed %.1f s of %s, %d notes",
        plan.scene.length_s,
        plan.idiom.name,
        sum(len(part.notes) for part in parts),
    )
    cue = Cue(
        tempo=plan.tempo,
        tonic=plan.tonic,
        mode=plan.mode,
        scale=plan.scale,
        idiom=", then ".join(dict.fromkeys(passage.idiom.name for passage in plan.passages)),
        length_s=plan.scene.length_s,
        sections=form.sections,
        chords=whole.chords,
        parts=parts,
        hits=plan.report,
        dropped=plan.dropped,
        themes=whole.themes,
        unknown=tuple(str(unknown) for unknown in plan.wishes.unknown),
    )
    return stays.joined(cue) if stays else cue


def _written(request: ScoreRequest, plan: Plan, form: Form, given: Sequence[Chord] = ()) -> Written:
    """The whole form in the plan's idiom."""
    held = request.tonic is not None or plan.wishes.tonic is not None
    keys = plan_keys(plan, form, held=held)
    material = choose_material(plan, form, keys, request.themes, request.theme_book)
    chords = harmonise(plan, form, keys, material.placed, given)
    return Written(
        chords=tuple(voiced.chord for voiced in chords),
        parts=arrange(plan, form, chords, material),
        themes=tuple(
            ThemeHeard(
                name=one.name, how=one.how, start=one.beat, length=round(one.end - one.beat, 6)
            )
            for one in material.placed
        ),
    )
