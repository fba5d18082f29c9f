"""Motifs that develop and themes that are recognised from cue to cue."""

from itertools import pairwise

import msgspec
import pytest

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.compose import compose
from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.motif import CELLS, Motif, likeness, make_motif, notated, stepwise
from musiscene_core.composing.rhythms import is_strong
from musiscene_core.composing.scales import SCALES
from musiscene_core.composing.scene import Scene
from musiscene_core.composing.theme_making import film_seed, make_theme
from musiscene_core.request import ScoreRequest
from musiscene_core.themes import MAX_SPAN, ThemeBook, ThemeMotif, ThemeUse
from tests.support.composed import mood_brief
from tests.support.written import peaking, with_main_hit, written

NAMES = [idiom.name for idiom in IDIOMS]
SEEDS = range(3)


def shape(notes):
    """Intervals in semitones, and beats from note to note."""
    steps = tuple(b.pitch - a.pitch for a, b in pairwise(notes))
    return steps, tuple(b.start - a.start for a, b in pairwise(notes))


def whole_at(notes, motif):
    """Where `motif` sounds note for note, whatever it is transposed by."""
    count = len(motif.rhythm)
    found = []
    for first in range(len(notes) - count + 1):
        steps, waits = shape(notes[first : first + count])
        if steps == motif.intervals and waits == pytest.approx(motif.rhythm[:-1], abs=1e-3):
            found.append(notes[first].start)
    return found


def begins_like(notes, motif):
    """How often two notes go as the motif begins, in direction and rhythm."""
    first = motif.intervals[0]
    return sum(
        abs(b.start - a.start - motif.rhythm[0]) < 1e-3
        and ((b.pitch > a.pitch) - (b.pitch < a.pitch)) == ((first > 0) - (first < 0))
        for a, b in pairwise(notes)
    )


def mood(name="triumphant"):
    return Scene(mood_brief(name)).mood(0.0, 40.0)


def film(name="Ashes", *themes):
    seed = film_seed(name)
    return ThemeBook(
        film=name, seed=seed, themes=tuple(make_theme(theme, mood(), seed) for theme in themes)
    )


def test_motifs_develop():
    motif = Motif((1.0, 0.5, 0.5, 2.0), (0, 2, 1, 4))
    assert motif.sequenced(2) == Motif(motif.rhythm, (2, 4, 3, 6))
    assert motif.inverted().contour == (0, -2, -1, -4)
    assert motif.inverted().inverted() == motif
    assert motif.retrograde() == Motif((2.0, 0.5, 0.5, 1.0), (0, -3, -2, -4))
    assert motif.retrograde().retrograde() == motif
    assert motif.augmented().diminished() == motif
    assert motif.diminished().length == motif.length / 2
    assert motif.fragment(2) == Motif((1.0, 0.5), (0, 2))


def test_a_motif_survives_being_written_down_in_any_scale():
    for scale in SCALES:
        for seed in range(20):
            motif = make_motif(tuple(CELLS), 0.4, Dice(seed, "motif"))
            for place, degree in enumerate(SCALES[scale]):
                assert stepwise(notated(motif, scale, place), scale, degree) == motif


def test_likeness_is_whole_for_the_same_and_falls_with_what_differs():
    theme = ThemeMotif((4, -2, 5), (1.0, 0.5, 0.5, 2.0))
    assert likeness(theme.intervals, theme.rhythm, theme) == pytest.approx(1.0)
    assert likeness(theme.intervals, (2.0, 1.0, 1.0), theme) == pytest.approx(1.0)
    assert likeness((3, -1, 4), (1.0, 0.5, 0.5), theme) == pytest.approx(1.0)
    assert likeness((4, -2, -5), theme.rhythm, theme) == pytest.approx(0.8)
    assert likeness((-4, 2, -5), (0.5, 2.0, 0.25), theme) < 0.2
    assert likeness((4,), (1.0, 0.5), theme) < 0.6


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_the_motif_come_first_and_all_of_it_on_the_main_hit(name):
    for seed in SEEDS:
        cue = peaking(name, seed)
        motif = cue.material.subject.motif
        hit = cue.plan.main_hit.beat
        told = whole_at(cue.sung, motif)
        assert 4 <= len(motif.rhythm) <= 5
        assert hit in told
        assert min(told) == hit
        before = [note for note in cue.sung if note.start < hit]
        assert begins_like(before, motif) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_chords_carry_the_statement(name):
    for seed in SEEDS:
        cue = peaking(name, seed)
        (placed,) = cue.material.placed
        for start, _, pitch in placed.notes:
            assert 60 <= pitch <= 84
            if is_strong(*cue.plan.tempo.place(start)):
                chord = [c for c in cue.chords if c.start <= start + 1e-6][-1]
                assert pitch % 12 in chord.chord.pitch_classes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tonic", "mode"), [(0, "major"), (6, "minor")])
def test_a_stated_theme_is_the_same_in_every_idiom_key_and_tempo(name, tonic, mode):
    book = film("Ashes", "hero")
    theme = book.themes[0]
    for tempo in (None, 92.0):
        cue = peaking(
            name,
            1,
            tonic=tonic,
            mode=mode,
            tempo_bpm=tempo,
            themes=(ThemeUse("hero"),),
            theme_book=book,
        )
        (placed,) = cue.material.placed
        assert placed.name == "hero"
        assert placed.beat in whole_at(cue.sung, theme.motif)


@pytest.mark.parametrize("name", NAMES)
def test_a_varied_theme_is_like_it_and_not_the_same(name):
    book = film("Ashes", "hero")
    theme = book.themes[0]
    for seed in SEEDS:
        uses = (ThemeUse("hero", "vary"),)
        cue = peaking(name, seed, themes=uses, theme_book=book)
        (placed,) = cue.material.placed
        notes = [n for n in cue.sung if placed.beat - 1e-6 <= n.start < placed.end]
        steps, waits = shape(notes)
        assert likeness(steps, waits, theme.motif) >= 0.6
        assert steps != theme.motif.intervals


@pytest.mark.parametrize("name", NAMES)
def test_a_hint_is_how_the_theme_begins_and_no_more(name):
    book = film("Ashes", "hero")
    motif = book.themes[0].motif
    cue = peaking(name, 2, themes=(ThemeUse("hero", "hint"),), theme_book=book)
    hinted = next(placed for placed in cue.material.placed if placed.how == "hint")
    steps = tuple(b[2] - a[2] for a, b in pairwise(hinted.notes))
    assert steps == motif.intervals[: len(steps)]
    assert 2 <= len(hinted.notes) < len(motif.rhythm)
    assert cue.material.subject.name == ""


def test_themes_of_two_hundred_films_differ():
    motifs = [make_theme("hero", mood(), film_seed(f"Film {n}")).motif for n in range(200)]
    contours = [motif.intervals for motif in motifs]
    alike = sum(a == b for n, a in enumerate(contours) for b in contours[:n])
    assert alike <= 0.02 * 200 * 199 / 2
    assert len({(motif.intervals, motif.rhythm) for motif in motifs}) >= 150
    for motif in motifs:
        assert 4 <= len(motif.rhythm) <= 5
        assert max(motif.offsets) - min(motif.offsets) <= MAX_SPAN


def test_a_theme_comes_from_its_name_mood_and_film_alone():
    hero = make_theme("hero", mood(), 7)
    assert make_theme(" Hero", mood(), 7).motif == hero.motif
    assert make_theme("river", mood(), 7).motif != hero.motif
    assert make_theme("hero", mood(), 8).motif != hero.motif
    assert make_theme("hero", mood("sad"), 7).mode in ("aeolian", "dorian", "harmonic_minor")
    assert "triumphant" in hero.character


def test_a_theme_goes_where_it_is_told_to():
    book = film("Ashes", "hero", "river")
    brief = with_main_hit(mood_brief("triumphant", 60.0), 33.0)
    labelled = with_main_hit(brief, 15.1, label="River")
    rate = brief.timeline.rate
    uses = (ThemeUse("hero", "state", 1080), ThemeUse("river", "state"))
    cue = written(ScoreRequest(brief=labelled, themes=uses, theme_book=book), 3)
    placed = {one.name: cue.plan.tempo.seconds(one.beat) for one in cue.material.placed}
    assert placed["hero"] == pytest.approx(float(rate.seconds(1080)), abs=0.6)
    assert placed["river"] == pytest.approx(15.1, abs=0.06)


def test_themes_keep_out_of_speech():
    book = film("Ashes", "hero")
    spans = ((30.0, 40.0),)
    for seed in range(6):
        brief = with_main_hit(mood_brief("triumphant", 60.0, dialogue=spans), 33.0)
        request = ScoreRequest(brief=brief, themes=(ThemeUse("hero"),), theme_book=book)
        cue = written(request, seed)
        (placed,) = cue.material.placed
        start, end = map(cue.plan.tempo.seconds, (placed.beat, placed.end))
        assert end < 30.0 or start > 40.0


def test_a_cue_tells_which_themes_it_uses_and_repeats_byte_for_byte():
    book = film("Ashes", "hero", "river")
    uses = (ThemeUse("hero"), ThemeUse("river", "hint"))
    request = ScoreRequest(
        brief=mood_brief("triumphant", 60.0), themes=uses, theme_book=book, seed=4
    )
    cue = compose(request, 4)
    assert {(theme.name, theme.how) for theme in cue.themes} == {
        ("hero", "state"),
        ("river", "hint"),
    }
    sent = msgspec.json.decode(msgspec.json.encode(request), type=ScoreRequest)
    assert msgspec.json.encode(compose(sent, 4)) == msgspec.json.encode(cue)


def test_no_melody_means_no_theme_either():
    from musiscene_core.brief import Caption, Captions

    brief = mood_brief("triumphant", 40.0)
    words = Captions(fusion=Caption("No melody.", "user"))
    silent = msgspec.structs.replace(brief, captions=words)
    book = film("Ashes", "hero")
    request = ScoreRequest(brief=silent, themes=(ThemeUse("hero"),), theme_book=book)
    assert written(request, 1).material.placed == ()


def test_a_statement_sounds_on_the_themes_own_instrument_on_its_hit():
    book = film("Ashes", "hero")
    fluted = msgspec.structs.replace(book.themes[0], palette=("kazoo", "flute"))
    book = msgspec.structs.replace(book, themes=(fluted,))
    brief = with_main_hit(mood_brief("sad", 60.0), 33.0)
    request = ScoreRequest(brief=brief, themes=(ThemeUse("hero"),), theme_book=book)
    for seed in SEEDS:
        cue = compose(request, seed)
        (heard,) = cue.themes
        assert any(hit.beat == heard.start for hit in cue.hits)
        flute = next(part for part in cue.parts if part.name == "Melody (flute)")
        assert any(note.start == heard.start for note in flute.notes)
