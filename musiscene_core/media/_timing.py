"""Frame rate and frame times of a picture stream, from its packet times; nothing is decoded.

Containers round times to ticks (1 ms in Matroska, 1/600 s in some QuickTime files). A rate that
explains every time within one tick is taken for the true one, and frame times are put back on its
grid, so that frame n is found at exactly n / rate.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from musiscene_core.media._open import DecodeError, stream_start
from musiscene_core.timecode import MAX_RATE, FrameRate

_FALLBACK_RATE = Fraction(25)
_LOOKED_AT = 4000
_PACKETS = 300
_SIMPLE_DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 100, 1001)
_SNAP = Fraction(1, 200)
_JITTER = 0.01
"""Share of a frame by which a constant rate may wander."""


@dataclass(frozen=True)
class Timing:
    """When the frames of a stream show.

    Attributes:
        start: the container's time of the first frame, seconds.
        tick: seconds per unit of the stream's timestamps.
        rate: frames a second, exact where constant, else the average.
        variable: the frames are not evenly spaced.
        frame_count: how many frames are shown (counted where there is an index, else reckoned).
        duration: seconds from the first frame's beginning to the last one's end.
    """

    start: Fraction
    tick: Fraction
    rate: Fraction
    variable: bool
    frame_count: int
    duration: Fraction

    def seconds(self, timestamp: int) -> Fraction:
        """File time of the frame stamped `timestamp` ticks, on the grid of a constant rate."""
        raw = timestamp * self.tick - self.start
        if self.variable:
            return raw
        exact = round(raw * self.rate) / self.rate
        return exact if abs(exact - raw) <= self.tick else raw

    def timestamp(self, seconds: Fraction) -> int:
        """Ticks at which to look for what shows at file time `seconds`; rounded, so look around."""
        return round((seconds + self.start) / self.tick)


def measure(container: InputContainer, stream: VideoStream) -> Timing:
    """The timing of `stream`. Reads some packets where there is no index: open the file anew."""
    tick = stream.time_base or Fraction(1, 90_000)
    start = stream_start(stream)
    duration = _duration(container, stream, start, tick)
    indexed = _indexed(stream, duration, tick)
    times, shown = indexed or (_packet_times(container, stream), None)
    average = _sane(stream.average_rate) or _sane(stream.guessed_rate)
    rate, variable = fit_rate(times, tick, average)
    if shown is None:
        shown = max(1, round(duration * rate)) if duration else max(1, len(times))
    if not variable or not duration:
        duration = shown / rate
    return Timing(start, tick, rate, variable, shown, duration)


def fit_rate(
    times: list[tuple[int, int]], tick: Fraction, average: Fraction | None
) -> tuple[Fraction, bool]:
    """The rate behind frame times that were rounded to ticks, and whether it varies.

    Args:
        times: (frame number, ticks), ascending.
        tick: seconds per tick.
        average: what the container says the average rate is.
    """
    if len(times) < 2 or times[-1][1] <= times[0][1]:
        return average or _FALLBACK_RATE, False
    (first, begin), (last, end) = times[0], times[-1]
    mean = Fraction(last - first) / ((end - begin) * tick)
    near = average if average and abs(average - mean) <= mean * _SNAP else mean
    numbers = np.array([number for number, _ in times], np.float64) - first
    seconds = np.array([ticks - begin for _, ticks in times], np.float64) * float(tick)

    def spread(rate: Fraction) -> float:
        error = seconds - numbers / float(rate)
        return float(error.max() - error.min())

    rounding = float(tick) * 1.001
    broadcast = FrameRate.from_fraction(_clamped(near)).nearest_broadcast().fps
    ntsc = {Fraction(whole * 1000, 1001) for whole in (round(near), round(near) + 1) if whole > 0}
    named = [broadcast, *(rate for rate in ntsc if FrameRate.from_fraction(rate).is_broadcast)]
    named = sorted(
        (rate for rate in named if abs(rate - near) <= near * _SNAP), key=lambda r: abs(r - near)
    )
    simple = (mean.limit_denominator(bound) for bound in _SIMPLE_DENOMINATORS)
    given = [average] if average else []
    for rate in itertools.chain(named, given, simple):
        if rate > 0 and spread(rate) <= rounding:
            return _clamped(rate), False
    average_rate = _clamped(average or mean)
    return average_rate, min(spread(mean), spread(average_rate)) > _JITTER / float(mean)


def _indexed(
    stream: VideoStream, duration: Fraction, tick: Fraction
) -> tuple[list[tuple[int, int]], int] | None:
    """Frame times and the number of frames shown, where the file lists every frame."""
    entries = stream.index_entries
    count = len(entries)
    if count < 2:
        return None
    # A fragmented movie lists only the fragments read so far.
    listed = (entries[count - 1].timestamp - entries[0].timestamp) * tick
    if duration and listed * count < duration * (count - 1) * Fraction(9, 10):
        return None
    head = entries[: min(count, _LOOKED_AT)]
    step = max(1, count // _LOOKED_AT)
    rest = [(n, entries[n]) for n in range(len(head), count, step)]
    times = [(n, e.timestamp) for n, e in [*enumerate(head), *rest]]
    tail = entries[max(len(head), count - _LOOKED_AT) :]
    hidden = sum(entry.is_discard for entry in [*head, *tail])
    return times, max(1, count - hidden)


def _packet_times(container: InputContainer, stream: VideoStream) -> list[tuple[int, int]]:
    """Presentation times of the first packets. The last few may lack B-frames still to come."""
    stamps: list[int] = []
    try:
        for packet in itertools.islice(container.demux(stream), _PACKETS):
            if packet.pts is not None:
                stamps.append(packet.pts)
    except DecodeError:
        pass
    stamps.sort()
    reordered = 16 if len(stamps) == _PACKETS else 0
    return list(enumerate(stamps[: len(stamps) - reordered]))


def _duration(
    container: InputContainer, stream: VideoStream, start: Fraction, tick: Fraction
) -> Fraction:
    if stream.duration:
        return stream.duration * tick
    if container.duration is None:
        return Fraction(0)
    begin = Fraction(container.start_time or 0, 1_000_000)
    return max(Fraction(0), begin + Fraction(container.duration, 1_000_000) - start)


def _sane(rate: Fraction | None) -> Fraction | None:
    return rate if rate and Fraction(1, MAX_RATE) <= rate <= MAX_RATE else None


def _clamped(rate: Fraction) -> Fraction:
    return min(max(rate, Fraction(1, MAX_RATE)), Fraction(MAX_RATE))
