"""Sections heard once each, and every question about each of them answered, some at a time.

Memory does not grow with the number of sections, but for the words. What is said of one never
depends on the others, nor on how many are answered at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import OnText, Section, unheard
from musiscene_core.captioning.mullama.config import CHUNK_S
from musiscene_core.captioning.mullama.listening import file_chunks
from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.errors import InputError
from musiscene_core.progress import Progress, silent

BATCH = 8
"""Answers drawn at a time: a step reads the weights once for all of them."""
SHOWN_S = 0.05
"""A token that takes longer is worth telling."""
_HEARING = 0.5
"""Share of the progress that hearing gets, the rest being for answers."""

T = TypeVar("T")


class Ladder(Protocol):
    """Does work again with less at a time where memory runs out."""

    def __call__(self, step: Callable[[int], T], batch: int) -> T:
        """Do all of `step`, which takes the most items at a time; it may be begun again."""


def as_it_is(step: Callable[[int], T], batch: int) -> T:
    """No ladder: memory suffices or does not."""
    return step(batch)


@dataclass
class Said:
    """What came of one section.

    Attributes:
        answers: to each question, in order; none where there is a problem.
        problem: why it could not be heard.
    """

    answers: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class _Row:
    """A question about a section, by their places, and what was heard: features [S, W]."""

    section: int
    question: int
    features: Tensor


def ask(
    model: MuLlama,
    sections: Sequence[Section],
    questions: Sequence[str],
    settings: Generation,
    *,
    on_text: OnText = unheard,
    progress: Progress = silent,
    ladder: Ladder = as_it_is,
    batch: int = BATCH,
    token_s: float | None = None,
) -> list[Said]:
    """Answer every question about every section.

    Args:
        model: the captioner.
        sections: of any files.
        questions: plain words.
        settings: how to draw answers.
        on_text: hears texts as they grow; what it raises ends the work.
        progress: hears of every layer and token; what it raises ends the work.
        ladder: what to do where memory runs out.
        batch: answers at a time.
        token_s: seconds that a token takes here, to be shown; None where nobody can say.

    Returns:
        For each section its answers, or why it cannot be heard.

    Raises:
        RequestError: a question is empty or too long.
        EngineError: the weights give no numbers.
    """
    model.check(questions, settings)
    work = _Work(model, sections, questions, settings, on_text, progress, token_s)
    waiting: list[_Row] = []
    for row in work.rows():
        waiting.append(row)
        if len(waiting) == batch:
            work.answer(waiting, ladder)
            waiting = []
    work.answer(waiting, ladder)
    return work.said


class _Work:
    def __init__(
        self,
        model: MuLlama,
        sections: Sequence[Section],
        questions: Sequence[str],
        settings: Generation,
        on_text: OnText,
        progress: Progress,
        token_s: float | None,
    ) -> None:
        self._model = model
        self._sections = sections
        self._questions = questions
        self._settings = settings
        self._on_text = on_text
        self._progress = progress
        self._pace = f", about {token_s:.2g} s a token" if token_s and token_s >= SHOWN_S else ""
        self._heard = 0.0
        self._answered = 0
        self._stage = "Listening"
        self._told: dict[tuple[int, int], int] = {}
        self.said = [Said() for _ in sections]

    def rows(self) -> Iterator[_Row]:
        """Hear the sections, one after the other."""
        for place, section in enumerate(self._sections):
            try:
                features = self._hear(place, section)
            except InputError as error:
                self.said[place].problem = str(error)
                self._answered += len(self._questions)
                continue
            for question in range(len(self._questions)):
                yield _Row(place, question, features)

    def _hear(self, place: int, section: Section) -> Tensor:
        self._stage = f"Listening to section {place + 1} of {len(self._sections)}"
        chunks = max(1, ceil((section.end_s - section.start_s) / CHUNK_S))
        done = 0

        def counted(fraction: float) -> None:
            nonlocal done
            self._heard = place + min(1.0, (done + fraction) / chunks)
            done += fraction == 1.0
            self._tell()

        self._heard = place
        self._tell()
        blocks = file_chunks(
            section.media.path,
            Fraction(section.start_s),
            Fraction(section.end_s),
            stream=section.media.audio_stream,
        )
        return self._model.encode(blocks, counted)

    def answer(self, rows: list[_Row], ladder: Ladder) -> None:
        """Answer some rows, fewer at a time where memory runs out."""
        if not rows:
            return
        self._stage = (
            f"Describing section {rows[-1].section + 1} of {len(self._sections)}{self._pace}"
        )
        self._tell()

        def step(most: int) -> list[str]:
            return [
                text
                for at in range(0, len(rows), most)
                for text in self._together(rows[at : at + most])
            ]

        for row, text in zip(rows, ladder(step, len(rows)), strict=True):
            self.said[row.section].answers.append(text)
        self._answered += len(rows)

    def _together(self, rows: list[_Row]) -> list[str]:
        grown = [0] * len(rows)

        def hear(index: int, piece: str) -> None:
            self._tell()
            row = rows[index]
            key = row.section, row.question
            # Work that was begun again says the same again: only what is new is passed on.
            known = self._told.get(key, 0)
            fresh = piece[max(0, known - grown[index]) :]
            grown[index] += len(piece)
            if fresh:
                self._told[key] = grown[index]
                self._on_text(row.section, row.question, fresh)

        return self._model.answer(
            torch.stack([row.features for row in rows]),
            [self._questions[row.question] for row in rows],
            self._settings,
            hear,
        )

    def _tell(self) -> None:
        heard = self._heard / len(self._sections)
        answered = self._answered / (len(self._sections) * len(self._questions))
        self._progress(self._stage, _HEARING * heard + (1 - _HEARING) * answered)
