"""ListenRequest: sound that shall be put into words. Checked when it is made."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from musiscene_core.captioning.generation import PROFILES, Generation
from musiscene_core.captioning.prompts import QUESTIONS
from musiscene_core.errors import RequestError
from musiscene_core.request import SIGNALS, CaptionStrategy, GenerationProfile, LanguageUse
from musiscene_core.timeline import MediaReference

Sectioning = Literal["whole", "each", "found"]
"""Hear a sound as one, in sections of one length, or in those that the music itself has."""

MAX_SOUNDS = 256
MAX_QUESTIONS = 16
MAX_QUESTION = 2_000
"""Characters; about 500 tokens. A captioner may take fewer."""
MAX_SEEN = 20_000
"""Characters that say what is seen."""
SHORTEST_SECTION_S, LONGEST_SECTION_S = 1.0, 3600.0
MAX_ADAPTERS = 8
_LONGEST_S = 7 * 86_400.0


class SoundPart(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a sound file or movie.

    Attributes:
        media: the file, an absolute path on the daemon's machine.
        start_s: file time in seconds.
        end_s: file time in seconds; None for the file's end.
    """

    media: MediaReference
    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        if not self.media.path:
            raise RequestError("The sound has no file.", hint="Name one that is there.")
        end_s = _LONGEST_S if self.end_s is None else self.end_s
        if not 0 <= self.start_s < end_s <= _LONGEST_S:
            raise RequestError(
                "A stretch of sound must begin at 0 s or later and end after it begins.",
                hint="Give its beginning and its end in seconds.",
            )

    @property
    def length_s(self) -> float:
        """Seconds of sound; 0 where only the file knows."""
        return 0.0 if self.end_s is None else self.end_s - self.start_s


class ListenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Sound that shall be put into words.

    Attributes:
        sounds: what to listen to.
        strategy: what the texts are for; it says what is asked where `questions` are none.
        questions: free ones, each answered about every section.
        captioner: who listens; a request never falls to another.
        profile: how freely it chooses its words.
        seed: the same seed gives the same words to the same question about the same sound.
        adapters: house adapters by name, each with its weight.
        sectioning: how long sounds are cut up.
        section_s: seconds of a section where `sectioning` is "each".
        seen: what the picture shows, in words, for fusion and music conditions.
        language: who writes those two.
        schema_version: of this struct.
    """

    sounds: tuple[SoundPart, ...]
    strategy: CaptionStrategy = "music"
    questions: tuple[str, ...] = ()
    captioner: str = SIGNALS
    profile: GenerationProfile = "steady"
    seed: int = 0
    adapters: tuple[tuple[str, float], ...] = ()
    sectioning: Sectioning = "found"
    section_s: float = 30.0
    seen: str = ""
    language: LanguageUse = "auto"
    schema_version: int = 1

    def __post_init__(self) -> None:
        names = {name for name, _ in self.adapters}
        wrong = (
            (not 1 <= len(self.sounds) <= MAX_SOUNDS, f"There must be 1 to {MAX_SOUNDS} sounds."),
            (
                len(self.questions) > MAX_QUESTIONS,
                f"There are more than {MAX_QUESTIONS} questions.",
            ),
            (not 0 <= self.seed < 2**63, "The seed must be a whole number from 0 up."),
            (
                not SHORTEST_SECTION_S <= self.section_s <= LONGEST_SECTION_S,
                f"Sections last {SHORTEST_SECTION_S:g} to {LONGEST_SECTION_S:g} s.",
            ),
            (len(self.seen) > MAX_SEEN, f"What is seen takes more than {MAX_SEEN} characters."),
            (len(self.adapters) > MAX_ADAPTERS, f"There are more than {MAX_ADAPTERS} adapters."),
            (len(names) < len(self.adapters), "An adapter is named twice."),
            (
                "" in names or not all(math.isfinite(weight) for _, weight in self.adapters),
                "An adapter needs a name and a weight.",
            ),
        )
        for failed, message in wrong:
            if failed:
                raise RequestError(message)
        if any(len(question) > MAX_QUESTION for question in self.questions):
            raise RequestError(
                f"A question has more than {MAX_QUESTION} characters.", hint="Ask in fewer words."
            )
        if any(not question.strip() for question in self.questions):
            raise RequestError(
                "The question is empty.",
                hint=f"Ask something, for example: {QUESTIONS['music'][0]}",
            )

    @property
    def generation(self) -> Generation:
        """How answers are drawn."""
        return msgspec.structs.replace(PROFILES[self.profile], seed=self.seed)

    @property
    def asked(self) -> tuple[str, ...]:
        """The questions put to whoever listens."""
        if self.questions:
            return self.questions
        return QUESTIONS.get(self.strategy, QUESTIONS["music"])[:1]

    @property
    def length_s(self) -> float:
        """Seconds of sound, as far as the request says."""
        return sum(sound.length_s for sound in self.sounds)
