"""Exact frame rates, SMPTE timecode and the one rule between frames and samples.

A frame is an integer at a rational rate; a sample is an integer at 48 kHz. Frame n covers the
time [n/rate, (n+1)/rate). The sample at which frame n begins is n * 48000 / rate rounded to the
nearest integer, halves up: never more than half a sample (10.4 us) off, and exact at every rate
whose frames are a whole number of samples long (24, 25, 30, 48, 50, 60, 120; 23.976 and 47.952).

Knows nothing of media or timelines. Drop-frame counting follows SMPTE ST 12-1: frame numbers
00 and 01 (00-03 at 59.94, 00-07 at 119.88) are skipped at every minute not divisible by ten.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

import msgspec

from musiscene_core.errors import TimecodeError

SAMPLE_RATE = 48_000
"""Samples per second of everything we deliver."""

_TIMECODE = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})$")
_DROP_NOMINALS = (30, 60, 120)
_NTSC_NOMINALS = (24, 30, 48, 60, 120)
_INTEGER_RATES = (24, 25, 30, 48, 50, 60, 100, 120)
_SMPTE_TOLERANCE = Fraction(1, 2000)
_SIMPLE_DENOMINATOR = 12
_ROUNDING = Fraction(1, 2000)
"""Half a unit in the third decimal, to which programs round odd rates: 29.833 means 179/6."""
MAX_RATE = 1000
"""Frames per second above which a rate is taken for a mistake."""


class FrameRate(msgspec.Struct, frozen=True, order=False):
    """A rational frame rate, with its way of counting timecode.

    Attributes:
        numerator: frames in `denominator` seconds.
        denominator: seconds, at least 1.
        drop_frame: count timecode with dropped numbers (29.97, 59.94 and 119.88 only).
    """

    numerator: int
    denominator: int = 1
    drop_frame: bool = False

    def __post_init__(self) -> None:
        if self.numerator <= 0 or self.denominator <= 0:
            raise TimecodeError(
                f"{self.numerator}/{self.denominator} is not a frame rate.",
                hint="Give a rate such as 24, 23.976 or 30000/1001.",
            )
        exact = Fraction(self.numerator, self.denominator)
        if exact > MAX_RATE or exact < Fraction(1, MAX_RATE):
            raise TimecodeError(f"{exact} frames a second is out of range.")
        if self.drop_frame and not (self.denominator == 1001 and self.nominal in _DROP_NOMINALS):
            raise TimecodeError(
                f"{self.name} has no drop-frame timecode.",
                hint="Drop-frame exists at 29.97, 59.94 and 119.88.",
            )

    @classmethod
    def parse(cls, text: str | int | float | Fraction) -> FrameRate:
        """Read "24", "23.976", "29.97 DF", "30000/1001", 25 or 29.97.

        A decimal within 0.05 % of a broadcast rate means that rate.

        Raises:
            TimecodeError: not a rate.
        """
        words = str(text).strip().upper().split()
        drop = bool(words) and words[-1] in ("DF", "NDF") and words.pop() == "DF"
        try:
            if len(words) != 1 or len(words[0]) > 32:
                raise ValueError
            value = Fraction(words[0])
        except (ValueError, ZeroDivisionError):
            raise TimecodeError(
                f"{text!r} is not a frame rate.",
                hint="Give a rate such as 24, 23.976, 29.97 DF or 30000/1001.",
            ) from None
        if value <= 0 or value > MAX_RATE:
            raise TimecodeError(f"{text!r} frames a second is out of range.")
        exact = value if "/" in words[0] else _snapped(value)
        return cls(exact.numerator, exact.denominator, drop)

    @classmethod
    def from_fraction(cls, fps: Fraction, *, drop_frame: bool = False) -> FrameRate:
        """The rate of exactly `fps` frames a second."""
        return cls(fps.numerator, fps.denominator, drop_frame)

    def nearest_broadcast(self) -> FrameRate:
        """The rate editors offer (23.976 ... 120) that lies nearest to this one."""
        best = min(_broadcast_rates(), key=lambda rate: (abs(rate - self.fps), rate.denominator))
        return FrameRate(best.numerator, best.denominator)

    @property
    def fps(self) -> Fraction:
        """Frames per second, exact."""
        return _fraction(self.numerator, self.denominator)

    @property
    def nominal(self) -> int:
        """Frame numbers in a second of timecode: 24 at 23.976, 30 at 29.97 and at 179/6."""
        return -(-self.numerator // self.denominator)

    @property
    def is_broadcast(self) -> bool:
        """Whether editors offer this rate."""
        return self.fps in _broadcast_rates()

    @property
    def name(self) -> str:
        """How editors write it: "23.976", "29.97 DF", "25"."""
        if self.denominator == 1:
            return str(self.numerator)
        decimals = f"{float(self.fps):.3f}".rstrip("0").rstrip(".")
        short = {"29.97": "29.97", "59.94": "59.94"}.get(decimals, decimals)
        return f"{short} DF" if self.drop_frame else short

    def seconds(self, frame: int) -> Fraction:
        """The time at which `frame` begins, in seconds, exact."""
        return Fraction(frame * self.denominator, self.numerator)

    def frame_at(self, seconds: Fraction | float) -> int:
        """The frame showing at `seconds` (the last one that begins at or before it)."""
        numerator, denominator = seconds.as_integer_ratio()
        return numerator * self.numerator // (denominator * self.denominator)

    def frame_nearest(self, seconds: Fraction | float) -> int:
        """The frame whose beginning lies nearest to `seconds`, halves up."""
        numerator, denominator = seconds.as_integer_ratio()
        whole = 2 * denominator * self.denominator
        return (2 * numerator * self.numerator + whole // 2) // whole


@lru_cache(maxsize=256)
def _fraction(numerator: int, denominator: int) -> Fraction:
    return Fraction(numerator, denominator)


def _broadcast_rates() -> frozenset[Fraction]:
    ntsc = {Fraction(nominal * 1000, 1001) for nominal in _NTSC_NOMINALS}
    return frozenset(ntsc | {Fraction(rate) for rate in _INTEGER_RATES})


def _snapped(value: Fraction) -> Fraction:
    if value.denominator == 1:
        return value
    nearest = min(_broadcast_rates(), key=lambda rate: abs(rate - value))
    if abs(nearest - value) <= nearest * _SMPTE_TOLERANCE:
        return nearest
    simple = value.limit_denominator(_SIMPLE_DENOMINATOR)
    if abs(simple - value) <= _ROUNDING:
        return simple
    return value.limit_denominator(1001)


def frame_to_sample(frame: int, rate: FrameRate, sample_rate: int = SAMPLE_RATE) -> int:
    """The sample at which `frame` begins: nearest, halves up. Abutting frames abut in samples."""
    scaled = 2 * frame * rate.denominator * sample_rate
    return (scaled + rate.numerator) // (2 * rate.numerator)


def sample_to_frame(sample: int, rate: FrameRate, sample_rate: int = SAMPLE_RATE) -> int:
    """The frame that contains `sample`: the last one that begins at or before it."""
    frame = sample * rate.numerator // (rate.denominator * sample_rate) + 1
    while frame_to_sample(frame, rate, sample_rate) > sample:
        frame -= 1
    return frame


def format_timecode(frame: int, rate: FrameRate) -> str:
    """SMPTE timecode of a record frame, ";" before the frames where numbers are dropped.

    Frames past 24 hours keep counting hours up to 99; negative frames get a minus sign.
    """
    if frame < 0:
        return "-" + format_timecode(-frame, rate)
    nominal = rate.nominal
    number = _with_dropped_numbers(frame, nominal) if rate.drop_frame else frame
    seconds, frames = divmod(number, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    digits = len(str(nominal - 1))
    mark = ";" if rate.drop_frame else ":"
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{frames:0{max(2, digits)}d}"


def parse_timecode(text: str, rate: FrameRate) -> int:
    """The record frame that a SMPTE timecode names at `rate`.

    A ";" (or "," or ".") before the frames asks for drop-frame and is refused at a rate that has
    none; ":" is accepted at every rate.

    Raises:
        TimecodeError: not a timecode, a field too large, or a number that drop-frame skips.
    """
    match = _TIMECODE.match(text.strip())
    if match is None:
        raise TimecodeError(
            f"{text!r} is not a timecode.", hint="Write it as HH:MM:SS:FF, for example 00:00:04:00."
        )
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = rate.nominal
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise TimecodeError(
            f"{text!r} is not a timecode at {rate.name} frames a second.",
            hint=f"Minutes and seconds go to 59, frames to {nominal - 1}.",
        )
    if match[4] == ";" and not rate.drop_frame:
        raise TimecodeError(
            f"{text!r} is drop-frame, but this timeline counts {rate.name} without it.",
            hint='Write ":" before the frames.',
        )
    number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if not rate.drop_frame:
        return number
    dropped = nominal // 15
    if frames < dropped and seconds == 0 and minutes % 10:
        raise TimecodeError(
            f"{text!r} does not exist in drop-frame timecode.",
            hint=f"The next frame is {hours:02d}:{minutes:02d}:00;{dropped:02d}.",
        )
    whole_minutes = hours * 60 + minutes
    return number - dropped * (whole_minutes - whole_minutes // 10)


def _with_dropped_numbers(frame: int, nominal: int) -> int:
    dropped = nominal // 15
    per_minute = nominal * 60 - dropped
    per_ten_minutes = per_minute * 10 + dropped
    tens, rest = divmod(frame, per_ten_minutes)
    # The first minute of ten keeps all its numbers, so it is `dropped` frames longer.
    minutes = max(0, rest - dropped) // per_minute
    return frame + dropped * (9 * tens + minutes)
