from itertools import combinations, pairwise

import pytest

from musiscene_core.composing.harmony import BASS_HIGH, BASS_LOW
from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.progressions import (
    CADENCES,
    FINALS,
    PROGRESSIONS,
    progressions_for,
)
from musiscene_core.composing.scales import SCALES, chord_scale, mode_of, parse_roman
from musiscene_core.composing.voicing import HIGH, LOW, MIN_GAP, VOICES, Harmonised, lead
from musiscene_core.request import ScoreRequest
from tests.support.composed import MOODS, mood_brief
from tests.support.written import written


def harmonised(mood, seed):
    cue = written(ScoreRequest(brief=mood_brief(mood, 60.0)), seed)
    return cue.plan, cue.form, cue.chords


def parallels(before, after):
    """Pairs of voices that both move and keep a perfect fifth, octave or unison."""
    found = 0
    for (a, a2), (b, b2) in combinations(zip(before, after, strict=True), 2):
        if a != a2 and b != b2 and (b - a) % 12 == (b2 - a2) % 12 and (b - a) % 12 in (0, 7):
            found += 1
    return found


@pytest.mark.parametrize(
    ("numeral", "tonic", "name", "classes"),
    [
        ("I", 0, "C", (0, 4, 7)),
        ("iv7", 2, "Gm7", (7, 10, 2, 5)),
        ("bVImaj7", 9, "F(maj7)", (5, 9, 0, 4)),
        ("V7", 5, "C7", (0, 4, 7, 10)),
        ("Iadd9", 7, "G(add9)", (7, 11, 2, 9)),
        ("viidim7", 0, "Bdim7", (11, 2, 5, 8)),
    ],
)
def test_roman_numerals_name_chords(numeral, tonic, name, classes):
    harmony = parse_roman(numeral, tonic)
    assert (harmony.name, harmony.pitch_classes, harmony.bass) == (name, classes, classes[0])


def test_a_pedal_and_an_inversion_change_only_the_bass():
    pedal, third = parse_roman("IV/p", 0), parse_roman("I/3", 0)
    assert (pedal.root, pedal.bass, pedal.name) == (5, 0, "F/C")
    assert (third.root, third.bass, third.name) == (0, 4, "C/E")


def test_an_unknown_numeral_is_a_bug_that_shows():
    with pytest.raises(ValueError, match="not a roman numeral"):
        parse_roman("VIII", 0)


def test_every_numeral_in_the_tables_is_a_chord_that_can_be_voiced():
    numerals = {numeral for p in PROGRESSIONS for numeral in p.numerals}
    numerals |= {n for chains in CADENCES.values() for chain in chains for n in chain.split()}
    numerals |= {numeral for finals in FINALS.values() for numeral in finals}
    for tonic in range(12):
        for numeral in sorted(numerals):
            harmony = parse_roman(numeral, tonic)
            (voices,) = lead([Harmonised(harmony.pitch_classes, 36, 60.0)])
            assert {voice % 12 for voice in voices} <= set(harmony.pitch_classes)
            assert harmony.root in {voice % 12 for voice in voices}


def test_every_idiom_finds_progressions_in_every_scale():
    for scale in SCALES:
        assert set(CADENCES) == set(FINALS) == set(SCALES)
        for idiom in IDIOMS:
            found = progressions_for(scale, idiom.characters)
            assert found
            assert all(progression.scale == scale for progression in found)


def test_scales_have_the_mode_of_their_third():
    assert {scale for scale in SCALES if mode_of(scale) == "major"} == {
        "ionian",
        "lydian",
        "mixolydian",
    }


def test_a_borrowed_leading_tone_drives_out_the_scale_note_beside_it():
    over_v = chord_scale("aeolian", 9, (4, 8, 11))
    assert 8 in over_v
    assert 7 not in over_v
    assert 9 not in over_v


def test_common_tones_stay_and_the_others_move_little():
    one, four, five = ((0, 4, 7), (5, 9, 0), (7, 11, 2))
    chords = [Harmonised(pcs, bass, 60.0) for pcs, bass in ((one, 36), (four, 41), (one, 36))]
    first, second, third = lead(chords)
    assert len(set(first) & set(second)) >= 1
    assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) <= 8
    assert sum(abs(a - b) for a, b in zip(second, third, strict=True)) <= 8
    to_five = lead([Harmonised(four, 41, 60.0), Harmonised(five, 43, 60.0)])
    assert parallels((41, *to_five[0]), (43, *to_five[1])) == 0


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_voices_keep_their_rules_in_every_mood(mood):
    for seed in range(6):
        plan, form, chords = harmonised(mood, seed)
        for before, after in pairwise(chords):
            assert parallels((before.bass, *before.voices), (after.bass, *after.voices)) == 0
            assert after.start == pytest.approx(before.end, abs=1e-5)
            moved = [abs(a - b) for a, b in zip(before.voices, after.voices, strict=True)]
            assert max(moved) <= 12
        for chord in chords:
            assert len(chord.voices) == VOICES
            assert min(chord.voices) >= LOW
            assert max(chord.voices) <= HIGH
            assert min(b - a for a, b in pairwise(chord.voices)) >= MIN_GAP
            assert BASS_LOW <= chord.bass <= BASS_HIGH
        assert chords[0].start == plan.start_beat
        assert chords[-1].chord.root == plan.tonic
        assert chords[-1].start >= form.final_beat
        third = 4 if plan.mode == "major" else 3
        assert (plan.tonic + third) % 12 in chords[-1].chord.pitch_classes


def test_the_chord_changes_every_bar_or_two_and_the_end_is_a_cadence():
    plan, form, chords = harmonised("triumphant", 3)
    lengths = [chord.chord.length for chord in chords[:-1]]
    assert max(lengths) <= 2 * plan.beats_per_bar + plan.beats_per_bar
    numerals = {chain.split()[-1] for chain in CADENCES[plan.scale]}
    approach = [chord for chord in chords if chord.start < form.final_beat - 1e-6][-1]
    names = {parse_roman(numeral, plan.tonic).name for numeral in numerals}
    assert approach.chord.name in names


def test_different_seeds_find_different_harmony():
    heard = {
        tuple(chord.chord.name for chord in harmonised("sad", seed)[2][:6]) for seed in range(8)
    }
    assert len(heard) >= 6
