"""What the tools answer: plain values with absolute paths, whose types make the tools' schemas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import SceneBrief
from musiscene_core.keys import key_name
from musiscene_core.protocol.state import JobInfo
from musiscene_core.timecode import format_timecode
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.host import TakeInFolder


@dataclass(frozen=True)
class Hit:
    """A moment that the music meets, and by how many frames it misses."""

    timecode: str
    what: str
    error_frames: float


@dataclass(frozen=True)
class TakeAnswer:
    """A take: where its files are, and what a listener would want to know first."""

    cue: str
    name: str
    folder: str
    mix: str
    stems: list[str]
    midi: str
    record_in: str
    record_out: str
    seconds: float
    key: str
    tempo_bpm: float | None
    loudness_lufs: float
    licence: str
    commercial_use: bool
    seed: int
    hits: list[Hit]
    warnings: list[str]


@dataclass(frozen=True)
class ScoreAnswer:
    """The takes, and the copy of the timeline that carries them; empty where none was written."""

    takes: list[TakeAnswer]
    timeline: str


@dataclass(frozen=True)
class SpotAnswer:
    """What was seen and heard in a range."""

    cue: str
    record_in: str
    record_out: str
    seconds: float
    frame_rate: str
    shots: int
    dialogue_seconds: float
    temp_track: bool
    hit_points: list[str]
    captions: dict[str, str]
    warnings: list[str]


@dataclass(frozen=True)
class ConformAnswer:
    """How the range changed, a line each, and the takes made anew; none where the old one fits."""

    changes: list[list[str]]
    takes: list[TakeAnswer]
    timeline: str


@dataclass(frozen=True)
class JobAnswer:
    """A job of the daemon."""

    id: str
    kind: str
    cue: str
    state: str
    stage: str
    fraction: float
    seconds_left: float | None
    error: str


@dataclass(frozen=True)
class JobsAnswer:
    """Jobs, oldest first."""

    jobs: list[JobAnswer]


@dataclass(frozen=True)
class LibraryTake:
    """A take in the library."""

    id: str
    cue: str
    label: str
    folder: str
    engine: str
    key: str
    seconds: float
    licence: str
    favourite: bool


@dataclass(frozen=True)
class LibraryAnswer:
    """Takes that answer a search, the youngest first, and how many there are in all."""

    takes: list[LibraryTake]
    total: int


def of_take(placed: TakeInFolder) -> TakeAnswer:
    """A take as the tools tell it."""
    take, folder = placed.take, placed.folder
    begin, end = (format_timecode(at, take.rate) for at in (take.record.start, take.record.end))
    segments = take.tempo.segments if take.tempo is not None else ()
    return TakeAnswer(
        cue=take.cue,
        name=take.name,
        folder=str(folder),
        mix=str(folder / take.mix),
        stems=[str(folder / stem.path) for stem in take.stems],
        midi=str(folder / take.midi) if take.midi else "",
        record_in=begin,
        record_out=end,
        seconds=float(take.record.seconds(take.rate)),
        key="" if take.tonic is None else key_name(take.tonic, take.mode),
        tempo_bpm=segments[0].bpm if segments else None,
        loudness_lufs=take.loudness_lufs,
        licence=take.provenance.licence,
        commercial_use=take.provenance.commercial_use,
        seed=take.provenance.seed,
        hits=[
            Hit(
                format_timecode(take.record.start + hit.frame, take.rate),
                hit.label or hit.kind.replace("_", " "),
                hit.error_frames,
            )
            for hit in take.hits
        ],
        warnings=list(take.warnings),
    )


def of_takes(placed: Sequence[TakeInFolder], timeline: str) -> ScoreAnswer:
    """Takes, and the timeline that carries them."""
    return ScoreAnswer([of_take(put) for put in placed], timeline)


def of_brief(brief: SceneBrief) -> SpotAnswer:
    """A brief, shortened to what decides about the music."""
    about: TimelineRange = brief.timeline
    first, rate = about.record.start, about.rate
    names = brief.captions.__struct_fields__
    return SpotAnswer(
        cue=about.cue,
        record_in=format_timecode(first, rate),
        record_out=format_timecode(about.record.end, rate),
        seconds=about.length_seconds,
        frame_rate=rate.name,
        shots=len(brief.shots),
        dialogue_seconds=round(sum(part.end_s - part.start_s for part in brief.dialogue), 2),
        temp_track=brief.temp_track.present,
        hit_points=[
            f"{format_timecode(first + hit.frame, rate)} {hit.label or hit.kind}"
            for hit in brief.hit_points
        ],
        captions={name: getattr(brief.captions, name).text for name in names},
        warnings=list(brief.warnings),
    )


def of_job(job: JobInfo) -> JobAnswer:
    """A job as the tools tell it."""
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        cue=job.cue,
        state="stopping" if job.cancelling and not job.ended else job.state,
        stage=job.stage,
        fraction=job.fraction,
        seconds_left=job.eta_s,
        error=job.error.message if job.error is not None else "",
    )
