"""Every stage of a cue's writing at hand, for tests that ask about one of them."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.composing.form import Form, make_form
from musiscene_core.composing.harmony import VoicedChord, harmonise
from musiscene_core.composing.melody import Line, write_melody
from musiscene_core.composing.modulation import Key, plan_keys
from musiscene_core.composing.plan import Plan, make_plan
from musiscene_core.composing.statements import Material, choose_material
from musiscene_core.cue import Note
from musiscene_core.request import ScoreRequest
from tests.support.composed import mood_brief


@dataclass(frozen=True)
class Sketch:
    plan: Plan
    form: Form
    keys: tuple[Key, ...]
    material: Material
    chords: tuple[VoicedChord, ...]
    lines: tuple[Line, ...]

    @property
    def sung(self) -> list[Note]:
        """The melody's notes in order."""
        return [note for line in self.lines for note in line.notes]


def written(request: ScoreRequest, seed: int) -> Sketch:
    """All stages before the arrangement, in the idiom of the first passage."""
    plan = make_plan(request, seed)
    form = make_form(plan)
    held = request.tonic is not None or plan.wishes.tonic is not None
    keys = plan_keys(plan, form, held=held)
    material = choose_material(plan, form, keys, request.themes, request.theme_book)
    chords = harmonise(plan, form, keys, material.placed)
    lines = write_melody(plan, form, chords, material)
    return Sketch(plan, form, keys, material, chords, lines)


def in_idiom(name: str, seed: int, length_s: float = 60.0, **scene: object) -> Sketch:
    """A cue of one idiom over a scene of no mood in particular."""
    mood = scene.pop("mood", "mixed")
    return written(ScoreRequest(brief=mood_brief(mood, length_s, **scene), idiom=name), seed)


def with_main_hit(brief: SceneBrief, seconds: float, label: str = "") -> SceneBrief:
    """`brief` with the hit nearest to `seconds` leading all others, under a name."""
    rate = brief.timeline.rate
    near = min(brief.hit_points, key=lambda hit: abs(float(rate.seconds(hit.frame)) - seconds))
    others = [hit for hit in brief.hit_points if hit is not near]
    first = msgspec.structs.replace(near, rank=1, strength=1.0, label=label)
    points = [first, *(msgspec.structs.replace(h, rank=i) for i, h in enumerate(others, start=2))]
    return msgspec.structs.replace(
        brief, hit_points=tuple(sorted(points, key=lambda hit: hit.frame))
    )


def peaking(idiom: str, seed: int, mood: str = "mixed", **wishes: object) -> Sketch:
    """A minute in one idiom whose main hit is the cut at 33 s."""
    brief = with_main_hit(mood_brief(mood, 60.0), 33.0)
    return written(ScoreRequest(brief=brief, idiom=idiom, **wishes), seed)
