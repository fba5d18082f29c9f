"""The grid on which sound is measured: the one of the file that sounds.

Where several clips sound, the grid is that of the one that began first. So what is measured does
not depend on where a range begins, nor on where an editor moves a clip with all that sounds under
it. A part is as much of a block of the grid as one clip leads.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from musiscene_core.spotting.sound_kept import BLOCK_S
from musiscene_core.spotting.voices import SAMPLE_RATE, Voice

BLOCK = round(BLOCK_S * SAMPLE_RATE)
"""Samples of a block."""


class Stretch(NamedTuple):
    """Record samples [first, last) on the grid of one clip.

    Attributes:
        first: where the clip begins to lead.
        last: where it no longer does.
        origin: where block 0 of the grid begins.
    """

    first: int
    last: int
    origin: int

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """The parts that touch [first, last), in order."""
        start, end = max(self.first, first), min(self.last, last)
        if start >= end:
            return
        for block in range((start - self.origin) // BLOCK, -((self.origin - end) // BLOCK)):
            begins = self.origin + block * BLOCK
            yield Part(self, max(self.first, begins), min(self.last, begins + BLOCK))


class Part(NamedTuple):
    """Record samples [first, last) of one block of a stretch."""

    stretch: Stretch
    first: int
    last: int

    def rows(self, hop: int) -> tuple[int, int]:
        """The numbers [first, last) of the grid's rows, one every `hop` samples, that lie in it."""
        origin = self.stretch.origin
        return -((origin - self.first) // hop), -((origin - self.last) // hop)


def stretches(voices: Sequence[Voice]) -> tuple[Stretch, ...]:
    """Where anything sounds, and on whose grid, in order; silence lies between."""
    coming = sorted(voices, key=lambda voice: (voice.first, voice.role, voice.known_by))
    edges = sorted({edge for voice in voices for edge in (voice.first, voice.last)})
    sounding: list[tuple[int, int]] = []
    begun = 0
    found: list[Stretch] = []
    for start, end in itertools.pairwise(edges):
        while begun < len(coming) and coming[begun].first <= start:
            heapq.heappush(sounding, (begun, coming[begun].last))
            begun += 1
        while sounding and sounding[0][1] <= start:
            heapq.heappop(sounding)
        if not sounding:
            continue
        origin = coming[sounding[0][0]].origin
        if found and found[-1].last == start and found[-1].origin == origin:
            found[-1] = found[-1]._replace(last=end)
        else:
            found.append(Stretch(start, end, origin))
    return tuple(found)
