"""The messages that hand over work; each is answered by Accepted once the job cannot be lost.

Each carries the client's own name for the wish (sent again, it gives the same job again), how
urgent it is, and which of its owner's programs sent it.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from musiscene_core.captioning.request import ListenRequest
from musiscene_core.protocol.state import Priority
from musiscene_core.request import CaptionRequest, ComposeRequest, ScoreRequest
from musiscene_core.timeline import TimelineRange


class SubmitSpot(msgspec.Struct, frozen=True, tag="submit_spot"):
    """Asks to spot a range; answered by Accepted once the job can no longer be lost.

    Attributes:
        timeline: the range.
        key: the client's own name for this wish: sent again, it gives the same job again.
        priority: interactive begins before batch.
        session: names the program among its owner's; sessions take turns. Goes with every
            submission, so that it outlives a connection.
    """

    timeline: TimelineRange
    key: str
    priority: Priority = "interactive"
    session: str = ""


class SubmitScore(msgspec.Struct, frozen=True, tag="submit_score"):
    """Asks to score a request; answered by Accepted once the job can no longer be lost.

    Attributes:
        request: what is wanted.
        key: as in SubmitSpot.
        priority: interactive begins before batch.
        session: as in SubmitSpot.
    """

    request: ScoreRequest
    key: str
    priority: Priority = "interactive"
    session: str = ""


class SubmitCompose(msgspec.Struct, frozen=True, tag="submit_compose"):
    """Asks for a cue without picture; answered by Accepted once the job can no longer be lost.

    Attributes:
        request: what is wanted.
        key: as in SubmitSpot.
        priority: interactive begins before batch.
        session: as in SubmitSpot.
    """

    request: ComposeRequest
    key: str
    priority: Priority = "interactive"
    session: str = ""


class SubmitCaption(msgspec.Struct, frozen=True, tag="submit_caption"):
    """Asks to write captions anew; answered by Accepted once the job can no longer be lost.

    Attributes:
        request: the brief, and which of its captions.
        key: as in SubmitSpot.
        priority: interactive begins before batch.
        session: as in SubmitSpot.
    """

    request: CaptionRequest
    key: str
    priority: Priority = "interactive"
    session: str = ""


class SubmitConform(msgspec.Struct, frozen=True, kw_only=True, tag="submit_conform"):
    """Asks to fit music to a range that changed; answered by Accepted once it cannot be lost.

    Attributes:
        timeline: the range as it is now.
        take_id: the take to fit, or the beginning of its id; empty where `request` says it.
        request: what the music was made from; None where `take_id` says it.
        earlier: with `request`, the folder of the take, on the daemon's machine; empty where there
            is none.
        key: as in SubmitSpot.
        priority: interactive begins before batch.
        session: as in SubmitSpot.
    """

    timeline: TimelineRange
    take_id: str = ""
    request: ScoreRequest | None = None
    earlier: str = ""
    key: str
    priority: Priority = "interactive"
    session: str = ""


class SubmitListen(msgspec.Struct, frozen=True, tag="submit_listen"):
    """Asks to put sound into words; answered by Accepted once the job can no longer be lost.

    Attributes:
        request: the sound, and what to ask of it.
        key: as in SubmitSpot.
        priority: interactive begins before batch.
        session: as in SubmitSpot.
    """

    request: ListenRequest
    key: str
    priority: Priority = "interactive"
    session: str = ""


Submission: TypeAlias = (
    SubmitSpot | SubmitScore | SubmitCompose | SubmitCaption | SubmitConform | SubmitListen
)
