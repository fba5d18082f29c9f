"""What the strip's rows hold, out of a timeline and what was spotted of a range of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import TimelineClip
from musiscene_gui.viewmodels.timeline import TimelineModel


@dataclass(frozen=True)
class ShotBox:
    """One shot: its record frames, its number, and the clip that shows its middle."""

    record: FrameRange
    number: int
    clip: TimelineClip | None

    @property
    def middle(self) -> int:
        """The record frame that stands for it."""
        return (self.record.start + self.record.end) // 2


def shot_boxes(timeline: TimelineModel) -> tuple[ShotBox, ...]:
    """Spotted shots where there are some, picture clips elsewhere, in order."""
    brief = timeline.brief
    spans: list[FrameRange] = []
    seen: FrameRange | None = None
    if brief is not None and brief.shots:
        seen = brief.timeline.record
        spans += [
            FrameRange(shot.start_frame, shot.end_frame).shifted(seen.start) for shot in brief.shots
        ]
    for clip in timeline.clips:
        if clip.role == "picture":
            spans += _outside(clip.mapping.record, seen)
    spans.sort(key=lambda span: (span.start, span.end))
    shown = _clips_at(timeline.clips, [(span.start + span.end) // 2 for span in spans])
    return tuple(
        ShotBox(span, number + 1, clip)
        for number, (span, clip) in enumerate(zip(spans, shown, strict=True))
    )


def _clips_at(clips: Sequence[TimelineClip], frames: Sequence[int]) -> list[TimelineClip | None]:
    """The topmost picture clip at each of `frames`, in one pass: a film has thousands of both."""
    pictures = [clip for clip in clips if clip.role == "picture" and clip.media.path]
    pictures.sort(key=lambda clip: clip.mapping.record.start)
    found: list[TimelineClip | None] = [None] * len(frames)
    begun: list[tuple[int, int]] = []
    following = 0
    for place in sorted(range(len(frames)), key=frames.__getitem__):
        frame = frames[place]
        while following < len(pictures) and pictures[following].mapping.record.start <= frame:
            heappush(begun, (-pictures[following].track_index, following))
            following += 1
        while begun and pictures[begun[0][1]].mapping.record.end <= frame:
            heappop(begun)
        if begun:
            found[place] = pictures[begun[0][1]]
    return found


def _outside(span: FrameRange, hole: FrameRange | None) -> list[FrameRange]:
    if hole is None or span.overlap(hole) is None:
        return [span]
    parts = (FrameRange(span.start, max(span.start, hole.start)),)
    parts += (FrameRange(min(span.end, hole.end), span.end),)
    return [part for part in parts if part.length]
