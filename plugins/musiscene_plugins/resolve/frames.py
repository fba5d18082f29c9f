"""DaVinci Resolve's two frame spaces, as types that cannot be mixed.

A RecordFrame is absolute, as timecode counts (86400 is 01:00:00:00 at 24): clips, placing, render
marks. An OffsetFrame counts from the timeline's first frame: markers, In and Out marks. A clip
placed in the wrong space reads back fine and renders nothing, hence the types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate

RecordFrame = NewType("RecordFrame", int)
OffsetFrame = NewType("OffsetFrame", int)


@dataclass(frozen=True)
class TimelineClock:
    """A timeline's frames.

    Attributes:
        rate: its frame rate.
        start: its first frame.
        end: the frame after its last one.
    """

    rate: FrameRate
    start: RecordFrame
    end: RecordFrame

    @property
    def record(self) -> FrameRange:
        """All its record frames."""
        return FrameRange(self.start, max(self.start, self.end))

    def record_frame(self, offset: OffsetFrame) -> RecordFrame:
        """The record frame `offset` frames into the timeline."""
        return RecordFrame(self.start + offset)

    def offset(self, frame: RecordFrame) -> OffsetFrame:
        """How far into the timeline `frame` lies."""
        return OffsetFrame(frame - self.start)
