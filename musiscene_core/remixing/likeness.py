"""How alike the music is at any two places where it may be cut, and where something new begins.

A join from cut e to cut s is heard as none where the bar before e is like the bar before s, or the
bar after e like the bar after s: the listener gets what was to be expected. Compared beat by beat
by harmony and by the spectrum's shape and level (after Foote 2000, and Wenger and Magnor 2011 on
rearranging music). Knows nothing of lengths or hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.grid import Grid
from musiscene_core.remixing.listening import BeatFeatures, beat_features

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_ALIKE_DB = 7.0
"""Mean difference between two spectra that makes them a third as alike."""
_FLOOR_DB = 50.0
_BEST_SHARE = 0.75
"""Of a join's likeness, that of its better side; the rest is the other side's."""
_PHRASE_BARS = 4
_NOVELTY_BARS = 4


@dataclass(frozen=True)
class Cuts:
    """The places where music may be cut.

    Attributes:
        beats: which beats of the grid [n], increasing.
        times_s: the same in seconds [n].
        bars: number of the bar each lies in, from 0 [n].
        on_bar: which are bar lines [n].
        likeness: of a join from cut i to cut j, 0 to 1 [n, n].
        strength: how much something new begins there, 0 to 1 [n].
    """

    beats: Integers
    times_s: Doubles
    bars: Integers
    on_bar: npt.NDArray[np.bool_]
    likeness: npt.NDArray[np.float32]
    strength: Doubles

    def same_phrase(self) -> npt.NDArray[np.bool_]:
        """Between which cuts [n, n] a join keeps the count of four-bar phrases and of beats."""
        apart = (self.bars[:, None] - self.bars[None, :]) % _PHRASE_BARS
        same: npt.NDArray[np.bool_] = apart == 0
        return same


def find_cuts(grid: Grid, *, beats: bool = False) -> Cuts:
    """The bar lines of `grid`, or, with `beats`, every beat from its first bar line to its last."""
    features = beat_features(grid.heard, grid.beats_s)
    lines = grid.bar_lines
    chosen = np.arange(lines[0], lines[-1] + 1) if beats else lines
    bars = np.searchsorted(lines, chosen, side="right") - 1
    alike = _beats_alike(features)
    return Cuts(
        beats=chosen,
        times_s=grid.beats_s[chosen],
        bars=bars,
        on_bar=np.isin(chosen, lines),
        likeness=_joins_alike(alike, chosen, grid.beats_per_bar),
        strength=_strength(features, chosen, grid.beats_per_bar) * np.isin(chosen, lines),
    )


def _beats_alike(features: BeatFeatures) -> npt.NDArray[np.float32]:
    """Likeness [n, n] of single beats, 0 to 1."""
    chroma = np.asarray(features.chroma, np.float32)
    harmony = np.clip(2.0 * (chroma @ chroma.T) - 1.0, 0.0, 1.0)
    levels = np.asarray(features.bands, np.float32)
    levels = np.maximum(levels, levels.max() - _FLOOR_DB)
    apart = np.zeros(harmony.shape, np.float32)
    for band in levels.T:
        apart += np.abs(band[:, None] - band[None, :])
    alike = harmony * np.exp(apart / (-_ALIKE_DB * levels.shape[1]))
    return np.asarray(alike, dtype=np.float32)


def _joins_alike(
    alike: npt.NDArray[np.float32], cuts: Integers, metre: int
) -> npt.NDArray[np.float32]:
    padded = np.pad(alike, metre)
    before = np.zeros((len(cuts), len(cuts)), np.float32)
    after = np.zeros_like(before)
    for beat in range(metre):
        earlier, later = cuts + metre - 1 - beat, cuts + metre + beat
        before += padded[np.ix_(earlier, earlier)]
        after += padded[np.ix_(later, later)]
    better, worse = np.maximum(before, after), np.minimum(before, after)
    found = (_BEST_SHARE * better + (1 - _BEST_SHARE) * worse) / metre
    return np.asarray(found, dtype=np.float32)


def _strength(features: BeatFeatures, cuts: Integers, metre: int) -> Doubles:
    """How unlike the bars after each cut are to those before it, 1 for the largest turn."""
    reach = _NOVELTY_BARS * metre
    bands = features.bands / _ALIKE_DB
    rows = np.concatenate([features.chroma * 2.0, bands / np.sqrt(bands.shape[1])], axis=1)
    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    first = np.maximum(0, cuts - reach)
    last = np.minimum(len(rows), cuts + reach)
    before = (total[cuts] - total[first]) / np.maximum(cuts - first, 1)[:, None]
    after = (total[last] - total[cuts]) / np.maximum(last - cuts, 1)[:, None]
    turn = np.linalg.norm(after - before, axis=1)
    inside = turn[(cuts - first >= metre) & (last - cuts >= metre)]
    highest = float(inside.max()) if len(inside) else 0.0
    strength: Doubles = np.clip(turn / max(highest, 1e-9), 0.0, 1.0)
    return strength
