"""The master: one gain curve for all stems, then 24-bit integers whose sum is the mix.

Twice through the cue in pieces: first the sum is measured, which gives the gain that brings it to
its loudness under a true-peak limiter; then that gain goes onto each stem, each is quantised, the
integers are added, and what comes out is measured and handed on. No more than a few pieces are
held, however long the cue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound.limiter import limiter_gain_db
from musiscene_core.composing.sound.signal import Audio, Points, decibels, drawn_out
from musiscene_core.composing.sound.spill import Spill
from musiscene_core.composing.sound.truepeak import (
    BLOCK,
    REACH,
    SILENCE_DBTP,
    block_peaks,
    dbtp,
)
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.timecode import SAMPLE_RATE

Integers = npt.NDArray[np.int32]

MIX = "mix"
"""What a sink hears the sum called; no stem may have this name."""

PIECE = 5 * SAMPLE_RATE
"""Samples that a sink is given at once, but for the last."""

_FULL_SCALE = 1 << 23
_BLOCKS_IN_SLOT = 10
"""The meter's slots are 10 ms long."""

_FADE_S = 0.03
_MOST_REDUCTION_DB = 8.0
"""A cue that would need more limiting than this stays below its loudness instead."""

_MARGIN_DB = 0.15
"""For what the limiter's own gain changes and the quantiser add between samples."""

_HIGHEST_CEILING_DB = -0.05
_INAUDIBLE_LUFS = -120.0
_SEARCHES = 16
_MOST_LOWERED_DB = 12.0
"""What stays of earlier audio is not lowered with the rest, so lowering must end."""


class Sink(Protocol):
    """Takes finished audio."""

    def __call__(self, name: str, first: int, samples: Integers) -> None:
        """`samples` [2, n], 24-bit values, of the stem `name` (or MIX) from sample `first` on.

        Each name's pieces come in order; those of different names may come from several threads
        at once. Where the sum came out too loud everything comes once more, from 0 on.
        """


class Keep(Protocol):
    """Puts finished audio that stays in the place of what was played anew."""

    def __call__(self, name: str, first: int, samples: Integers) -> Integers:
        """What the stem `name` shall be from sample `first` on, for `samples` [2, n].

        Called from several threads at once.
        """


@dataclass(frozen=True)
class Levels:
    """How loud a mix is.

    Attributes:
        loudness_lufs: integrated (ITU-R BS.1770-4); -200 for silence.
        true_peak_dbtp: four-fold oversampled; -200 for silence.
        gain_db: the constant gain that led there, before any limiting.
    """

    loudness_lufs: float
    true_peak_dbtp: float
    gain_db: float = 0.0


def master(
    stems: Mapping[str, Spill],
    samples: int,
    target_lufs: float,
    max_true_peak_dbtp: float,
    sink: Sink,
    threads: Executor,
    checkpoint: Callable[[float], None],
    *,
    loop: bool = False,
    gain_db: float | None = None,
    keep: Keep | None = None,
) -> Levels:
    """Bring the sum of `stems` to loudness and peak, and hand all to `sink`.

    Args:
        stems: the processed tracks, of `samples` samples each.
        samples: the cue's length.
        target_lufs: integrated loudness wanted.
        max_true_peak_dbtp: never exceeded.
        sink: takes the stems and the mix.
        threads: to work in.
        checkpoint: called with the share done, 0 to 1; may raise to stop.
        loop: the end is followed by the beginning: no fade, and the limiter looks that far.
        gain_db: play at this gain, whatever the loudness becomes; None finds the target's.
        keep: what stays of stems that were finished before.
    """
    highest_dbtp = min(max_true_peak_dbtp, _HIGHEST_CEILING_DB)
    sounding = [stem for stem in stems.values() if not stem.silent]
    slots, peaks = _analysed(sounding, samples, threads, lambda share: checkpoint(0.35 * share))
    ceiling_db = highest_dbtp - _MARGIN_DB
    found_db, curve_db = _gain_curve_db(
        slots, peaks, target_lufs, ceiling_db, loop=loop, held_db=gain_db
    )
    lower_db = 0.0
    while True:
        levels = _finished(
            stems,
            samples,
            curve_db + lower_db,
            sink,
            threads,
            lambda share: checkpoint(0.35 + 0.65 * share),
            fade=not loop,
            keep=keep,
        )
        if levels.true_peak_dbtp <= highest_dbtp or lower_db < -_MOST_LOWERED_DB:
            checkpoint(1.0)
            return replace(levels, gain_db=found_db + lower_db)
        lower_db += highest_dbtp - levels.true_peak_dbtp - 0.02


def _analysed(
    stems: list[Spill], samples: int, threads: Executor, checkpoint: Callable[[float], None]
) -> tuple[Points, Points]:
    """K-weighted power by slot and true peak by block of the sum of `stems`."""
    meter, blocks = LoudnessMeter(), []
    loudest = 0.0
    hearing: Future[None] | None = None
    for first, last in _pieces(samples):
        begin, end = max(0, first - REACH), min(samples, last + REACH)
        around = np.zeros((2, last - first + 2 * REACH), dtype=np.float32)
        inside = around[:, begin - first + REACH : end - first + REACH]
        for stem in stems:
            inside += stem.read(begin, end)
        piece = around[:, REACH:-REACH]
        if hearing is not None:
            hearing.result()
        hearing = threads.submit(meter.hear, piece)
        loudest = max(loudest, float(piece.max()), -float(piece.min()))
        blocks.append(block_peaks(around, loudest * decibels(-_MOST_REDUCTION_DB - 1.0)))
        checkpoint(last / samples)
    if hearing is not None:
        hearing.result()
    return meter.finish(), np.concatenate([np.zeros(0), *blocks])


def _gain_curve_db(
    slots: Points,
    peaks: Points,
    target_lufs: float,
    ceiling_db: float,
    *,
    loop: bool,
    held_db: float | None,
) -> tuple[float, Points]:
    """A constant in dB, and gain at the blocks' edges: that, and the limiter's reduction."""
    edges = np.zeros(len(peaks) + 1)
    peaks_db = 20 * np.log10(np.maximum(peaks, 1e-10))
    if held_db is not None:
        return held_db, held_db + _limited_db(peaks_db + held_db, ceiling_db, loop=loop)
    if integrated(slots) < _INAUDIBLE_LUFS or not peaks.any():
        return 0.0, edges
    most_db = ceiling_db - float(peaks_db.max()) + _MOST_REDUCTION_DB
    used_db = gain_db = min(most_db, target_lufs - integrated(slots))
    for _ in range(_SEARCHES):
        used_db = gain_db
        edges = used_db + _limited_db(peaks_db + used_db, ceiling_db, loop=loop)
        short = target_lufs - integrated(slots * _power_by_slot(edges, len(slots)))
        if abs(short) < 0.01 or (gain_db == most_db and short > 0):
            break
        gain_db = min(most_db, gain_db + short)
    return used_db, edges


def _limited_db(peaks_db: Points, ceiling_db: float, *, loop: bool) -> Points:
    """The limiter's gain; a loop's as it is in the middle of three rounds."""
    if not loop:
        return limiter_gain_db(peaks_db, ceiling_db)
    count = len(peaks_db)
    return limiter_gain_db(np.tile(peaks_db, 3), ceiling_db)[count : 2 * count + 1]


def _power_by_slot(edges_db: Points, slots: int) -> Points:
    """Mean power gain in each slot of a curve at the edges of blocks."""
    power = 10.0 ** (edges_db[:-1] / 10.0)
    starts = np.arange(slots) * _BLOCKS_IN_SLOT
    return np.asarray(np.add.reduceat(power, starts) / np.diff([*starts, len(power)]))


def _finished(
    stems: Mapping[str, Spill],
    samples: int,
    gain_db: Points,
    sink: Sink,
    threads: Executor,
    checkpoint: Callable[[float], None],
    *,
    fade: bool,
    keep: Keep | None,
) -> Levels:
    """Apply the gain, quantise, add up, hand on; returns how loud the mix became."""
    measured = MixMeter()
    adding: Future[None] | None = None

    def quantised(name: str, first: int, last: int, gain: Audio) -> Integers:
        stem = stems[name].read(first, last)
        stem *= gain
        values = np.rint(stem, out=stem).astype(np.int32)
        return values if keep is None else keep(name, first, values)

    def summed(first: int, mix: Integers) -> None:
        sink(MIX, first, mix)
        measured.hear(mix)

    for first, last in _pieces(samples):
        edges = gain_db[first // BLOCK : -(-last // BLOCK) + 1]
        gain = drawn_out(10.0 ** (edges / 20.0) * _FULL_SCALE, last - first, BLOCK)
        if fade:
            _fade_out(gain, first, samples)
        done = [threads.submit(quantised, name, first, last, gain) for name in stems]
        parts = [one.result() for one in done]
        _within_full_scale(parts)
        given = [
            threads.submit(sink, name, first, values)
            for name, values in zip(stems, parts, strict=True)
        ]
        mix: Integers = np.zeros((2, last - first), dtype=np.int32)
        for values, one in zip(parts, given, strict=True):
            mix += values
            one.result()
        if adding is not None:
            adding.result()
        adding = threads.submit(summed, first, mix)
        checkpoint(last / samples)
    if adding is not None:
        adding.result()
    return measured.levels()


def _within_full_scale(parts: Sequence[Integers]) -> None:
    """Have the others play what of a stem is past full scale, where stems cancel in a mix within.

    A model that takes a mix apart may give stems that are louder than it; their sum stays.
    """
    if all(part.min() >= -_FULL_SCALE and part.max() < _FULL_SCALE for part in parts):
        return
    least, most = -_FULL_SCALE, _FULL_SCALE - 1
    rest = np.zeros_like(parts[0])
    for part in parts:
        kept = part.clip(least, most)
        rest += part - kept
        part[:] = kept
    for part in parts:
        room = rest.clip(least - part, most - part)
        part += room
        rest -= room


def _fade_out(gain: Audio, first: int, samples: int) -> None:
    """The safety fade on a piece of gain that begins at sample `first`: exactly 0 at the end."""
    fade = min(samples, round(_FADE_S * SAMPLE_RATE))
    begin = max(0, samples - fade - first)
    if begin < len(gain):
        place = (np.arange(first + begin, first + len(gain)) - (samples - fade) + 1) / fade
        curve = np.cos(np.pi / 2 * place) ** 2
        curve[place >= 1.0] = 0.0
        gain[begin:] *= curve


class MixMeter:
    """Loudness and true peak of a finished mix as it goes by."""

    def __init__(self) -> None:
        self._meter = LoudnessMeter()
        self._kept: Audio = np.zeros((2, 2 * REACH), dtype=np.float32)
        self._highest = 0.0
        self._peak = 0.0

    def hear(self, mix: Integers) -> None:
        """The next piece [2, n]."""
        piece = mix * np.float32(1 / _FULL_SCALE)
        self._meter.hear(piece)
        self._listen(piece)

    def levels(self) -> Levels:
        """What came out; call it once, at the end."""
        self._listen(np.zeros((2, REACH), dtype=np.float32))
        true_peak = dbtp(self._peak) if self._highest else SILENCE_DBTP
        return Levels(integrated(self._meter.finish()), true_peak)

    def _listen(self, piece: Audio) -> None:
        around = np.concatenate([self._kept, piece], axis=1)
        self._kept = around[:, -2 * REACH :]
        self._highest = max(self._highest, float(np.abs(around).max()))
        if self._highest:
            found = block_peaks(around, self._highest)
            self._peak = max(self._peak, float(found.max(initial=0.0)))


def _pieces(samples: int) -> Iterator[tuple[int, int]]:
    for first in range(0, samples, PIECE):
        yield first, min(samples, first + PIECE)
