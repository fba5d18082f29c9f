"""When the music happens: the hits it meets, its tempo map and bar lines, where it begins and ends.

Every hit of the user's is met: between beats, as a stinger, where no beat can. A candidate of ours
that no beat meets is worth more left out than met badly. Knows nothing of idioms or notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.composing.hits import ChosenHit, choose_hits, main_hit
from musiscene_core.composing.tempo import TOLERANCE_S, Solution, Wish, solve, steady
from musiscene_core.composing.tempo_chain import Target
from musiscene_core.cue import DroppedHit, HitResult
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap

_OF_A_FRAME = 0.98
"""The share of a frame that a hit may be off, so that rounding never makes it a whole one."""


@dataclass(frozen=True)
class PlannedHit:
    """A hit in the music: its beat, how much it matters (0 to 1), and whether it leads."""

    beat: float
    weight: float
    main: bool


@dataclass(frozen=True)
class Timing:
    """All that is decided about time.

    Attributes:
        tempo: the tempo map.
        hits: met moments in order, on distinct beats.
        report: one a hit that is met.
        dropped: the candidates left out.
        start_beat: the beat at cue second 0, rounded up; never after beat 0.
        end_beat: the beat at the cue's end, rounded down.
    """

    tempo: TempoMap
    hits: tuple[PlannedHit, ...]
    report: tuple[HitResult, ...]
    dropped: tuple[DroppedHit, ...]
    start_beat: float
    end_beat: float


def make_timing(
    request: ScoreRequest, wish: Wish, moments: Sequence[float] = (), *, whole_bars: bool = False
) -> Timing:
    """Fit the music's time to `request`'s hits and held bars.

    Args:
        request: what is wanted.
        wish: what the tempo should be like.
        moments: cue seconds at which the words want something to change, met like candidates.
        whole_bars: keep to the wish's tempo, beginning on a bar line.
    """
    rate = request.brief.timeline.rate
    length_s = request.length_seconds
    chosen, dropped = choose_hits(request, moments)
    solution, places = _solved(request, chosen, wish, whole_bars=whole_bars)
    tempo = solution.tempo
    start_beat = inward(tempo, tempo.beat(0.0), 0.0, 1.0)
    met = []
    for index, beat in solution.met:
        if index in places:
            beat = max(start_beat, _inside(tempo, beat, length_s))
            met.append((chosen[places[index]], beat))
    missed = tuple(
        chosen[places[index]].dropped(
            f"no beat at this tempo is nearer than {abs(error) * 1000:.0f} ms"
        )
        for index, error in solution.missed
    )
    return Timing(
        tempo=tempo,
        hits=planned(met),
        report=tuple(
            HitResult.measured(hit.frame, hit.kind, hit.label, beat, tempo, rate)
            for hit, beat in met
        ),
        dropped=tuple(sorted((*dropped, *missed), key=lambda hit: hit.frame)),
        start_beat=start_beat,
        end_beat=inward(tempo, tempo.beat(length_s), length_s, -1.0),
    )


def _solved(
    request: ScoreRequest, chosen: tuple[ChosenHit, ...], wish: Wish, *, whole_bars: bool
) -> tuple[Solution, dict[int, int]]:
    """The solution for hits and held bars, and which hit each of its targets is."""
    rate = request.brief.timeline.rate
    bars = {held.frame: held.bar for held in request.bars}
    hits = {hit.frame: index for index, hit in enumerate(chosen)}
    frames = sorted({*bars, *hits})
    targets, places = [], {}
    for index, frame in enumerate(frames):
        hit = chosen[hits[frame]] if frame in hits else None
        if hit is not None:
            places[index] = hits[frame]
        targets.append(
            Target(
                float(rate.seconds(frame)),
                hit.weight if hit else 0.0,
                hit is None or hit.held,
                bars.get(frame),
            )
        )
    main = frames.index(chosen[main_hit(chosen)].frame) if chosen else 0
    tolerance = min(TOLERANCE_S, _OF_A_FRAME / float(rate.fps))
    if whole_bars:
        return steady(targets, wish, tolerance), places
    return solve(targets, main, request.length_seconds, wish, tolerance), places


def planned(met: Sequence[tuple[ChosenHit, float]]) -> tuple[PlannedHit, ...]:
    """The hits by beat; those on one beat become one."""
    leading = main_hit([hit for hit, _ in met])
    planned: dict[float, PlannedHit] = {}
    for index, (hit, beat) in enumerate(met):
        known = planned.get(beat)
        weight = max(hit.weight, known.weight if known else 0.0)
        main = index == leading or (known is not None and known.main)
        planned[beat] = PlannedHit(beat, weight, main)
    return tuple(planned[beat] for beat in sorted(planned))


def _inside(tempo: TempoMap, beat: float, length_s: float) -> float:
    """`beat`, or just before the end where it would fall past it."""
    if tempo.seconds(beat) < length_s - 1e-3:
        return beat
    return round(tempo.beat(length_s - min(0.05, length_s / 2)), 6)


def inward(tempo: TempoMap, beat: float, limit_s: float, direction: float) -> float:
    """`beat` rounded to a millionth so that it never lies outside the cue."""
    rounded = round(beat, 6)
    while (tempo.seconds(rounded) - limit_s) * direction < 0:
        rounded = round(rounded + direction * 1e-6, 6)
    return rounded
