"""How written notes are played: dynamics, timing, swells, and what MIDI says of them."""

import io
from itertools import pairwise
from statistics import mean

import mido
import pytest

from musiscene_core.composing.expression import SUSTAINED_BEATS, swells, value_at
from musiscene_core.composing.notation.midi import midi_file
from musiscene_core.composing.performance import Performer
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.cue import Note
from tests.support.composed import MOODS, composed
from tests.support.written import in_idiom

EIGHTHS = [Note(8.0 + n / 2, 0.5, 60 + n % 3, 70) for n in range(64)]


@pytest.fixture(scope="module")
def players():
    """A performer and its sketch, for several cues without a hit."""
    cues = [in_idiom("string drama", seed, cuts=()) for seed in range(6)]
    return [(cue, Performer(cue.plan, cue.form)) for cue in cues]


def test_downbeats_are_louder_by_six_to_ten(players):
    gains = []
    for cue, performer in players:
        played = performer.played(EIGHTHS, cue.plan.dice("test"), human=False)
        down = [n.velocity for n in played if cue.plan.tempo.place(n.start)[0] < 1e-6]
        off = [n.velocity for n in played if abs(cue.plan.tempo.place(n.start)[0] % 1 - 0.5) < 1e-6]
        gains.append(mean(down) - mean(off))
    assert 6.0 <= mean(gains) <= 10.0


def test_a_repeated_note_is_softer(players):
    repeated = [Note(note.start, 0.5, 60, 70) for note in EIGHTHS]
    drops = []
    for cue, performer in players:
        moving = performer.played(EIGHTHS, cue.plan.dice("test"), human=False)
        same = performer.played(repeated, cue.plan.dice("test"), human=False)
        drops += [
            a.velocity - b.velocity
            for a, b in zip(moving[1:], same[1:], strict=True)
            if cue.plan.tempo.place(a.start)[0] > 1e-6
        ]
    assert set(drops) == {4}


def test_a_phrase_of_four_bars_rises_and_falls(players):
    middle, edges = [], []
    for cue, performer in players:
        for note in performer.played(EIGHTHS, cue.plan.dice("test"), human=False):
            bar = cue.plan.tempo.bar_at(note.start)
            if note.start > bar.beat + 1e-6:
                (middle if bar.number % 4 in (1, 2) else edges).append(note.velocity)
    assert mean(middle) > mean(edges) + 1.0


def off_by_ms(cue, notes, played):
    tempo = cue.plan.tempo
    pairs = zip(notes, played, strict=True)
    return [1000 * (tempo.seconds(b.start) - tempo.seconds(a.start)) for a, b in pairs]


def test_players_are_a_few_milliseconds_off_and_bows_begin_early(players):
    for cue, performer in players:
        loose = performer.played(EIGHTHS, cue.plan.dice("a"))
        off = off_by_ms(cue, EIGHTHS, loose)
        assert max(map(abs, off)) <= 8.01
        assert max(off) > 3.0 > -3.0 > min(off)
        bowed = off_by_ms(cue, EIGHTHS, performer.played(EIGHTHS, cue.plan.dice("a"), bowed=True))
        assert -25.5 <= mean(bowed) <= -9.5
        assert all(-34.0 <= late <= -1.0 for late in bowed)


def test_chords_are_strummed_upwards(players):
    chord = [Note(beat, 2.0, pitch, 70) for beat in (8.0, 12.0, 16.0) for pitch in (60, 64, 67)]
    for cue, performer in players:
        played = performer.played(chord, cue.plan.dice("a"), strum=True)
        for first in (0, 3, 6):
            starts = [cue.plan.tempo.seconds(n.start) for n in played[first : first + 3]]
            spread = [1000 * (b - a) for a, b in pairwise(starts)]
            assert [n.pitch for n in played[first : first + 3]] == [60, 64, 67]
            assert min(spread) >= -6.0
            assert 10.0 <= mean(spread) + 8.0 <= 36.0


def test_lengths_vary_by_a_twentieth_and_hits_stay_on_the_grid():
    for seed in range(4):
        cue = in_idiom("heroic", seed)
        performer = Performer(cue.plan, cue.form)
        beats = [hit.beat for hit in cue.plan.hits]
        written = [Note(beat, 1.0, 60, 80) for beat in beats]
        written += [Note(beat + 1.5, 1.0, 67, 80) for beat in beats]
        played = performer.played(written, cue.plan.dice("a"), strum=True, bowed=True)
        assert set(beats) <= {note.start for note in played}
        assert all(0.949 <= note.length <= 1.051 for note in played)
        assert len({note.length for note in played if note.pitch == 67}) > 1


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_every_sustained_note_swells(mood):
    swelling = 0
    for seed in range(3):
        cue = composed(mood, seed)
        for part in cue.parts:
            if part.role == "percussion" or INSTRUMENTS[part.instrument].fades:
                assert part.expression == ()
                continue
            beats = [point.beat for point in part.expression]
            assert beats == sorted(beats)
            assert all(0.0 < point.value <= 1.0 for point in part.expression)
            for note in part.notes:
                if note.length >= SUSTAINED_BEATS + 0.5:
                    inside = [
                        value_at(part.expression, note.start + share * note.length)
                        for share in (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.97)
                    ]
                    swelling += 1
                    assert max(inside) - min(inside) >= 0.08, (part.name, note)
    assert swelling >= 20


def test_a_swell_grows_and_a_hit_strikes_first():
    notes = [Note(0.0, 4.0, 60, 80), Note(4.0, 4.0, 62, 80), Note(8.0, 0.5, 64, 80)]
    points = swells(notes, {4.0})
    assert value_at(points, 2.2) == pytest.approx(1.0)
    assert value_at(points, 0.0) < value_at(points, 1.0) < value_at(points, 2.0)
    assert value_at(points, 4.0) == 1.0 > value_at(points, 5.2)
    assert swells([Note(0.0, 1.0, 60, 80)], set()) == ()
    assert value_at((), 3.0) == 1.0
    assert value_at(points, -5.0) == points[0].value
    assert value_at(points, 99.0) == points[-1].value


def test_midi_carries_the_swells_as_controller_11():
    for mood in ("sad", "triumphant", "energising"):
        cue = composed(mood, 1)
        file = mido.MidiFile(file=io.BytesIO(midi_file(cue)))
        for part, track in zip(cue.parts, file.tracks[1:], strict=True):
            sent = [m.value for m in track if m.type == "control_change" and m.control == 11]
            assert bool(sent) == bool(part.expression)
            if sent:
                peak = max(point.value for point in part.expression)
                assert max(sent) == pytest.approx(127 * peak, abs=4)
                assert max(abs(a - b) for a, b in pairwise(sent)) <= 40
