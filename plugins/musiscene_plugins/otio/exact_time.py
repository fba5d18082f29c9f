"""OpenTimelineIO's floating times as exact fractions, and back.

OpenTimelineIO keeps a value and a rate as doubles ("23.976" or 23.976023976...). Here a rate
means the exact one it stands for, and a time is an exact fraction of seconds. opentime's own
timecode functions are not used: they refuse 47.952 and 119.88 and accept dropped numbers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from opentimelineio import opentime

from musiscene_core.errors import TimecodeError, TimelineError
from musiscene_core.timecode import MAX_RATE, FrameRate

MAX_SECONDS = 400 * 3600
"""Longest time believed: timecode ends after 100 hours, and this leaves room above it."""


@lru_cache(maxsize=64)
def exact_rate(rate: float) -> Fraction:
    """The rate that a float stands for: 23.976 is 24000/1001; sample rates stay what they are.

    Raises:
        TimelineError: zero, negative or not a number.
    """
    if not (math.isfinite(rate) and 0 < rate <= 1_000_000):
        raise TimelineError(f"The timeline holds a time at {rate} frames a second.")
    value = Fraction(rate)
    if value.denominator == 1:
        return value
    if rate > MAX_RATE:
        return value.limit_denominator(1001)
    try:
        return FrameRate.parse(rate).fps
    except TimecodeError as error:
        raise TimelineError(f"The timeline holds a time at {rate} frames a second.") from error


def exact_seconds(time: opentime.RationalTime) -> Fraction:
    """`time` in seconds.

    Raises:
        TimelineError: not a number, or longer than any timeline.
    """
    return _seconds(time.value, time.rate)


@lru_cache(maxsize=4096)
def _seconds(value: float, float_rate: float) -> Fraction:
    rate = exact_rate(float_rate)
    if not (math.isfinite(value) and abs(value) <= MAX_SECONDS * float_rate):
        raise TimelineError(f"The timeline holds an impossible time: {value} at {float_rate}.")
    if value.is_integer():
        return Fraction(int(value) * rate.denominator, rate.numerator)
    # Editors write whole frames with rounding noise; a millionth of a frame is no time at all.
    return Fraction(value).limit_denominator(1_000_000) / rate


def exact_duration(time: opentime.RationalTime) -> Fraction:
    """`time` as a length in seconds.

    Raises:
        TimelineError: negative, not a number, or longer than any timeline.
    """
    seconds = exact_seconds(time)
    if seconds < 0:
        raise TimelineError(f"A clip on the timeline is {time.value} frames long.")
    return seconds


def rational_time(frames: int, rate: float) -> opentime.RationalTime:
    """`frames` at OpenTimelineIO's float `rate`."""
    return opentime.RationalTime(frames, rate)


def time_range(start: int, length: int, rate: float) -> opentime.TimeRange:
    """`length` frames from `start` on."""
    return opentime.TimeRange(rational_time(start, rate), rational_time(length, rate))
