"""Where the harmony goes: keys, pivots, dominants, pedals, mediants, the way to a hit."""

from itertools import pairwise, product

import pytest

from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.modulation import LIFTS, Key, lift_of, pivot
from musiscene_core.composing.progressions import PROGRESSIONS
from musiscene_core.composing.scales import SCALES, mode_of, numeral_of, parse_roman
from musiscene_core.request import ScoreRequest
from tests.support.composed import MOODS, mood_brief
from tests.support.written import in_idiom, peaking, written

NAMES = [idiom.name for idiom in IDIOMS]
SEEDS = range(4)


def test_a_lift_raises_the_climax_and_the_cue_comes_home():
    lifted = 0
    for name, seed in product(NAMES, range(5)):
        cue = in_idiom(name, seed)
        home, climax = Key(cue.plan.tonic, cue.plan.scale), cue.form.climax
        away = [index for index, key in enumerate(cue.keys) if key != home]
        assert cue.keys[-1] == cue.chords[-1].key == home
        if not away:
            continue
        lifted += 1
        before, after = cue.keys[climax - 1], cue.keys[climax]
        # Stripped bars before the climax share the key of the build they end.
        assert away in ([climax], [climax - 1], [climax - 2, climax - 1])
        assert (after.tonic - before.tonic) % 12 in lift_of(cue.plan).semitones
        start = cue.form.sections[climax].start
        chord = next(c for c in cue.chords if abs(c.start - start) < 1e-5)
        assert chord.chord.root == after.tonic
        assert chord.key == after
    assert lifted >= 0.15 * 5 * len(NAMES)


def test_a_key_that_the_user_holds_is_never_left():
    for name in NAMES:
        for seed in range(6):
            request = ScoreRequest(brief=mood_brief("mixed", 60.0), idiom=name, tonic=2)
            assert {key.tonic for key in written(request, seed).keys} == {2}


def test_a_pivot_belongs_to_both_keys():
    for character, lift in LIFTS.items():
        assert set(lift.semitones) <= set(range(1, 12)), character
    for scale in SCALES:
        for up in (2, 3, 5):
            old, new = Key(0, scale), Key(up, scale)
            numeral = pivot(old, new)
            if numeral is not None:
                chord = set(parse_roman(numeral, new.tonic).pitch_classes)
                assert chord <= old.notes & new.notes
    assert pivot(Key(0, "ionian"), Key(2, "ionian")) == "ii"
    assert pivot(Key(0, "ionian"), Key(6, "ionian")) is None


def test_a_lift_over_a_pivot_goes_through_the_new_dominant():
    found = 0
    for name in NAMES:
        for seed in range(8):
            cue = in_idiom(name, seed)
            climax = cue.form.climax
            if climax is None or lift_of(cue.plan).manner != "pivot":
                continue
            if cue.keys[climax].tonic == cue.keys[climax - 1].tonic:
                continue
            start = cue.form.sections[climax].start
            before = [c for c in cue.chords if c.start < start - 1e-6][-1]
            found += 1
            assert before.chord.root == (cue.keys[climax].tonic + 7) % 12
    assert found >= 3


def test_dominants_of_other_chords_resolve_down_a_fifth():
    leading = resolved = 0
    for name in NAMES:
        for seed in SEEDS:
            cue = in_idiom(name, seed, 90.0)
            for a, b in pairwise(cue.chords):
                chord, key = a.chord, a.key
                steps = {(n - chord.root) % 12 for n in chord.pitch_classes}
                borrowed = set(chord.pitch_classes) - key.notes
                if steps == {0, 4, 7, 10} and borrowed and chord.root != (key.tonic + 7) % 12:
                    leading += 1
                    resolved += (chord.root + 5) % 12 == b.chord.root or b.chord.name == chord.name
    assert leading >= 5
    assert resolved >= 0.8 * leading


def test_a_build_may_stand_on_its_dominant():
    pedals = 0
    for name in NAMES:
        for seed in SEEDS:
            cue = peaking(name, seed)
            for section in cue.form.sections:
                here = [
                    c
                    for c in cue.chords
                    if section.start - 1e-6 <= c.start < section.start + section.length - 1e-6
                ]
                basses = {c.bass % 12 for c in here[:-1]}
                roots = {c.chord.root for c in here[:-1]}
                dominant = (here[0].key.tonic + 7) % 12 if here else None
                pedals += section.name == "build" and basses == {dominant} and len(roots) >= 2
    assert pedals >= 3
    assert parse_roman("IV/d", 0).name == "F/G"


def test_tables_hold_mediants_suspensions_added_notes_and_pedals():
    def is_mediant(before, after):
        (a, b) = (parse_roman(n, 0) for n in (before, after))
        thirds = [(c.pitch_classes[1] - c.root) % 12 for c in (a, b)]
        return (b.root - a.root) % 12 in (3, 4, 8, 9) and thirds[0] == thirds[1]

    every = {n for p in PROGRESSIONS for n in p.numerals}
    assert sum(any(is_mediant(a, b) for a, b in pairwise(p.numerals)) for p in PROGRESSIONS) >= 10
    for colour in ("sus4", "sus2", "add9", "/p", "maj7"):
        assert any(colour in numeral for numeral in every), colour


@pytest.mark.parametrize("name", NAMES)
def test_the_main_hit_is_a_tonic_that_another_chord_leads_to(name):
    for seed in SEEDS:
        cue = peaking(name, seed)
        hit = cue.plan.main_hit.beat
        arrival = next(c for c in cue.chords if abs(c.start - hit) < 1e-5)
        before = [c for c in cue.chords if c.start < hit - 1e-6][-1]
        assert arrival.chord.root == arrival.key.tonic
        assert before.chord.root != arrival.chord.root
        assert hit - before.start <= 5.0 + 1e-6


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_a_chord_lasts_a_bar_or_two(mood):
    for seed in SEEDS:
        cue = written(ScoreRequest(brief=mood_brief(mood, 60.0)), seed)
        roots = [(c.start, c.chord.name) for c in cue.chords[:-1]]
        changes = [a for a, b in zip(roots, [(None, None), *roots], strict=False) if a[1] != b[1]]
        waits = [b[0] - a[0] for a, b in pairwise(changes)]
        assert sum(2.0 <= wait <= 10.0 for wait in waits) >= 0.8 * len(waits)


def test_numerals_name_every_triad():
    for tonic in range(12):
        for root in range(12):
            for minor in (False, True):
                harmony = parse_roman(numeral_of(root, tonic, minor=minor), tonic)
                third = (root + (3 if minor else 4)) % 12
                assert harmony.pitch_classes == (root, third, (root + 7) % 12)


def test_secondary_dominants_are_read_and_named():
    harmony = parse_roman("V7/vi", 0)
    assert (harmony.name, harmony.pitch_classes) == ("E7", (4, 8, 11, 2))
    assert parse_roman("V7/bVI", 9, mode_of("aeolian")).name == "C7"
