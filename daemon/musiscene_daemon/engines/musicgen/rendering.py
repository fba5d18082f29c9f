"""From a recording to a take: matched, laid on picture, taken apart, and all of it told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.brief import HitPoint, Mode
from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.composing.notation.musicxml import musicxml_file
from musiscene_core.cue import Cue, DroppedHit, HitResult, Section
from musiscene_core.errors import OutputError
from musiscene_core.fitting.agreement import agreement, sketch_bars_s
from musiscene_core.fitting.chords import heard_chords
from musiscene_core.fitting.drift import MOST_TEMPO_PERCENT
from musiscene_core.fitting.following import followed
from musiscene_core.fitting.matching import matched
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.picture import Laid, Met, Wish, lay
from musiscene_core.fitting.report import (
    HitMoved,
    RenderReport,
    SketchAgreement,
    WindowMade,
)
from musiscene_core.fitting.traits import Traits, tempo_apart, traits_of
from musiscene_core.progress import Portion, Progress
from musiscene_core.remixing.grid import Grid, Wanted, find_grid
from musiscene_core.request import ScoreRequest
from musiscene_core.separating.quality import BY_RULES_DB
from musiscene_core.take import RENDER_FILE, Licence, Provenance, Take
from musiscene_core.tempo_map import TempoMap, through_beats
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_daemon.engines.musicgen import finishing

Floats = npt.NDArray[np.float32]

SCORE_FILE = "cue.musicxml"
_BAR_WEIGHT = 0.12
"""How much a bar line of the sketch matters beside a hit."""
_USUAL_HIT = 0.7
_BEGIN_WITHIN_S = 2.2
_LONG_ENOUGH_S = 6.0
"""A shorter range begins where the recording does."""
_ARC_DB = 6.0
"""How much louder the fullest section is meant to be than the emptiest."""
_SURE_KEY = 0.35


@dataclass(frozen=True)
class Sound:
    """A recording: what was generated for a take.

    Attributes:
        audio: [channels, samples] at the model's rate.
        windows: in order.
        warnings: what the user should know.
        first_sound_s: from the beginning until there was something to hear.
    """

    audio: Floats
    windows: tuple[WindowMade, ...]
    warnings: tuple[str, ...]
    first_sound_s: float = 0.0


@dataclass(frozen=True)
class Model:
    """What a take says of the model that made it.

    Attributes:
        engine: the engine's name.
        engine_version: its version.
        name: of the weights.
        digest: of the weights.
        sample_rate: of its sound.
        melody: whether it heard the sketch's melody.
        licence: of the music made.
        commercial_use: whether that allows it.
    """

    engine: str
    engine_version: str
    name: str
    digest: str
    sample_rate: int
    melody: bool
    licence: Licence = "CC-BY-NC-4.0"
    commercial_use: bool = False


class Separator(Protocol):
    """A model that takes a mix apart."""

    @property
    def name(self) -> str:
        """What its weights are called."""

    def split(self, mix: Floats) -> dict[str, Floats]:
        """Drums, bass and others of a mix [2, n] at 48 kHz, each [2, n]."""


@dataclass(frozen=True)
class Place:
    """Where a take goes: its name, its seed and its folder."""

    name: str
    seed: int
    folder: Path


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


def rendered(
    request: ScoreRequest,
    plan: Cue,
    made: Sound,
    model: Model,
    place: Place,
    progress: Progress,
    separator: Separator | None = None,
) -> Take:
    """Write one take's files.

    Args:
        request: what is wanted.
        plan: the composer's, which the recording was made by.
        made: the recording.
        model: what made it.
        place: where it goes.
        progress: hears of each stage.
        separator: tells drums and bass apart; None leaves that to rules.

    Raises:
        OutputError: the folder cannot be written.
        CancelledError: `progress` raised it.
    """
    timeline = request.brief.timeline
    progress("Laying the music on picture", 0.0)
    audio = finishing.at_48k(made.audio, model.sample_rate)
    edges = [round(window.start_s * SAMPLE_RATE) for window in made.windows]
    audio, corrections = matched(
        audio,
        [*edges, audio.shape[1]],
        _arcs(plan, made),
        lambda share: progress("Laying the music on picture", 0.05 * share),
    )
    grid = _grid(audio, plan, request, Portion(progress, 0.05, 0.25))
    hits = moments_of(request, plan)
    bars = _bars(plan, grid, request, hits)
    moments = sorted([*hits, *bars], key=lambda one: one.at_s)
    begin_within = _BEGIN_WITHIN_S if request.length_seconds >= _LONG_ENOUGH_S else 0.0
    laid = lay(audio, grid, Wish(timeline.length_samples, tuple(moments), begin_within))
    of_hits = [laid.moments[moments.index(hit)] for hit in hits]
    met_bars = sum(laid.moments[moments.index(bar)].met for bar in bars)
    tempo = through_beats(laid.beats_s, laid.bar_beats, grid.beats_per_bar)
    now = find_grid(laid.audio, progress=Portion(progress, 0.25, 0.4))
    traits = traits_of(laid.audio, now)
    tonic, mode = _key(traits, plan, model)
    with TemporaryDirectory(dir=place.folder, prefix="sketch-") as scratch:
        sketch = None
        if request.sketch == "layer":
            sketch = _sketch(request, Path(scratch), Portion(progress, 0.4, 0.6))
        stems, levels = finishing.write(
            request,
            laid.audio,
            place.name,
            place.folder,
            Portion(progress, 0.6, 0.97),
            split=separator.split if separator is not None else None,
            sketch=sketch,
        )
    agreed = None
    if request.sketch != "off":
        agreed = agreement(
            plan,
            request.sketch,
            laid.beats_s,
            now.heard.chroma,
            melody=model.melody,
            bars_met=met_bars,
            bars=len(sketch_bars_s(plan)),
        )
    results, unmet = _hit_results(plan, of_hits, tempo, request)
    sections = _sections(plan, tempo)
    heard = _heard_cue(plan, tempo, now, tonic, mode, sections, request)
    if heard is not None:
        write_atomically(place.folder / SCORE_FILE, musicxml_file(heard, timeline.cue))
    report = RenderReport(
        windows=tuple(
            msgspec.structs.replace(
                window, level_db=correction.level_db, colour_db=round(correction.most_db, 2)
            )
            for window, correction in zip(made.windows, corrections, strict=True)
        ),
        hits=_moved(plan, of_hits, request),
        stretches=laid.stretches,
        begin_s=laid.begin_s,
        accent_s=laid.accent_s,
        separation=separation_words(separator.name if separator is not None else ""),
        sketch=agreed,
        first_sound_s=round(made.first_sound_s, 2),
    )
    write_atomically(place.folder / RENDER_FILE, to_json(report))
    take = Take(
        name=place.name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix="mix.wav",
        stems=stems,
        musicxml=SCORE_FILE if heard is not None else "",
        peaks="mix.dat",
        extras=(RENDER_FILE,),
        tempo=tempo,
        tonic=tonic,
        mode=mode,
        sections=sections,
        hits=results,
        dropped=tuple(sorted((*plan.dropped, *unmet), key=lambda one: one.frame)),
        loudness_lufs=round(levels.loudness_lufs, 2),
        true_peak_dbtp=round(levels.true_peak_dbtp, 2),
        provenance=Provenance(
            engine=model.engine,
            engine_version=model.engine_version,
            model=model.name,
            model_hash=model.digest,
            seed=place.seed,
            prompt=" | ".join(dict.fromkeys(window.prompt for window in made.windows)),
            licence=model.licence,
            commercial_use=model.commercial_use,
            request_digest=digest(request),
        ),
        warnings=(
            *request.brief.warnings,
            *made.warnings,
            *_warnings(laid, of_hits, agreed),
        ),
    )
    write_atomically(place.folder / "take.json", to_json(take))
    progress("Writing the take", 1.0)
    return take


def separation_words(name: str) -> str:
    """How stems were taken apart and what to expect, in a sentence."""
    expected = ", ".join(f"{role} {decibels:+.0f}" for role, decibels in BY_RULES_DB.items())
    if name:
        return f"Drums and bass taken apart by {name}, melody and harmony by rules."
    return (
        f"Taken apart by rules, no model: expect an SI-SDR of about {expected} dB. Good for"
        " balancing, not for hearing one alone."
    )


def _arcs(plan: Cue, made: Sound) -> tuple[float, ...]:
    """How much louder each window is meant to be than the first: by how full the plan has it."""
    full = []
    for window in made.windows:
        middle = plan.tempo.beat((window.start_s + window.end_s) / 2)
        before = [one for one in plan.sections if one.start <= middle] or list(plan.sections[:1])
        full.append(before[-1].density if before else 0.5)
    return tuple(_ARC_DB * (one - full[0]) for one in full)


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


def _key(traits: Traits, plan: Cue, model: Model) -> tuple[int | None, Mode | None]:
    if traits.tonic is not None and traits.key_confidence >= _SURE_KEY:
        return traits.tonic, traits.mode
    return (plan.tonic, plan.mode) if model.melody else (None, None)


def _sketch(request: ScoreRequest, scratch: Path, progress: Progress) -> tuple[Take, Path]:
    """The composer's own take of the plan."""
    from musiscene_core.composing.score import score

    wish = msgspec.structs.replace(
        request, engine="composer", stems="roles", takes=1, loop=False, alternates=()
    )
    try:
        return score(wish, request.seed, "sketch", scratch, progress), scratch
    except OSError as error:
        raise OutputError.from_os(error, scratch) from error


def _hit_results(
    plan: Cue, met: Sequence[Met], tempo: TempoMap | None, request: ScoreRequest
) -> tuple[tuple[HitResult, ...], list[DroppedHit]]:
    rate = request.brief.timeline.rate
    results, unmet = [], []
    for hit, outcome in zip(plan.hits, met, strict=True):
        if outcome.met and tempo is not None:
            beat = round(2 * tempo.beat(outcome.at_s)) / 2
            results.append(HitResult.measured(hit.frame, hit.kind, hit.label, beat, tempo, rate))
            continue
        reason = (
            f"the nearest beat is {abs(outcome.after_ms):.0f} ms away"
            if tempo is not None
            else "no steady beat is heard in the music"
        )
        unmet.append(DroppedHit(frame=hit.frame, kind=hit.kind, label=hit.label, reason=reason))
    return tuple(results), unmet


def _moved(plan: Cue, met: Sequence[Met], request: ScoreRequest) -> tuple[HitMoved, ...]:
    fps = float(request.brief.timeline.rate.fps)
    return tuple(
        HitMoved(
            frame=hit.frame,
            label=hit.label or hit.kind.replace("_", " "),
            met=outcome.met,
            before_ms=outcome.before_ms,
            before_frames=round(outcome.before_ms * fps / 1000, 2),
            after_ms=outcome.after_ms,
            after_frames=round(outcome.after_ms * fps / 1000, 2),
            percent=outcome.percent,
        )
        for hit, outcome in zip(plan.hits, met, strict=True)
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


def _warnings(laid: Laid, hits: Sequence[Met], agreed: SketchAgreement | None) -> tuple[str, ...]:
    said = [one for one in laid.warnings if "hits could not" not in one]
    missed = sum(not one.met for one in hits)
    if missed and laid.beats_s:
        said.append(
            f"{missed} of {len(hits)} hits could not be met with a beat of this music by"
            " stretching it by 4 % at most."
        )
    if agreed is not None and agreed.use == "layer" and agreed.near < 0.6 * agreed.beats:
        said.append(
            f"Only {agreed.near} of the sketch's {agreed.beats} beats are met by the render:"
            " together they will not groove. Mute one of the two, or try another seed."
        )
    return tuple(said)
