"""The part of a clip that a range shows, in cue time and in source time, exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import Role, TimelineClip, TimelineRange


@dataclass(frozen=True)
class ShownClip:
    """What a range shows of a clip.

    Attributes:
        name: the clip's name.
        role: what it is for.
        path: of its file; empty where the editor knows only a name.
        media: the file's name, or the clip's.
        stream: which audio stream.
        layer: its track's place among those of its kind.
        cue: its cue frames.
        start_s: cue time at which it begins.
        end_s: cue time at which it ends.
        first_s: source time that it shows first.
        last_s: source time at which it ends.
        speed: source seconds a record second.
    """

    name: str
    role: Role
    path: str
    media: str
    stream: int
    layer: int
    cue: FrameRange
    start_s: Fraction
    end_s: Fraction
    first_s: Fraction
    last_s: Fraction
    speed: Fraction

    @property
    def stretch(self) -> tuple[Fraction, Fraction, Fraction]:
        """What it shows, wherever it lies: first source time, speed, length in seconds."""
        return self.first_s, self.speed, self.end_s - self.start_s

    @property
    def source_s(self) -> tuple[Fraction, Fraction]:
        """The earliest and the latest source time."""
        return min(self.first_s, self.last_s), max(self.first_s, self.last_s)

    def cue_seconds(self, source_s: Fraction) -> Fraction | None:
        """The cue time at which `source_s` shows; None where it does not."""
        low, high = self.source_s
        if self.speed == 0 or not low <= source_s < high:
            return None
        return self.start_s + (source_s - self.first_s) / self.speed

    def against(self, was: ShownClip) -> tuple[Fraction, Fraction, Fraction]:
        """Seconds it lost at its head and at its tail, and by which its content comes later."""
        if self.speed != was.speed or self.speed == 0:
            # Without a common speed only its place and its source's ends can be compared.
            lost = (was.end_s - was.start_s) - (self.end_s - self.start_s)
            tail = lost if self.speed == was.speed else Fraction(0)
            return Fraction(0), tail, self.start_s - was.start_s
        head = (self.first_s - was.first_s) / self.speed
        tail = (was.last_s - self.last_s) / self.speed
        return head, tail, self.start_s - head - was.start_s


def shown_clips(timeline: TimelineRange) -> list[ShownClip]:
    """What the range shows and plays, in order of time; music that was placed is left out."""
    found = [
        _shown(clip, cut, timeline)
        for clip in timeline.clips
        if clip.role != "score" and (cut := clip.mapping.record.overlap(timeline.record))
    ]
    return sorted(found, key=lambda clip: (clip.cue.start, clip.layer))


def _shown(clip: TimelineClip, cut: FrameRange, timeline: TimelineRange) -> ShownClip:
    cue = cut.shifted(-timeline.record.start)
    return ShownClip(
        name=clip.name,
        role=clip.role,
        path=clip.media.path,
        media=clip.media.name or clip.name,
        stream=clip.media.audio_stream,
        layer=clip.track_index,
        cue=cue,
        start_s=timeline.rate.seconds(cue.start),
        end_s=timeline.rate.seconds(cue.end),
        first_s=clip.mapping.source_seconds(cut.start),
        last_s=clip.mapping.source_seconds(cut.end),
        speed=clip.mapping.speed,
    )
