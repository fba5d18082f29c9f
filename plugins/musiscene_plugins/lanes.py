"""Which takes share tracks, and which are heard: the takes of a whole film on few tracks.

Takes of one range are a choice: the first is heard, the others lie muted on tracks of their own.
Cues that follow one another share tracks; cues that overlap do not. Knows nothing of editors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from musiscene_core.take import Take
from musiscene_plugins.host import PlaceLayout, TakeInFolder


@dataclass(frozen=True)
class TakeLane:
    """Takes that lie on the same tracks.

    Attributes:
        takes: in order of time; no two overlap.
        heard: whether their tracks are on.
    """

    takes: tuple[TakeInFolder, ...]
    heard: bool


def take_lanes(takes: Sequence[TakeInFolder]) -> tuple[TakeLane, ...]:
    """As few lanes as hold `takes`, in the order in which they are first needed."""
    lanes: list[TakeLane] = []
    ranges = set()
    for placed in takes:
        record = placed.take.record
        heard = record not in ranges
        ranges.add(record)
        free = (
            index
            for index, lane in enumerate(lanes)
            if lane.heard == heard
            and not any(other.take.record.overlap(record) for other in lane.takes)
        )
        index = next(free, None)
        if index is None:
            lanes.append(TakeLane((placed,), heard))
            continue
        together = sorted((*lanes[index].takes, placed), key=lambda put: put.take.record.start)
        lanes[index] = TakeLane(tuple(together), heard)
    return tuple(lanes)


def placed_sounds(take: Take, layout: PlaceLayout) -> Iterator[tuple[str, str]]:
    """The take's sounds to place: what each is called, no two alike, and its file."""
    if layout == "mix":
        yield "mix", take.mix
        return
    taken: set[str] = set()
    for stem in take.stems:
        title, number = stem.title, 1
        while title in taken:
            number += 1
            title = f"{stem.title} {number}"
        taken.add(title)
        yield title, stem.path


def track_titles(titles: Sequence[str], known: set[str]) -> dict[str, str]:
    """Names of new tracks for `titles`, with one number for all where one of them is `known`."""
    names = {title: f"MusiScene {title[:1].upper()}{title[1:]}" for title in titles}
    suffix, number = "", 1
    while any(name + suffix in known for name in names.values()):
        number += 1
        suffix = f" {number}"
    return {title: name + suffix for title, name in names.items()}
