"""Recorded music laid on picture: begun on a beat, stretched to hits, ended on an accent, exact.

    laid = lay(audio, find_grid(audio), Wish(samples=48_000 * 30, moments=...))

All that is done to the music is in what comes back: where every moment was met and how far off it
would have been, how much each part was stretched, where the beats are now. Music without a usable
grid meets nothing and still ends. Knows nothing of frames or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.fitting.ending import ring_s, rung_out
from musiscene_core.fitting.meeting import MOST_STRETCH, Meeting, Moment, Task, meet
from musiscene_core.remixing.fitted import Stretch
from musiscene_core.remixing.grid import Grid
from musiscene_core.remixing.splicing import spliced
from musiscene_core.remixing.stretching import Placed, stretch_runs
from musiscene_core.spotting import onsets
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_FADE_IN_S = 0.003
"""Kept before the beat that music begins on: its attack is whole."""
_OFF_BAR = 0.55
_HALF = 0.5
"""How good half a beat is against a beat as loud."""
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
        met: whether a beat was brought onto it.
        before_ms: the nearest beat minus the moment, had the music begun with the recording and
            nothing been stretched.
        after_ms: the nearest beat minus the moment as the music is now.
        percent: how much the music just before it was stretched; above 0: longer.
        downbeat: whether the beat begins a bar.
    """

    at_s: float
    met: bool
    before_ms: float
    after_ms: float
    percent: float
    downbeat: bool


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
    if not grid.usable:
        return _unmet(audio, wish)
    places, on_bar = beat_places(grid)
    strength = beat_strength(grid, places, on_bar)
    strength[1::2] *= _HALF
    on_beat = np.arange(len(places)) % 2 == 0
    task = Task(
        beats_s=places,
        strength=strength,
        moments=wish.moments,
        begins_s=_begins(grid.beats_s, wish.begin_within_s),
        length_s=length_s,
        ring_s=ring_s(length_s),
        ends=on_beat & (places < audio.shape[1] / SAMPLE_RATE - 0.1),
    )
    return _stretched(audio, grid, wish, task, meet(task))


def beat_strength(grid: Grid, moments_s: Doubles, on_bar: npt.NDArray[np.bool_]) -> Doubles:
    """How good each of `moments_s` [n] of music is to meet picture with, 0 to 1.

    Bar lines are best, then what is loud.
    """
    curve = grid.heard.onsets.sum(axis=1)
    places = np.clip(np.round(moments_s * onsets.RATE).astype(np.int64), 0, len(curve) - 1)
    near = [curve[np.clip(places + by, 0, len(curve) - 1)] for by in range(-3, 4)]
    heard = np.max(near, axis=0)
    loud = np.clip(heard / max(float(np.quantile(heard, 0.9)), 1e-9), 0.0, 1.0)
    found: Doubles = np.where(on_bar, 0.7 + 0.3 * loud, _OFF_BAR * loud)
    return found


def beat_places(grid: Grid) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Beats and what lies half way between them [2 n - 1], and which begin bars."""
    beats = grid.beats_s
    places = np.empty(2 * len(beats) - 1)
    places[::2] = beats
    places[1::2] = (beats[1:] + beats[:-1]) / 2
    on_bar = np.zeros(len(places), np.bool_)
    on_bar[2 * grid.bar_lines] = True
    return places, on_bar


def _begins(beats: Doubles, within_s: float) -> tuple[float, ...]:
    early = [float(beat) - _FADE_IN_S for beat in beats if _FADE_IN_S < beat <= within_s]
    return (0.0, *early)


def _stretched(audio: Floats, grid: Grid, wish: Wish, task: Task, meeting: Meeting) -> Laid:
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
    beats, bar_beats = _placed_beats(grid, begin, placed, wish.samples)
    accent_s = None
    if meeting.end is not None:
        accent = round(meeting.end[1] * SAMPLE_RATE)
        following = grid.beats_s[grid.beats_s > task.beats_s[meeting.end[0]] + 1e-6]
        spacing = 60.0 / grid.tempo_bpm
        then = (
            placed.at(round(float(following[0]) * SAMPLE_RATE) - begin)
            if len(following)
            else accent + round(spacing * SAMPLE_RATE)
        )
        result = rung_out(sound, accent, then, wish.samples)
        accent_s = round(accent / SAMPLE_RATE, 6)
        kept = [beat for beat in beats if beat <= accent_s + 1e-6]
        beats, bar_beats = kept, [place for place in bar_beats if place < len(kept)]
    else:
        result = _died_away(sound, wish.samples)
    return Laid(
        audio=result,
        moments=_met(wish.moments, task, meeting, grid, pairs),
        stretches=_stretches(anchors),
        begin_s=round(begin / SAMPLE_RATE, 6),
        beats_s=tuple(beats),
        bar_beats=tuple(bar_beats),
        accent_s=accent_s,
        warnings=_warnings(task, meeting),
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
    moments: Sequence[Moment],
    task: Task,
    meeting: Meeting,
    grid: Grid,
    pairs: Sequence[tuple[int, int]],
) -> tuple[Met, ...]:
    chosen = dict(meeting.met)
    own, at = np.array(pairs).T / SAMPLE_RATE
    # What follows the last anchor follows it unchanged.
    own, at = np.append(own, own[-1] + 1e4), np.append(at, at[-1] + 1e4)
    now = np.interp(grid.beats_s, own, at)
    lines = set((2 * grid.bar_lines).tolist())
    found = []
    for index, moment in enumerate(moments):
        beat = chosen.get(index)
        after = task.beats_s[[beat]] if beat is not None else None
        found.append(
            Met(
                at_s=round(moment.at_s, 6),
                met=beat is not None,
                before_ms=_nearest_ms(grid.beats_s, moment.at_s),
                after_ms=_nearest_ms(
                    np.interp(after, own, at) if after is not None else now, moment.at_s
                ),
                percent=_percent_before(pairs, round(moment.at_s * SAMPLE_RATE)),
                downbeat=beat in lines,
            )
        )
    return tuple(found)


def _nearest_ms(beats: Doubles, at_s: float) -> float:
    if not len(beats):
        return 0.0
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
                downbeat=False,
            )
            for moment in wish.moments
        ),
        stretches=(),
        begin_s=0.0,
        beats_s=(),
        bar_beats=(),
        accent_s=None,
        warnings=("No steady beat was heard in the music, so it meets no hits.",),
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


def _warnings(task: Task, meeting: Meeting) -> tuple[str, ...]:
    missed = len(task.moments) - len(meeting.met)
    said = []
    if missed:
        said.append(
            f"{missed} of {len(task.moments)} hits could not be met with a beat of this music by"
            f" stretching it by {100 * MOST_STRETCH:g} % at most."
        )
    return tuple(said)
