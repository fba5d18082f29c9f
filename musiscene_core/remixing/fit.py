"""Music fitted to a length, to the sample: whole bars first, then a little stretching.

    fitted = fit(audio, find_grid(audio), Wish(samples=48_000 * 30))

The music's own ending is always kept. Music without a usable grid is fitted by quiet places
(remixing.plain). Knows nothing of files or frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.remixing.fitted import Fitted, Floats, HitMet, Join, Stretch
from musiscene_core.remixing.grid import Grid
from musiscene_core.remixing.likeness import Cuts, find_cuts
from musiscene_core.remixing.plain import fit_plainly
from musiscene_core.remixing.route import Route, Task, find_route
from musiscene_core.remixing.splicing import Run, best_shift, spliced
from musiscene_core.remixing.stretching import Anchor, Placed, stretch_runs
from musiscene_core.timecode import SAMPLE_RATE

Samples = npt.NDArray[np.int64]

MOST_STRETCH = 0.03
"""Nowhere is the music made longer or shorter by more: 3 % is hardly heard."""
_REACH = 0.02
"""What a route may leave to stretching over its whole length."""
_FADE = round(0.03 * SAMPLE_RATE)
_EARLY = round(0.012 * SAMPLE_RATE)
"""A join is over this long before the bar line, so that its attack is whole."""
_MOST_SHIFT = round(0.02 * SAMPLE_RATE)
_COMPARED = round(0.12 * SAMPLE_RATE)
_SURE_SHIFT = 0.4
_PRE_ROLL = round(0.012 * SAMPLE_RATE)
_FADE_IN = round(0.006 * SAMPLE_RATE)
_REST_S = 0.4
"""Silence that may follow the ring-out before the range ends."""
_POOR = 0.45
_BEAT_CUTS_COST = 0.5
_MOST_WORK = 2e9


@dataclass(frozen=True)
class Wish:
    """What the music shall become.

    Attributes:
        samples: its length.
        hits: samples of the result where a bar line is wanted, increasing.
        keep_beginning: begin as the music begins.
        seed: 0 takes the best joins; another seed, others nearly as good.
    """

    samples: int
    hits: tuple[int, ...] = ()
    keep_beginning: bool = False
    seed: int = 0


def fit(audio: Floats, grid: Grid, wish: Wish, progress: Progress = silent) -> Fitted:
    """Fit `audio` to exactly `wish.samples` samples.

    Args:
        audio: the music [channels, n] at 48 kHz.
        grid: its beats and bars, as find_grid heard them.
        wish: what it shall become.
        progress: hears of each stage; may raise to stop.

    Raises:
        ValueError: no music, or no length.
    """
    if wish.samples < 1 or audio.shape[1] < 1:
        raise ValueError(f"{audio.shape[1]} samples cannot become {wish.samples}")
    begin, end = (round(second * SAMPLE_RATE) for second in grid.heard.sounding_s)
    if grid.usable:
        found = _planned(grid, wish, end, progress)
        if found is not None:
            progress("Joining the music", 0.8)
            return _rendered(audio, grid, wish, *found, end)
    progress("Joining the music", 0.8)
    return fit_plainly(audio, (begin, end), wish.samples, _hits_unmet(wish))


def _planned(
    grid: Grid, wish: Wish, end: int, progress: Progress
) -> tuple[Cuts, Task, Route] | None:
    """The best route by bar lines or, where bars alone do not fit well, by beats."""
    best: tuple[Cuts, Task, Route] | None = None
    end_s = end / SAMPLE_RATE
    for part, by_beats in enumerate((False, True)):
        cuts = find_cuts(grid, beats=by_beats)
        lead_s = cuts.times_s[0] - max(0.0, grid.heard.sounding_s[0] - _PRE_ROLL / SAMPLE_RATE)
        tail_s = max(0.0, end_s - float(cuts.times_s[-1]))
        each = grid.beats_per_bar if by_beats else 1
        task = Task(
            length_s=wish.samples / SAMPLE_RATE,
            lead_s=float(max(0.0, lead_s)),
            tail_s=(tail_s, tail_s + _REST_S),
            hits_s=tuple(hit / SAMPLE_RATE for hit in wish.hits),
            reach=_REACH,
            hit_reach=MOST_STRETCH,
            keep_beginning=wish.keep_beginning,
            least_run=4 * each,
            seed=wish.seed,
        )
        steps = 24 * task.length_s / float(np.median(np.diff(cuts.times_s)))
        if by_beats and steps * len(cuts.times_s) ** 2 > _MOST_WORK:
            break
        route = find_route(cuts, task, Portion(progress, 0.4 * part, 0.4 * part + 0.4))
        if route is not None:
            extra = _BEAT_CUTS_COST if by_beats else 0.0
            if best is None or route.cost + extra < best[2].cost:
                best = cuts, task, route
        if best is not None and _content(best[2], task):
            break
    return best


def _content(route: Route, task: Task) -> bool:
    return len(route.hits) == len(task.hits_s) and abs(route.off_s) < 0.5 * _REACH * task.length_s


def _rendered(
    audio: Floats, grid: Grid, wish: Wish, cuts: Cuts, task: Task, route: Route, end: int
) -> Fitted:
    samples = audio.shape[1]
    places = np.minimum(np.round(cuts.times_s * SAMPLE_RATE).astype(np.int64), samples)
    runs, shifts = _source_runs(audio, places, route, task, end)
    starts = np.concatenate([[0], np.cumsum([run.length for run in runs])])
    whole = spliced(audio, runs)
    final = int(starts[-2] + places[-1] - runs[-1].first)
    anchors, met = _anchors(route, wish, places, runs, starts, final, end - int(places[-1]))
    edits = stretch_runs(whole, anchors)
    result = np.zeros((audio.shape[0], wish.samples), np.float32)
    stretched = spliced(whole, edits)[:, : wish.samples]
    result[:, : stretched.shape[1]] = stretched
    if runs[0].first > 0:
        result[:, :_FADE_IN] *= np.linspace(0, 1, min(_FADE_IN, wish.samples), dtype=np.float32)
    output = Placed(edits)
    joins = []
    for number, (shift, run) in enumerate(zip(shifts, runs[1:], strict=True), start=1):
        left, right = route.runs[number - 1][1], route.runs[number][0]
        joins.append(
            Join(
                at_s=_seconds(output.at(int(starts[number]))),
                from_s=_seconds(int(places[left])),
                to_s=_seconds(run.first),
                from_bar=int(cuts.bars[left]) + 1,
                to_bar=int(cuts.bars[right]) + 1,
                likeness=round(float(cuts.likeness[left, right]), 3),
                shift_ms=round(1000 * shift / SAMPLE_RATE, 2),
                fade_ms=round(1000 * run.fade / SAMPLE_RATE, 1),
            )
        )
    beats, bar_beats, bars = _beats(grid, route, cuts, runs, starts, output, wish.samples)
    return Fitted(
        audio=result,
        joins=tuple(joins),
        stretches=_stretches(anchors),
        hits=_hits(wish, met, cuts, beats),
        beats_s=beats,
        bar_beats=bar_beats,
        bars=bars,
        on_beats=True,
        warnings=tuple(_warnings(joins, wish, met)),
    )


def _source_runs(
    audio: Floats,
    places: Samples,
    route: Route,
    task: Task,
    end: int,
) -> tuple[list[Run], list[int]]:
    """The route as runs of samples, and by how much each join was moved so that beats meet."""
    first_cut = route.runs[0][0]
    if first_cut == 0:
        begin = max(0, int(places[0]) - round(task.lead_s * SAMPLE_RATE))
    else:
        begin = max(0, int(places[first_cut]) - _PRE_ROLL)
    runs, shifts = [], []
    fade = early = 0
    for number, (_, last) in enumerate(route.runs):
        is_last = number + 1 == len(route.runs)
        runs.append(Run(begin, end if is_last else int(places[last]), fade, early))
        if not is_last:
            entry = int(places[route.runs[number + 1][0]])
            shift = _meeting(audio, int(places[last]), entry)
            shifts.append(shift)
            begin, fade, early = max(0, entry + shift), _FADE, _EARLY
    return runs, shifts


def _meeting(audio: Floats, left: int, entry: int) -> int:
    """By how much to move `entry` so that the sound around it lies as it does around `left`."""
    half = _COMPARED // 2
    reach = half + _MOST_SHIFT
    inside = reach <= left <= audio.shape[1] - reach and reach <= entry <= audio.shape[1] - reach
    if not inside:
        return 0
    template = audio[:, left - half : left + half].mean(axis=0)
    around = audio[:, entry - reach : entry + reach].mean(axis=0)
    shift, alike = best_shift(template, around, (-_MOST_SHIFT, _MOST_SHIFT), sharp=True)
    return shift if alike >= _SURE_SHIFT else 0


def _anchors(
    route: Route,
    wish: Wish,
    places: Samples,
    runs: Sequence[Run],
    starts: Samples,
    final: int,
    tail: int,
) -> tuple[list[Anchor], dict[int, int]]:
    """What is brought where, and for each hit met the cut that meets it.

    A hit that would need more stretching than is good is given up, the worst first.
    """
    met = {index: (number, cut) for index, number, cut in route.hits}
    while True:
        anchors: list[Anchor] = [(0, 0)]
        for index in sorted(met):
            number, cut = met[index]
            own = int(places[cut] - places[route.runs[number][0]])
            # In its run a cut lies as far from the run's beginning as in the music.
            first = _entry(route, places, runs, number)
            anchors.append((int(starts[number]) + first + own, wish.hits[index]))
        least = wish.samples - tail - round(_REST_S * SAMPLE_RATE)
        begun, at = anchors[-1]
        natural = at + final - begun
        goal = int(np.clip(natural, least, wish.samples - tail))
        if final > begun:
            anchors.append((final, goal))
        strain = [_strain(one, two) for one, two in pairwise(anchors)]
        if not met or (max(strain, default=0.0) <= MOST_STRETCH and at <= wish.samples - tail):
            return anchors, {index: cut for index, (_, cut) in met.items()}
        worst = int(np.argmax(strain)) if strain else 0
        order = sorted(met)
        del met[order[min(worst, len(order) - 1)]]


def _entry(route: Route, places: Samples, runs: Sequence[Run], number: int) -> int:
    """Samples from a run's beginning to its first cut."""
    return int(places[route.runs[number][0]]) - runs[number].first if number == 0 else 0


def _strain(one: Anchor, two: Anchor) -> float:
    own = two[0] - one[0]
    return abs((two[1] - one[1]) / own - 1.0) if own > 0 else float("inf")


def _beats(
    grid: Grid,
    route: Route,
    cuts: Cuts,
    runs: Sequence[Run],
    starts: Samples,
    output: Placed,
    samples: int,
) -> tuple[tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
    """The result's beats, which of them begin bars, and which bars those were."""
    times = np.round(grid.beats_s * SAMPLE_RATE).astype(np.int64)
    bar_of = {int(beat): number for number, beat in enumerate(grid.bar_lines, start=1)}
    beats: list[float] = []
    bar_beats: list[int] = []
    bars: list[int] = []
    for number, (first, last) in enumerate(route.runs):
        begin, stop = int(cuts.beats[first]), int(cuts.beats[last])
        if number == 0 and first == 0:
            begin = 0
        if number + 1 == len(route.runs):
            stop = len(times)
        origin = runs[number].first if number == 0 else int(times[begin])
        for beat in range(begin, stop):
            at = output.at(int(starts[number] + times[beat] - origin))
            if not 0 <= at < samples or (beats and _seconds(at) <= beats[-1]):
                continue
            if beat in bar_of:
                bar_beats.append(len(beats))
                bars.append(bar_of[beat])
            beats.append(_seconds(at))
    return tuple(beats), tuple(bar_beats), tuple(bars)


def _stretches(anchors: Sequence[Anchor]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(
            start_s=_seconds(one[1]),
            end_s=_seconds(two[1]),
            percent=round(100 * ((two[1] - one[1]) / (two[0] - one[0]) - 1), 3),
        )
        for one, two in pairwise(anchors)
        if two[1] - one[1] != two[0] - one[0]
    )


def _hits(
    wish: Wish, met: dict[int, int], cuts: Cuts, beats: Sequence[float]
) -> tuple[HitMet, ...]:
    times = np.array(beats)
    found = []
    for index, hit in enumerate(wish.hits):
        at = hit / SAMPLE_RATE
        nearest = float(times[np.abs(times - at).argmin()]) if len(times) else at
        bar = int(cuts.bars[met[index]]) + 1 if index in met else 0
        error = round(1000 * (nearest - at), 2)
        found.append(HitMet(at_s=round(at, 6), met=index in met, bar=bar, error_ms=error))
    return tuple(found)


def _hits_unmet(wish: Wish) -> tuple[HitMet, ...]:
    return tuple(HitMet(at_s=round(hit / SAMPLE_RATE, 6), met=False) for hit in wish.hits)


def _warnings(joins: Sequence[Join], wish: Wish, met: dict[int, int]) -> list[str]:
    said = [
        f"The join at {join.at_s:.1f} s is rough: bar {join.to_bar} is not much like "
        f"bar {join.from_bar}. Listen to it, or try another seed."
        for join in joins
        if join.likeness < _POOR
    ]
    missed = len(wish.hits) - len(met)
    if missed:
        said.append(
            f"{missed} of {len(wish.hits)} hits could not be met with a bar line of this music "
            "by joining bars and a little stretching."
        )
    return said


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 6)
