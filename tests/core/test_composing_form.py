"""The form follows the scene: sections, arcs, passages in other idioms, rests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import msgspec
import pytest

from musiscene_core.brief import EmotionCurve, SceneBrief
from musiscene_core.composing.arc import LAYER
from musiscene_core.composing.compose import compose
from musiscene_core.composing.form import Form, make_form
from musiscene_core.composing.plan import Plan, make_plan
from musiscene_core.cue import Cue
from musiscene_core.request import ScoreRequest
from tests.support.composed import MOODS, mood_brief, notes_of, onsets_in
from tests.support.scenes import brief_of, feeling

KINDS = {"intro", "theme", "build", "strip-down", "climax", "breakdown", "button"}


def formed(brief: SceneBrief, seed: int = 0) -> tuple[Plan, Form]:
    plan = make_plan(ScoreRequest(brief=brief), seed)
    return plan, make_form(plan)


def rising(peak_s: float, length_s: float = 96.0, **mood: float) -> SceneBrief:
    """A scene that presses harder and harder up to `peak_s`, then lets go."""
    motion = [max(0.05, 0.95 - abs(s - peak_s) / 40) for s in range(int(length_s))]
    return brief_of(length_s, motion=motion, arousal=0.2, **(mood or {"anxious": 1.0}))


def pressing(peak_s: float, length_s: float = 96.0) -> SceneBrief:
    """A scene whose picture moves evenly while its feeling presses up to `peak_s`."""
    points = tuple(
        feeling(i / 2, -0.2, 0.9 - abs(i / 2 - peak_s) / 45, anxious=1.0)
        for i in range(int(length_s * 2))
    )
    curve = EmotionCurve(hop_s=0.5, points=points)
    return msgspec.structs.replace(brief_of(length_s), emotion_curve=curve)


def turning(length_s: float, turn_s: float, before: str, after: str) -> SceneBrief:
    """A scene whose feeling turns at `turn_s`."""
    points = []
    for index in range(int(length_s * 2)):
        mood = dict(MOODS[before if index / 2 < turn_s else after])
        points.append(feeling(index / 2, mood.pop("valence"), mood.pop("arousal"), **mood))
    brief = brief_of(length_s, cuts=(turn_s,))
    return msgspec.structs.replace(
        brief, emotion_curve=EmotionCurve(hop_s=0.5, points=tuple(points))
    )


@pytest.mark.parametrize("peak_s", [45.0, 60.0, 75.0])
def test_the_climax_lies_where_the_scene_presses_most(peak_s: float) -> None:
    for seed in range(3):
        plan, form = formed(rising(peak_s), seed)
        climax = form.sections[form.climax]
        begins, ends = (
            plan.clock.seconds(beat) for beat in (climax.start, climax.start + climax.length)
        )
        assert begins - 6.0 <= peak_s <= ends + 6.0
        tensions = [section.tension for section in form.sections]
        assert climax.tension == max(tensions)


def test_the_bars_before_the_climax_are_stripped() -> None:
    found = 0
    for seed in range(6):
        brief = pressing(60.0)
        plan, form = formed(brief, seed)
        names = [section.name for section in form.sections]
        assert set(names) <= KINDS
        if "strip-down" not in names:
            continue
        found += 1
        at = names.index("strip-down")
        assert names[at + 1] == "climax"
        bare, climax = form.sections[at], form.sections[at + 1]
        assert bare.density < 0.5 * climax.density
        cue = compose(ScoreRequest(brief=brief), seed)
        spans = [
            (plan.clock.seconds(s.start), plan.clock.seconds(s.start + s.length))
            for s in (form.sections[at - 1], bare, climax)
        ]
        before, within, after = (onsets_in(cue, [span]) / (span[1] - span[0]) for span in spans)
        assert within < after
        assert within < before
    assert found >= 4


def test_bars_in_which_the_picture_rushes_are_not_stripped() -> None:
    for seed in range(4):
        _, form = formed(rising(60.0), seed)
        assert "strip-down" not in [section.name for section in form.sections]


def test_sections_begin_on_the_bar_lines_nearest_to_groups_of_shots() -> None:
    cuts = (8.0, 8.7, 24.0, 24.6, 25.2, 44.0, 44.8)
    brief = brief_of(64.0, cuts=cuts, indignant=1.0)
    for seed in range(4):
        plan, form = formed(brief, seed)
        starts = [plan.clock.seconds(section.start) for section in form.sections[1:-1]]
        bar_s = plan.beats_per_bar * 60 / plan.tempo.segments[0].bpm
        for group in (24.6, 44.4):
            assert min(abs(start - group) for start in starts) <= bar_s + 0.6
        for section in form.sections[1:-1]:
            assert plan.tempo.bar_at(section.start).beat == pytest.approx(section.start, abs=1e-6)


def test_density_moves_a_layer_at_a_time_on_bar_lines() -> None:
    moved_inside = 0
    for seed in range(4):
        _, form = formed(rising(70.0, 120.0), seed)
        edges = [section.start for section in form.sections]
        for before, after in pairwise(form.bars):
            step = form.density(after.start) - form.density(before.start)
            if not any(abs(after.start - edge) < 1e-6 for edge in edges):
                assert abs(step) <= LAYER + 1e-6
        moved = [
            a.start
            for b, a in pairwise(form.bars)
            if form.density(a.start) != form.density(b.start)
        ]
        moved_inside += len(set(moved) - set(edges))
        for bar in form.bars:
            assert 0.0 <= form.density(bar.start) <= 1.0
            middle = (bar.start + bar.end) / 2
            assert 0.0 <= form.tension(middle) <= 1.0
            assert form.density(middle) == form.density(bar.start)
    assert moved_inside >= 4


def test_tension_climbs_through_a_build() -> None:
    _, form = formed(rising(75.0, 120.0), 1)
    builds = [s for s in form.sections if s.name == "build"]
    assert builds
    for build in builds:
        inside = [build.start + share * build.length for share in (0.05, 0.9)]
        assert form.tension(inside[1]) > form.tension(inside[0])


def test_a_cue_ends_with_a_cadence_on_a_late_main_hit() -> None:
    brief = brief_of(40.0, cuts=(12.0, 37.0), triumphant=1.0, arousal=0.5)
    cue = compose(ScoreRequest(brief=brief, hits=(288, 888)), 2)
    assert cue.sections[-1].name == "button"
    assert cue.tempo.seconds(cue.sections[-1].start) == pytest.approx(37.0, abs=0.042)
    assert cue.chords[-1].root == cue.tonic != cue.chords[-2].root


def test_a_strong_turn_of_feeling_changes_the_idiom_there() -> None:
    for seed in range(4):
        plan, form = formed(turning(80.0, 40.0, "scary", "joyful"), seed)
        assert len(plan.passages) == 2
        before, after = plan.passages
        assert abs(after.start_s - 40.0) <= 2.0
        assert before.idiom.valence < 0 < after.idiom.valence
        assert before.idiom.melody.cells == after.idiom.melody.cells
        bar_s = plan.beats_per_bar * 60 / plan.tempo.segments[0].bpm
        assert abs(plan.clock.seconds(form.edges[1]) - 40.0) <= bar_s + 2.0


def test_a_slight_turn_keeps_one_idiom() -> None:
    for seed in range(6):
        plan, _ = formed(turning(80.0, 40.0, "sad", "calm"), seed)
        other, _ = formed(mood_brief("triumphant", 80.0), seed)
        assert len({passage.idiom.name for passage in other.passages}) == 1
        assert len({passage.idiom.name for passage in plan.passages}) <= 2


def test_passages_meet_on_a_bar_line_in_one_key_and_each_keeps_its_instruments() -> None:
    cue = compose(ScoreRequest(brief=turning(80.0, 40.0, "scary", "joyful")), 1)
    first, second = cue.idiom.split(", then ")
    assert first != second
    assert cue.chords[-1].root == cue.tonic
    for before, after in pairwise(cue.chords):
        assert after.start == pytest.approx(before.start + before.length, abs=1e-5)
    for part in cue.parts:
        ends: dict[int, float] = {}
        for note in part.notes:
            assert ends.get(note.pitch, -9.0) <= note.start + 1e-9
            ends[note.pitch] = note.start + note.length


def energy_in(cue: Cue, spans: Sequence[tuple[float, float]]) -> float:
    return onsets_in(cue, spans) / sum(end - start for start, end in spans)


def test_a_curve_that_a_user_drew_leads_over_the_pictures_motion() -> None:
    loud_first = [0.9] * 40 + [0.1] * 40
    brief = brief_of(80.0, motion=loud_first, energising=1.0)
    points = tuple(feeling(i / 2, 0.2, -0.8 if i < 80 else 0.9, energising=1.0) for i in range(160))
    curve = EmotionCurve(hop_s=0.5, points=points)
    measured = msgspec.structs.replace(brief, emotion_curve=curve)
    drawn = msgspec.structs.replace(
        brief, emotion_curve=msgspec.structs.replace(curve, edited=True)
    )
    for seed in range(3):
        plan, form = formed(drawn, seed)
        densities = [form.density(plan.clock.beat(s)) for s in (10.0, 30.0, 50.0, 70.0)]
        assert mean(densities[2:]) > mean(densities[:2])
        other, shape = formed(measured, seed)
        gap = shape.density(other.clock.beat(60.0)) - shape.density(other.clock.beat(20.0))
        assert form.density(plan.clock.beat(60.0)) - form.density(plan.clock.beat(20.0)) > gap


def test_long_calm_speech_is_scored_by_a_pedal_alone() -> None:
    brief = brief_of(60.0, dialogue=((20.0, 40.0),), valence=0.2, arousal=-0.7, calm=1.0)
    for seed in range(3):
        cue = compose(ScoreRequest(brief=brief), seed)
        inside = [(21.0, 39.0)]
        assert onsets_in(cue, inside, "harmony", "melody", "percussion") == 0
        sounding = [
            note
            for note in notes_of(cue, "bass", "texture")
            if cue.tempo.seconds(note.start) < 39.0
            and cue.tempo.seconds(note.start + note.length) > 21.0
        ]
        assert sounding


def test_a_great_hit_strikes_out_of_silence() -> None:
    brief = brief_of(48.0, cuts=(30.0,), arousal=0.8, energising=1.0)
    strong = tuple(msgspec.structs.replace(p, strength=1.0) for p in brief.hit_points)
    brief = msgspec.structs.replace(brief, hit_points=strong)
    for seed in range(3):
        cue = compose(ScoreRequest(brief=brief, idiom="action ostinato"), seed)
        (hit,) = [hit.beat for hit in cue.hits if hit.frame == 720]
        for note in notes_of(cue):
            assert note.start >= hit - 0.02 or note.start + note.length <= hit - 0.45
        assert any(note.start == hit for note in notes_of(cue, "percussion"))
