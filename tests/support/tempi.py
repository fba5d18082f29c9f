"""Questions to ask of a tempo map."""

from __future__ import annotations

from itertools import pairwise

from musiscene_core.tempo_map import TempoMap


def tempi_of(tempo: TempoMap) -> list[tuple[float, float]]:
    """The tempo at the beginning and the end of each segment, in BPM."""
    ends = [before.bpm_at(after.start_beat) for before, after in pairwise(tempo.segments)]
    starts = [segment.bpm for segment in tempo.segments]
    return list(zip(starts, [*ends, starts[-1]], strict=True))


def worst_bend(tempo: TempoMap, base: float | None = None) -> float:
    """How far any tempo lies from `base`, relative; None takes the last, which the rest leaves."""
    base = base or tempo.segments[-1].bpm
    return max(abs(bpm / base - 1) for pair in tempi_of(tempo) for bpm in pair)


def steps_of(tempo: TempoMap) -> list[float]:
    """How much the tempo changes at once where segments meet, relative."""
    pairs = pairwise(tempi_of(tempo))
    return [abs(after[0] / before[1] - 1) for before, after in pairs] or [0.0]
