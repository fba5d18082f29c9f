"""The percussion's patterns and fills: data that differ, and turns they take."""

from __future__ import annotations

from itertools import pairwise

import pytest

from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.percussion import write_percussion
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.voice import kit_of
from tests.support.written import in_idiom

DRUMMED = [idiom for idiom in IDIOMS if idiom.drums.patterns]
UNDRUMMED = {"ambient pad", "melancholy"}


def test_every_idiom_with_percussion_has_two_more_patterns_and_two_fills() -> None:
    assert {idiom.name for idiom in IDIOMS} - {idiom.name for idiom in DRUMMED} == UNDRUMMED
    for idiom in DRUMMED:
        assert len(set(idiom.drums.patterns)) >= 3, idiom.name
        assert len(set(idiom.drums.fills)) >= 2, idiom.name
        heard = {tuple((lane.pitch, lane.order) for lane in one) for one in idiom.drums.patterns}
        assert len(heard) == len(idiom.drums.patterns), idiom.name


def test_every_drum_is_in_its_kit_and_every_fill_runs_up_to_the_bar_line() -> None:
    for idiom in DRUMMED:
        kit = kit_of(INSTRUMENTS[idiom.drums.kit].voice)
        assert kit is not None
        for fill in idiom.drums.fills:
            places = [sixteenths for sixteenths, _ in fill]
            assert places == sorted(set(places), reverse=True)
            assert 1 == places[-1] <= places[0] <= 8
        strokes = [drum for fill in idiom.drums.fills for _, drum in fill]
        assert all(kit.has(drum) for drum in strokes)
        assert all(kit.has(lane.pitch) for lane in idiom.drums.lanes)


def grooves(name: str, seed: int) -> dict[str, set[int]]:
    """The drums of each section, but for its fill and what is struck on hits."""
    cue = in_idiom(name, seed, motion=(0.9,))
    hits = {round(hit.beat, 3) for hit in cue.plan.hits}
    found: dict[str, set[int]] = {}
    notes = write_percussion(cue.plan, cue.form)
    for index, section in enumerate(cue.form.sections[:-1]):
        end = section.start + section.length - 2.0
        here = [note for note in notes if section.start <= note.start < end]
        drums = {note.pitch for note in here if round(note.start, 3) not in hits}
        if drums and section.name != "strip-down":
            found[f"{section.name} {index}"] = drums
    return found


@pytest.mark.parametrize("name", ["heroic", "action ostinato", "uplift"])
def test_the_climax_has_its_own_pattern_and_others_take_turns(name: str) -> None:
    patterns = next(idiom for idiom in IDIOMS if idiom.name == name).drums.patterns
    pitches = [{lane.pitch for lane in pattern} for pattern in patterns]
    elsewhere = []
    changes = 0
    for seed in range(6):
        found = grooves(name, seed)
        for section, drums in found.items():
            if section.startswith("climax"):
                assert drums <= pitches[0]
            else:
                assert any(drums <= own for own in pitches[1:]), (section, drums)
                elsewhere.append(frozenset(drums))
        changes += sum(a != b for a, b in pairwise(found.values()))
    assert len(set(elsewhere)) >= 2
    assert changes >= 6


def test_fills_differ_and_grow_louder() -> None:
    played = set()
    for seed in range(8):
        cue = in_idiom("hybrid trailer", seed, motion=(0.9,))
        notes = write_percussion(cue.plan, cue.form)
        for before, after in pairwise(cue.form.sections):
            if after.density < 0.4 or before.name == "strip-down" or before.length < 8:
                continue
            run = [note for note in notes if after.start - 2.01 <= note.start < after.start - 0.01]
            for fill in cue.plan.idiom.drums.fills:
                places = {(round(after.start - at / 4, 3), drum) for at, drum in fill}
                found = [n for n in run if (round(n.start, 3), n.pitch) in places]
                filled = [n for n in found if n.velocity in range(62, 110, 7)]
                if len({n.start for n in filled}) == len(fill):
                    played.add(fill)
                    loud = [max(n.velocity for n in filled if n.start == s.start) for s in filled]
                    assert loud == sorted(loud)
    assert len(played) >= 2
