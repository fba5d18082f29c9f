"""Where music can meet picture: beats, half beats, and, where no beat is sure, its attacks.

A half beat is only a place where something is struck, and a beat on which nothing is struck is a
poor one: it meets a cut for nobody's ear. Bar lines are good always, for there the harmony turns.
Where an attack is clear, the place is where it is heard and not where the beat is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.grid import Grid
from musiscene_core.spotting.onsets import RATE

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PlaceKind = Literal["bar line", "beat", "half beat", "attack"]

_OFF_BAR = 0.55
_HALF = 0.5
"""How good half a beat is against a beat as loud."""
_STRUCK = 0.35
"""Of the onsets at most places: with fewer, nothing is struck."""
_SILENT = -3.0
"""How good a beat is on which nothing is: hardly better than none."""
_CLEAR = 0.6
"""The same, from which its attack is surer than its beat."""
_SAME_S = 0.012
"""A beat that near its attack is where it is: the line through all beats is steadier."""
_REACH = 4
"""Rows to either side in which a place's attack lies."""
_LEAST_ATTACK = 0.2
"""Of onset strength in both bands: what only swells has less."""
_FAINT = 0.3
"""Of most attacks' strength: what has less is not heard as one beside them."""
_ALONE = 10
"""Rows to either side in which an attack is the strongest."""
_FEWEST_ATTACKS = 4
_ROOM_S = 0.5
"""After an attack that may be the last: cut off sooner, it would hardly ring."""
_ATTACK = 0.7
"""How good an attack is, where there are no beats, against a bar line as loud."""


@dataclass(frozen=True)
class Places:
    """Moments of music, in order.

    Attributes:
        at_s: in its own seconds [n].
        strength: how good each is to meet picture with, 0 to 1, below 0 where nothing is struck
            [n].
        kinds: what each is [n].
        ends: which may be the last accent [n].
    """

    at_s: Doubles
    strength: Doubles
    kinds: tuple[PlaceKind, ...]
    ends: Flags


def places_in(grid: Grid) -> Places:
    """The places of music whose beats are `grid`; none where it has neither beats nor attacks."""
    if not grid.usable:
        return _attacks(grid)
    beats = grid.beats_s
    at_s = np.empty(2 * len(beats) - 1)
    at_s[::2], at_s[1::2] = beats, (beats[1:] + beats[:-1]) / 2
    on_bar = np.zeros(len(at_s), np.bool_)
    on_bar[2 * grid.bar_lines] = True
    on_beat = np.arange(len(at_s)) % 2 == 0
    curve = grid.heard.onsets.sum(axis=1)
    rows = np.clip(np.round(at_s * RATE).astype(np.int64), 0, len(curve) - 1)
    strongest, heard = _strongest(curve, rows)
    loud = np.clip(heard / max(float(np.quantile(heard, 0.9)), 1e-9), 0.0, 1.0)
    attacks = _between_rows(curve, strongest)
    at_s = np.where((loud >= _CLEAR) & (np.abs(attacks - at_s) > _SAME_S), attacks, at_s)
    struck = on_bar | (loud >= _STRUCK)
    off_bar = np.where(struck, _OFF_BAR * loud * np.where(on_beat, 1.0, _HALF), _SILENT)
    strength = np.where(on_bar, 0.7 + 0.3 * loud, off_bar)
    kinds: list[PlaceKind] = [
        "bar line" if bar else "beat" if beat else "half beat"
        for bar, beat in zip(on_bar, on_beat, strict=True)
    ]
    kept = np.flatnonzero((on_beat | struck) & _after_all_before(at_s))
    return Places(at_s[kept], strength[kept], tuple(kinds[one] for one in kept), on_beat[kept])


def attacks_s(onsets: npt.NDArray[np.float32]) -> Doubles:
    """Where something is clearly struck, in seconds, told from onset strength [n, 2]."""
    curve = onsets.sum(axis=1, dtype=np.float64)
    return _between_rows(curve, _peaks(curve))


def _attacks(grid: Grid) -> Places:
    curve = grid.heard.onsets.sum(axis=1, dtype=np.float64)
    rows = _peaks(curve)
    if len(rows):
        rows = rows[curve[rows] >= _FAINT * np.quantile(curve[rows], 0.9)]
    if len(rows) < _FEWEST_ATTACKS:
        rows = rows[:0]
    heard = curve[rows]
    loud = heard / max(float(heard.max(initial=0.0)), 1e-9)
    kinds: list[PlaceKind] = ["attack"] * len(rows)
    at_s = _between_rows(curve, rows)
    ends = np.diff(at_s, append=np.inf) >= _ROOM_S
    return Places(at_s, _ATTACK * loud, tuple(kinds), ends)


def _peaks(curve: Doubles) -> npt.NDArray[np.int64]:
    """Rows of attacks, each the strongest around it."""
    if len(curve) < 2 * _ALONE + 1:
        return np.zeros(0, np.int64)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(curve, _ALONE), 2 * _ALONE + 1)
    return np.flatnonzero((curve >= _LEAST_ATTACK) & (curve >= around.max(axis=1)))


def _strongest(
    curve: npt.NDArray[np.floating], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Doubles]:
    """The row of the strongest onset near each of `rows`, and its strength."""
    steps = np.arange(-_REACH, _REACH + 1)
    near = curve[np.clip(rows[:, None] + steps, 0, len(curve) - 1)]
    found = np.clip(rows + steps[near.argmax(axis=1)], 0, len(curve) - 1)
    return found, near.max(axis=1).astype(np.float64)


def _between_rows(curve: npt.NDArray[np.floating], rows: npt.NDArray[np.int64]) -> Doubles:
    """Peaks of `curve` in seconds: the strongest slope lies between rows."""
    last = len(curve) - 1
    left, top, right = (curve[np.clip(rows + by, 0, last)] for by in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    found: Doubles = np.maximum(0.0, (rows + np.clip(shift, -0.5, 0.5)) / RATE)
    return found


def _after_all_before(at_s: Doubles) -> Flags:
    """Which come after all before them."""
    highest = np.maximum.accumulate(at_s)
    found = np.ones(len(at_s), np.bool_)
    found[1:] = at_s[1:] > highest[:-1] + 1e-3
    return found
