"""Musical time: which beat and bar sounds at which second of the cue.

Positions are in beats (quarter notes) from the first downbeat. Tempo is constant or moves
linearly in time from v0 to v1 BPM, so that tau seconds into a segment with slope r BPM a second

    beats = (v0 * tau + r * tau^2 / 2) / 60
    tau   = 120 * beats / (v0 + sqrt(v0^2 + 120 * r * beats))

and a ramp of b beats lasts 120 * b / (v0 + v1) seconds. Knows nothing of frames or notes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

_ON_LINE = 1e-6
"""A beat this little before a bar line is on it."""


class TempoSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of constant or steadily changing tempo, up to the next segment.

    Attributes:
        start_beat: where it begins.
        start_s: the same in cue seconds.
        bpm: quarter notes a minute where it begins.
        bpm_per_s: how fast that changes; 0 in the last segment.
    """

    start_beat: float
    start_s: float
    bpm: float
    bpm_per_s: float = 0.0

    def seconds(self, beat: float) -> float:
        """Cue seconds of `beat` under this segment's tempo; constant before its beginning."""
        beats = beat - self.start_beat
        if beats <= 0.0 or self.bpm_per_s == 0.0:
            return self.start_s + beats * 60.0 / self.bpm
        end = math.sqrt(max(0.0, self.bpm * self.bpm + 120.0 * self.bpm_per_s * beats))
        return self.start_s + 120.0 * beats / (self.bpm + end)

    def beat(self, seconds: float) -> float:
        """The beat at cue time `seconds` under this segment's tempo."""
        passed = seconds - self.start_s
        ramp = self.bpm_per_s * passed / 2.0 if passed > 0.0 else 0.0
        return self.start_beat + passed * (self.bpm + ramp) / 60.0

    def bpm_at(self, beat: float) -> float:
        """The tempo at `beat` under this segment's tempo."""
        beats = max(0.0, beat - self.start_beat)
        return math.sqrt(max(0.0, self.bpm * self.bpm + 120.0 * self.bpm_per_s * beats))


class MetreChange(msgspec.Struct, frozen=True, kw_only=True):
    """A new metre, from a bar line on.

    Attributes:
        bar: number of the bar that begins there.
        beat: where it begins.
        beats_per_bar: the metre's upper number over quarter notes.
    """

    bar: int
    beat: float
    beats_per_bar: int


class BarLine(msgspec.Struct, frozen=True):
    """A bar by its beginning.

    Attributes:
        number: of the bar.
        beat: where it begins.
        beats: how many it has.
    """

    number: int
    beat: float
    beats: int


class TempoMap(msgspec.Struct, frozen=True, kw_only=True):
    """Beats to cue seconds and to bars.

    Attributes:
        segments: in order; the first tempo also holds before its beginning, the last for ever.
        beats_per_bar: the metre's upper number over quarter notes, until it changes.
        first_bar: number of the bar that begins on beat 0.
        metres: changes of metre after beat 0, in order.
    """

    segments: tuple[TempoSegment, ...]
    beats_per_bar: int = 4
    first_bar: int = 1
    metres: tuple[MetreChange, ...] = ()

    @classmethod
    def constant(cls, bpm: float, *, offset_s: float = 0.0, beats_per_bar: int = 4) -> TempoMap:
        """One tempo throughout, with beat 0 at `offset_s`."""
        only = TempoSegment(start_beat=0.0, start_s=offset_s, bpm=bpm)
        return cls(segments=(only,), beats_per_bar=beats_per_bar)

    def seconds(self, beat: float) -> float:
        """Cue seconds of `beat`."""
        return self.segment_at(beat).seconds(beat)

    def beat(self, seconds: float) -> float:
        """The beat at cue time `seconds`."""
        after = bisect_right(self.segments, seconds, key=lambda segment: segment.start_s)
        return self.segments[max(0, after - 1)].beat(seconds)

    def bpm_at(self, beat: float) -> float:
        """The tempo at `beat`."""
        return self.segment_at(beat).bpm_at(beat)

    def beats_in(self, seconds: float, at: float) -> float:
        """How many beats last `seconds` at the tempo of beat `at`."""
        return seconds * self.bpm_at(at) / 60.0

    def bar_at(self, beat: float) -> BarLine:
        """The bar that `beat` lies in."""
        after = bisect_right(self.metres, beat + _ON_LINE, key=lambda metre: metre.beat)
        if after:
            metre = self.metres[after - 1]
            number, start, beats = metre.bar, metre.beat, metre.beats_per_bar
        else:
            number, start, beats = self.first_bar, 0.0, self.beats_per_bar
        passed = math.floor((beat - start + _ON_LINE) / beats)
        return BarLine(number + passed, start + passed * beats, beats)

    def place(self, beat: float) -> tuple[float, int]:
        """How many beats after its bar line `beat` lies, and how many beats that bar has."""
        bar = self.bar_at(beat)
        return max(0.0, beat - bar.beat), bar.beats

    def bar_lines(self, start: float, end: float) -> Iterator[BarLine]:
        """The bars that begin in [start, end), in order."""
        bar = self.bar_at(start)
        if bar.beat < start - _ON_LINE:
            bar = self.bar_at(bar.beat + bar.beats)
        while bar.beat < end - _ON_LINE:
            yield bar
            bar = self.bar_at(bar.beat + bar.beats)

    def segment_at(self, beat: float) -> TempoSegment:
        """The segment that `beat` lies in; the first for what lies before it."""
        after = bisect_right(self.segments, beat, key=lambda segment: segment.start_beat)
        return self.segments[max(0, after - 1)]


def through_bars(
    beats_s: Sequence[float], bar_beats: Sequence[int], beats_per_bar: int
) -> TempoMap | None:
    """Beats that were heard as a tempo map: a segment from each bar line to the next.

    Args:
        beats_s: in cue seconds, increasing.
        bar_beats: which of them begin a bar; the first becomes beat 0.
        beats_per_bar: what most bars have.

    Returns:
        None where there is no whole bar.
    """
    if len(bar_beats) < 2:
        return None
    origin = bar_beats[0]
    segments: list[TempoSegment] = []
    metres = []
    now = beats_per_bar
    for number, (here, there) in enumerate(pairwise(bar_beats), start=1):
        at = beats_s[here]
        bpm = 60.0 * (there - here) / (beats_s[there] - at)
        if not segments or abs(bpm - segments[-1].bpm) >= 1e-9:
            segments.append(TempoSegment(start_beat=float(here - origin), start_s=at, bpm=bpm))
        if there - here != now:
            now = there - here
            metres.append(MetreChange(bar=number, beat=float(here - origin), beats_per_bar=now))
    return TempoMap(segments=tuple(segments), beats_per_bar=beats_per_bar, metres=tuple(metres))


def through_beats(
    beats_s: Sequence[float], bar_beats: Sequence[int], beats_per_bar: int
) -> TempoMap | None:
    """The same, a segment from each beat to the next: every beat is where it was heard.

    What follows the last beat goes on at its tempo.
    """
    if not bar_beats or len(beats_s) - bar_beats[0] < 2:
        return None
    origin = bar_beats[0]
    segments: list[TempoSegment] = []
    for beat, (at, then) in enumerate(pairwise(beats_s[origin:])):
        bpm = 60.0 / (then - at)
        if not segments or abs(bpm - segments[-1].bpm) >= 1e-9:
            segments.append(TempoSegment(start_beat=float(beat), start_s=float(at), bpm=bpm))
    lines = [bar - origin for bar in bar_beats]
    lengths = [beats_per_bar, *(b - a for a, b in pairwise(lines)), beats_per_bar]
    metres = tuple(
        MetreChange(bar=1 + index, beat=float(lines[index]), beats_per_bar=beats)
        for index, (before, beats) in enumerate(pairwise(lengths))
        if beats != before
    )
    return TempoMap(segments=tuple(segments), beats_per_bar=beats_per_bar, metres=metres)
