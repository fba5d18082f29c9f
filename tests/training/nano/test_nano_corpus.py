"""The nano captioner's corpus: cues, what is true of them, other ways of hearing, and words."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from musiscene_core.captioning.nano.features import WINDOW, views
from musiscene_core.captioning.nano.words import SPECIAL, Words, pieces
from musiscene_core.errors import InputError
from musiscene_training.nano import corpus, examples
from musiscene_training.nano.asks import UNSEEN_IDIOMS, ask, kept_for_last
from musiscene_training.nano.augment import augmented, coded
from musiscene_training.nano.corpus import HEARD_HZ, Facts, Line, Sounding
from musiscene_training.nano.grammar.kinds import kind_of
from musiscene_training.nano.grammar.scenes import KINDS
from musiscene_training.nano.grammar.writing import (
    MUSIC_QUESTIONS,
    SCENE_QUESTIONS,
    answer,
    every_text,
)
from musiscene_training.nano.truth import any_traits, traits

SEED = 5


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    assert corpus.build(folder, [0, 11], SEED) == (0, 11)
    return folder


def test_a_cue_is_the_same_whenever_it_is_made_and_is_not_made_twice(built, tmp_path):
    before = corpus.cue_file(built, 0).read_bytes()
    assert corpus.build(built, [0, 11], SEED) == ()
    corpus.build(tmp_path, [0], SEED)
    assert corpus.cue_file(tmp_path, 0).read_bytes() == before


def test_facts_say_what_is_heard(built):
    facts, stems = corpus.read_cue(corpus.cue_file(built, 0))
    assert set(stems) == {line.role for line in facts.lines if line.notes}
    first = min(note.start_s for line in facts.lines for note in line.notes)
    mixed = np.sum(list(stems.values()), axis=0)
    silent = round(max(0.0, first - 0.05) * HEARD_HZ)
    assert np.abs(mixed[:silent]).max(initial=0.0) < 1e-3 * np.abs(mixed).max()
    assert mixed.shape == (corpus.CUE_S * HEARD_HZ,)


def test_what_is_kept_for_the_last_figures_never_trains_and_tunes_nothing():
    kept = kept_for_last(9)
    assert len(set(kept)) == 9
    assert min(kept) > 50_000
    splits = [ask(number, SEED).split for number in kept]
    assert [splits.count(one) for one in ("unseen-seeds", "unseen-idioms")] == [5, 4]


def test_held_out_idioms_never_train():
    asks = [ask(number, SEED) for number in range(48)]
    idioms = {one.request.idiom for one in asks if one.split != "unseen-idioms"}
    assert not idioms & set(UNSEEN_IDIOMS)
    assert {one.request.idiom for one in asks if one.split == "unseen-idioms"} <= set(UNSEEN_IDIOMS)
    assert {one.split for one in asks} == {"train", "unseen-seeds", "unseen-idioms"}


def test_a_damaged_cue_is_named_with_what_to_do(built, tmp_path):
    path = tmp_path / "cue.npz"
    for content in (b"", b"PK", corpus.cue_file(built, 0).read_bytes()[:5000]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no cue of the corpus") as told:
            corpus.read_cue(path)
        assert "Delete it" in told.value.hint


def test_examples_hold_what_is_true_of_each_and_are_not_made_twice(built, tmp_path):
    assert examples.build(tmp_path, built, [0, 11], SEED, of_each=3) == (0, 11)
    assert examples.build(tmp_path, built, [0, 11], SEED, of_each=3) == ()
    found = examples.read(tmp_path, [0, 11])
    assert found.colour.shape == (6, 250, 64)
    assert [label.plain for label in found.labels] == [True, False, False] * 2
    assert {label.split for label in found.labels} == {"train", "unseen-idioms"}
    assert np.isfinite(found.colour).all()
    assert np.allclose(found.pitch.sum(axis=(2, 3)).mean(axis=1), 1, atol=0.01)


def _facts(notes_a_second: float, drums: bool, bpm: float, mode: str = "minor") -> Facts:
    at = np.arange(0, 20, 1 / notes_a_second)
    notes = tuple(Sounding(float(start), float(start) + 0.2, 60, 90) for start in at)
    lines = [Line("harmony", "felt_piano", notes)]
    if drums:
        lines.append(Line("percussion", "cinematic_kit", tuple(n for n in notes)))
    scale = "ionian" if mode == "major" else "aeolian"
    beats = tuple(float(beat) for beat in np.arange(0, 20, 60 / bpm))
    return Facts(0, "train", "wonder", 0, mode, scale, 4, beats, tuple(lines))


def test_traits_are_what_the_notes_say():
    roles = ("harmony", "percussion")
    slow = traits(_facts(1.0, False, 60), 2, 12, roles)
    assert (slow.tempo, slow.energy, slow.drums, slow.mode) == ("slow", "low", "none", "minor")
    assert slow.players == ("piano",)
    assert slow.quadrant == "sad"
    fast = traits(_facts(8.0, True, 140, "major"), 2, 12, roles)
    assert (fast.tempo, fast.energy, fast.drums) == ("fast", "high", "driving")
    assert fast.quadrant == "happy"


def test_the_third_that_sounds_decides_the_mode_whatever_the_score_calls_it():
    facts = _facts(2.0, False, 90, "major")
    assert traits(facts, 2, 12, ("harmony",)).mode == "major", "without a third: the score's"
    third = Line("melody", "flute", (Sounding(3.0, 4.0, 63, 80), Sounding(11.0, 15.0, 64, 80)))
    facts = msgspec.structs.replace(facts, lines=(*facts.lines, third))
    assert traits(facts, 2, 11, ("harmony", "melody")).mode == "minor"
    assert traits(facts, 2, 14, ("harmony", "melody")).mode == "major"
    assert traits(facts, 2, 11, ("harmony",)).mode == "major"


def test_traits_follow_what_became_of_the_sound():
    facts = _facts(8.0, True, 110)
    whole = traits(facts, 2, 12, ("harmony", "percussion"))
    assert traits(facts, 2, 12, ("harmony",)).drums == "none"
    assert whole.tempo == "moderate"
    assert traits(facts, 2, 12, ("harmony",), speed=1.08).tempo == "fast"


def test_another_way_of_hearing_keeps_the_length_and_says_what_is_left(built):
    _, stems = corpus.read_cue(corpus.cue_file(built, 0))
    seen = set()
    for seed in range(6):
        heard = augmented(stems, 0, WINDOW, np.random.default_rng(seed))
        assert heard.samples.shape == (WINDOW,)
        assert np.isfinite(heard.samples).all()
        assert np.abs(heard.samples).max() > 0
        assert set(heard.roles) <= set(stems)
        assert 0.9 < heard.speed < 1.1
        seen.add(heard.roles)
    assert len(seen) > 1


@pytest.mark.parametrize("codec", [0, 1])
def test_a_codec_keeps_what_is_heard(codec):
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * HEARD_HZ) / HEARD_HZ).astype(np.float32)
    back = coded(tone, codec, 64)
    assert back.shape == tone.shape
    spectrum = np.abs(np.fft.rfft(back))
    assert np.argmax(spectrum) / 2 == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(back[8000:24000] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_views_do_not_depend_on_level():
    random = np.random.default_rng(1)
    sound = random.standard_normal(WINDOW).astype(np.float32)
    loud, soft = views(sound), views(sound * np.float32(0.01))
    for one, other in zip(loud, soft, strict=True):
        assert np.allclose(one, other, atol=1e-3)


def test_the_pulse_view_shows_a_clicks_tempo_and_the_pitch_view_its_notes():
    sound = np.zeros(WINDOW, np.float32)
    sound[:: HEARD_HZ // 2] = 1.0
    time_s = np.arange(WINDOW) / HEARD_HZ
    seen = views(sound)
    tempi = np.geomspace(30, 300, 72)
    found = tempi[np.argmax(seen.pulse[4])]
    assert min(abs(found / bpm - 1) for bpm in (120, 60, 40, 30)) < 0.04
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (261.63, 329.63, 392.0))
    pitches = views(np.asarray(chord, np.float32)).pitch.sum(axis=(0, 1))
    assert set(np.argsort(pitches)[-3:]) == {0, 4, 7}


@pytest.mark.parametrize("off", [-0.9, -0.4, 0.25, 0.5])
def test_the_pitch_view_finds_the_tuning_and_labels_know_where_it_puts_the_tonic(off):
    time_s = np.arange(WINDOW) / HEARD_HZ
    hertz = [hz * 2 ** (off / 12) for hz in (261.63, 329.63, 392.0)]
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in hertz)
    pitches = views(np.asarray(chord, np.float32)).pitch.sum(axis=(0, 1))
    loudest = np.sort(np.argsort(pitches)[-3:])
    moved = examples.semitones_moved(2 ** (off / 12))
    assert set(loudest) == {(pitch + moved) % 12 for pitch in (0, 4, 7)}
    assert pitches[loudest].sum() > 0.95 * pitches.sum()


def test_the_onset_view_counts_what_begins():
    sound = np.zeros(WINDOW, np.float32)
    sound[4_000 :: HEARD_HZ // 4] = 1.0
    counts = views(sound).onsets[-1, :4] * 5
    assert np.allclose(counts, 4.0, atol=0.3)


def test_every_answer_to_every_question_is_in_the_vocabulary_and_comes_back_the_same():
    known = sorted({piece for text in every_text() for piece in pieces(text)})
    words = Words((*SPECIAL, *known))
    random = np.random.default_rng(2)
    kinds = set()
    for _ in range(300):
        one = any_traits(random)
        kinds.add(kind_of(one))
        for question in (*MUSIC_QUESTIONS, *SCENE_QUESTIONS):
            said = answer(question, one, random)
            assert words.knows(said)
            assert words.text(words.tokens(said)) == said
            assert "{" not in said
    assert kinds == set(KINDS)
