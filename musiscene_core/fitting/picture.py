"""Recorded music laid on picture: begun on a beat, stretched to hits, ended on an accent, exact.

    laid = lay(audio, find_grid(audio), Wish(samples=48_000 * 30, moments=...))

All that is done to the music is in what comes back: where every moment was met and how far off it
would have been, how much each part was stretched, where the beats are now. Music without a steady
beat meets moments with its attacks; music without those meets nothing and still ends. Knows nothing
of frames or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.fitting.ending import LONGEST_HELD_S, ring_s, rung_out
from musiscene_core.fitting.meeting import MOST_STRETCH, Meeting, Moment, Task, meet
from musiscene_core.fitting.places import PlaceKind, Places, places_in
from musiscene_core.remixing.fitted import Stretch
from musiscene_core.remixing.grid import Grid
from musiscene_core.remixing.splicing import spliced
from musiscene_core.remixing.stretching import Placed, stretch_runs
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_FADE_IN_S = 0.003
"""Kept before the beat that music begins on: its attack is whole."""
_ONE_BEAT_S = 0.06
"""Two moments that near are one beat: where it is counted, and where it is heard."""
_LATE = 0.75
"""Where in the range music without beats has its last accent at the earliest."""


@dataclass(frozen=True)
class Wish:
    """What the music shall do.

    Attributes:
        samples: of the result.
        moments: to be met, in order.
        begin_within_s: the music may begin on any beat of its first so many seconds; 0 begins it
            where the recording begins.
    """

    samples: int
    moments: tuple[Moment, ...] = ()
    begin_within_s: float = 0.0


@dataclass(frozen=True)
class Met:
    """What became of a moment.

    Attributes:
        at_s: where it is, in seconds of the range.
        met: whether a place of the music was brought onto it.
        before_ms: the nearest place minus the moment, had the music begun with the recording and
            nothing been stretched.
        after_ms: the place that meets it, else the nearest, minus the moment as the music is now.
        percent: how much the music just before it was stretched; above 0: longer.
        place: what that place is; None where the music has none.
    """

    at_s: float
    met: bool
    before_ms: float
    after_ms: float
    percent: float
    place: PlaceKind | None


@dataclass(frozen=True)
class Laid:
    """Music on picture.

    Attributes:
        audio: [2 k, samples].
        moments: one for each wished.
        stretches: only those that change anything.
        begin_s: where the recording is entered, in its own seconds.
        beats_s: the beats in seconds of the result [n].
        bar_beats: which of them begin a bar.
        accent_s: the last accent, in seconds of the result; None where the music only dies away.
        warnings: what the user should know.
    """

    audio: Floats
    moments: tuple[Met, ...]
    stretches: tuple[Stretch, ...]
    begin_s: float
    beats_s: tuple[float, ...]
    bar_beats: tuple[int, ...]
    accent_s: float | None
    warnings: tuple[str, ...] = ()


def lay(audio: Floats, grid: Grid, wish: Wish) -> Laid:
    """Lay `audio` [2 k, n] at 48 kHz on picture, all of it alike.

    Args:
        audio: the recording; a little longer than the range, else its end is silence.
        grid: its beats, as find_grid heard them.
        wish: what it shall do.
    """
    length_s = wish.samples / SAMPLE_RATE
    places = places_in(grid)
    if not len(places.at_s):
        return _unmet(audio, wish)
    task = Task(
        beats_s=places.at_s,
        strength=places.strength,
        moments=wish.moments,
        begins_s=_begins(places.at_s[places.ends], wish.begin_within_s),
        length_s=length_s,
        ring_s=ring_s(length_s),
        ends=places.ends & (places.at_s < audio.shape[1] / SAMPLE_RATE - 0.1),
    )
    return _stretched(audio, grid, wish, _Work(task, places, meet(task)))


@dataclass(frozen=True)
class _Work:
    task: Task
    places: Places
    meeting: Meeting


def _begins(beats: Doubles, within_s: float) -> tuple[float, ...]:
    early = [float(beat) - _FADE_IN_S for beat in beats if _FADE_IN_S < beat <= within_s]
    return (0.0, *early)


def _stretched(audio: Floats, grid: Grid, wish: Wish, work: _Work) -> Laid:
    task, meeting = work.task, work.meeting
    pairs = [
        (round(own * SAMPLE_RATE), round(at * SAMPLE_RATE)) for own, at in meeting.anchors(task)
    ]
    begin = pairs[0][0]
    anchors = [(own - begin, at) for own, at in pairs]
    source = audio[:, begin:]
    edits = stretch_runs(source, anchors)
    placed = Placed(edits)
    sound = spliced(source, edits)
    if begin:
        fade = min(round(_FADE_IN_S * SAMPLE_RATE), sound.shape[1])
        sound[:, :fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    beats, bar_beats = _placed_beats(grid, begin, placed, wish.samples) if grid.usable else ([], [])
    accent_s = None
    if meeting.end is not None:
        accent = round(meeting.end[1] * SAMPLE_RATE)
        own_s = float(task.beats_s[meeting.end[0]])
        after = grid.beats_s if grid.usable else task.beats_s
        following = after[after > own_s + _ONE_BEAT_S]
        spacing_s = 60.0 / grid.tempo_bpm if grid.usable else LONGEST_HELD_S
        then = (
            placed.at(round(float(following[0]) * SAMPLE_RATE) - begin)
            if len(following)
            else accent + round(spacing_s * SAMPLE_RATE)
        )
        result = rung_out(sound, accent, then, wish.samples)
        accent_s = round(accent / SAMPLE_RATE, 6)
        kept = [beat for beat in beats if beat <= accent_s + _ONE_BEAT_S]
        beats, bar_beats = kept, [place for place in bar_beats if place < len(kept)]
    else:
        result = _died_away(sound, wish.samples)
    return Laid(
        audio=result,
        moments=_met(wish.moments, work, pairs),
        stretches=_stretches(anchors),
        begin_s=round(begin / SAMPLE_RATE, 6),
        beats_s=tuple(beats),
        bar_beats=tuple(bar_beats),
        accent_s=accent_s,
        warnings=_warnings(work, steady=grid.usable),
    )


def _placed_beats(
    grid: Grid, begin: int, placed: Placed, samples: int
) -> tuple[list[float], list[int]]:
    lines = set(grid.bar_lines.tolist())
    beats: list[float] = []
    bars: list[int] = []
    for number, own in enumerate(grid.beats_s):
        sample = round(float(own) * SAMPLE_RATE) - begin
        at = placed.at(sample) if sample >= 0 else -1
        if not 0 <= at < samples or (beats and at / SAMPLE_RATE <= beats[-1]):
            continue
        if number in lines:
            bars.append(len(beats))
        beats.append(round(at / SAMPLE_RATE, 6))
    return beats, bars


def _met(
    moments: Sequence[Moment], work: _Work, pairs: Sequence[tuple[int, int]]
) -> tuple[Met, ...]:
    chosen = dict(work.meeting.met)
    struck = np.flatnonzero(work.places.strength >= 0)
    places = work.places.at_s
    own, at = np.array(pairs).T / SAMPLE_RATE
    # What follows the last anchor follows it unchanged.
    own, at = np.append(own, own[-1] + 1e4), np.append(at, at[-1] + 1e4)
    now = np.interp(places, own, at)
    found = []
    for index, moment in enumerate(moments):
        place = chosen.get(index)
        nearest = place
        if nearest is None:
            nearest = int(struck[np.abs(now[struck] - moment.at_s).argmin()])
        found.append(
            Met(
                at_s=round(moment.at_s, 6),
                met=place is not None,
                before_ms=_nearest_ms(places[struck], moment.at_s),
                after_ms=round(1000 * float(now[nearest] - moment.at_s), 2),
                percent=_percent_before(pairs, round(moment.at_s * SAMPLE_RATE)),
                place=work.places.kinds[nearest],
            )
        )
    return tuple(found)


def _nearest_ms(beats: Doubles, at_s: float) -> float:
    away = beats - at_s
    return round(1000 * float(away[np.abs(away).argmin()]), 2)


def _percent_before(pairs: Sequence[tuple[int, int]], at: int) -> float:
    """How much the stretch that ends at or spans sample `at` of the result was changed."""
    for one, two in pairwise(pairs):
        if one[1] < at <= two[1]:
            return round(100 * ((two[1] - one[1]) / (two[0] - one[0]) - 1), 3)
    return 0.0


def _stretches(anchors: Sequence[tuple[int, int]]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(
            start_s=round(one[1] / SAMPLE_RATE, 6),
            end_s=round(two[1] / SAMPLE_RATE, 6),
            percent=round(100 * ((two[1] - one[1]) / (two[0] - one[0]) - 1), 3),
        )
        for one, two in pairwise(anchors)
        if two[1] - one[1] != two[0] - one[0]
    )


def _unmet(audio: Floats, wish: Wish) -> Laid:
    return Laid(
        audio=_died_away(audio, wish.samples),
        moments=tuple(
            Met(
                at_s=round(moment.at_s, 6),
                met=False,
                before_ms=0.0,
                after_ms=0.0,
                percent=0.0,
                place=None,
            )
            for moment in wish.moments
        ),
        stretches=(),
        begin_s=0.0,
        beats_s=(),
        bar_beats=(),
        accent_s=None,
        warnings=("Neither a beat nor an attack is clear in the music, so it meets no hits.",),
    )


def _died_away(audio: Floats, samples: int) -> Floats:
    """Music without beats ends with the attack that is clearest late in the range, rung out."""
    least, most = (round(seconds * SAMPLE_RATE) for seconds in ring_s(samples / SAMPLE_RATE))
    first, last = samples - most, min(samples - least, audio.shape[1])
    accent = _clearest(audio, max(first, round(_LATE * samples)), last)
    beat = round(0.5 * (samples - accent))
    return rung_out(audio, accent, accent + beat, samples)


def _clearest(audio: Floats, first: int, last: int) -> int:
    """Where in [first, last) the level rises most; half way where it never does."""
    step = SAMPLE_RATE // 50
    count = (last - first) // step
    if count < 3:
        return int(max(0, min(first, audio.shape[1] - 1)))
    part = audio[:, first : first + count * step].mean(axis=0)
    level = np.square(part, dtype=np.float64).reshape(count, step).mean(axis=1)
    rise = np.diff(level)
    place = int(rise.argmax()) + 1 if rise.max(initial=0.0) > 0 else count // 2
    return first + place * step


def _warnings(work: _Work, *, steady: bool) -> tuple[str, ...]:
    moments = len(work.task.moments)
    missed = moments - len(work.meeting.met)
    what = "a beat" if steady else "an attack"
    said = []
    if moments and not steady:
        said.append("No steady beat is heard in the music: hits are met with its attacks.")
    if missed:
        said.append(
            f"{missed} of {moments} hits could not be met with {what} of this music"
            f" by stretching it by {100 * MOST_STRETCH:g} % at most."
        )
    return tuple(said)
