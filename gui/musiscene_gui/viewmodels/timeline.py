"""TimelineModel: the open timeline as the strip shows it: range, playhead, zoom, what lies on it.

Frames are record frames. What is seen lies between two record positions that need not be whole
frames, so that zooming is smooth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from musiscene_core.brief import Curve, SceneBrief
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_core.timeline import Marker, TimelineClip
from musiscene_gui.viewmodels.feeling import FeelingLine
from musiscene_gui.viewmodels.observable import Signal

SHORTEST_VIEW_S = 1.0
_ZOOM_STEP = 1.25


class TimelineModel:
    """Where the user is on the timeline, and what is there.

    Attributes:
        changed: emits nothing, when what lies on the timeline is other than before.
        range_changed: emits nothing, when In or Out moved.
        playhead_changed: emits nothing, when the playhead moved.
        view_changed: emits nothing, when what is seen of the timeline moved.
        replaced: emits nothing, when another timeline has taken the place of the one before.
        name: the timeline's name; empty while none is open.
        rate: its frame rate.
        record: its record frames.
        clips: all clips.
        markers: the user's markers.
        brief: what was spotted of the range `brief.timeline.record`; None before.
        recut: whether other clips lie under the brief's range than when it was spotted.
        placed: record frames of music placed from here, and what to call it.
        heard: what the music of the take at hand feels like over the brief's range, -1 to 1, as
            far as it was heard; empty where nothing is made yet.
    """

    def __init__(self) -> None:
        self.changed, self.range_changed = Signal(), Signal()
        self.playhead_changed, self.view_changed = Signal(), Signal()
        self.replaced = Signal()
        self.name = ""
        self.rate = FrameRate(24)
        self.record = FrameRange(0, 0)
        self.clips: tuple[TimelineClip, ...] = ()
        self.markers: tuple[Marker, ...] = ()
        self.brief: SceneBrief | None = None
        self.recut = False
        self.placed: tuple[tuple[FrameRange, str], ...] = ()
        self.heard: Mapping[FeelingLine, Curve] = {}
        self._range = FrameRange(0, 0)
        self._playhead = 0
        self._view = (0.0, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether there is a timeline."""
        return self.record.length > 0

    @property
    def range(self) -> FrameRange:
        """In and Out."""
        return self._range

    @property
    def playhead(self) -> int:
        """The record frame at which the user is."""
        return self._playhead

    @property
    def view(self) -> tuple[float, float]:
        """The record positions at the left and right end of what is seen."""
        return self._view

    def open(
        self,
        name: str,
        rate: FrameRate,
        record: FrameRange,
        clips: tuple[TimelineClip, ...],
        markers: tuple[Marker, ...],
        chosen: FrameRange | None = None,
        *,
        same: bool = True,
    ) -> None:
        """Show a timeline; `chosen` is the range to begin with, else all of it.

        Range and brief stay where it is the one that is open, read again; it never is unless
        `same`.
        """
        again = same and (name, rate) == (self.name, self.rate) and _holds(record, self._range)
        grown = record != self.record
        if self.brief is not None:
            under = self.brief.timeline.record
            self.recut |= material(self.clips, under) != material(clips, under)
        self.name, self.rate, self.record = name, rate, record
        self.clips, self.markers = clips, markers
        if not again:
            self.brief, self.heard = None, {}
            self.recut = False
            self._range = chosen or record
            self._playhead = self._range.start
        if grown or not again:
            self._view = (float(record.start), float(record.end))
            self._playhead = self._inside(self._playhead)
        self.changed.emit()
        if not again:
            self.replaced.emit()
            self.range_changed.emit()
        if grown or not again:
            self.playhead_changed.emit()
            self.view_changed.emit()

    def close(self) -> None:
        """Show none."""
        self.open("", self.rate, FrameRange(0, 0), (), ())

    def set_brief(self, brief: SceneBrief | None) -> None:
        """Show what was spotted, or what became of it since."""
        if self.brief is None or brief is None or brief.timeline != self.brief.timeline:
            self.recut = False
        self.brief = brief
        self.changed.emit()

    def set_heard(self, heard: Mapping[FeelingLine, Curve]) -> None:
        """Show what the music turned out to feel like."""
        self.heard = heard
        self.changed.emit()

    def set_placed(self, placed: Sequence[tuple[FrameRange, str]]) -> None:
        """Show what music was placed."""
        self.placed = tuple(placed)
        self.changed.emit()

    def timecode(self, frame: int) -> str:
        """SMPTE timecode of a record frame."""
        return format_timecode(frame, self.rate)

    def set_in(self, frame: int | None = None) -> None:
        """Put In at `frame`, or at the playhead; Out gives way where it would lie before."""
        start = self._inside(self._playhead if frame is None else frame)
        start = min(start, self.record.end - 1)
        self._set_range(start, max(self._range.end, start + 1))

    def set_out(self, frame: int | None = None) -> None:
        """Put Out after `frame`, or after the frame at the playhead; In gives way."""
        end = self._inside(self._playhead + 1 if frame is None else frame)
        end = max(end, self.record.start + 1)
        self._set_range(min(self._range.start, end - 1), end)

    def set_range(self, record: FrameRange) -> None:
        """Put In and Out."""
        start, end = self._inside(record.start), self._inside(record.end)
        self._set_range(start, max(end, start + 1))

    def _set_range(self, start: int, end: int) -> None:
        if self.is_open and self._range != FrameRange(start, end):
            self._range = FrameRange(start, end)
            self.range_changed.emit()

    def set_playhead(self, frame: int) -> None:
        """Go to a record frame, kept on the timeline."""
        frame = min(self._inside(frame), max(self.record.start, self.record.end - 1))
        if frame != self._playhead:
            self._playhead = frame
            self.playhead_changed.emit()

    def follow(self, frame: int) -> None:
        """Go to a frame that is played; what is seen goes along where the playhead was seen."""
        start, end = self._view
        seen = start <= self._playhead < end
        self.set_playhead(frame)
        if seen and not start <= self._playhead < end:
            backwards = self._playhead < start
            self._look(self._playhead - (end - start) * (0.95 if backwards else 0.05), end - start)

    def step(self, frames: int) -> None:
        """Go on by so many frames, or back."""
        self.set_playhead(self._playhead + frames)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """See `factor` times as much; `around` (the playhead where None) stays where it is."""
        start, end = self._view
        around = float(self._playhead) if around is None else around
        around = min(max(around, start), end)
        shortest = SHORTEST_VIEW_S * float(self.rate.fps)
        length = min(max((end - start) * factor, shortest), float(self.record.length))
        share = (around - start) / (end - start) if end > start else 0.0
        self._look(around - share * length, length)

    def zoom_in(self) -> None:
        """See a step less, around the playhead."""
        self.zoom(1 / _ZOOM_STEP)

    def zoom_out(self) -> None:
        """See a step more."""
        self.zoom(_ZOOM_STEP)

    def zoom_to_fit(self) -> None:
        """See the whole timeline."""
        self._look(float(self.record.start), float(self.record.length))

    def zoom_to_range(self) -> None:
        """See In to Out with a little around."""
        margin = 0.05 * self._range.length
        self._look(self._range.start - margin, self._range.length + 2 * margin)

    def scroll(self, frames: float) -> None:
        """See the same length further right, or left."""
        start, end = self._view
        self._look(start + frames, end - start)

    def reveal(self, frame: int) -> None:
        """Scroll until `frame` is seen."""
        start, end = self._view
        if not start <= frame < end:
            self._look(frame - (end - start) / 2, end - start)

    def _look(self, start: float, length: float) -> None:
        length = min(length, float(self.record.length))
        start = min(max(start, float(self.record.start)), self.record.end - length)
        if (start, start + length) != self._view:
            self._view = (start, start + length)
            self.view_changed.emit()

    def _inside(self, frame: int) -> int:
        return min(max(frame, self.record.start), self.record.end)


def _holds(record: FrameRange, part: FrameRange) -> bool:
    return part.length > 0 and record.overlap(part) == part


def material(clips: Iterable[TimelineClip], under: FrameRange) -> list[TimelineClip]:
    """What is seen and heard under a range, but for music that was placed."""
    return [
        clip
        for clip in clips
        if clip.role != "score" and clip.mapping.record.overlap(under) is not None
    ]
