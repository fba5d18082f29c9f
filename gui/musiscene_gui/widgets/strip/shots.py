"""What the strip's rows hold, out of a timeline and what was spotted of a range of it."""

from __future__ import annotations

from dataclasses import dataclass

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
    return tuple(
        ShotBox(span, number + 1, clip_at(timeline.clips, (span.start + span.end) // 2))
        for number, span in enumerate(spans)
    )


def clip_at(clips: tuple[TimelineClip, ...], frame: int) -> TimelineClip | None:
    """The picture clip that is seen at a record frame: the topmost."""
    there = [
        clip
        for clip in clips
        if clip.role == "picture" and clip.media.path and frame in clip.mapping.record
    ]
    return max(there, key=lambda clip: clip.track_index, default=None)


def _outside(span: FrameRange, hole: FrameRange | None) -> list[FrameRange]:
    if hole is None or span.overlap(hole) is None:
        return [span]
    parts = (FrameRange(span.start, max(span.start, hole.start)),)
    parts += (FrameRange(min(span.end, hole.end), span.end),)
    return [part for part in parts if part.length]
