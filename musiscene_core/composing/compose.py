"""Composing: a request becomes a Cue, the same for the same request and seed on every machine."""

from __future__ import annotations

import logging

from musiscene_core.composing.arrangement import arrange
from musiscene_core.composing.form import make_form
from musiscene_core.composing.harmony import harmonise
from musiscene_core.composing.plan import make_plan
from musiscene_core.cue import Cue
from musiscene_core.request import ScoreRequest

_log = logging.getLogger(__name__)


def compose(request: ScoreRequest, seed: int) -> Cue:
    """Write the music `request` asks for, in the variation that `seed` names (0 or more)."""
    plan = make_plan(request, seed)
    form = make_form(plan)
    chords = harmonise(plan, form)
    parts = arrange(plan, form, chords)
    _log.info(
        "composed %.1f s of %s, %d notes",
        plan.scene.length_s,
        plan.idiom.name,
        sum(len(part.notes) for part in parts),
    )
    return Cue(
        tempo=plan.tempo,
        tonic=plan.tonic,
        mode=plan.mode,
        scale=plan.scale,
        idiom=plan.idiom.name,
        length_s=plan.scene.length_s,
        sections=form.sections,
        chords=tuple(voiced.chord for voiced in chords),
        parts=parts,
        hits=plan.report,
    )
