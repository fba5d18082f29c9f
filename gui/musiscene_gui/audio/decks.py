"""Decks: the tracks of one take, each behind a fader that never jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_gui.audio.sources import Floats, Source

RAMP = 960
"""Samples a fader takes over its whole travel: 20 ms."""

Gain = float | npt.NDArray[np.float64]


class Track(NamedTuple):
    """One sound of a deck and what to call it."""

    name: str
    source: Source


class Fader:
    """A gain that moves to where it is told at a limited speed."""

    def __init__(self, gain: float = 1.0) -> None:
        self._now = gain
        self._wanted = gain

    def move(self, gain: float) -> None:
        """Be at `gain` soon."""
        self._wanted = max(0.0, gain)

    def snap(self) -> None:
        """Be where it is told at once: nothing sounds."""
        self._now = self._wanted

    def next(self, count: int) -> Gain:
        """The gains of the next `count` samples: one number where it rests, else [count, 1]."""
        if self._now == self._wanted:
            return self._now
        steps = np.arange(1, count + 1) / RAMP
        if self._wanted > self._now:
            gains = np.minimum(self._now + steps, self._wanted)
        else:
            gains = np.maximum(self._now - steps, self._wanted)
        self._now = float(gains[-1])
        return gains[:, None]


class Deck:
    """Tracks that play together from one position.

    Attributes:
        length: of the longest, in samples.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.tracks = tuple(tracks)
        self.length = max((track.source.length for track in self.tracks), default=0)
        self._faders = tuple(Fader() for _ in self.tracks)
        self._silent: set[int] = set()

    def set_gains(self, gains: Sequence[float]) -> None:
        """Move the faders, one gain a track, 1.0 leaves it as it is."""
        for fader, gain in zip(self._faders, gains, strict=True):
            fader.move(gain)

    def snap(self) -> None:
        """Let every fader be where it is told."""
        for fader in self._faders:
            fader.snap()

    def gains(self, count: int) -> list[Gain]:
        """What each track's next `count` samples are to be multiplied by; the faders move on."""
        return [fader.next(count) for fader in self._faders]

    def read(
        self, first: int, count: int, gains: Sequence[Gain], report: Callable[[MediaError], None]
    ) -> Floats:
        """The sum of the tracks [count, 2] from sample `first` on.

        A track that can no longer be read is silent from then on, and reported once.
        """
        total = np.zeros((count, 2))
        for number, (track, gain) in enumerate(zip(self.tracks, gains, strict=True)):
            at_rest = isinstance(gain, float)
            if number in self._silent or (at_rest and gain == 0.0):
                continue
            try:
                sound = track.source.read(first, count)
            except MediaError as error:
                self._silent.add(number)
                report(error)
                continue
            # Left as it is at unity, so that stems sum to the mix bit for bit.
            total += sound if at_rest and gain == 1.0 else sound * gain
        return total

    def close(self) -> None:
        """Let go of every file."""
        for track in self.tracks:
            track.source.close()
