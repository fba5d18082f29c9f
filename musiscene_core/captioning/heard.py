"""What a captioner is given to hear, and what comes of it: a noun on disk and on the wire."""

from __future__ import annotations

from typing import Protocol

import msgspec

from musiscene_core.brief import Caption
from musiscene_core.request import CaptionStrategy
from musiscene_core.timeline import MediaReference

CAPTIONS_NAME = "captions.json"
"""The file in a listening job's folder that holds its SoundCaptions."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of sound that is captioned as one.

    Attributes:
        media: the file.
        start_s: file time in seconds.
        end_s: file time in seconds, after `start_s`.
    """

    media: MediaReference
    start_s: float
    end_s: float


class HeardSection(msgspec.Struct, frozen=True, kw_only=True):
    """A section and the words for it.

    Attributes:
        section: what was heard.
        captions: a text for each question, in their order, each with how it was written; none
            where there is a `problem`.
        problem: why it could not be captioned, in a sentence or two; empty where it was.
    """

    section: Section
    captions: tuple[Caption, ...] = ()
    problem: str = ""


class SoundCaptions(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said of some sound.

    Attributes:
        captioner: who listened.
        version: of the captioner.
        strategy: what the texts are for.
        questions: what was asked of every section, in order.
        sections: what was heard, in the order asked for; at least one has captions.
        schema_version: of this struct.
    """

    captioner: str
    version: str
    strategy: CaptionStrategy
    questions: tuple[str, ...]
    sections: tuple[HeardSection, ...]
    schema_version: int = 1


class OnText(Protocol):
    """Hears texts while they are written."""

    def __call__(self, section: int, question: int, piece: str, *, anew: bool = False) -> None:
        """The text for `question` about `section`, both counted from 0, goes on with `piece`.

        `anew` throws away what it was before. May raise CancelledError, as Progress may; called
        from any thread.
        """


def unheard(section: int, question: int, piece: str, *, anew: bool = False) -> None:
    """Let a text be written unwatched."""
