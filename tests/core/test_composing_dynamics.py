"""How loud a cue is written from section to section, and how deep its bass lies."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean, median

import pytest

from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import BASS_HIGH, BASS_LOW
from musiscene_core.composing.idioms import IDIOMS, idiom_named
from musiscene_core.composing.performance import level
from musiscene_core.cue import Note, Section
from tests.support.composed import composed
from tests.support.written import in_idiom

SEEDS = range(3)
A1 = 33
"""55 Hz: what lies above leaves the lowest octave of an orchestra empty."""


def in_the_middle(form: Form) -> dict[str, float]:
    """The written level of each kind of section."""
    found: dict[str, list[float]] = {}
    for section in form.sections:
        middle = section.start + section.length / 2
        found.setdefault(section.name, []).append(level(form, middle))
    return {name: mean(levels) for name, levels in found.items()}


@pytest.mark.parametrize("name", [idiom.name for idiom in IDIOMS])
def test_the_climax_is_written_loudest_and_what_comes_before_it_softest(name: str) -> None:
    stripped = 0
    for seed in SEEDS:
        levels = in_the_middle(in_idiom(name, seed).form)
        assert levels["climax"] == max(levels.values())
        assert levels["climax"] > levels["theme"] + 4 > levels["intro"] + 6
        if "strip-down" in levels:
            stripped += 1
            assert levels["strip-down"] == min(levels.values())
    assert stripped or name == "melancholy"


def test_an_idioms_contrast_sets_loud_and_soft_further_apart() -> None:
    assert idiom_named("hybrid trailer").contrast > idiom_named("intimate piano").contrast
    for name in ("hybrid trailer", "tension pulse"):
        for seed in SEEDS:
            form = in_idiom(name, seed).form
            arc = form.arc
            even = replace(form, arc=replace(arc, contrasts=(1.0,) * len(arc.contrasts)))
            spread, plain = (
                max(levels) - min(levels)
                for levels in (in_the_middle(one).values() for one in (form, even))
            )
            assert spread > 1.4 * plain


def test_full_sections_have_a_range_of_velocities_and_the_climax_the_highest() -> None:
    led = []
    for mood in ("triumphant", "energising", "sad", "anxious"):
        for seed in SEEDS:
            cue = composed(mood, seed)
            parts = [part for part in cue.parts if part.role == "harmony"]
            held = [part for part in parts if part.name.startswith("Chords")]
            loudness = {}
            for section in cue.sections:
                if section.name not in ("intro", "theme", "build", "climax"):
                    continue
                moving, chords = (
                    [n.velocity for part in some for n in part.notes if inside(section, n)]
                    for some in (parts, held)
                )
                loudness[section.name] = median(chords)
                if section.name != "intro":
                    assert max(moving) - min(moving) >= 10, (mood, seed, section.name)
            if "climax" in loudness:
                led.append(loudness["climax"] == max(loudness.values()))
    assert len(led) >= 6
    assert mean(led) >= 0.8


def inside(section: Section, note: Note) -> bool:
    return section.start <= note.start < section.start + section.length


def test_the_bass_lies_low_where_basses_have_weight() -> None:
    shares = []
    for idiom in IDIOMS:
        for seed in SEEDS:
            chords = in_idiom(idiom.name, seed).chords
            assert all(BASS_LOW <= chord.bass <= BASS_HIGH for chord in chords)
            low = sum(chord.end - chord.start for chord in chords if chord.bass <= A1)
            shares.append(low / sum(chord.end - chord.start for chord in chords))
            assert mean(chord.bass for chord in chords) <= 37.5
    assert min(shares) > 0.0
    assert mean(shares) > 0.35
