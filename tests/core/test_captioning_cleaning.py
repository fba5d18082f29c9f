"""Answers of language models as captions: the talk around them goes, the words stay."""

from __future__ import annotations

import pytest

from musiscene_core.captioning.language.cleaning import MAX_CAPTION, clean

PLAIN = "A slow piano piece with strings. It grows towards the end."


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (PLAIN, PLAIN),
        (f"  {PLAIN}\n", PLAIN),
        (f'"{PLAIN}"', PLAIN),
        (f"Sure! {PLAIN}", PLAIN),
        (f"Certainly, here is a description of the music:\n\n{PLAIN}", PLAIN),
        (f"Here's the music:\n{PLAIN}\nI hope this helps! Let me know if you need more.", PLAIN),
        (f"**Description:** {PLAIN}", PLAIN),
        (f"```text\n{PLAIN}\n```", PLAIN),
        (f"<think>What do they want?</think>{PLAIN}", PLAIN),
        (f"<s>[INST]{PLAIN}[/INST]</s><|im_end|>", PLAIN),
        (f"{PLAIN} {PLAIN} {PLAIN}", PLAIN),
        (f"{PLAIN} And then the drums come", PLAIN),
        ("1. Slow strings\n2. Fast drums", "Slow strings. Fast drums."),
        (
            "Based on the video and music captions, the music suits a match.",
            "The music suits a match.",
        ),
        (
            "The music described in both the video and music captions is sad. It is slow.",
            "The music is sad. It is slow.",
        ),
        ("Both captions suggest that a storm comes. Drums roll.", "A storm comes. Drums roll."),
        ("The caption is short. Drums roll.", "Drums roll."),
        ("One word", "One word"),
        ("Music with a 4/4 beat at 120 BPM.", "Music with a 4/4 beat at 120 BPM."),
        ("Great drums and a sure hand.", "Great drums and a sure hand."),
    ],
)
def test_the_talk_goes_and_the_words_stay(answer: str, text: str) -> None:
    assert clean(answer).text == text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("<think>It never ends", "empty"),
        ("I'm sorry, but I can't help with that.", "refuses"),
        ("As an AI language model, I do not hear music.", "refuses"),
        ("... !!! 123", "nothing"),
    ],
)
def test_no_answer_is_told_as_such(answer: str, reason: str) -> None:
    text, why = clean(answer)
    assert text == ""
    assert reason in why


def test_an_endless_answer_is_cut_at_a_sentence() -> None:
    text = clean(" ".join(f"Sentence {number} goes on." for number in range(1000))).text
    assert MAX_CAPTION - 40 < len(text) <= MAX_CAPTION
    assert text.endswith(" goes on.")
    assert len(clean("x" * 100_000).text) == MAX_CAPTION


def test_cleaning_twice_changes_nothing() -> None:
    for answer in (PLAIN, f"Sure! Here is it:\n- {PLAIN}", "Given the captions, it is sad. Yes."):
        once = clean(answer).text
        assert clean(once).text == once


@pytest.mark.parametrize(
    "hostile", ["**" * 20_000, "<think>" * 5_000, "(" * 40_000, "a, " * 13_000]
)
def test_hostile_answers_take_no_time(hostile: str) -> None:
    assert len(clean(hostile).text) <= MAX_CAPTION
