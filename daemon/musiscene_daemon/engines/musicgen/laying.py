"""From a recording to music that lies on picture: matched, begun on a beat, stretched to hits.

Computes and writes nothing, so that it can be done aside. Knows nothing of who made the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.brief import SURE, HitPoint, Mode
from musiscene_core.composing.notation.musicxml import musicxml_file
from musiscene_core.cue import Cue, Section
from musiscene_core.fitting.agreement import NEAR_S, agreement, beats_near, sketch_bars_s
from musiscene_core.fitting.chords import heard_chords
from musiscene_core.fitting.drift import MOST_TEMPO_PERCENT
from musiscene_core.fitting.following import followed
from musiscene_core.fitting.matching import Correction, matched
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.picture import Laid, Met, Wish, lay
from musiscene_core.fitting.places import attacks_s
from musiscene_core.fitting.report import SketchAgreement, WindowMade
from musiscene_core.fitting.traits import Traits, tempo_apart, traits_of
from musiscene_core.progress import Portion, Progress
from musiscene_core.remixing.grid import Grid, Wanted, find_grid
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap, through_beats
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_daemon.engines.musicgen.listening import at_48k, together
from musiscene_daemon.engines.musicgen.windows import level_db

Floats = npt.NDArray[np.float32]

LAYING = "Laying the music on picture"
_BAR_WEIGHT = 0.12
"""How much a bar line of the sketch matters beside a hit."""
_USUAL_HIT = 0.7
NEAR_HIT_S = 0.12
"""Farther from it an attack is not taken for the hit's."""
_BEGIN_WITHIN_S = 2.2
_LONG_ENOUGH_S = 6.0
"""A shorter range begins where the recording does."""


@dataclass(frozen=True)
class Music:
    """A recording on picture, and what is heard of it.

    Attributes:
        laid: how it lies.
        hits: what became of each of the plan's hits.
        struck_ms: the attack that is heard nearest each of them, minus the hit; None where none is
            within NEAR_HIT_S.
        corrections: of each window.
        tempo: as it is heard; None where no beats are.
        tonic: the same of its key.
        mode: the same.
        sections: the plan's form in the beats that are heard.
        agreed: how near it is to the sketch; None where it had none.
        near: of stems that lie side by side, how many beats are heard in each, and how many of
            them have one of the music's within 70 ms; none where the music has no beats.
        score: a lead sheet's MusicXML; None where no chords are heard.
    """

    laid: Laid
    hits: tuple[Met, ...]
    struck_ms: tuple[float | None, ...]
    corrections: tuple[Correction, ...]
    tempo: TempoMap | None
    tonic: int | None
    mode: Mode | None
    sections: tuple[Section, ...]
    agreed: SketchAgreement | None
    near: tuple[tuple[int, int], ...]
    score: bytes | None


def spare_s(length_s: float) -> float:
    """How much more than the range is generated, to begin on a beat and to be stretched."""
    return min(_BEGIN_WITHIN_S, 0.1 * length_s) + 0.02 * length_s


def moments_of(request: ScoreRequest, plan: Cue) -> tuple[Moment, ...]:
    """The hits that the plan chose, by weight."""
    rate = request.brief.timeline.rate
    known = {point.frame: point for point in request.brief.hit_points}
    return tuple(
        Moment(float(rate.seconds(hit.frame)), _weight(request, known.get(hit.frame)))
        for hit in plan.hits
    )


def _weight(request: ScoreRequest, point: HitPoint | None) -> float:
    if request.hits is not None:
        return 1.0
    return max(0.2, min(1.0, point.strength)) if point is not None else _USUAL_HIT


def on_picture(
    request: ScoreRequest,
    plan: Cue,
    audio: Floats,
    sample_rate: int,
    windows: Sequence[WindowMade],
    melody: bool,
    progress: Progress,
) -> Music:
    """Lay a recording on picture.

    Args:
        request: what is wanted.
        plan: the composer's, which the recording was made by.
        audio: the recording [channels, n] at `sample_rate`; stems side by side, two channels each.
        sample_rate: in hertz.
        windows: that were generated at once, in order.
        melody: whether its maker heard the sketch's melody.
        progress: hears of each stage; may raise to stop.
    """
    timeline = request.brief.timeline
    progress(LAYING, 0.0)
    audio = at_48k(audio, sample_rate)
    edges = [round(window.start_s * SAMPLE_RATE) for window in windows]
    audio, corrections = matched(
        audio,
        [*edges, audio.shape[1]],
        _arcs(plan, windows),
        lambda share: progress(LAYING, 0.12 * share),
    )
    grid = _grid(together(audio), plan, request, Portion(progress, 0.12, 0.5))
    hits = moments_of(request, plan)
    bars = _bars(plan, grid, request, hits)
    moments = sorted([*hits, *bars], key=lambda one: one.at_s)
    begin_within = _BEGIN_WITHIN_S if request.length_seconds >= _LONG_ENOUGH_S else 0.0
    laid = lay(audio, grid, Wish(timeline.length_samples, tuple(moments), begin_within))
    tempo = through_beats(laid.beats_s, laid.bar_beats, grid.beats_per_bar)
    whole = together(laid.audio)
    now = find_grid(whole, progress=Portion(progress, 0.5, 0.8))
    tonic, mode = _key(traits_of(whole, now), plan, melody)
    sections = _sections(plan, tempo)
    agreed = None
    if request.sketch != "off":
        agreed = agreement(
            plan,
            request.sketch,
            laid.beats_s,
            now.heard.chroma,
            melody=melody,
            bars_met=sum(laid.moments[moments.index(bar)].met for bar in bars),
            bars=len(sketch_bars_s(plan)),
        )
    heard = _heard_cue(plan, tempo, now, tonic, mode, sections, request)
    return Music(
        laid=laid,
        hits=tuple(laid.moments[moments.index(hit)] for hit in hits),
        struck_ms=_struck_ms(now, [hit.at_s for hit in hits]),
        corrections=corrections,
        tempo=tempo,
        tonic=tonic,
        mode=mode,
        sections=sections,
        agreed=agreed,
        near=_near(laid, Portion(progress, 0.8, 1.0)),
        score=musicxml_file(heard, timeline.cue) if heard is not None else None,
    )


def _struck_ms(grid: Grid, hits_s: Sequence[float]) -> tuple[float | None, ...]:
    """From each hit to the attack that is heard nearest it; told from the finished music."""
    attacks = attacks_s(grid.heard.onsets)
    found: list[float | None] = []
    for hit_s in hits_s:
        away = attacks - hit_s
        nearest = float(away[np.abs(away).argmin()]) if len(away) else np.inf
        found.append(round(1000 * nearest, 1) if abs(nearest) <= NEAR_HIT_S else None)
    return tuple(found)


def _near(laid: Laid, progress: Progress) -> tuple[tuple[int, int], ...]:
    count = len(laid.audio) // 2
    found = []
    for index in range(count if count > 1 and laid.beats_s else 0):
        part = Portion(progress, index / count, (index + 1) / count)
        own = find_grid(laid.audio[2 * index : 2 * index + 2], progress=part)
        # Where the music has beats: it rings out after its last accent.
        first, last = laid.beats_s[0] - NEAR_S, laid.beats_s[-1] + NEAR_S
        beats = [at_s for at_s in own.beats_s if own.usable and first <= at_s <= last]
        found.append((len(beats), beats_near(beats, laid.beats_s)))
    return tuple(found)


def _arcs(plan: Cue, windows: Sequence[WindowMade]) -> tuple[float, ...]:
    """How much louder each window is meant to be than the first."""
    meant = [level_db(plan, window.start_s, window.end_s) for window in windows]
    return tuple(one - meant[0] for one in meant)


def _grid(audio: Floats, plan: Cue, request: ScoreRequest, progress: Progress) -> Grid:
    """The recording's beats, told from the sketch's where it follows them."""
    grid = find_grid(audio, progress=progress)
    told = followed(grid, plan.tempo) if request.sketch != "off" else None
    if told is not None:
        return told
    bpm = plan.tempo.segments[0].bpm
    if not grid.usable or abs(np.log2(grid.tempo_bpm / bpm)) < 0.5:
        return grid
    apart = tempo_apart(traits_of(audio, grid), bpm)
    if apart is None or abs(apart) > MOST_TEMPO_PERCENT:
        return grid
    again = find_grid(audio, Wanted(tempo_bpm=bpm))
    return again if again.usable else grid


def _bars(
    plan: Cue, grid: Grid, request: ScoreRequest, hits: Sequence[Moment]
) -> tuple[Moment, ...]:
    """The sketch's bar lines as moments, where the recording keeps its tempo at all."""
    if request.sketch == "off" or not grid.usable:
        return ()
    bpm = plan.tempo.segments[0].bpm
    octaves = np.log2(grid.tempo_bpm / bpm)
    if abs(100 * (2 ** (octaves - round(octaves)) - 1)) > MOST_TEMPO_PERCENT:
        return ()
    taken = np.array([hit.at_s for hit in hits])
    return tuple(
        Moment(at_s, _BAR_WEIGHT)
        for at_s in sketch_bars_s(plan)
        if 0.5 < at_s < request.length_seconds - 0.5
        and not (len(taken) and np.abs(taken - at_s).min() < 0.15)
    )


def _key(traits: Traits, plan: Cue, melody: bool) -> tuple[int | None, Mode | None]:
    if traits.tonic is not None and traits.key_confidence >= SURE:
        return traits.tonic, traits.mode
    return (plan.tonic, plan.mode) if melody else (None, None)


def _heard_cue(
    plan: Cue,
    tempo: TempoMap | None,
    grid: Grid,
    tonic: int | None,
    mode: Mode | None,
    sections: tuple[Section, ...],
    request: ScoreRequest,
) -> Cue | None:
    """The music as chords over bars, for a lead sheet; None where no beats are heard."""
    if tempo is None:
        return None
    tonic = plan.tonic if tonic is None else tonic
    mode = plan.mode if mode is None else mode
    chords = heard_chords(grid.heard.chroma, tempo, request.length_seconds, tonic, mode)
    if not chords:
        return None
    return msgspec.structs.replace(
        plan,
        tempo=tempo,
        tonic=tonic,
        mode=mode,
        sections=sections,
        chords=chords,
        parts=(),
        hits=(),
        dropped=(),
        themes=(),
    )


def _sections(plan: Cue, tempo: TempoMap | None) -> tuple[Section, ...]:
    """The plan's form in the beats that are heard."""
    if tempo is None:
        return ()
    starts = [tempo.beat(plan.tempo.seconds(one.start)) for one in plan.sections]
    end = tempo.beat(plan.length_s)
    # A form that was planned turns on bar lines; what is heard has its own.
    starts = [round(start) if index else min(starts[0], 0.0) for index, start in enumerate(starts)]
    edges = [*starts, end]
    return tuple(
        msgspec.structs.replace(one, start=float(edges[index]), length=edges[index + 1] - start)
        for index, (one, start) in enumerate(zip(plan.sections, starts, strict=True))
        if edges[index + 1] - start > 0
    )
