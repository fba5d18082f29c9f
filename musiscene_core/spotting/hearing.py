"""What one ear hears under a range, part by part: measured, or found where it was kept.

A part is known by the files that sound in it, from where to where, and by what measures it. So a
range that overlaps an earlier one, or clips that moved together, are measured only where they are
new. A part in which a file could not be read is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.ears import Ear
from musiscene_core.spotting.sound_grid import Part, Stretch, stretches
from musiscene_core.spotting.sound_kept import Arrays, KeptBlocks
from musiscene_core.spotting.soundtrack import Floats, summed
from musiscene_core.spotting.voices import Voice


class Hearing:
    """One ear under record samples [first, last).

    Attributes:
        parts: what it has to hear, in order.
    """

    def __init__(
        self,
        ear: Ear,
        voices: Sequence[Voice],
        first: int,
        last: int,
        kept: KeptBlocks | None = None,
    ) -> None:
        """Make ready to hear those of `voices` that are for this ear."""
        self._ear = ear
        self._voices = [voice for voice in voices if voice.role in ear.roles]
        self._kept = kept
        self._span = (first, last)
        self._found: dict[Stretch, list[Arrays]] = {}
        self.parts = [part for one in stretches(self._voices) for part in one.parts(first, last)]

    def names(self, part: Part) -> list[str]:
        """The files that sound in a part."""
        sounding = self._sounding(part.first, part.last)
        return list(dict.fromkeys(voice.name for voice in sounding))

    def hear(self, part: Part) -> None:
        """Hear one of `parts`; they come in order."""
        first, last = self._ear.around(part)
        sounding = self._sounding(first, last)
        known_by = self._known_by(part, sounding, first, last)
        arrays = self._kept.get(known_by) if self._kept and known_by else None
        if arrays is None or not self._fits(part, arrays):
            arrays = self._ear.measure(part, lambda start, end: summed(sounding, start, end))
            if self._kept and known_by and not any(voice.failed for voice in sounding):
                self._kept.put(known_by, arrays)
        self._found.setdefault(part.stretch, []).append(arrays)

    def rows(self, name: str, start: int, count: int) -> Floats:
        """`count` rows of an array from record sample `start` on, the nearest; 0 in silence."""
        hop, shape = self._ear.gives[name]
        result = np.zeros((count, *shape), np.float32)
        for stretch, found in self._found.items():
            values = np.concatenate([arrays[name] for arrays in found])
            begins = next(part for part in self.parts if part.stretch == stretch).rows(hop)[0]
            first, last = (-((start - edge) // hop) for edge in (stretch.first, stretch.last))
            places = np.arange(max(0, first), min(count, last))
            nearest = (start + places * hop - stretch.origin + hop // 2) // hop - begins
            if len(values):
                result[places] = values[np.clip(nearest, 0, len(values) - 1)]
        return result

    def lead(self, hop: int) -> int:
        """Samples by which the grid's last row at or before the range's first sample precedes it.

        The grid is that of the clip that leads for longest, whose rows need no rounding then.
        """
        first, last = self._span
        longest = max(
            self._found,
            key=lambda one: min(one.last, last) - max(one.first, first),
            default=Stretch(first, first, first),
        )
        return (first - longest.origin) % hop

    def _sounding(self, first: int, last: int) -> list[Voice]:
        return [voice for voice in self._voices if voice.first < last and voice.last > first]

    def _known_by(self, part: Part, sounding: Sequence[Voice], first: int, last: int) -> str:
        """Empty where a file cannot be read."""
        if not all(voice.known_by for voice in sounding):
            return ""
        origin = part.stretch.origin
        spans = (
            (max(voice.first, first) - origin, min(voice.last, last) - origin, voice)
            for voice in sounding
        )
        clips = sorted(
            f"{voice.known_by} {start} {end} {origin - voice.origin}" for start, end, voice in spans
        )
        places = (part.first - origin, part.last - origin, first - origin, last - origin)
        return " ".join([self._ear.name, *map(str, places), *clips])

    def _fits(self, part: Part, arrays: dict[str, npt.NDArray[Any]]) -> bool:
        for name, (hop, shape) in self._ear.gives.items():
            first, last = part.rows(hop)
            if name not in arrays or arrays[name].shape != (last - first, *shape):
                return False
        return True
