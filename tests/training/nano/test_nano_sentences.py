"""The sentences of the captioner: the whole grammar is among them, and nothing broken is."""

from __future__ import annotations

import numpy as np
import pytest

from musiscene_core.captioning.nano.sentences import Form, Sentences
from musiscene_core.captioning.nano.words import END, SPECIAL, Words, pieces
from musiscene_core.captioning.prompts import DESCRIBE, SCENE, VIDEO
from musiscene_training.nano.grammar.forms import choices, forms
from musiscene_training.nano.grammar.kinds import kind_of
from musiscene_training.nano.grammar.writing import (
    MUSIC_QUESTIONS,
    SCENE_QUESTIONS,
    answer,
    every_text,
)
from musiscene_training.nano.truth import any_traits


@pytest.fixture(scope="module")
def words():
    held = (*every_text(), *(text for those in choices().values() for text in those))
    known = {piece for text in held for piece in pieces(text) if piece not in "{}"}
    return Words((*SPECIAL, *sorted(known)))


@pytest.fixture(scope="module")
def sentences(words):
    return Sentences(forms(), choices(), words)


@pytest.mark.parametrize("question", [*MUSIC_QUESTIONS, *SCENE_QUESTIONS])
def test_whatever_the_grammar_writes_is_a_sentence(words, sentences, question):
    random = np.random.default_rng(1)
    for _ in range(60):
        text = answer(question, any_traits(random), random)
        assert sentences.has(question, words.tokens(text)), text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (SCENE, "Only monster films and dark where a secret meeting."),
        (SCENE, "It hints at a secret meeting, perhaps"),
        (SCENE, ""),
        (SCENE, "Calls for family comedies and pet videos about a puppy stealing a sausage."),
        (VIDEO, "It would serve spy films and political dramas that linger on the sea."),
        (
            SCENE,
            "Invites a peaceful landscape: a woman practising yoga at first light, and everything "
            "is at rest.",
        ),
        (DESCRIBE, "The music is light percussion."),
    ],
)
def test_what_is_broken_or_answers_another_question_is_none(words, sentences, question, text):
    known = [piece for piece in pieces(text) if words.knows(piece)]
    assert not sentences.has(question, words.tokens(" ".join(known)))


def test_any_way_through_ends_in_a_sentence(words, sentences):
    random = np.random.default_rng(2)
    for question in (*MUSIC_QUESTIONS, *SCENE_QUESTIONS):
        for _ in range(20):
            place, said = sentences.begin(question), []
            while True:
                allowed = place.allowed()
                token = allowed[int(random.integers(len(allowed)))]
                if token == END:
                    break
                said.append(token)
                place = place.after(token)
            assert sentences.has(question, said), words.text(said)


def test_a_scene_is_of_the_kind_and_the_palette_that_were_heard(words, sentences):
    random = np.random.default_rng(3)
    for _ in range(20):
        traits = any_traits(random)
        heard = {"kind": kind_of(traits), "palette": traits.palette, "tempo": traits.tempo}
        place = sentences.begin(SCENE, heard)
        for token in words.tokens(answer(SCENE, traits, random)):
            place = place.after(token)
        assert END in place.allowed()
        for otherwise in ({"kind": "no such kind"}, {"palette": "no such palette"}):
            assert sentences.begin(SCENE, heard | otherwise).allowed() == []


def test_nothing_follows_what_was_not_allowed(words, sentences):
    place = sentences.begin(SCENE).after(words.tokens("dark")[0])
    assert place.allowed() == []


def test_a_field_without_choices_and_an_unknown_word_are_told(words):
    with pytest.raises(KeyError, match="where"):
        Sentences({"?": (Form("It is {where}."),)}, {}, words)
    with pytest.raises(KeyError, match="xylophone"):
        Sentences({"?": (Form("A xylophone."),)}, {}, words)
