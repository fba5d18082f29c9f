"""Music conditions from a language model: asked for in fields, checked, and asked once to mend.

Models answer in prose, in broken JSON, or with a tempo of 0. Such an answer goes back once with
what is wrong with it. If it is no better then, words that can be used stand alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec

from musiscene_core.brief import Caption, Level, MusicDirections
from musiscene_core.captioning.language.cleaning import clean
from musiscene_core.captioning.language.model import (
    Answer,
    LanguageModel,
    OnPiece,
    Sampling,
    unwatched,
)
from musiscene_core.captioning.writing import how_written
from musiscene_core.errors import EngineError
from musiscene_core.keys import key_name, read_key
from musiscene_core.progress import Progress, silent

SLOWEST_BPM, FASTEST_BPM = 20.0, 300.0
_ONLY_WORDS = "The model gave words but no usable fields"
_MOST = 16
"""Names in a list at most."""
_LONGEST_NAME = 80
_SHOWN = 4_000
"""Characters of an answer that go back to the model."""
_ROOM = 256
"""Tokens that the fields beside the words take."""


class UnfitError(Exception):
    """An answer that is no directions; says why, for the model to mend it."""


def directed(
    prompt: str,
    model: LanguageModel,
    sampling: Sampling,
    *,
    length_s: float = 0.0,
    on_piece: OnPiece = unwatched,
    progress: Progress = silent,
) -> Caption:
    """The directions that `model` gives for `prompt`, as a caption that keeps their fields.

    Args:
        prompt: of strategies.conditions_prompt.
        model: whom to ask, twice at most.
        sampling: how to draw the answer.
        length_s: of the scene; levels lie in it. 0 where it is not known.
        on_piece: hears of the words as they grow.
        progress: asked whether they are still wanted.

    Raises:
        EngineError: the model cannot be asked, or gives nothing that can be used.
    """
    given = msgspec.structs.replace(sampling, max_tokens=sampling.max_tokens + _ROOM)
    answer = model.ask(prompt, given, on_piece=_Words(on_piece), progress=progress)
    try:
        return _caption(prompt, answer, given, read_directions(answer.text, length_s))
    except UnfitError as error:
        unfit = error
    mending = (
        f"{prompt}\n\nYour answer was:\n{answer.text[:_SHOWN]}\n\n"
        f"It cannot be used: {unfit}. Answer again, with the JSON object only."
    )
    on_piece("", anew=True)
    again = msgspec.structs.replace(given, seed=given.seed + 1)
    mended = model.ask(mending, again, on_piece=_Words(on_piece), progress=progress)
    try:
        return _caption(mending, mended, again, read_directions(mended.text, length_s))
    except UnfitError as error:
        unfit = error
    for asked, said, drawn in ((prompt, answer, given), (mending, mended, again)):
        words = _prose(said.text)
        if words:
            on_piece(words, anew=True)
            note = f"{_ONLY_WORDS}: {unfit}."
            return Caption(words, "model", how=how_written(asked, said, drawn, words, (note,)))
    raise EngineError(
        f"The language model {model.name} gives no directions: {unfit}.", hint="Try another model."
    )


def read_directions(answer: str, length_s: float = 0.0) -> MusicDirections:
    """The directions in an answer: its first JSON object with words, whatever stands around it.

    Args:
        answer: of a language model.
        length_s: of the scene; 0 where it is not known.

    Raises:
        UnfitError: there is none, or a field of it is not what was asked for.
    """
    fields = _object_in(answer)
    if fields is None:
        raise UnfitError("it has no JSON object" if answer.strip() else "it is empty")
    wrong: list[str] = []

    def taken(name: str, what: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(fields.get(name))
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
            wrong.append(f'"{name}" must be {what}')
            return None

    words = taken("words", "a paragraph about the music", _words)
    tempo = taken("tempo_bpm", f"a number from {SLOWEST_BPM:g} to {FASTEST_BPM:g}", _between_tempos)
    key = taken("key", 'a key such as "D minor"', _key)
    instruments = taken("instruments", "a list of names", _names)
    span = f"the scene's {length_s:.0f} seconds" if length_s else "the scene"
    dynamics = taken(
        "dynamics",
        f'a list of {{"time_s", "level"}}, times within {span}, levels from 0 to 1',
        lambda value: _levels(value, length_s),
    )
    themes = taken("themes", "a list of a few words each", _names)
    if wrong:
        raise UnfitError("; ".join(wrong))
    return MusicDirections(
        words=words,
        tempo_bpm=tempo,
        tonic=key[0],
        mode=key[1],
        instruments=instruments,
        dynamics=dynamics,
        themes=themes,
    )


def in_words(directions: MusicDirections) -> str:
    """Directions as a caption: their words, and what these leave out of tempo, key and sounds."""
    said = directions.words.casefold()
    facts = []
    if "bpm" not in said and "beats per minute" not in said:
        facts.append(f"at {directions.tempo_bpm:g} BPM")
    key = key_name(directions.tonic, directions.mode)
    if key.casefold() not in said:
        facts.append(f"in {key}")
    unnamed = [name for name in directions.instruments if name.casefold() not in said]
    if unnamed:
        facts.append(f"with {', '.join(unnamed)}")
    if not facts:
        return directions.words
    fact = ", ".join(facts)
    return f"{directions.words} {fact[0].upper()}{fact[1:]}."


def _caption(
    prompt: str, answer: Answer, sampling: Sampling, directions: MusicDirections
) -> Caption:
    text = in_words(directions)
    how = how_written(prompt, answer, sampling, text)
    return Caption(text, "model", how=msgspec.structs.replace(how, directions=directions))


def _object_in(answer: str) -> dict[str, Any] | None:
    decoder = json.JSONDecoder()
    at = answer.find("{")
    while at >= 0:
        try:
            found, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and "words" in found:
            return found
        at = answer.find("{", at + 1)
    return None


def _prose(answer: str) -> str:
    """An answer's own words where it is a description after all; empty where it is code."""
    if "{" in answer or "}" in answer:
        return ""
    return clean(answer).text


def _words(value: Any) -> str:
    text = clean(value).text
    if not text:
        raise ValueError
    return text


def _between_tempos(value: Any) -> float:
    tempo = _number(value)
    if not SLOWEST_BPM <= tempo <= FASTEST_BPM:
        raise ValueError
    return round(tempo, 3)


def _key(value: Any) -> tuple[int, Any]:
    key = read_key(value)
    if key is None:
        raise ValueError
    return key


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError
    names = [" ".join(name.split()) for name in value[:_MOST]]
    if not all(0 < len(name) <= _LONGEST_NAME for name in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def _levels(value: Any, length_s: float) -> tuple[Level, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError
    levels = sorted(
        (Level(time_s=_number(one["time_s"]), level=_number(one["level"])) for one in value),
        key=lambda level: level.time_s,
    )
    if not all(0 <= one.time_s <= (length_s or math.inf) and 0 <= one.level <= 1 for one in levels):
        raise ValueError
    return tuple(levels)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)


class _Words:
    """Tells of the words in an answer as they grow, and not of the braces around them."""

    _BEGIN = '"words"'

    def __init__(self, on_piece: OnPiece) -> None:
        self._on_piece = on_piece
        self._text = ""
        self._told = 0

    def __call__(self, piece: str, *, anew: bool = False) -> None:
        """See OnPiece."""
        if anew:
            self._text, self._told = "", 0
            self._on_piece("", anew=True)
        self._text += piece
        words = self._so_far()
        self._on_piece(words[self._told :])
        self._told = len(words)

    def _so_far(self) -> str:
        at = self._text.find(self._BEGIN)
        if at < 0:
            return ""
        quote = self._text.find('"', at + len(self._BEGIN))
        if quote < 0:
            return ""
        end = quote + 1
        while end < len(self._text) and self._text[end] != '"':
            end += 2 if self._text[end] == "\\" else 1
        inner = self._text[quote + 1 : end]
        # An escape that is not whole yet is told with the next piece.
        for cut in range(min(7, len(inner) + 1)):
            try:
                return str(json.loads(f'"{inner[: len(inner) - cut]}"', strict=False))
            except ValueError:
                continue
        return ""
