"""How a range changed, as values that can be stored beside a take and read as a table.

Frames are cue frames: 0 is the first frame of the range they belong to, the old or the new one.
"""

from __future__ import annotations

import msgspec

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Role


class ClipChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one clip, as far as the range shows it.

    Attributes:
        name: the clip's name, the new one where it has one.
        role: what it is for.
        was: its cue frames in the old range; None where it is new.
        now: its cue frames in the new range; None where it is gone.
        moved: frames of the new rate by which its content comes later; negative: earlier.
        head: frames that its beginning lost; negative: gained.
        tail: frames that its end lost; negative: gained.
        speed_was: source seconds a record second.
        speed_now: the same now.
        relayered: whether it lies above or below other pictures than before.
    """

    name: str
    role: Role
    was: FrameRange | None = None
    now: FrameRange | None = None
    moved: int = 0
    head: int = 0
    tail: int = 0
    speed_was: float = 1.0
    speed_now: float = 1.0
    relayered: bool = False

    @property
    def same(self) -> bool:
        """Whether nothing happened to it."""
        return self.how == ""

    @property
    def how(self) -> str:
        """What happened to it, in words; empty where nothing did."""
        if self.was is None:
            return "added"
        if self.now is None:
            return "removed"
        words = [
            f"{abs(frames)} frames {'off' if frames > 0 else 'onto'} its {end}"
            for frames, end in ((self.head, "beginning"), (self.tail, "end"))
            if frames
        ]
        if self.speed_was != self.speed_now:
            words.append(f"speed {self.speed_was:.0%} to {self.speed_now:.0%}")
        if self.moved:
            words.append(f"{abs(self.moved)} frames {'later' if self.moved > 0 else 'earlier'}")
        if self.relayered:
            words.append("on another layer")
        return ", ".join(words)


class MarkerChange(msgspec.Struct, frozen=True, kw_only=True):
    """A marker that came, went or moved.

    Attributes:
        name: its text.
        was: its cue frame in the old range; None where it is new.
        now: its cue frame in the new range; None where it is gone.
    """

    name: str
    was: int | None
    now: int | None


class HitFate(msgspec.Struct, frozen=True, kw_only=True):
    """Where a hit that the user held went.

    Attributes:
        was: its cue frame in the old range.
        now: its cue frame in the new range; None where it was dropped.
        why: what carried it, or why it was dropped, in words.
    """

    was: int
    now: int | None
    why: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How the new range differs from the old one.

    Attributes:
        cue: what the cue is called now.
        rate_was: the old range's frame rate.
        rate_now: the new range's frame rate.
        record_was: the old record In and Out.
        record_now: the new record In and Out.
        clips: every clip of either range, music of ours left out, in order of the new range.
        markers: those that changed.
        hits: the hits that the user held.
        schema_version: of this struct.
    """

    cue: str
    rate_was: FrameRate
    rate_now: FrameRate
    record_was: FrameRange
    record_now: FrameRange
    clips: tuple[ClipChange, ...]
    markers: tuple[MarkerChange, ...] = ()
    hits: tuple[HitFate, ...] = ()
    schema_version: int = 1

    @property
    def needs_music(self) -> bool:
        """Whether anything changed that the music depends on: its place alone is nothing to it."""
        return (
            self.rate_was.fps != self.rate_now.fps
            or self.record_was.length != self.record_now.length
            or bool(self.markers)
            or not all(clip.same for clip in self.clips)
        )

    @property
    def dropped(self) -> tuple[HitFate, ...]:
        """The hits that could not be carried over."""
        return tuple(hit for hit in self.hits if hit.now is None)

    def table(self) -> tuple[tuple[str, str, str, str], ...]:
        """A row for each thing that changed: what, where it was, where it is, how."""
        rows = []
        if self.rate_was.fps != self.rate_now.fps:
            rows.append(("frame rate", self.rate_was.name, self.rate_now.name, "changed"))
        length_was, length_now = self.record_was.length, self.record_now.length
        if length_was != length_now:
            change = f"{abs(length_now - length_was)} frames"
            how = f"{change} {'longer' if length_now > length_was else 'shorter'}"
            rows.append(("the range", f"{length_was} frames", f"{length_now} frames", how))
        elif self.record_was != self.record_now:
            rows.append(
                (
                    "the range",
                    f"at {self.record_was.start}",
                    f"at {self.record_now.start}",
                    "moved as a whole",
                )
            )
        for clip in self.clips:
            if not clip.same:
                rows.append(
                    (f"{clip.role} {clip.name}", _span(clip.was), _span(clip.now), clip.how)
                )
        for marker in self.markers:
            how = "added" if marker.was is None else "removed" if marker.now is None else "moved"
            rows.append((f"marker {marker.name}", _frame(marker.was), _frame(marker.now), how))
        for hit in self.hits:
            rows.append(("held hit", _frame(hit.was), _frame(hit.now), hit.why))
        return tuple(rows)


def _span(frames: FrameRange | None) -> str:
    return "" if frames is None else f"{frames.start}-{frames.end}"


def _frame(frame: int | None) -> str:
    return "" if frame is None else str(frame)
