"""Sections heard by the nano captioner, and questions about them answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musiscene_core.captioning.checked import SILENCE_PEAK, checked
from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import Section
from musiscene_core.captioning.nano.features import SAMPLE_RATE, WINDOW, WINDOW_S, Floats, views
from musiscene_core.captioning.nano.network import (
    Speaker,
    chances,
    chooser,
    embedding,
    spoken,
    strangeness,
    told,
)
from musiscene_core.captioning.nano.saved import Nano
from musiscene_core.captioning.nano.sentences import Place
from musiscene_core.captioning.nano.words import ANSWER, BEGIN, END
from musiscene_core.errors import RequestError
from musiscene_core.media import iter_audio
from musiscene_core.progress import Progress, silent


@dataclass(frozen=True)
class Impression:
    """What was heard of a section.

    Attributes:
        embedded: the encoder's embedding, the mean over the windows by how long each lasts.
        windows: how many there were.
    """

    embedded: Floats
    windows: int


def listen(nano: Nano, section: Section, progress: Progress = silent) -> Impression:
    """Hear a section, window by window; memory stays the same however long it is.

    Raises:
        MediaError: unreadable, not a number, silent, or too short.
    """
    length_s = max(section.end_s - section.start_s, 1e-3)
    blocks = iter_audio(
        section.media.path,
        Fraction(section.start_s),
        Fraction(section.end_s),
        sample_rate=SAMPLE_RATE,
        stream=section.media.audio_stream,
        block=WINDOW,
    )
    mono = checked((block[0] for block in blocks), section.media.path, SAMPLE_RATE)
    heard, weights, count = [], [], 0
    for window, weight in _windows(mono):
        progress("Listening", min(1.0, count * WINDOW_S / length_s))
        count += 1
        if float(np.abs(window).max()) >= SILENCE_PEAK:
            heard.append(embedding(nano.encoder, nano.manifest.strides, views(window)))
            weights.append(weight)
    mean = np.average(np.stack(heard), axis=0, weights=weights)
    return Impression(mean.astype(np.float32), count)


def attributes(nano: Nano, impression: Impression) -> dict[str, str]:
    """What the encoder tells apart, by name; players are listed together."""
    found = _classes(nano, impression.embedded)
    likely = told(nano.encoder, "players", impression.embedded)
    playing = [name for name, logit in zip(nano.manifest.players, likely, strict=True) if logit > 0]
    found["players"] = ", ".join(playing)
    return found


def likeliest(nano: Nano, impression: Impression, head: str) -> tuple[str, float]:
    """What one of the heads tells of the music, and how likely that is, 0 to 1."""
    found = chances(nano.encoder, head, impression.embedded)
    place = int(np.argmax(found))
    return nano.manifest.classes[head][place], float(found[place])


def is_strange(nano: Nano, impression: Impression) -> bool:
    """Whether the music is unlike all that the captioner learned from."""
    return strangeness(nano.encoder, impression.embedded) > nano.manifest.farthest


def answered(
    nano: Nano, impression: Impression, question: str, settings: Generation
) -> Iterator[str]:
    """The answer to a question as it grows: the whole text so far, each time longer.

    Raises:
        RequestError: it is none of the questions this captioner was trained for.
    """
    adapter = nano.manifest.questions.get(question)
    if adapter is None:
        raise RequestError(
            "The nano captioner cannot answer that question.",
            hint="Ask one of: " + " / ".join(nano.manifest.questions),
        )
    said: list[int] = []
    for token in answer_tokens(nano, impression.embedded, question, adapter, settings):
        said.append(token)
        yield nano.words.text(said)


def answer_tokens(
    nano: Nano,
    embedded: Floats,
    question: str,
    adapter: str,
    settings: Generation,
    *,
    bound: bool = True,
) -> Iterator[int]:
    """The tokens of an answer, heard through one of the adapters whoever the question is for.

    Args:
        nano: who answers.
        embedded: what it hears, [audio width].
        question: what it is asked.
        adapter: by which it hears.
        settings: how freely it chooses its words.
        bound: choose among the words that go on with a sentence for what the encoder's heads tell
            of the music; else among all it knows.
    """
    speaker = Speaker(nano.language, nano.adapters[adapter], embedded, nano.manifest.heads)
    asked = [BEGIN, *nano.words.tokens(question), ANSWER]
    place = list(nano.manifest.questions).index(question)
    choose = chooser(settings.temperature, settings.top_p, (settings.seed, place))
    if bound:
        choose = _Following(nano.sentences.begin(question, _classes(nano, embedded)), choose)
    return spoken(speaker, asked, END, settings.max_tokens, choose)


def _classes(nano: Nano, embedded: Floats) -> dict[str, str]:
    """What each head tells, by its name."""
    return {
        head: names[int(np.argmax(told(nano.encoder, head, embedded)))]
        for head, names in nano.manifest.classes.items()
    }


class _Following:
    """Chooses among the tokens that may follow, and follows what was chosen."""

    def __init__(self, place: Place, choose: Callable[[Floats], int]) -> None:
        self._place = place
        self._choose = choose

    def __call__(self, logits: Floats) -> int:
        allowed = self._place.allowed()
        token = allowed[self._choose(logits[allowed])]
        self._place = self._place.after(token)
        return token


def _windows(blocks: Iterator[Floats]) -> Iterator[tuple[Floats, float]]:
    """Windows [WINDOW] and how much of each is new; a short sound goes round until it fills one."""
    before: Floats | None = None
    for block in blocks:
        if len(block) == WINDOW:
            window = block
        elif before is None:
            window = np.resize(block, WINDOW)
        else:
            window = np.concatenate([before, block])[-WINDOW:]
        yield window, len(block) / WINDOW
        before = block
