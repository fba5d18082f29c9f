"""Directions in fields: read leniently, checked strictly, mended once, never lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from musiscene_core.brief import Caption, Level, MusicDirections
from musiscene_core.captioning.directing import UnfitError, directed, in_words, read_directions
from musiscene_core.captioning.language.model import Answer, OnPiece, Sampling, unwatched
from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent

WORDS = "Slow strings over a soft piano, rising to a quiet close."
GOOD = {
    "words": WORDS,
    "tempo_bpm": 72,
    "key": "D minor",
    "instruments": ["strings", "piano", "cello"],
    "dynamics": [{"time_s": 8, "level": 0.9}, {"time_s": 0, "level": 0.2}],
    "themes": ["longing", "two people part"],
}


class Scripted:
    """Answers one thing after the other, in pieces of seven characters."""

    name = "scripted"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def ask(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        on_piece: OnPiece = unwatched,
        progress: Progress = silent,
    ) -> Answer:
        self.asked.append(prompt)
        text = self.answers[len(self.asked) - 1]
        for at in range(0, len(text), 7):
            on_piece(text[at : at + 7])
        return Answer(text=text, model="scripted")


class Watched:
    """What a user reads while it is written."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, piece: str, *, anew: bool = False) -> None:
        self.text = piece if anew else self.text + piece


def ask(model: Scripted, watched: OnPiece = unwatched) -> Caption:
    return directed("Direct.", model, Sampling(seed=3), length_s=10.0, on_piece=watched)


def test_fields_become_directions_and_a_caption() -> None:
    model, watched = Scripted(json.dumps(GOOD)), Watched()
    caption = ask(model, watched)
    assert caption.how is not None
    assert caption.how.directions == MusicDirections(
        words=WORDS,
        tempo_bpm=72.0,
        tonic=2,
        mode="minor",
        instruments=("strings", "piano", "cello"),
        dynamics=(Level(time_s=0.0, level=0.2), Level(time_s=8.0, level=0.9)),
        themes=("longing", "two people part"),
    )
    assert caption.text == f"{WORDS} At 72 BPM, in D minor, with cello."
    assert watched.text == WORDS, "braces are not for reading"
    assert (caption.how.raw, caption.how.prompt) == (model.answers[0], "Direct.")


def test_what_the_words_say_is_not_said_again() -> None:
    directions = read_directions(
        json.dumps({**GOOD, "words": "Strings, piano and cello at 72 BPM in D minor."})
    )
    assert in_words(directions) == directions.words


@pytest.mark.parametrize(
    "around",
    [
        "```json\n{}\n```",
        "Sure! Here it is:\n{}\nLet me know.",
        '<think>a {{bad}} {{"b": 1}} thought</think>{}',
    ],
)
def test_talk_around_the_fields_does_no_harm(around: str) -> None:
    answer = around.replace("{{", "\0").replace("}}", "\1").replace("{}", json.dumps(GOOD))
    answer = answer.replace("\0", "{").replace("\1", "}")
    assert read_directions(answer, 10.0).tempo_bpm == 72


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("words", ""),
        ("words", "I'm sorry, I can't do that."),
        ("words", 7),
        ("tempo_bpm", 0),
        ("tempo_bpm", "fast"),
        ("tempo_bpm", True),
        ("tempo_bpm", float("nan")),
        ("tempo_bpm", 10**400),
        ("key", "H minor"),
        ("key", None),
        ("instruments", "piano"),
        ("instruments", [{"name": "piano"}]),
        ("instruments", ["x" * 81]),
        ("dynamics", [{"time_s": 11, "level": 0.5}]),
        ("dynamics", [{"time_s": 1, "level": 2}]),
        ("dynamics", [3]),
        ("dynamics", {"time_s": 1}),
        ("themes", [["longing"]]),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_mended_once(field: str, value: Any) -> None:
    bad = json.dumps({**GOOD, field: value})
    with pytest.raises(UnfitError, match=f'^"{field}" must be'):
        read_directions(bad, 10.0)
    model = Scripted(bad, json.dumps(GOOD))
    caption = ask(model)
    assert caption.how is not None
    assert caption.how.directions is not None
    assert f'It cannot be used: "{field}" must be' in model.asked[1]
    assert model.asked[1].startswith("Direct.\n\nYour answer was:\n")


def test_prose_stands_as_words_and_says_what_is_missing() -> None:
    model, watched = Scripted(f"Sure! {WORDS}", "No."), Watched()
    caption = ask(model, watched)
    assert caption.how is not None
    assert (caption.text, watched.text, caption.how.directions) == (WORDS, WORDS, None)
    assert caption.how.notes == (
        "The model gave words but no usable fields: it has no JSON object.",
    )


@pytest.mark.parametrize("answer", ["", "{", '{"words": "a', "{" * 5000, "[1, 2]{}", "   "])
def test_what_is_neither_is_an_error_after_two_answers(answer: str) -> None:
    model = Scripted(answer, answer)
    with pytest.raises(EngineError, match="gives no directions"):
        ask(model)
    assert len(model.asked) == 2


def test_escapes_in_the_words_are_read_as_they_are_written() -> None:
    words = 'A "quiet" caf\u00e9\u2014piano \\ strings.'
    watched = Watched()
    ask(Scripted(json.dumps({**GOOD, "words": words}, ensure_ascii=True)), watched)
    assert watched.text == words
