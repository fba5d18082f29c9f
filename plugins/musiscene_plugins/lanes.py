"""Which takes share tracks, and which are heard: the takes of a whole film on few tracks.

Takes of one range are a choice: the first is heard, the others lie muted on tracks of their own.
Cues that follow one another share tracks; cues that overlap do not. Knows nothing of editors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_plugins.host import TakeInFolder


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
