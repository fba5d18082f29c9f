"""Critique: what the critic says of one take among those made together."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from musiscene_core.errors import InputError
from musiscene_core.library.folders import SkippedError, read_bounded

CRITIQUE_FILE = "critique.json"
"""The file beside a take's take.json that holds its critique."""

_MAX_BYTES = 1 << 20

CriterionName = Literal["feeling", "words", "hits", "loudness"]


class Felt(msgspec.Struct, frozen=True):
    """What a stretch of music feels like.

    Attributes:
        start_s: cue time in seconds.
        end_s: cue time in seconds.
        valence: -1 (unpleasant) to 1 (pleasant).
        arousal: -1 (calm) to 1 (excited).
    """

    start_s: float
    end_s: float
    valence: float
    arousal: float


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a take was judged by.

    Attributes:
        name: which.
        score: 0 (not at all as the brief wants it) to 1.
        weight: its share of the whole, before shares are evened out to 1.
        says: what was found, in a few words.
    """

    name: CriterionName
    score: float
    weight: float
    says: str


class Critique(msgspec.Struct, frozen=True, kw_only=True):
    """How well a take fits its brief, and how it compares.

    Attributes:
        take: the take's name.
        rank: 1 is the best of those judged together.
        among: how many they were.
        score: the weighted mean of its criteria, 0 to 1.
        criteria: what could be judged, the weightiest first.
        reason: why it stands where it stands, in a sentence.
        listener: who put the takes into words: a captioner, or "signals", which measures.
        heard: what that one said of the take.
        felt: what it was measured to feel like, stretch by stretch, in order.
        note: why it was not the captioner asked for; empty where it was.
        schema_version: of this struct.
    """

    take: str
    rank: int
    among: int
    score: float
    criteria: tuple[Criterion, ...]
    reason: str
    listener: str
    heard: tuple[str, ...] = ()
    felt: tuple[Felt, ...] = ()
    note: str = ""
    schema_version: int = 1


def read_critique(take_folder: Path) -> Critique | None:
    """The critique kept beside a take; None where there is none.

    Trusts nothing of it: a take's folder may come from anywhere.

    Raises:
        InputError: it is damaged, no file, or too large.
    """
    path = take_folder / CRITIQUE_FILE
    try:
        return msgspec.json.decode(read_bounded(path, _MAX_BYTES), type=Critique)
    except FileNotFoundError:
        return None
    except (OSError, SkippedError, msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read: {error}", hint="Have the takes judged again."
        ) from error
