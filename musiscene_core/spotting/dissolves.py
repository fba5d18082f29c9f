"""Dissolves: one shot blends into the next over several frames.

A dissolve from A to B is a blend (1 - a) A + a B whose a climbs evenly from 0 to 1. Windows of
several lengths that end at the present picture are tried. Patches of colour so large that movement
hardly alters them tell a. The variance of a blend of unlike pictures is smaller than theirs, by
a (1 - a) times the variance of B - A (the dip that Alattar 1993 looks for), and that tells a
dissolve from a camera that moves: there the variance stays. A change of exposure is a gain, a thing
that enters alters few patches. What several windows agree on is a dissolve.

Knows pictures as thumbnails only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.likeness import Floats
from musiscene_core.spotting.products import product

_WINDOWS_S = (0.35, 0.6, 1.0, 1.6, 2.6, 4.2)
_SAMPLED_FPS = 26.0
"""Thumbnails kept a second, at most."""
_LEAST_CHANGE = 4.0
"""Root mean square (0-255) by which the two ends of a dissolve differ at least."""
_LEAST_VARIANCE = 9.0
"""Variance of luma (0-255) below which a picture is flat: fading, not dissolving."""
_FLATTER = 0.05
"""The same, as a share of the other end's."""
_SAME_STRUCTURE = 0.8
"""Correlation above which both ends are one shot in another light."""
_LEAST_SPREAD = 0.18
"""Share of patches that change beyond a gain: dissolves 0.2 and more, things that enter 0.1."""
_LEAST_BETWEEN = 3
_LARGEST_STEP = 0.5
_DETOUR = 1.35
_WORST_FIT = 0.45
"""Largest part of the whole change that the blend may leave unexplained in any picture."""
_CROOKED = 0.05
"""Largest distance of a from a straight line: dissolves 0.01 to 0.05, movement 0.05 and more."""
_DIP = (0.5, 1.7)
"""Bounds on the loss of variance over what the blend predicts."""
_DIP_ERROR = 0.5
_COARSE_FINE = 0.4
"""Largest disagreement of a told by patches and by thumbnails."""
_UNEVEN = 0.25
"""Largest disagreement of a between the quarters of the picture."""
_QUARTER_SHARE = 0.05
_FILLS = 0.95
"""Largest part of the window a dissolve takes: shots that stay must show at its ends."""
_LEAST_WINDOWS = 3
_LOOSER, _SLACK = 0.99, 0.01
"""How much less strict the look at all windows is than that at one: their sums differ a little."""
_AGREE_S = 0.17


@dataclass(frozen=True)
class Dissolve:
    """One shot blends into the next.

    Attributes:
        start: cue frame at which the new shot begins to show.
        middle: cue frame at which both show alike.
        end: cue frame at which the old shot is gone.
        clarity: how much changes, and how well the blend explains it.
    """

    start: int
    middle: int
    end: int
    clarity: float


class DissolveWatch:
    """Watches small pictures go by, many at a time, and notes dissolves."""

    def __init__(self, fps: float, thumb_pixels: int, patches: tuple[int, int]) -> None:
        """Watch thumbnails of `thumb_pixels` and BGR `patches` (across, down) at `fps`."""
        self._fps = fps
        self._apart = max(1, round(fps / _SAMPLED_FPS))
        self._capacity = int(_WINDOWS_S[-1] * fps / self._apart) + 2
        across, down = patches
        self._thumbs = np.zeros((0, thumb_pixels), dtype=np.float32)
        self._patches = np.zeros((0, 3 * across * down), dtype=np.float32)
        self._variance = np.zeros(0, dtype=np.float32)
        self._cue = np.zeros(0, dtype=np.int64)
        self._found: list[Dissolve] = []
        rows, columns = np.mgrid[0:down, 0:across]
        quarter = (2 * (rows >= down // 2) + (columns >= across // 2)).ravel().repeat(3)
        self._quarters = np.stack([quarter == index for index in range(4)]).astype(np.float32)

    def add(self, cue_frames: npt.NDArray[np.int64], thumbs: Floats, patches: Floats) -> None:
        """Look at n pictures, in order, all later than the last.

        Args:
            cue_frames: [n] where they appear.
            thumbs: [n, pixels] luma, 0-255.
            patches: [n, down * across * 3] colours of large patches, 0-255.
        """
        taken = []
        newest = self._cue[-1] if len(self._cue) else -self._apart
        for place, frame in enumerate(cue_frames.tolist()):
            if frame - newest >= self._apart:
                taken.append(place)
                newest = frame
        earlier = len(self._cue)
        new = thumbs[taken]
        self._thumbs = np.concatenate([self._thumbs, new - new.mean(axis=1, keepdims=True)])
        self._variance = np.concatenate([self._variance, new.var(axis=1)])
        self._patches = np.concatenate([self._patches, patches[taken]])
        self._cue = np.concatenate([self._cue, cue_frames[taken]])
        for first, last in self._likely(np.arange(earlier, len(self._cue))):
            seen = self._examine(np.arange(first, last + 1))
            if seen is not None:
                self._found.append(seen)
        keep = 1 - self._capacity
        self._thumbs, self._patches = self._thumbs[keep:], self._patches[keep:]
        self._variance, self._cue = self._variance[keep:], self._cue[keep:]

    def _likely(self, last: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
        """The windows [first, last] that end at pictures `last` and may hold a dissolve, in order.

        The cheap half of what `_examine` asks, of all windows at once, and a little less strictly.
        """
        ends = self._cue[last, None] - np.array(_WINDOWS_S) * self._fps
        first = np.searchsorted(self._cue, ends, side="right") - 1
        firsts, lasts = first.ravel(), last.repeat(len(_WINDOWS_S))
        inside = (firsts >= np.maximum(0, lasts + 1 - self._capacity)) & (
            lasts - firsts > _LEAST_BETWEEN
        )
        firsts, lasts = firsts[inside], lasts[inside]
        low, high = np.sort([self._variance[firsts], self._variance[lasts]], axis=0)
        textured = low >= _LOOSER * np.maximum(_LEAST_VARIANCE, _FLATTER * high)
        firsts, lasts = firsts[textured], lasts[textured]
        alike = _dots(self._thumbs[firsts], self._thumbs[lasts]) / self._thumbs.shape[1]
        structure = _SAME_STRUCTURE * np.sqrt(self._variance[firsts] * self._variance[lasts])
        other = alike <= structure / _LOOSER
        firsts, lasts, alike = firsts[other], lasts[other], alike[other]
        old, new = self._patches[firsts], self._patches[lasts]
        power = _dots(new - old, new - old)
        changed = power >= _LOOSER * _LEAST_CHANGE**2 * old.shape[1]
        changed &= _spread(old, new) >= _LOOSER * _LEAST_SPREAD
        firsts, lasts, power = firsts[changed], lasts[changed], power[changed]
        steady = self._steady(firsts, lasts, power, alike[changed])
        return list(zip(firsts[steady].tolist(), lasts[steady].tolist(), strict=True))

    def _steady(
        self,
        firsts: npt.NDArray[np.intp],
        lasts: npt.NDArray[np.intp],
        power: Floats,
        covariance: Floats,
    ) -> npt.NDArray[np.bool_]:
        """Which windows blend from their first picture to their last without jumps or detours."""
        result = np.zeros(len(firsts), np.bool_)
        if not len(firsts):
            return result
        centred = self._patches - self._patches.mean(axis=0)
        dots = product(centred, np.ascontiguousarray(centred.T))
        norms = dots.diagonal()
        lengths = lasts - firsts
        for length in np.unique(lengths):
            group = np.flatnonzero(lengths == length)
            old, new, total = firsts[group, None], lasts[group, None], power[group, None]
            rows = old + np.arange(length + 1)
            to_old = dots[rows, old]
            share = (dots[rows, new] - to_old - dots[old, new] + norms[old]) / total
            inside = (share > 0.15 - _SLACK) & (share < 0.85 + _SLACK)
            steps = np.abs(np.diff(share, axis=1))
            left = (norms[rows] - 2 * to_old + norms[old]) / total - share**2
            result[group] = (
                (inside.sum(axis=1) >= _LEAST_BETWEEN)
                & (steps.max(axis=1) <= _LARGEST_STEP + _SLACK)
                & (steps.sum(axis=1) <= _DETOUR + _SLACK)
                & (np.where(inside, left, 0.0).max(axis=1) <= (_WORST_FIT + _SLACK) ** 2)
                & _dip(share, self._variance[rows], inside, covariance[group], _SLACK)
            )
        return result

    def found(self) -> tuple[Dissolve, ...]:
        """The dissolves that several windows saw, in order; of a group, the clearest."""
        groups: list[list[Dissolve]] = []
        for one in sorted(self._found, key=lambda one: one.middle):
            if groups and one.middle - groups[-1][-1].middle <= _AGREE_S * self._fps:
                groups[-1].append(one)
            else:
                groups.append([one])
        clearest = [
            max(group, key=lambda one: one.clarity)
            for group in groups
            if len(group) >= _LEAST_WINDOWS
        ]
        kept: list[Dissolve] = []
        for one in sorted(clearest, key=lambda one: -one.clarity):
            if all(one.end <= other.start or one.start >= other.end for other in kept):
                kept.append(one)
        return tuple(sorted(kept, key=lambda one: one.middle))

    def _examine(self, rows: npt.NDArray[np.int64]) -> Dissolve | None:
        """The dissolve from the first picture of `rows` to the last, if it is one."""
        old, new = self._patches[rows[0]], self._patches[rows[-1]]
        variance = self._variance[rows]
        ends = sorted((float(variance[0]), float(variance[-1])))
        if ends[0] < max(_LEAST_VARIANCE, _FLATTER * ends[1]):
            return None
        covariance = float(self._thumbs[rows[0]] @ self._thumbs[rows[-1]]) / self._thumbs.shape[1]
        if covariance > _SAME_STRUCTURE * float(np.sqrt(variance[0] * variance[-1])):
            return None
        change = new - old
        power = float(change @ change)
        if (
            power < _LEAST_CHANGE**2 * len(change)
            or _spread(old[None], new[None])[0] < _LEAST_SPREAD
        ):
            return None
        pictures = self._patches[rows] - old
        share = pictures @ change / power
        inside = (share > 0.15) & (share < 0.85)
        steps = np.abs(np.diff(share))
        if (
            np.count_nonzero(inside) < _LEAST_BETWEEN
            or steps.max() > _LARGEST_STEP
            or steps.sum() > _DETOUR
        ):
            return None
        left = np.einsum("ij,ij->i", pictures, pictures) / power - share**2
        unexplained = float(np.sqrt(max(0.0, float(left[inside].max()))))
        if unexplained > _WORST_FIT:
            return None
        if not _dip(share[None], variance[None], inside[None], np.array([covariance], np.float32))[
            0
        ]:
            return None
        cues = self._cue[rows].astype(np.float64)
        slope, offset = np.polyfit(cues[inside], share[inside], 1)
        crooked = np.abs(share[inside] - (slope * cues[inside] + offset)).max()
        if slope <= 0 or crooked > _CROOKED:
            return None
        middle = (0.5 - offset) / slope
        fills = 1 / slope / (cues[-1] - cues[0])
        if fills > _FILLS or not cues[0] < middle < cues[-1]:
            return None
        here = int(np.argmin(np.abs(share - 0.5)))
        if not self._is_even(pictures[here] * change, change * change, float(share[here])):
            return None
        if np.abs(self._fine_share(rows) - share)[inside].max() > _COARSE_FINE:
            return None
        clarity = float(np.sqrt(power)) * (1 - unexplained)
        return Dissolve(round(-offset / slope), round(middle), round((1 - offset) / slope), clarity)

    def _is_even(self, towards: Floats, power: Floats, share: float) -> bool:
        total = self._quarters @ power
        carries = total > _QUARTER_SHARE * total.sum()
        shares = (self._quarters @ towards)[carries] / total[carries]
        return bool(np.abs(shares - share).max() <= _UNEVEN)

    def _fine_share(self, rows: npt.NDArray[np.int64]) -> Floats:
        old = self._thumbs[rows[0]]
        change = self._thumbs[rows[-1]] - old
        share: Floats = (self._thumbs[rows] - old) @ change / (change @ change)
        return share


def _dots(left: Floats, right: Floats) -> Floats:
    """The dot product of each row [n]."""
    dots: Floats = np.einsum("ij,ij->i", left, right)
    return dots


def _spread(old: Floats, new: Floats) -> Floats:
    """Share of the values that take part in the change beyond a gain, of each row [n]."""
    gain = _dots(old, new) / np.maximum(1e-6, _dots(old, old))
    squares: Floats = np.square(new - gain[:, None] * old)
    total = squares.sum(axis=1)
    share: Floats = total * total / (old.shape[1] * _dots(squares, squares) + 1e-6)
    return share


def _dip(
    share: Floats,
    variance: Floats,
    inside: npt.NDArray[np.bool_],
    covariance: Floats,
    slack: float = 0.0,
) -> npt.NDArray[np.bool_]:
    """Whether variance falls below the straight way from end to end as a blend's would.

    Args:
        share: [windows, pictures] how far each is on the way.
        variance: [windows, pictures].
        inside: [windows, pictures] which of them count.
        covariance: [windows] of the two ends.
        slack: by which bounds are wider.
    """
    first, last = variance[:, :1], variance[:, -1:]
    expected = share * (1 - share) * (first + last - 2 * covariance[:, None])
    lost = first + share * (last - first) - variance
    count = np.maximum(1, inside.sum(axis=1))
    typical, found = (np.where(inside, one, 0.0).sum(axis=1) / count for one in (expected, lost))
    error = np.sqrt(np.where(inside, (lost - expected) ** 2, 0.0).sum(axis=1) / count)
    result: npt.NDArray[np.bool_] = (
        (found > (_DIP[0] - slack) * typical)
        & (found < (_DIP[1] + slack) * typical)
        & (error < (_DIP_ERROR + slack) * typical)
    )
    return result
