"""Half-open frame ranges and the mapping between record time and source time.

Record time counts the timeline's frames; source time counts seconds of a media file's own clock.
Names always say which. Knows nothing of files.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from musiscene_core.errors import RangeError
from musiscene_core.timecode import FrameRate, frame_to_sample


class FrameRange(msgspec.Struct, frozen=True):
    """The frames from `start` up to but not including `end`.

    Attributes:
        start: first frame.
        end: the frame after the last one; never before `start`.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise RangeError(
                f"The range ends at frame {self.end}, before it begins at {self.start}.",
                hint="Set Out after In.",
            )

    @classmethod
    def from_length(cls, start: int, length: int) -> FrameRange:
        """`length` frames from `start` on."""
        return cls(start, start + length)

    @property
    def length(self) -> int:
        """How many frames."""
        return self.end - self.start

    def __contains__(self, frame: int) -> bool:
        return self.start <= frame < self.end

    def overlap(self, other: FrameRange) -> FrameRange | None:
        """The frames in both, or None where they share none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return FrameRange(start, end) if start < end else None

    def shifted(self, frames: int) -> FrameRange:
        """The same range `frames` later."""
        return FrameRange(self.start + frames, self.end + frames)

    def samples(self, rate: FrameRate) -> int:
        """How many 48 kHz samples a cue over this range has: its own clock starts at zero.

        Counting from the cue's first frame makes the length a property of the cue alone, so a
        stem keeps its length wherever on the timeline it is placed.
        """
        return frame_to_sample(self.length, rate)

    def seconds(self, rate: FrameRate) -> Fraction:
        """How long the range lasts, in seconds, exact."""
        return rate.seconds(self.length)


class SourceMapping(msgspec.Struct, frozen=True):
    """How a clip's record frames show its media.

    Attributes:
        record: the clip's frames on the timeline.
        record_rate: the timeline's rate.
        source_start: source frame shown at `record.start`, counted from the media file's first
            frame (a media start timecode is already taken off).
        source_rate: the rate in which `source_start` counts.
        speed_numerator: source seconds that pass in `speed_denominator` record seconds; 1/1 is
            normal speed, negative runs backwards, 0 is a freeze frame.
        speed_denominator: see `speed_numerator`.
    """

    record: FrameRange
    record_rate: FrameRate
    source_start: int
    source_rate: FrameRate
    speed_numerator: int = 1
    speed_denominator: int = 1

    @property
    def speed(self) -> Fraction:
        """Source seconds per record second."""
        return Fraction(self.speed_numerator, self.speed_denominator)

    def source_seconds(self, record_frame: int) -> Fraction:
        """Seconds from the media file's beginning shown when `record_frame` begins."""
        into_clip = self.record_rate.seconds(record_frame - self.record.start)
        return self.source_rate.seconds(self.source_start) + into_clip * self.speed

    def record_seconds(self, source_seconds: Fraction) -> Fraction:
        """Seconds on the timeline (from its frame 0) at which `source_seconds` shows.

        Raises:
            RangeError: a freeze frame shows one instant for its whole length.
        """
        if self.speed == 0:
            raise RangeError("A freeze frame has no place for a source time.")
        into_source = source_seconds - self.source_rate.seconds(self.source_start)
        return self.record_rate.seconds(self.record.start) + into_source / self.speed

    def source_span(self, record: FrameRange) -> tuple[Fraction, Fraction]:
        """Source seconds (earliest, latest) that the record frames in `record` show."""
        first, last = self.source_seconds(record.start), self.source_seconds(record.end)
        return min(first, last), max(first, last)
