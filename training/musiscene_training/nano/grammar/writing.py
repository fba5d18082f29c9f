"""Writes captions: an answer to each question that a captioner is asked, drawn from the grammar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from musiscene_core.captioning import prompts
from musiscene_core.captioning.nano.tempi import TEMPI
from musiscene_training.nano.grammar.kinds import kind_of
from musiscene_training.nano.grammar.music import (
    DRUM_WORDS,
    ENERGY_WORDS,
    FRAMES,
    GENRES,
    NOBODY,
    PLAYER_WORDS,
    TEMPO_WORDS,
    genre_of,
)
from musiscene_training.nano.grammar.scenes import KINDS, Kind
from musiscene_training.nano.truth import MODES, PALETTES, Traits

MUSIC_QUESTIONS = prompts.QUESTIONS["music"]
SCENE_QUESTIONS = prompts.QUESTIONS["scene_imagination"]

Random = np.random.Generator

MOST_NAMED = 3
"""Players of an answer."""


def answer(question: str, traits: Traits, random: Random) -> str:
    """An answer to one of the questions, true of music with these traits.

    Raises:
        KeyError: the grammar does not know the question.
    """
    kind = KINDS[kind_of(traits)]
    if question in FRAMES:
        return _of_music(_one(FRAMES[question], random), traits, kind, random)
    own = {prompts.SCENE: kind.frames, prompts.VIDEO: (kind.video_frame,)}[question]
    return _of_scene(_one(own, random), traits, kind, random)


def answers(question: str, traits: Traits, count: int, random: Random) -> tuple[str, ...]:
    """Several answers, each drawn on its own."""
    return tuple(answer(question, traits, random) for _ in range(count))


def every_text() -> Iterator[str]:
    """Texts that together hold every word an answer may have, and every question."""
    yield from (*MUSIC_QUESTIONS, *SCENE_QUESTIONS, *GENRES, *MODES, NOBODY, "a an and")
    for table in (TEMPO_WORDS, ENERGY_WORDS, DRUM_WORDS, PLAYER_WORDS):
        for choices in table.values():
            yield from choices
    for frames in FRAMES.values():
        yield from frames
    for kind in KINDS.values():
        yield from (*kind.states, *kind.moods, *kind.frames, kind.video_frame)
        for picture in kind.pictures:
            yield from (picture.topic, picture.videos, *picture.events, *picture.places)


def names_a_scene(text: str) -> bool:
    """Whether something happens in `text` that happens in a picture of the grammar."""
    return any(
        event in text
        for kind in KINDS.values()
        for picture in kind.pictures
        for event in picture.events
    )


def _of_music(frame: str, traits: Traits, kind: Kind, random: Random) -> str:
    mood = _one(kind.moods, random)
    other = _one([word for word in kind.moods if word != mood], random)
    return frame.format(
        mood=mood,
        other=other,
        a_mood=with_article(mood),
        a_other=with_article(other),
        tempo=_one(TEMPO_WORDS[traits.tempo], random),
        energy=_one(ENERGY_WORDS[traits.energy], random),
        drums=_one(DRUM_WORDS[traits.drums], random),
        players=_players(traits, random),
        mode=traits.mode,
        genre=genre_of(traits),
    )


def _of_scene(frame: str, traits: Traits, kind: Kind, random: Random) -> str:
    picture = kind.pictures[PALETTES.index(traits.palette)]
    return frame.format(
        topic=picture.topic,
        event=_one(picture.events, random),
        place=_one(picture.places, random),
        state=_one(kind.states, random, usual=TEMPI.index(traits.tempo)),
        mood=_one(kind.moods, random),
        videos=picture.videos,
    )


def _players(traits: Traits, random: Random) -> str:
    names = [_one(PLAYER_WORDS[player], random) for player in traits.players[:MOST_NAMED]]
    if not names:
        return NOBODY
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def with_article(word: str) -> str:
    """A word behind "a" or "an"."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _one(choices: Sequence[str], random: Random, *, usual: int = 0) -> str:
    """One of the choices: mostly the usual one, the others the less often the later they come."""
    weights = 1.0 / np.arange(1, len(choices) + 1) ** 2
    drawn = int(random.choice(len(choices), p=weights / weights.sum()))
    return choices[(usual + drawn) % len(choices)]
