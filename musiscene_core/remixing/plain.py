"""Music without a beat fitted to a length: long, slow crossfades at alike and quiet places.

Exact, and the ending is kept; but what is heard at a join may be cut out of its line. Shorter
music loses one part of its middle, longer music hears its middle again.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.fitted import Fitted, Floats, HitMet, Join
from musiscene_core.remixing.splicing import Run, spliced
from musiscene_core.timecode import SAMPLE_RATE

_LONGEST_FADE = round(1.5 * SAMPLE_RATE)
_FADE_IN = round(0.3 * SAMPLE_RATE)
_HOP = SAMPLE_RATE // 20
_FRAME = 2048
_BANDS = 24
_QUIET_WEIGHT = 0.5
_NO_BEATS = (
    "No steady beat was found, so the music was fitted at quiet places with slow fades instead of "
    "on bars. If it has a beat, say its tempo."
)


def fit_plainly(
    audio: Floats, sounding: tuple[int, int], samples: int, hits: tuple[HitMet, ...]
) -> Fitted:
    """Fit `audio` [channels, n] to `samples` samples.

    Args:
        audio: the music at 48 kHz.
        sounding: its first sample that can be heard, and the one after the last.
        samples: how long it shall be.
        hits: those that were asked for; none is met.
    """
    begin, end = sounding
    if end <= begin:
        begin, end = 0, audio.shape[1]
    begin = max(0, begin - SAMPLE_RATE // 100)
    runs = _runs(audio, begin, end, samples)
    result = np.zeros((audio.shape[0], samples), np.float32)
    joined = spliced(audio, runs)[:, -samples:]
    result[:, : joined.shape[1]] = joined
    if runs[0].first > begin:
        fade = min(_FADE_IN, samples)
        result[:, :fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    at = np.cumsum([run.length for run in runs])
    joins = tuple(
        Join(
            at_s=round(int(place) / SAMPLE_RATE, 6),
            from_s=round(before.last / SAMPLE_RATE, 6),
            to_s=round(run.first / SAMPLE_RATE, 6),
            from_bar=0,
            to_bar=0,
            likeness=0.0,
            fade_ms=round(1000 * run.fade / SAMPLE_RATE, 1),
        )
        for place, before, run in zip(at, runs, runs[1:], strict=False)
    )
    return Fitted(
        audio=result,
        joins=joins,
        stretches=(),
        hits=hits,
        beats_s=(),
        bar_beats=(),
        bars=(),
        on_beats=False,
        warnings=(_NO_BEATS,),
    )


def _runs(audio: Floats, begin: int, end: int, samples: int) -> list[Run]:
    own = end - begin
    surplus = own - samples
    fade = min(_LONGEST_FADE, own // 8, samples // 8)
    if surplus == 0:
        return [Run(begin, end)]
    if surplus > 0:
        if samples < 6 * fade or fade < SAMPLE_RATE // 20:
            return [Run(end - samples, end)]
        place = _best_place(audio, begin + 2 * fade, end - surplus - fade, surplus)
        return [Run(begin, place), Run(place + surplus, end, fade)]
    # Each repeat goes back by the same step, over as much of the middle as there is.
    most = own - 4 * fade
    if most < 2 * fade or fade < SAMPLE_RATE // 20:
        most, fade = max(1, own - 2 * fade), min(fade, own // 4)
    repeats = math.ceil(-surplus / most)
    runs: list[Run] = []
    first = begin
    done = 0
    for number in range(repeats):
        back = (-surplus * (number + 1)) // repeats - done
        done += back
        place = _best_place(audio, begin + back + fade, end - fade, -back)
        place = max(place, first + 2 * fade)
        runs.append(Run(first, place, fade if number else 0))
        first = place - back
    runs.append(Run(first, end, fade))
    return runs


def _best_place(audio: Floats, first: int, last: int, ahead: int) -> int:
    """The place in [first, last] from which the sound `ahead` samples on is best joined."""
    places = np.arange(first, max(first, last) + 1, _HOP)
    here, there = _described(audio, places), _described(audio, places + ahead)
    apart = np.abs(here - there).mean(axis=1)
    loud = np.maximum(here, there).mean(axis=1)
    return int(places[int(np.argmin(apart + _QUIET_WEIGHT * (loud - loud.min())))])


def _described(audio: Floats, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The spectrum's shape in decibels [n, bands] around each place."""
    edges = np.geomspace(2, _FRAME // 2, _BANDS + 1)
    starts = np.unique(np.floor(edges[:-1]).astype(np.int64))
    rows = []
    for place in places:
        begin = int(np.clip(place - _FRAME // 2, 0, max(0, audio.shape[1] - _FRAME)))
        frame = audio[:, begin : begin + _FRAME].mean(axis=0)
        power = np.abs(np.fft.rfft(frame, _FRAME)) ** 2
        rows.append(10 * np.log10(np.add.reduceat(power, starts) + 1e-6))
    return np.array(rows)
