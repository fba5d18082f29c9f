"""The grammar as forms with fields and the choices for each: what an answer may consist of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from musiscene_core.captioning import prompts
from musiscene_core.captioning.nano.sentences import Form
from musiscene_training.nano.grammar.music import (
    DRUM_WORDS,
    ENERGY_WORDS,
    FRAMES,
    GENRES,
    NOBODY,
    PLAYER_WORDS,
    TEMPO_WORDS,
    Words,
)
from musiscene_training.nano.grammar.scenes import KINDS
from musiscene_training.nano.grammar.writing import MOST_NAMED, with_article
from musiscene_training.nano.truth import MODES, PALETTES

_FIELD = re.compile(r"\{(\w+)\}")
_OF_A_PICTURE = ("topic", "event", "place", "videos")


def forms() -> dict[str, tuple[Form, ...]]:
    """By question, every sentence with its fields; of a scene, one for each kind and picture.

    What a scene's fields hold goes together that way, and is for music of that kind and palette;
    an answer about music may join any words.
    """
    known = {
        question: tuple(
            frame.replace("{players}", named) for frame in frames for named in _numbers_of_players()
        )
        for question, frames in FRAMES.items()
    }
    music = {
        question: tuple(Form(text) for text in dict.fromkeys(held))
        for question, held in known.items()
    }
    scenes: dict[str, list[Form]] = {prompts.SCENE: [], prompts.VIDEO: []}
    for name, kind in KINDS.items():
        for palette in PALETTES:
            scenes[prompts.SCENE] += [_named(frame, name, palette) for frame in kind.frames]
            scenes[prompts.VIDEO].append(_named(kind.video_frame, name, palette))
    return music | {question: tuple(held) for question, held in scenes.items()}


def choices() -> dict[str, tuple[str, ...]]:
    """What may stand in each field of forms()."""
    moods = tuple(sorted({mood for kind in KINDS.values() for mood in kind.moods}))
    held = {
        "mood": moods,
        "other": moods,
        "a_mood": tuple(with_article(mood) for mood in moods),
        "a_other": tuple(with_article(mood) for mood in moods),
        "tempo": _every(TEMPO_WORDS),
        "energy": _every(ENERGY_WORDS),
        "drums": _every(DRUM_WORDS),
        "player": _every(PLAYER_WORDS),
        "mode": MODES,
        "genre": GENRES,
    }
    for name, kind in KINDS.items():
        held |= {f"{name}.state": kind.states, f"{name}.mood": kind.moods}
        for palette, picture in zip(PALETTES, kind.pictures, strict=True):
            held |= {
                f"{name}.{palette}.topic": (picture.topic,),
                f"{name}.{palette}.event": picture.events,
                f"{name}.{palette}.place": picture.places,
                f"{name}.{palette}.videos": (picture.videos,),
            }
    return held


def _named(frame: str, kind: str, palette: str) -> Form:
    def whose(field: re.Match[str]) -> str:
        owner = f"{kind}.{palette}" if field[1] in _OF_A_PICTURE else kind
        return f"{{{owner}.{field[1]}}}"

    return Form(_FIELD.sub(whose, frame), {"kind": kind, "palette": palette})


def _numbers_of_players() -> Sequence[str]:
    """Nobody, one player, two, and so on."""
    named = [NOBODY, "{player}"]
    for count in range(2, MOST_NAMED + 1):
        named.append(", ".join(["{player}"] * (count - 1)) + " and {player}")
    return named


def _every(table: Words) -> tuple[str, ...]:
    return tuple(choice for choices in table.values() for choice in choices)
