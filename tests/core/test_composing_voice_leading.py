"""Part writing by the book, in every idiom."""

from itertools import combinations, pairwise
from statistics import mean

import pytest

from musiscene_core.composing.harmony import BASS_HIGH, BASS_LOW
from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.voicing import HIGH, LOW, MAX_GAP, MIN_GAP
from tests.support.composed import composed
from tests.support.written import in_idiom

NAMES = [idiom.name for idiom in IDIOMS]
SEEDS = range(3)
SPEECH = ((20.0, 34.0),)


def perfects(before, after):
    """Pairs of voices that both move and keep a perfect fifth, octave or unison."""
    return [
        (a, b, a2, b2)
        for (a, a2), (b, b2) in combinations(zip(before, after, strict=True), 2)
        if a != a2 and b != b2 and (b - a) % 12 == (b2 - a2) % 12 and (b - a) % 12 in (0, 7)
    ]


@pytest.fixture(scope="module", params=NAMES)
def cues(request):
    return [in_idiom(request.param, seed, dialogue=SPEECH).chords for seed in SEEDS]


def test_no_parallel_fifths_or_octaves_among_the_voices_or_against_the_bass(cues):
    for chords in cues:
        for a, b in pairwise(chords):
            assert not perfects((a.bass, *a.voices), (b.bass, *b.voices)), (a.chord, b.chord)


def test_voices_keep_their_ranges_and_spacing(cues):
    for chord in (chord for chords in cues for chord in chords):
        gaps = [b - a for a, b in pairwise(chord.voices)]
        assert LOW <= min(chord.voices) <= max(chord.voices) <= HIGH
        assert MIN_GAP <= min(gaps) <= max(gaps) <= MAX_GAP
        assert BASS_LOW <= chord.bass <= BASS_HIGH
        assert chord.bass <= chord.voices[0]


def test_spacing_is_wider_low(cues):
    chords = [chord for chords in cues for chord in chords]
    low = mean(chord.voices[1] - chord.voices[0] for chord in chords)
    high = mean(chord.voices[3] - chord.voices[2] for chord in chords)
    assert low > high - 0.5
    assert sum(c.voices[1] - c.voices[0] < 4 and c.voices[0] < 52 for c in chords) <= 0.2 * len(
        chords
    )


def test_common_tones_mostly_stay(cues):
    shared = kept = 0
    for a, b in (pair for chords in cues for pair in pairwise(chords)):
        if a.chord.pitch_classes == b.chord.pitch_classes:
            continue
        common = set(a.chord.pitch_classes) & set(b.chord.pitch_classes)
        for before, after in zip(a.voices, b.voices, strict=True):
            if before % 12 in common:
                shared += 1
                kept += before == after
    assert kept >= 0.55 * shared


def test_voices_move_by_step_and_leaps_turn_back(cues):
    moves, leaps = [], []
    for chords in cues:
        for a, b in pairwise(chords):
            moves += [abs(y - x) for x, y in zip(a.voices, b.voices, strict=True) if x != y]
        for a, b, c in zip(chords, chords[1:], chords[2:], strict=False):
            voices = zip(a.voices, b.voices, c.voices, strict=True)
            leaps += [(y - x, z - y) for x, y, z in voices if abs(y - x) > 7]
    assert sum(move <= 4 for move in moves) >= 0.85 * len(moves)
    assert max(moves) <= 12
    assert sum(leap * back <= 0 for leap, back in leaps) >= 0.8 * len(leaps)


@pytest.mark.parametrize("mood", ["triumphant", "sad", "energising", "calm"])
def test_held_chords_lie_below_the_words_while_someone_speaks(mood):
    for seed in SEEDS:
        cue = composed(mood, seed, 48.0, dialogue=SPEECH)
        for part in cue.parts:
            if not part.name.startswith(("Chords", "Figure")):
                continue
            for note in part.notes:
                if 20.1 <= cue.tempo.seconds(note.start) < 33.9:
                    assert note.pitch <= 65, (part.name, note)
