"""Composing around music that stays: its bars are copied, only what lies between is written.

The composer writes the whole new cue in the earlier one's time, key, scale and chords, so that its
lines lead out of what stays and into it; then every note of the bars that stay is the earlier one's
own. Knows nothing of why some stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from musiscene_core.composing.bridging import bridge
from musiscene_core.composing.expression import value_at
from musiscene_core.composing.hits import ChosenHit, choose_hits
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.scales import mode_of
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.tempo import TOLERANCE_S, Wish
from musiscene_core.composing.timing import Timing, inward, planned
from musiscene_core.conforming.seams import HeldMusic, Regrid
from musiscene_core.cue import (
    Chord,
    Cue,
    DroppedHit,
    ExpressionPoint,
    HitResult,
    Note,
    Part,
    Section,
    StemRole,
    ThemeHeard,
)
from musiscene_core.request import ScoreRequest

EARLY_BEATS = 0.06
"""A player may come in this much before the bar line."""
_RINGS_ON: frozenset[StemRole] = frozenset(("texture", "percussion"))
_HELD_EFFECTS = frozenset(("drone", "shimmer"))
_SHORTEST = 0.02
_HELD_ON = 0.5
"""A sustained note with this many beats left where music that stays begins is begun there."""
_EDGE = 1e-4
_OF_A_FRAME = 0.98


@dataclass(frozen=True)
class _Window:
    """New beats [start, end) of music that stays, or of what is written between."""

    start: float
    end: float
    music: HeldMusic | None


@dataclass(frozen=True)
class Stays:
    """An earlier cue, and what of it stays.

    Attributes:
        cue: the earlier one.
        grid: the new time.
        length_s: of the new cue.
    """

    cue: Cue
    grid: Regrid
    length_s: float

    def fit(
        self,
        request: ScoreRequest,
        wish: Wish,
        moments: Sequence[float] = (),
        *,
        whole_bars: bool = False,
    ) -> Timing:
        """The time that is given, and the hits it meets; as plan.Fit."""
        rate, tempo = request.brief.timeline.rate, self.grid.tempo
        tolerance = min(TOLERANCE_S, _OF_A_FRAME / float(rate.fps))
        chosen, dropped = choose_hits(request, moments)
        start_beat = inward(tempo, tempo.beat(0.0), 0.0, 1.0)
        met: list[tuple[ChosenHit, float]] = []
        missed: list[DroppedHit] = []
        for hit in chosen:
            beat = self._kept_beat(hit)
            held = self._holding(hit.seconds)
            if beat is None and held and not hit.held:
                missed.append(hit.dropped("the music there stayed as it was"))
                continue
            nearest = round(2 * tempo.beat(hit.seconds)) / 2 if beat is None else beat
            error = tempo.seconds(nearest) - hit.seconds
            if beat is None and abs(error) > tolerance:
                if not hit.held:
                    missed.append(
                        hit.dropped(f"no beat of the seam is nearer than {abs(error) * 1e3:.0f} ms")
                    )
                    continue
                nearest = round(tempo.beat(hit.seconds), 6)
            met.append((hit, max(start_beat, nearest)))
        return Timing(
            tempo=tempo,
            hits=planned(met),
            report=tuple(
                HitResult.measured(hit.frame, hit.kind, hit.label, beat, tempo, rate)
                for hit, beat in met
            ),
            dropped=tuple(sorted((*dropped, *missed), key=lambda hit: hit.frame)),
            start_beat=start_beat,
            end_beat=inward(tempo, tempo.beat(self.length_s), self.length_s, -1.0),
        )

    def continued(self, plan: Plan) -> Plan:
        """`plan` in the earlier cue's key, and in its scale where it has one idiom."""
        plan = replace(plan, tonic=self.cue.tonic)
        if len(plan.passages) > 1 or mode_of(self.cue.scale) != self.cue.mode:
            return plan
        (only,) = plan.passages
        return replace(plan, scale=self.cue.scale, passages=(replace(only, scale=self.cue.scale),))

    def chords(self) -> tuple[Chord, ...]:
        """The chords of what stays, and those that lead over each seam between."""
        kept = [self._held_chords(music) for music in self.grid.held]
        found: list[Chord] = []
        for index, (music, own) in enumerate(zip(self.grid.held, kept, strict=True)):
            if index and found and own:
                before = self.grid.held[index - 1]
                start = before.end_beat + before.beat_shift
                end = music.start_beat + music.beat_shift
                bars = [
                    (bar.beat, min(float(bar.beats), end - bar.beat))
                    for bar in self.grid.tempo.bar_lines(start, end)
                ]
                if bars:
                    found += bridge(self.cue.chords, found[-1], own[0], bars)
            found += own
        return tuple(found)

    def joined(self, new: Cue) -> Cue:
        """The earlier cue where it stays, `new` elsewhere."""
        windows = list(self._windows())
        old = self.cue
        parts = {(part.role, part.name, part.instrument): part for part in new.parts}
        was = {(part.role, part.name, part.instrument): part for part in old.parts}
        order = [*was, *(key for key in parts if key not in was)]
        joined = [_joined(was.get(key), parts.get(key), windows) for key in order]
        return msgspec.structs.replace(
            new,
            tonic=old.tonic,
            mode=old.mode,
            scale=old.scale,
            idiom=old.idiom,
            sections=_sections(old, new, windows),
            chords=_chords(old, new, windows),
            parts=tuple(part for part in joined if part.notes),
            themes=_themes(old, new, windows),
        )

    def _holding(self, seconds: float) -> HeldMusic | None:
        return next((one for one in self.grid.held if one.now_s[0] <= seconds < one.now_s[1]), None)

    def _kept_beat(self, hit: ChosenHit) -> float | None:
        """The beat that met this very moment before, where its music stays."""
        music = self._holding(hit.seconds)
        if music is None:
            return None
        was_s = hit.seconds - music.shift_s
        near = [
            one
            for one in self.cue.hits
            if abs(self.cue.tempo.seconds(one.beat) - one.error_ms / 1e3 - was_s) < 1e-3
        ]
        return near[0].beat + music.beat_shift if near else None

    def _held_chords(self, music: HeldMusic) -> list[Chord]:
        found = []
        for chord in self.cue.chords:
            start = max(chord.start, music.start_beat)
            end = min(chord.start + chord.length, music.end_beat)
            if end - start > _SHORTEST:
                found.append(_chord(chord, start + music.beat_shift, end + music.beat_shift))
        return found

    def _windows(self) -> Iterator[_Window]:
        here = -np.inf
        for music in self.grid.held:
            start = -np.inf if music.opens else music.start_beat + music.beat_shift
            end = np.inf if music.closes else music.end_beat + music.beat_shift
            if start > here:
                yield _Window(here, start, None)
            yield _Window(start, end, music)
            here = end
        if here < np.inf:
            yield _Window(here, np.inf, None)


def _joined(old: Part | None, new: Part | None, windows: Sequence[_Window]) -> Part:
    """One part: the notes that stay and those between, each with its number."""
    base = old or new
    assert base is not None
    fresh = 1 + max((_nth(note, place) for place, note in _numbered(old)), default=-1)
    notes: list[Note] = []
    for window in windows:
        if window.music is not None:
            notes += _staying(old, window, window.music)
            continue
        for place, note in _numbered(new):
            if window.start <= note.start + EARLY_BEATS < window.end:
                cut = _until(note, base.role, window.end)
                if cut is not None:
                    notes.append(msgspec.structs.replace(cut, nth=fresh + place))
    return msgspec.structs.replace(
        base,
        notes=tuple(sorted(notes, key=lambda note: (note.start, note.pitch))),
        expression=_expression(old, new, windows),
    )


def _numbered(part: Part | None) -> Iterator[tuple[int, Note]]:
    yield from enumerate(part.notes if part is not None else ())


def _nth(note: Note, place: int) -> int:
    return place if note.nth is None else note.nth


def _staying(part: Part | None, window: _Window, music: HeldMusic) -> Iterator[Note]:
    """The notes of `part` that stay, and the rest of those that sound where it begins."""
    for place, note in _numbered(part):
        shifted = note.start + music.beat_shift
        nth = _nth(note, place)
        if window.start <= shifted + EARLY_BEATS < window.end:
            moved = msgspec.structs.replace(note, start=round(shifted, 6), nth=nth)
            cut = _until(moved, part.role, window.end) if part else None
            if cut is not None:
                yield cut
        elif part and shifted + EARLY_BEATS < window.start:
            left = shifted + note.length - window.start
            effect = part.role in _RINGS_ON and part.instrument not in _HELD_EFFECTS
            sustained = not effect and not _fades(part.instrument)
            if sustained and left > _HELD_ON:
                length = min(left, window.end - window.start)
                yield Note(window.start, round(length, 6), note.pitch, note.velocity, nth)


def _until(note: Note, role: StemRole, end: float) -> Note | None:
    """`note` let go at `end`, where it is held at all; None where nothing is left."""
    if role in _RINGS_ON or note.start + note.length <= end:
        return note
    length = round(end - EARLY_BEATS / 2 - note.start, 6)
    return msgspec.structs.replace(note, length=length) if length >= _SHORTEST else None


def _expression(
    old: Part | None, new: Part | None, windows: Sequence[_Window]
) -> tuple[ExpressionPoint, ...]:
    """Each window's own swells, with what they are at its edges."""
    if not any(part is not None and part.expression for part in (old, new)):
        return ()
    points: list[ExpressionPoint] = []
    for window in windows:
        part = new if window.music is None else old
        shift = window.music.beat_shift if window.music is not None else 0.0
        own = part.expression if part is not None else ()
        if window.start > -np.inf:
            points.append(
                ExpressionPoint(window.start, round(value_at(own, window.start - shift), 6))
            )
        points += [
            ExpressionPoint(round(point.beat + shift, 6), point.value)
            for point in own
            if window.start + _EDGE < point.beat + shift < window.end - 2 * _EDGE
        ]
        if window.end < np.inf:
            end = window.end - _EDGE
            points.append(ExpressionPoint(end, round(value_at(own, end - shift), 6)))
    return tuple(points)


def _fades(instrument: str) -> bool:
    known = INSTRUMENTS.get(instrument)
    return known is not None and known.fades


def _chord(chord: Chord, start: float, end: float) -> Chord:
    return msgspec.structs.replace(chord, start=start, length=round(end - start, 6))


def _chords(old: Cue, new: Cue, windows: Sequence[_Window]) -> tuple[Chord, ...]:
    found: list[Chord] = []
    for window in windows:
        shift = window.music.beat_shift if window.music is not None else 0.0
        for chord in (new if window.music is None else old).chords:
            start = max(chord.start + shift, window.start)
            end = min(chord.start + chord.length + shift, window.end)
            if end - start > _SHORTEST:
                found.append(_chord(chord, start, end))
    return tuple(found)


def _sections(old: Cue, new: Cue, windows: Sequence[_Window]) -> tuple[Section, ...]:
    """The sections; one that a seam parts is told once."""
    found: list[Section] = []
    for window in windows:
        shift = window.music.beat_shift if window.music is not None else 0.0
        for section in (new if window.music is None else old).sections:
            start = max(section.start + shift, window.start)
            end = min(section.start + section.length + shift, window.end)
            if end - start <= _SHORTEST:
                continue
            if found and found[-1].name == section.name:
                length = round(end - found[-1].start, 6)
                found[-1] = msgspec.structs.replace(found[-1], length=length)
            else:
                length = round(end - start, 6)
                found.append(msgspec.structs.replace(section, start=start, length=length))
    return tuple(found)


def _themes(old: Cue, new: Cue, windows: Sequence[_Window]) -> tuple[ThemeHeard, ...]:
    found = []
    for window in windows:
        shift = window.music.beat_shift if window.music is not None else 0.0
        for theme in (new if window.music is None else old).themes:
            if window.start <= theme.start + shift < window.end:
                found.append(msgspec.structs.replace(theme, start=theme.start + shift))
    return tuple(found)
