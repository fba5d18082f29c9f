from itertools import pairwise

import pytest

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.motif import CELLS, make_motif
from musiscene_core.composing.rhythms import is_strong
from musiscene_core.request import ScoreRequest
from tests.support.composed import MOODS, mood_brief
from tests.support.written import written


def sung(mood, seed, **scene):
    cue = written(ScoreRequest(brief=mood_brief(mood, 60.0, **scene)), seed)
    return cue.plan, cue.form, cue.chords, cue.lines


def test_motifs_have_three_to_five_notes_with_a_contour():
    for seed in range(60):
        motif = make_motif(tuple(CELLS), 0.3, Dice(seed, "motif"))
        assert 3 <= len(motif.rhythm) <= 5
        assert len(motif.contour) == len(motif.rhythm)
        assert len(set(motif.contour)) >= 2
        assert max(map(abs, motif.contour)) <= 6


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_melodies_are_singable(mood):
    for seed in range(5):
        plan, _, chords, lines = sung(mood, seed)
        notes = [note for line in lines for note in line.notes]
        assert len(notes) >= 4
        for note in notes:
            assert 60 <= note.pitch <= 84
            if is_strong(*plan.tempo.place(note.start)):
                chord = [c for c in chords if c.start <= note.start + 1e-6][-1]
                assert note.pitch % 12 in chord.chord.pitch_classes
        leaps = [abs(b.pitch - a.pitch) for line in lines for a, b in pairwise(line.notes)]
        assert sum(leap <= 4 for leap in leaps) >= 0.5 * len(leaps)
        assert sum(leap > 12 for leap in leaps) == 0


def test_a_leap_is_answered_by_a_step_back():
    answered = leapt = 0
    for seed in range(12):
        for mood in ("triumphant", "sad"):
            for line in sung(mood, seed)[3]:
                for a, b, c in zip(line.notes, line.notes[1:], line.notes[2:], strict=False):
                    leap = b.pitch - a.pitch
                    if abs(leap) >= 7 and c.start - b.start < 4:
                        leapt += 1
                        answered += (c.pitch - b.pitch) * leap < 0 or c.pitch == b.pitch
    assert leapt >= 5
    assert answered >= 0.8 * leapt


def test_melodies_rest_and_stay_out_of_speech():
    spans = ((12.0, 20.0), (30.0, 38.0))
    for seed in range(6):
        plan, _, _, lines = sung("joyful", seed, dialogue=spans)
        notes = [note for line in lines for note in line.notes]
        for note in notes:
            start = plan.clock.seconds(note.start)
            end = plan.clock.seconds(note.start + note.length)
            assert all(end <= opens + 0.01 or start >= closes for opens, closes in spans)
        sounding = sum(
            plan.clock.seconds(n.start + n.length) - plan.clock.seconds(n.start) for n in notes
        )
        assert sounding < 0.8 * plan.scene.length_s
