"""The hit points a user sees: candidates that spotting found, and moments added by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from musiscene_core.brief import SceneBrief

ADDED_LABEL = ""


@dataclass(frozen=True)
class Hit:
    """One moment.

    Attributes:
        frame: cue frame.
        label: what it is called; empty where nobody named it.
        rank: 1 is the one most worth meeting; 0 for those added by hand.
        held: whether the music must meet it.
    """

    frame: int
    label: str = ""
    rank: int = 0
    held: bool = False


def candidates(brief: SceneBrief) -> tuple[Hit, ...]:
    """The hit points of a brief, none of them held."""
    return tuple(
        Hit(point.frame, point.label or point.kind.replace("_", " "), point.rank)
        for point in brief.hit_points
    )


def moved(hits: tuple[Hit, ...], index: int, frame: int, length: int) -> tuple[Hit, ...]:
    """`hits` with one of them elsewhere in the range of `length` frames, and held there."""
    frame = min(max(frame, 0), length - 1)
    return (*hits[:index], replace(hits[index], frame=frame, held=True), *hits[index + 1 :])


def toggled(hits: tuple[Hit, ...], index: int) -> tuple[Hit, ...]:
    """`hits` with one of them held, or left to the engine again; an added one then goes."""
    hit = hits[index]
    if hit.held and not hit.rank:
        return (*hits[:index], *hits[index + 1 :])
    return (*hits[:index], replace(hit, held=not hit.held), *hits[index + 1 :])


def held_frames(hits: tuple[Hit, ...]) -> tuple[int, ...] | None:
    """What a request asks to meet; None leaves the choice to the engine."""
    return tuple(sorted({hit.frame for hit in hits if hit.held})) or None
