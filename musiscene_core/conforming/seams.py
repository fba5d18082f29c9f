"""Which of a cue's music stays when its film moves, and the time of what must come between.

Music stays in whole bars, on the sample with its film. Between two stretches that stay lies a seam:
as many beats as fit there at nearly the tempo around it, for which bars beside the film that
changed are given up, as few as will do. Works on tempo maps alone: knows nothing of notes or sound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import msgspec

from musiscene_core.composing.metre import bars_between
from musiscene_core.conforming.film import KeptFilm
from musiscene_core.tempo_map import MetreChange, TempoMap, TempoSegment
from musiscene_core.timecode import SAMPLE_RATE, FrameRate

PLAYS_ON_S = 4.0
"""Film replaced for no longer than this, with all else in its place, breaks no phrase."""
ENDING_S = 6.0
"""Room left for an ending where the old one does not fit."""
_ENDING_SHARE = 0.3
_LEAST_BARS = 2
_GIVEN_UP = 8
"""Bars that a seam may take on either side."""
_BEND = 0.04
_MOST_BEND = 0.06
_ODD_BAR = 0.75
_BARE = 1.5
"""A seam without a beat is dearer than one with a bar that leads over."""
_NEAR_S = 1e-4
_BEAT = 1e-6
_MISSED = 2.0
"""A moment that a seam misses by _MISS_S is worth two bars."""
_MISS_S = 0.04


class HeldMusic(msgspec.Struct, frozen=True, kw_only=True):
    """Music that stays as it was.

    Attributes:
        start_beat: old beat it begins on, a bar line or the cue's beginning.
        end_beat: old beat it ends on, a bar line or the cue's end.
        start_s: the same in old cue seconds.
        end_s: the same.
        bars: how many bars begin in it.
        shift_samples: how many samples later it plays now.
        beat_shift: how many beats later it is counted now.
        opens: it begins the cue, then and now.
        closes: it ends the cue, then and now.
    """

    start_beat: float
    end_beat: float
    start_s: float
    end_s: float
    bars: int
    shift_samples: int
    beat_shift: float = 0.0
    opens: bool = False
    closes: bool = False

    @property
    def shift_s(self) -> float:
        """How many seconds later it plays now."""
        return self.shift_samples / SAMPLE_RATE

    @property
    def now_s(self) -> tuple[float, float]:
        """New cue seconds of its beginning and end."""
        return self.start_s + self.shift_s, self.end_s + self.shift_s


@dataclass(frozen=True)
class Regrid:
    """The new cue's time.

    Attributes:
        tempo: its tempo map, in which what stays has its old tempo.
        held: what stays, in new order; at least one.
        bars_was: bars of the old cue.
        bars_now: bars of the new one.
    """

    tempo: TempoMap
    held: tuple[HeldMusic, ...]
    bars_was: int
    bars_now: int

    @property
    def bars_held(self) -> int:
        """Bars that stay."""
        return sum(music.bars for music in self.held)


def hold(
    tempo: TempoMap,
    was_s: float,
    now_s: float,
    film: Iterable[KeptFilm],
    rate_was: FrameRate,
    rate_now: FrameRate,
    hits_s: Sequence[float] = (),
) -> Regrid | None:
    """Keep what can be kept of music under `tempo`; None where that is nothing.

    Args:
        tempo: the old cue's.
        was_s: the old cue's length in seconds.
        now_s: the new cue's.
        film: what of its film is kept.
        rate_was: the frame rate in which old frames count.
        rate_now: that of new frames.
        hits_s: old cue seconds of moments that the music meets; a seam meets them where it can.
    """
    if not tempo.segments:
        return None
    film = tuple(film)
    moments = _moments(film, rate_was, rate_now, hits_s)
    pieces = [
        piece
        for one in _stretches(film, rate_was, rate_now, was_s, now_s)
        if (piece := _in_bars(tempo, one)) is not None
    ]
    pieces = _ended(tempo, pieces, now_s)
    while pieces:
        sewn = _sewn(tempo, pieces, moments)
        if not isinstance(sewn, int):
            held, beats = sewn
            whole = _map(tempo, held, beats)
            return Regrid(whole, tuple(held), _bars(tempo, was_s), _bars(whole, now_s))
        del pieces[sewn]
    return None


@dataclass(frozen=True)
class _Stretch:
    """Old cue seconds that play `shift` samples later."""

    start: Fraction
    end: Fraction
    shift: int
    opens: bool
    closes: bool


@dataclass(frozen=True)
class _Piece:
    """A stretch in bars: the old beats of its bar lines, its own ends included."""

    lines: tuple[float, ...]
    shift: int
    opens: bool
    closes: bool


def _stretches(
    film: Iterable[KeptFilm], was: FrameRate, now: FrameRate, was_s: float, now_s: float
) -> list[_Stretch]:
    """The film in new order, over which music could go on; short detours are played over."""
    found: list[_Stretch] = []
    for shown in sorted(film, key=lambda film: film.now.start):
        start, end = was.seconds(shown.was.start), was.seconds(shown.was.end)
        shift = round((now.seconds(shown.now.start) - start) * SAMPLE_RATE)
        begins = start == 0 and shown.now.start == 0
        ends = (
            abs(float(end) - was_s) < _NEAR_S
            and abs(float(now.seconds(shown.now.end)) - now_s) < _NEAR_S
        )
        found.append(_Stretch(start, end, shift, begins, ends))
    # A short shot that went another way is a detour too: the longest stretches come first.
    kept: list[_Stretch] = []
    for one in sorted(found, key=lambda one: one.start - one.end):
        same = [k for k in kept if k.shift == one.shift]
        if one.end - one.start > PLAYS_ON_S or not kept or same:
            kept.append(one)
    kept.sort(key=lambda one: one.start + Fraction(one.shift, SAMPLE_RATE))
    joined: list[_Stretch] = []
    for one in kept:
        last = joined[-1] if joined else None
        if last is not None and last.shift == one.shift and 0 <= one.start - last.end <= PLAYS_ON_S:
            joined[-1] = replace(last, end=one.end, closes=one.closes)
        else:
            joined.append(one)
    return joined


def _in_bars(tempo: TempoMap, one: _Stretch) -> _Piece | None:
    """The whole bars of a stretch; None where they are too few."""
    start, end = float(one.start), float(one.end)
    first, last = tempo.beat(start), tempo.beat(end)
    lines = [bar.beat for bar in tempo.bar_lines(first - _BEAT, last + _BEAT)]
    if one.opens and (not lines or lines[0] > first + _BEAT):
        lines.insert(0, first)
    if one.closes and (not lines or lines[-1] < last - _BEAT):
        lines.append(last)
    if len(lines) <= _LEAST_BARS:
        return None
    return _Piece(tuple(lines), one.shift, one.opens, one.closes)


def _ended(tempo: TempoMap, pieces: list[_Piece], now_s: float) -> list[_Piece]:
    """`pieces` with room behind them for an ending, where the old one is not among them."""
    room = min(ENDING_S, _ENDING_SHARE * now_s)
    kept = []
    for piece in pieces:
        lines = piece.lines
        if not piece.closes:
            latest = now_s - room - piece.shift / SAMPLE_RATE
            lines = tuple(line for line in lines if tempo.seconds(line) <= latest)
        if len(lines) > _LEAST_BARS:
            kept.append(replace(piece, lines=lines))
    return kept


def _sewn(
    tempo: TempoMap, pieces: Sequence[_Piece], moments: Sequence[float]
) -> tuple[list[HeldMusic], list[int]] | int:
    """What stays of each piece, and the beats of each seam; or which piece cannot be joined."""
    ends = [(0, len(piece.lines) - 1) for piece in pieces]
    beats: list[int] = []
    for index, (before, after) in enumerate(pairwise(pieces)):
        seam = _seam(tempo, before, after, ends[index][0], moments)
        if seam is None:
            return index if len(before.lines) < len(after.lines) else index + 1
        end, start, count = seam
        ends[index] = (ends[index][0], end)
        ends[index + 1] = (start, ends[index + 1][1])
        beats.append(count)
    return [
        HeldMusic(
            start_beat=piece.lines[start],
            end_beat=piece.lines[end],
            start_s=tempo.seconds(piece.lines[start]),
            end_s=tempo.seconds(piece.lines[end]),
            bars=sum(1 for _ in tempo.bar_lines(piece.lines[start], piece.lines[end])),
            shift_samples=piece.shift,
            opens=piece.opens,
            closes=piece.closes,
        )
        for piece, (start, end) in zip(pieces, ends, strict=True)
    ], beats


def _seam(
    tempo: TempoMap, before: _Piece, after: _Piece, first: int, moments: Sequence[float]
) -> tuple[int, int, int] | None:
    """The line where `before` ends, the line where `after` begins, and the beats between."""
    best: tuple[float, int, int, int] | None = None
    metre = tempo.beats_per_bar
    last = len(before.lines) - 1
    for given in range(min(_GIVEN_UP, last - first - 1) + 1):
        end = last - given
        leaves_s = tempo.seconds(before.lines[end]) + before.shift / SAMPLE_RATE
        for start in range(min(_GIVEN_UP, len(after.lines) - 2) + 1):
            gap_s = tempo.seconds(after.lines[start]) + after.shift / SAMPLE_RATE - leaves_s
            around = tempo.bpm_at(before.lines[end]) * tempo.bpm_at(after.lines[start])
            bpm = math.sqrt(around)
            count = round(gap_s * bpm / 60.0)
            if abs(gap_s) <= _NEAR_S:
                cost = given + start + _BARE
                count = 0
            elif count < 2:
                continue
            else:
                bend = abs(math.log(60.0 * count / gap_s / bpm))
                if bend > _MOST_BEND:
                    continue
                cost = given + start + bend / _BEND + 9.0 * max(0.0, bend / _BEND - 1.0)
                cost += _ODD_BAR * (count % metre != 0)
                cost += _MISSED * _off_beat(moments, leaves_s, gap_s, count)
            if best is None or round(cost, 9) < best[0]:
                best = (round(cost, 9), end, start, count)
    return None if best is None else best[1:]


def _bars(tempo: TempoMap, length_s: float) -> int:
    return sum(1 for _ in tempo.bar_lines(tempo.beat(0.0), tempo.beat(length_s)))


def _moments(
    film: Iterable[KeptFilm], was: FrameRate, now: FrameRate, hits_s: Sequence[float]
) -> tuple[float, ...]:
    """New cue seconds of old moments, as far as their film is kept."""
    found = []
    for one in film:
        start, end = float(was.seconds(one.was.start)), float(was.seconds(one.was.end))
        shift = float(now.seconds(one.now.start)) - start
        found += [hit + shift for hit in hits_s if start - _NEAR_S <= hit < end]
    return tuple(sorted(found))


def _off_beat(moments: Sequence[float], start_s: float, gap_s: float, count: int) -> float:
    """How many moments in a seam lie off its half beats, each by up to 1."""
    half_s = gap_s / count / 2
    inside = [moment for moment in moments if start_s < moment < start_s + gap_s]
    errors = [abs((moment - start_s + half_s / 2) % half_s - half_s / 2) for moment in inside]
    return sum(min(1.0, error / _MISS_S) for error in errors)


def _map(tempo: TempoMap, held: list[HeldMusic], seams: Sequence[int]) -> TempoMap:
    """The new map; gives each of `held` its place in it."""
    metre = tempo.beats_per_bar
    segments: list[TempoSegment] = []
    bars: list[int] = []
    opening = held[0]
    if not opening.opens:
        bpm = tempo.bpm_at(opening.start_beat)
        before = math.floor(opening.now_s[0] * bpm / 60.0 / metre + 1e-9)
        bars += [metre] * before
        held[0] = opening = msgspec.structs.replace(
            opening, beat_shift=before * metre - opening.start_beat
        )
        if before:
            begin_s = opening.now_s[0] - before * metre * 60.0 / bpm
            segments.append(TempoSegment(start_beat=0.0, start_s=begin_s, bpm=bpm))
    for index, music in enumerate(held):
        if index:
            count, last = seams[index - 1], held[index - 1]
            ended = last.end_beat + last.beat_shift
            held[index] = music = msgspec.structs.replace(
                music, beat_shift=ended + count - music.start_beat
            )
            if count:
                gap_s = music.now_s[0] - last.now_s[1]
                segments.append(
                    TempoSegment(start_beat=ended, start_s=last.now_s[1], bpm=60.0 * count / gap_s)
                )
                bars += bars_between(count, metre)
        segments += _moved(tempo, music)
        first = 0.0 if music.opens else music.start_beat
        bars += [bar.beats for bar in tempo.bar_lines(first, music.end_beat)]
    last = held[-1]
    if segments[-1].bpm_per_s:
        segments.append(
            TempoSegment(
                start_beat=last.end_beat + last.beat_shift,
                start_s=last.now_s[1],
                bpm=tempo.bpm_at(last.end_beat),
            )
        )
    first_bar = tempo.first_bar if opening.opens else 1
    return TempoMap(
        segments=tuple(segments),
        beats_per_bar=metre,
        first_bar=first_bar,
        metres=_metres(bars, metre, first_bar),
    )


def _moved(tempo: TempoMap, music: HeldMusic) -> list[TempoSegment]:
    """The old tempo under `music`, where it lies now."""
    inner = [
        one for one in tempo.segments if music.start_beat < one.start_beat < music.end_beat - _BEAT
    ]
    first = tempo.segment_at(music.start_beat)
    steady = music.start_beat < first.start_beat
    opening = TempoSegment(
        start_beat=music.start_beat,
        start_s=music.start_s,
        bpm=tempo.bpm_at(music.start_beat),
        bpm_per_s=0.0 if steady else first.bpm_per_s,
    )
    if music.opens and steady:
        # Before the first segment its tempo holds: nothing need be written.
        inner, opening = [one for one in inner if one is not first], first
    return [
        msgspec.structs.replace(
            one,
            start_beat=one.start_beat + music.beat_shift,
            start_s=one.start_s + music.shift_s,
        )
        for one in (opening, *inner)
    ]


def _metres(bars: Sequence[int], metre: int, first_bar: int) -> tuple[MetreChange, ...]:
    changes = []
    beat = 0.0
    for index, (before, beats) in enumerate(pairwise([metre, *bars, metre])):
        if beats != before:
            changes.append(MetreChange(bar=first_bar + index, beat=beat, beats_per_bar=beats))
        beat += beats
    return tuple(changes)
