"""The written score is what the arrangement wrote, not what its players made of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from musiscene_core.composing.notation.quantise import STEPS_PER_BEAT, quantised
from musiscene_core.composing.notation.staves import lead_line
from musiscene_core.composing.notation.voices import in_measures, voices_of
from musiscene_core.composing.performance import Performer
from tests.support.composed import composed
from tests.support.sound_cues import cue_of, part_of


def starts_of(notes):
    return {(round(note.start * STEPS_PER_BEAT), note.pitch) for note in notes}


@pytest.mark.parametrize("mood", ["joyful", "energising", "sad", "scary"])
def test_played_notes_go_back_to_where_they_were_written(mood, monkeypatch):
    # Only what the players got and gave is overheard; they play as ever.
    heard = {}
    play = Performer.played

    def overheard(self, notes, dice, **how):
        notes = list(notes)
        played = play(self, notes, dice, **how)
        heard[played] = notes
        return played

    monkeypatch.setattr(Performer, "played", overheard)
    found = moved = 0
    for seed in range(3):
        cue = composed(mood, seed, 40.0)
        for part in quantised(cue).parts:
            written = heard.get(part.part.notes)
            if written is None:
                continue
            # Before the first downbeat the cue begins where the picture does, off any grid.
            asked = starts_of(note for note in written if note.start >= 0)
            read = {(note.start, note.pitch) for note in part.notes if note.start >= 0}
            found += len(read)
            moved += len(read - asked)
    assert found > 300
    assert moved == 0


def test_a_spread_chord_is_one_chord_and_runs_stay_runs():
    chord = [(1.0 + 0.04 * place, 1.0, pitch, 80) for place, pitch in enumerate((60, 64, 67, 72))]
    run = [(4.0 + 0.25 * place + 0.02, 0.2, 60 + place, 80) for place in range(4)]
    (part,) = quantised(cue_of([part_of("harp", chord + run)])).parts
    assert [(note.start, note.pitch) for note in part.notes] == [
        *((4, pitch) for pitch in (60, 64, 67, 72)),
        *((16 + place, 60 + place) for place in range(4)),
    ]


def test_articulation_is_not_written_as_rests():
    notes = [(0.0, 0.9, 60, 80), (1.0, 0.2, 62, 80), (1.5, 0.45, 64, 80), (2.0, 1.2, 65, 80)]
    (part,) = quantised(cue_of([part_of("harp", notes)])).parts
    assert [(note.start, note.length, note.staccato) for note in part.notes] == [
        (0, 4, False),
        (4, 2, True),
        (6, 2, False),
        (8, 5 + 1, False),
    ]


def test_every_measure_is_full_and_begins_where_the_tempo_map_says():
    for seed in range(4):
        cue = composed("joyful", seed, 40.0, cuts=(2.13, 5.71, 9.02, 13.37, 22.06))
        written = quantised(cue)
        for before, after in pairwise(written.measures):
            assert before.end == after.start
            assert after.end - after.start == after.beats * STEPS_PER_BEAT
            bar = cue.tempo.bar_at(after.start / STEPS_PER_BEAT)
            assert (bar.number, bar.beats) == (after.number, after.beats)
        assert written.measures[-1].end / STEPS_PER_BEAT >= cue.tempo.beat(cue.length_s) - 0.125


def test_no_voice_overlaps_itself_and_none_is_lost():
    for seed in range(3):
        written = quantised(composed("triumphant", seed, 30.0))
        for part in written.parts:
            voices = voices_of(part.notes)
            assert sum(len(event.pitches) for voice in voices for event in voice) == len(part.notes)
            for voice in voices:
                for before, after in pairwise(voice):
                    assert before.end <= after.start
                for events, measure in zip(
                    in_measures(voice, written.measures), written.measures, strict=True
                ):
                    whole = measure.end - measure.start
                    assert sum(event.length for event in events) in (0, whole)


def test_the_lead_line_is_one_voice_of_the_melody():
    written = quantised(composed("triumphant", 1, 60.0))
    line = lead_line(written).notes
    sung = {
        (note.start, note.pitch)
        for part in written.parts
        if part.part.role == "melody"
        for note in part.notes
    }
    assert len(line) > 20
    assert {(note.start, note.pitch) for note in line} <= sung
    assert all(a.end <= b.start for a, b in pairwise(line))
