"""What a speech model and a diariser are to spotting: sound in, words or turns out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.soundtrack import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Span = tuple[float, float]
"""Seconds, half-open."""

__all__ = ["SAMPLE_RATE", "Diariser", "Floats", "Segment", "Span", "Transcriber", "Turn", "Waiting"]


class Segment(NamedTuple):
    """A stretch of speech in words.

    Attributes:
        start_s: seconds into the sound.
        end_s: seconds into the sound.
        text: the words.
        words_s: when each word begins; empty where the model does not say.
        language: as in BCP 47.
    """

    start_s: float
    end_s: float
    text: str
    words_s: tuple[float, ...]
    language: str


class Turn(NamedTuple):
    """Somebody speaks.

    Attributes:
        start_s: seconds into the sound.
        end_s: seconds into the sound.
        speaker: whom only this sound knows by that name.
    """

    start_s: float
    end_s: float
    speaker: str


class Transcriber(Protocol):
    """A speech model."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    def transcribe(self, samples: Floats, spans: Sequence[Span]) -> Iterator[Segment]:
        """What is said in `spans` of `samples` [n] at SAMPLE_RATE, one segment after the other.

        Raises:
            EngineError: the model fails.
        """


class Waiting:
    """A speech model that is loaded only once it has to hear something."""

    def __init__(self, name: str, using: Callable[[], AbstractContextManager[Transcriber]]) -> None:
        """Know the model `name`, which `using` has ready for as long as it is entered."""
        self._name = name
        self._using = using

    @property
    def name(self) -> str:
        """See Transcriber."""
        return self._name

    def transcribe(self, samples: Floats, spans: Sequence[Span]) -> Iterator[Segment]:
        """See Transcriber."""
        with self._using() as model:
            yield from model.transcribe(samples, spans)


class Diariser(Protocol):
    """A model that tells speakers apart."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    def turns(self, samples: Floats) -> Sequence[Turn]:
        """Who speaks when in `samples` [n] at SAMPLE_RATE.

        Raises:
            EngineError: the model fails.
        """
