"""What goes on which track of a Resolve timeline: decided before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import MediaOfflineError
from musiscene_core.ranges import FrameRange
from musiscene_plugins.host import PlaceLayout, TakeInFolder
from musiscene_plugins.lanes import TakeLane, placed_sounds, take_lanes, track_titles


@dataclass(frozen=True)
class Part:
    """A sound to place: which track, on which frames, and whether it is heard."""

    track: str
    path: Path
    record: FrameRange
    heard: bool


def parts_of(
    takes: Sequence[TakeInFolder], layout: PlaceLayout, known: set[str]
) -> tuple[Part, ...]:
    """The sounds of `takes` on new tracks, those of cues that follow one another on the same.

    Args:
        takes: in any order.
        layout: a track a stem, or one for the mix.
        known: names of tracks that are there; new ones get a number where one is among them.

    Raises:
        MediaOfflineError: a take's file is missing.
    """
    parts: list[Part] = []
    known = set(known)
    for lane in take_lanes(takes):
        titles = _titles(lane, layout, known)
        known |= set(titles.values())
        for placed in lane.takes:
            folder = placed.folder.absolute()
            for title, relative in placed_sounds(placed.take, layout):
                path = folder / relative
                if not path.is_file():
                    raise MediaOfflineError(
                        f"The take's file {path} is missing.", hint="Score again."
                    )
                parts.append(Part(titles[title], path, placed.take.record, lane.heard))
    return tuple(parts)


def heard_takes(takes: Sequence[TakeInFolder]) -> list[TakeInFolder]:
    """The first take of each range: the others are choices beside it."""
    return [placed for lane in take_lanes(takes) if lane.heard for placed in lane.takes]


def _titles(lane: TakeLane, layout: PlaceLayout, known: set[str]) -> dict[str, str]:
    sounds = (title for put in lane.takes for title, _ in placed_sounds(put.take, layout))
    return track_titles(list(dict.fromkeys(sounds)), known)
