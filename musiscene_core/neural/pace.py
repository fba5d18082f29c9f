"""How many threads take a step, found out by taking some with one number and some with another.

Where all cores compute and another program needs one, every meeting waits for a thread that has
none: measured on two cores a step of MusicGen takes 36 ms in two threads then and 26 in one; where
nothing else runs, 13 and 22. What other programs do cannot be asked everywhere. A step's time can.
"""

from __future__ import annotations

_FASTER = 0.95
"""Of the time before, from which on a number of threads is taken for the faster one."""
_HELD_UP = 1.4
"""Times as long as the call before: something else has begun to work."""
_SOON, _AT_MOST = 4, 64
"""Calls between two trials: at first, and after trials that changed nothing."""


class Pace:
    """Between two numbers of threads: what serves always, and what serves while cores are free.

    Attributes:
        parts: threads of the next call.
    """

    def __init__(self, least: int, most: int) -> None:
        """Begin with the fewer: work that soon ends takes no core from anyone."""
        self._both = least, most
        self.parts = self._usual = least
        self._last_s = 0.0
        self._calls, self._every = 0, _SOON

    def took(self, seconds: float) -> None:
        """A step of the last call, with `parts`, took so long."""
        if self.parts != self._usual:
            better = seconds < _FASTER * self._last_s
            self._usual = self.parts if better else self._usual
            self._every = _SOON if better else min(_AT_MOST, 2 * self._every)
            self._calls = 0
            self._last_s = seconds if better else self._last_s
        else:
            if self._last_s and seconds > _HELD_UP * self._last_s:
                self._calls = self._every = _SOON
            self._calls += 1
            self._last_s = seconds
        least, most = self._both
        other = most if self._usual == least else least
        self.parts = other if self._calls >= self._every else self._usual
