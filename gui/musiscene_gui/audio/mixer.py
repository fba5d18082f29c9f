"""Mixer: one of several takes played from one position, with whatever lies beside it.

Knows nothing of devices or clocks: it is asked for samples. Wherever sound would jump (play,
pause, a new position, another take, the end of a loop) what sounded fades out while what comes
fades in, `FADE` samples long; the two gains sum to one, so what both share stays as it is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_gui.audio.decks import Deck, Gain
from musiscene_gui.audio.sources import Floats

FADE = 480
"""Samples: 10 ms."""

_SHAPE = (1.0 - np.cos(np.pi * np.arange(FADE + 1) / FADE)) / 2.0
_BED = "\0bed"
_KEPT_PROBLEMS = 20

NOTHING = ""
"""The key to listen to no take: what lies beside it is heard alone."""


class _Head:
    """A place from which a take is being played, which way, and how far it has faded in."""

    def __init__(self, key: str, position: int, way: int = 1) -> None:
        self.key = key
        self.position = position
        self.way = way
        # A cue's own beginning may be an attack, which a fade would dull.
        self.level = 0 if position else FADE
        self.leaving = False

    @property
    def gone(self) -> bool:
        return self.leaving and self.level == 0

    def fade(self, count: int) -> Gain:
        """The fade's gains of the next `count` samples."""
        if not self.leaving and self.level == FADE:
            return 1.0
        step = -1 if self.leaving else 1
        levels = np.clip(self.level + step * np.arange(1, count + 1), 0, FADE)
        self.level = int(levels[-1])
        return np.asarray(_SHAPE[levels])[:, None]


class Mixer:
    """Takes by key, one of them heard. Any thread may ask anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decks: dict[str, Deck] = {}
        self._head: _Head | None = None
        self._fading: list[_Head] = []
        self._position = 0
        self._key = NOTHING
        self._loop: tuple[int, int] | None = None
        self._seamless = False
        self._length = 0
        self._problems: deque[MediaError] = deque(maxlen=_KEPT_PROBLEMS)

    @property
    def position(self) -> int:
        """The next sample to be played, in cue samples."""
        head = self._head
        return head.position if head else self._position

    @property
    def playing(self) -> bool:
        """Whether the position moves."""
        return self._head is not None

    @property
    def backwards(self) -> bool:
        """Whether it plays backwards."""
        return self._head is not None and self._head.way < 0

    @property
    def silent(self) -> bool:
        """Whether nothing sounds any more, not even a fade."""
        return self._head is None and not self._fading

    @property
    def key(self) -> str:
        """The take that is heard."""
        return self._key

    @property
    def length(self) -> int:
        """Samples to the end of the cue."""
        return self._length

    def load(self, key: str, deck: Deck) -> None:
        """Have `deck` at hand as `key`; an older one of that key fades out of use."""
        with self._lock:
            deck.snap()
            old = self._decks.get(key)
            self._decks[key] = deck
            self._measure()
        if old is not None:
            old.close()

    def unload(self, key: str) -> None:
        """Let go of a take; where it is heard, the sound stops."""
        with self._lock:
            deck = self._decks.pop(key, None)
            self._fading = [head for head in self._fading if head.key != key]
            if self._key == key:
                self._position = self.position
                self._head = None
                self._key = NOTHING
            self._measure()
        if deck is not None:
            deck.close()

    def set_bed(self, deck: Deck | None) -> None:
        """Play `deck` beside whatever take is heard: dialogue, the temp track."""
        with self._lock:
            old = self._decks.pop(_BED, None)
            if deck is not None:
                deck.snap()
                self._decks[_BED] = deck
            self._measure()
        if old is not None:
            old.close()

    def set_bed_gains(self, gains: Sequence[float]) -> None:
        """As `set_gains`, for what lies beside the takes."""
        self.set_gains(_BED, gains)

    def set_gains(self, key: str, gains: Sequence[float]) -> None:
        """Move a take's faders, one gain a track; nothing happens where there is no such take."""
        with self._lock:
            deck = self._decks.get(key)
            if deck is None:
                return
            deck.set_gains(gains)
            if self.silent:
                deck.snap()

    def listen(self, key: str) -> None:
        """Hear another take (NOTHING: none) from the very sample reached."""
        with self._lock:
            if key == self._key or (key and key not in self._decks):
                return
            self._key = key
            if self._head is not None:
                self._jump(self._head.position)

    def play(self, *, backwards: bool = False) -> None:
        """Go on, either way; from the other end where nothing is left that way."""
        way = -1 if backwards else 1
        with self._lock:
            if not self._length or (self._head is not None and self._head.way == way):
                return
            start, end = self._loop or (0, self._length)
            at = self.position
            if backwards:
                at = end if at <= 0 or (self._loop and at <= start) else min(at, self._length)
            elif at >= self._length or (self._loop and at >= end):
                at = start
            self._retire()
            self._head = _Head(self._key, at, way)

    def pause(self) -> None:
        """Stop, and stay."""
        with self._lock:
            if self._head is not None:
                self._position = self._head.position
                self._retire()

    def seek(self, sample: int) -> None:
        """Be at cue sample `sample`, held inside the cue."""
        with self._lock:
            sample = min(max(0, sample), self._length)
            if self._head is None:
                self._position = sample
            else:
                self._jump(sample)

    def set_loop(self, loop: tuple[int, int] | None, *, seamless: bool = False) -> None:
        """Play [start, end) round and round; None plays on.

        Args:
            loop: cue samples.
            seamless: the sound is made to go round: its end joins its beginning with no fade.
        """
        with self._lock:
            self._loop = loop if loop and loop[1] > loop[0] else None
            self._seamless = seamless

    def take_problems(self) -> list[MediaError]:
        """What could not be read since the last time."""
        with self._lock:
            found = list(self._problems)
            self._problems.clear()
        return found

    def close(self) -> None:
        """Let go of all files."""
        with self._lock:
            self._head, self._fading = None, []
            decks, self._decks = list(self._decks.values()), {}
        for deck in decks:
            deck.close()

    def render(self, count: int) -> npt.NDArray[np.float32]:
        """The next `count` samples [count, 2], within full scale."""
        total = np.zeros((count, 2))
        with self._lock:
            at = 0
            while at < count and not self.silent:
                size = min(count - at, self._until_turn())
                total[at : at + size] += self._mixed(size)
                at += size
                self._turn()
        np.clip(total, -1.0, 1.0, out=total)
        return total.astype(np.float32)

    def _mixed(self, count: int) -> Floats:
        heads = [*self._fading, *([self._head] if self._head else [])]
        keys = {head.key for head in heads} | {_BED}
        gains = {key: self._decks[key].gains(count) for key in keys if key in self._decks}
        total = np.zeros((count, 2))
        for head in heads:
            fade = head.fade(count)
            for key in (head.key, _BED):
                if key in gains:
                    sound = self._read(head, key, count, gains[key])
                    total += sound if isinstance(fade, float) else sound * fade
            head.position += head.way * count
        self._fading = [head for head in self._fading if not head.gone]
        return total

    def _read(self, head: _Head, key: str, count: int, gains: list[Gain]) -> Floats:
        """What `head` passes next of one deck, in the order in which it passes it."""
        if head.way > 0:
            return self._decks[key].read(head.position, count, gains, self._problems.append)
        turned = [gain if isinstance(gain, float) else gain[::-1] for gain in gains]
        first = head.position - count
        return self._decks[key].read(first, count, turned, self._problems.append)[::-1]

    def _until_turn(self) -> int:
        """Samples until the position turns back or ends."""
        if self._head is None:
            return FADE
        at = self._head.position
        if self._head.way < 0:
            start = self._loop[0] if self._loop and at > self._loop[0] else 0
            return max(1, at - start)
        if self._loop and at < self._loop[1]:
            return self._loop[1] - at
        return max(1, self._length - at)

    def _turn(self) -> None:
        """Go back where a loop ends; stop where the cue does."""
        head = self._head
        if head is None:
            return
        if head.way < 0:
            if self._loop and head.position == self._loop[0]:
                self._jump(min(self._loop[1], self._length))
            elif head.position <= 0:
                self._position = 0
                self._retire()
            return
        if self._loop and head.position == min(self._loop[1], self._length):
            if self._seamless:
                head.position = self._loop[0]
            else:
                self._jump(self._loop[0])
        elif head.position >= self._length:
            self._position = self._length
            self._retire()

    def _jump(self, sample: int) -> None:
        way = self._head.way if self._head is not None else 1
        self._retire()
        self._head = _Head(self._key, sample, way)

    def _retire(self) -> None:
        if self._head is not None:
            self._head.leaving = True
            self._fading.append(self._head)
            self._head = None

    def _measure(self) -> None:
        takes = [deck.length for key, deck in self._decks.items() if key != _BED]
        bed = self._decks.get(_BED)
        self._length = max(takes, default=bed.length if bed else 0)
