"""From a recording to a take: matched, laid on picture, taken apart, and all of it told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.aside import aside
from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.cue import Cue, DroppedHit, HitResult
from musiscene_core.errors import OutputError
from musiscene_core.fitting.picture import Laid, Met
from musiscene_core.fitting.report import (
    HitMoved,
    RenderReport,
    SketchAgreement,
    StemMade,
    WindowMade,
)
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import ScoreRequest
from musiscene_core.separating.quality import BY_RULES_DB
from musiscene_core.take import RENDER_FILE, Licence, Provenance, Take
from musiscene_daemon.engines.musicgen import finishing
from musiscene_daemon.engines.musicgen.laying import LAYING, Music, on_picture

Floats = npt.NDArray[np.float32]

SCORE_FILE = "cue.musicxml"
_NO_INSTRUMENTS = "What is generated has no instruments to tell apart: its stems are roles."


@dataclass(frozen=True)
class Sound:
    """A recording: what was generated for a take.

    Attributes:
        audio: [channels, samples] at the model's rate; stems side by side, two channels each.
        windows: in order.
        warnings: what the user should know.
        first_sound_s: from the beginning until there was something to hear.
        stems: those that were generated on their own, in the order of the channels.
    """

    audio: Floats
    windows: tuple[WindowMade, ...]
    warnings: tuple[str, ...]
    first_sound_s: float = 0.0
    stems: tuple[StemMade, ...] = ()


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

    def split(self, mix: Floats, heed: Callable[[], None]) -> dict[str, Floats]:
        """Drums, bass and others of a mix [2, n] at 48 kHz, each [2, n]; `heed` may stop it."""


@dataclass(frozen=True)
class Place:
    """Where a take goes: its name, its seed and its folder."""

    name: str
    seed: int
    folder: Path


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
    recording = made.audio, model.sample_rate, made.windows, model.melody
    music = aside(
        lambda inner: on_picture(request, plan, *recording, inner),
        Portion(progress, 0.0, 0.4),
        LAYING,
    )
    laid, of_hits, tempo, agreed = music.laid, music.hits, music.tempo, music.agreed
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
            parts=tuple(stem.role for stem in made.stems),
            sketch=sketch,
        )
    results, unmet = _hit_results(plan, music, request)
    if music.score is not None:
        write_atomically(place.folder / SCORE_FILE, music.score)
    report = RenderReport(
        windows=tuple(
            msgspec.structs.replace(
                window, level_db=correction.level_db, colour_db=round(correction.most_db, 2)
            )
            for window, correction in zip(made.windows, music.corrections, strict=True)
        ),
        hits=_moved(plan, music, request),
        stretches=laid.stretches,
        begin_s=laid.begin_s,
        accent_s=laid.accent_s,
        separation=(
            apart_words(made.stems)
            if made.stems
            else separation_words(separator.name if separator is not None else "")
        ),
        sketch=agreed,
        first_sound_s=round(made.first_sound_s, 2),
        stems=tuple(
            msgspec.structs.replace(stem, beats=beats, near=near)
            for stem, (beats, near) in zip(
                made.stems, music.near or ((0, 0),) * len(made.stems), strict=True
            )
        ),
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
        musicxml=SCORE_FILE if music.score is not None else "",
        peaks="mix.dat",
        extras=(RENDER_FILE,),
        tempo=tempo,
        tonic=music.tonic,
        mode=music.mode,
        sections=music.sections,
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
            *((_NO_INSTRUMENTS,) if request.stems == "instruments" else ()),
        ),
    )
    write_atomically(place.folder / "take.json", to_json(take))
    progress("Writing the take", 1.0)
    return take


def apart_words(stems: Sequence[StemMade]) -> str:
    """How stems were generated, in a sentence."""
    roles = ", ".join(stem.role for stem in stems)
    spent_s = sum(stem.seconds for stem in stems)
    return f"Generated each on its own ({roles}) in {spent_s:.0f} s; the mix is their sum."


def separation_words(name: str) -> str:
    """How stems were taken apart and what to expect, in a sentence."""
    expected = ", ".join(f"{role} {decibels:+.0f}" for role, decibels in BY_RULES_DB.items())
    if name:
        return f"Drums and bass taken apart by {name}, melody and harmony by rules."
    return (
        f"Taken apart by rules, no model: expect an SI-SDR of about {expected} dB. Good for"
        " balancing, not for hearing one alone."
    )


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
    plan: Cue, music: Music, request: ScoreRequest
) -> tuple[tuple[HitResult, ...], list[DroppedHit]]:
    rate = request.brief.timeline.rate
    results, unmet = [], []
    for hit, outcome in zip(plan.hits, music.hits, strict=True):
        if not outcome.met:
            reason = _why_unmet(outcome)
            unmet.append(DroppedHit(frame=hit.frame, kind=hit.kind, label=hit.label, reason=reason))
            continue
        found = HitResult(
            frame=hit.frame,
            kind=hit.kind,
            label=hit.label,
            beat=0.0,
            error_ms=outcome.after_ms,
            error_frames=round(outcome.after_ms / 1000 * float(rate.fps), 4),
            place="an attack",
        )
        if music.tempo is not None:
            beat = round(2 * music.tempo.beat(outcome.at_s)) / 2
            named = hit.frame, hit.kind, hit.label
            at = HitResult.measured(*named, beat, music.tempo, rate)
            found = msgspec.structs.replace(found, beat=beat, bar=at.bar, place=at.place)
        results.append(found)
    return tuple(results), unmet


def _why_unmet(outcome: Met) -> str:
    if outcome.place is None:
        return "neither a beat nor an attack is clear in the music"
    return f"the nearest {outcome.place} is {abs(outcome.after_ms):.0f} ms away"


def _moved(plan: Cue, music: Music, request: ScoreRequest) -> tuple[HitMoved, ...]:
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
            place=outcome.place,
            struck_ms=struck_ms,
            struck_frames=None if struck_ms is None else round(struck_ms * fps / 1000, 2),
        )
        for hit, outcome, struck_ms in zip(plan.hits, music.hits, music.struck_ms, strict=True)
    )


def _warnings(laid: Laid, hits: Sequence[Met], agreed: SketchAgreement | None) -> tuple[str, ...]:
    said = [one for one in laid.warnings if "hits could not" not in one]
    missed = sum(not one.met for one in hits)
    what = "a beat" if laid.beats_s else "an attack"
    if missed and any(one.place is not None for one in hits):
        said.append(
            f"{missed} of {len(hits)} hits could not be met with {what} of this music by"
            " stretching it by 4 % at most."
        )
    if agreed is not None and agreed.use == "layer" and agreed.near < 0.6 * agreed.beats:
        said.append(
            f"Only {agreed.near} of the sketch's {agreed.beats} beats are met by the render:"
            " together they will not groove. Mute one of the two, or try another seed."
        )
    return tuple(said)
