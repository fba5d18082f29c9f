"""What plays below and beside the melody: counter-melody, ostinati, bass, drums, registers."""

from dataclasses import replace
from itertools import pairwise
from statistics import mean

import msgspec
import pytest

from musiscene_core.composing.bars import Bar
from musiscene_core.composing.bass import HABITS, approach, write_bass
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.counter import HIGH, LOW, write_counter
from musiscene_core.composing.figuration import ACCENTS_332, Figure
from musiscene_core.composing.idioms import IDIOMS, idiom_named
from musiscene_core.composing.orchestration import REGISTERS, doubled, figure_shift
from musiscene_core.composing.percussion import write_percussion
from musiscene_core.cue import Note
from tests.support.composed import MOODS, composed
from tests.support.written import in_idiom, peaking

SUNG = ("heroic", "string drama", "uplift", "wonder", "melancholy", "intimate piano")
SEEDS = range(4)
MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})


def counters(name):
    for seed in SEEDS:
        cue = peaking(name, seed)
        yield cue, write_counter(cue.plan, cue.form, cue.chords, cue.lines)


def test_the_counter_melody_moves_while_the_melody_rests_or_holds():
    onsets = together = 0
    for name in SUNG:
        for cue, counter in counters(name):
            starts = {round(note.start, 3) for note in cue.sung}
            onsets += len(counter)
            together += sum(round(note.start, 3) in starts for note in counter)
    assert onsets >= 100
    assert together <= 0.1 * onsets


def test_the_counter_melody_goes_against_the_melody_more_often_than_with_it():
    against = along = 0
    for name in SUNG:
        for cue, counter in counters(name):
            for before, note in pairwise(counter):
                sung = [n for n in cue.sung if n.start <= note.start + 1e-6][-2:]
                if len(sung) == 2 and note.start - before.start <= 4:
                    product = (sung[1].pitch - sung[0].pitch) * (note.pitch - before.pitch)
                    against += product < 0
                    along += product > 0
    assert against >= 2 * along


def test_the_counter_melody_keeps_below_the_melody_and_out_of_speech():
    for name in SUNG:
        for cue, counter in counters(name):
            for note in counter:
                assert LOW <= note.pitch <= HIGH
                for above in cue.sung:
                    end = above.start + above.length
                    if above.start < note.start < end - 1e-6:
                        assert note.pitch < above.pitch
    spoken = in_idiom("heroic", 1, dialogue=((10.0, 50.0),))
    for note in write_counter(spoken.plan, spoken.form, spoken.chords, spoken.lines):
        assert not 10.0 <= spoken.plan.tempo.seconds(note.start) < 50.0


def steady(name, seed=1, activity=1.0, bars=8):
    """A figure over one chord and bars that are all alike."""
    cue = in_idiom(name, seed)
    chord = cue.chords[2]
    held = [replace(chord, chord=msgspec.structs.replace(chord.chord, start=0.0, length=64.0))]
    alike = [Bar(4.0 * n, 4.0 * n, 4.0 * n + 4, 4, 0, activity, 0.0) for n in range(bars)]
    figure = Figure(idiom_named(name).figure, Dice(seed, "figure"))
    return figure.section(cue.form, alike, held, shift=0)


@pytest.mark.parametrize("name", [idiom.name for idiom in IDIOMS])
def test_an_ostinato_repeats_and_one_note_of_every_second_bar_is_another(name):
    for seed in SEEDS:
        notes = steady(name, seed)
        bars = [
            [(round(n.start % 4, 4), n.pitch) for n in notes if bar * 4 <= n.start < bar * 4 + 4]
            for bar in range(8)
        ]
        assert bars[0] == bars[2] == bars[4]
        assert bars[1] == bars[3]
        assert [start for start, _ in bars[0]] == [start for start, _ in bars[1]]
        assert sum(a != b for a, b in zip(bars[0], bars[1], strict=True)) == 1


def test_a_332_ostinato_stresses_three_three_two():
    notes = steady("action ostinato")
    inside = [note for note in notes if 4.0 <= note.start < 8.0]
    strong = [n.velocity for n in inside if round((n.start % 4) * 4) in ACCENTS_332]
    weak = [n.velocity for n in inside if round((n.start % 4) * 4) not in ACCENTS_332]
    assert len(strong) == 3
    assert min(strong) >= max(weak) + 6
    waits = {round(b.start - a.start, 4) for a, b in pairwise(inside)}
    assert waits <= {0.25, 0.5}


def test_bass_notes_walk_to_the_next_chord_by_step():
    assert approach(36, 43, MAJOR, 2) == [40, 41]
    assert approach(43, 36, MAJOR, 1) == [38]
    for here in range(28, 49):
        for there in range(28, 49):
            path = approach(here, there, MAJOR, 2)
            assert len(path) == 2
            assert all(28 <= pitch <= 48 for pitch in path)
            assert abs(path[-1] - there) <= 2


def basses(name, seed):
    cue = in_idiom(name, seed, motion=(0.9,))
    chords = [c for c in cue.chords if c.start < cue.form.final_beat - 1e-6]
    return cue, chords, write_bass(cue.plan.idiom, cue.form, cue.form.bars, chords)


def test_every_chord_is_met_by_its_own_bass_note():
    for idiom in IDIOMS:
        for seed in SEEDS:
            _, chords, line = basses(idiom.name, seed)
            for chord in chords[1:]:
                struck = [n for n in line if abs(n.start - chord.start) < 1e-5]
                assert struck
                assert struck[0].pitch % 12 in {chord.bass % 12, *chord.chord.pitch_classes}
            assert all(28 <= note.pitch <= 48 for note in line)


def test_basses_lead_over_where_their_idiom_does_and_leap_octaves_where_it_does():
    stepped = {habit: [] for habit in HABITS.values()}
    octaves = {habit: [] for habit in HABITS.values()}
    for idiom in IDIOMS:
        habit = HABITS[idiom.characters[0]]
        for seed in SEEDS:
            _, chords, line = basses(idiom.name, seed)
            for a, b in pairwise(chords):
                before = [n for n in line if n.start < b.start - 1e-6][-1:]
                if a.bass != b.bass and before:
                    stepped[habit].append(1 <= abs(before[0].pitch - b.bass) <= 2)
            octaves[habit] += [abs(x.pitch - y.pitch) == 12 for x, y in pairwise(line)]
    assert mean(stepped["walk"]) > 0.7
    assert mean(stepped["approach"]) > 0.5
    assert mean(stepped["root"]) < 0.5
    assert mean(octaves["octaves"]) > 0.1 > mean(octaves["root"])


def test_drums_run_into_every_full_section():
    for name in ("heroic", "action ostinato", "hybrid trailer"):
        for seed in SEEDS:
            cue = in_idiom(name, seed, motion=(0.9,))
            notes = write_percussion(cue.plan, cue.form)
            for before, after in pairwise(cue.form.sections):
                full = after.density >= 0.4 and before.length >= 5
                if full and before.name != "strip-down":
                    run = [n for n in notes if after.start - 1.01 <= n.start < after.start - 0.01]
                    assert len({n.start for n in run}) >= 3
                    last = sorted(run, key=lambda n: n.start)
                    assert max(n.velocity for n in last[-2:]) >= min(n.velocity for n in last)


def test_idioms_drum_differently():
    patterns = set()
    for idiom in IDIOMS:
        patterns.add(tuple((lane.pitch, lane.order, lane.most) for lane in idiom.drums.lanes))
    assert len(patterns) >= len(IDIOMS) - 3


def test_a_figure_moves_out_of_the_melodys_octave():
    assert figure_shift([52, 55, 60], [65, 67], 0) == 0
    assert figure_shift([60, 64, 67], [62, 66], 0) == -12
    assert figure_shift([50, 54, 57], [56, 60], 0) == 12
    assert figure_shift([60, 64, 67], [72, 76], 12) == 0
    assert figure_shift([60, 64, 67], [], 12) == 12


def test_melody_and_figure_seldom_share_a_register():
    apart = []
    for mood in MOODS:
        for seed in SEEDS:
            cue = composed(mood, seed)
            for section in cue.sections[:-1]:
                end = section.start + section.length

                def pitches(name, start=section.start, end=end, cue=cue):
                    parts = (part for part in cue.parts if part.name.startswith(name))
                    notes = (note for part in parts for note in part.notes)
                    return [note.pitch for note in notes if start <= note.start < end]

                song, figure = pitches("Melody ("), pitches("Figure")
                if len(song) >= 3 and len(figure) >= 3:
                    apart.append(abs(mean(song) - mean(figure)))
    assert len(apart) >= 30
    assert mean(apart) >= 7.0


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_each_job_keeps_to_its_register(mood):
    jobs = {"Bass": "bass", "Chords": "pads", "Melody": "melody", "Bell": "sparkle"}
    for seed in SEEDS:
        for part in composed(mood, seed).parts:
            job = next((jobs[name] for name in jobs if part.name.startswith(name)), None)
            if job is not None:
                low, high = REGISTERS[job]
                assert all(low <= note.pitch <= high for note in part.notes), part.name


def test_a_doubled_melody_is_the_same_line_an_octave_away():
    notes = [Note(0.0, 1.0, 74, 80), Note(1.0, 1.0, 76, 80)]
    assert [note.pitch for note in doubled(notes)] == [62, 64]
    low = [Note(0.0, 1.0, 62, 80), Note(1.0, 1.0, 70, 80)]
    assert [note.pitch for note in doubled(low)] == [74, 82]
    assert all(a.velocity > b.velocity for a, b in zip(notes, doubled(notes), strict=True))


def test_the_melody_is_doubled_where_the_cue_is_fullest_and_nowhere_else():
    found = 0
    for seed in range(6):
        cue = composed("triumphant", seed, 60.0)
        climax = next((s for s in cue.sections if s.name == "climax"), None)
        for part in cue.parts:
            if part.name.startswith("Melody double") and climax is not None:
                found += 1
                for note in part.notes:
                    assert climax.start - 0.1 <= note.start <= climax.start + climax.length
    assert found >= 2
