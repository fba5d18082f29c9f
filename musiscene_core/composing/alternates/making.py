"""Makes the alternates that a request asks for, each in a folder of its own beside the take.

    alternates/<name>/mix.wav, mix.dat, and stems/ where they are asked for

What is there already is summed up, what must be other music is composed and played. Knows nothing
of how a take itself is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.alternates.cut_down import shortened
from musiscene_core.composing.alternates.removed import write_without
from musiscene_core.composing.alternates.stinger import stinger
from musiscene_core.composing.alternates.underscore import underscored
from musiscene_core.composing.compose import compose
from musiscene_core.composing.plan import make_plan
from musiscene_core.composing.sound import Levels, Track, render_into
from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.take_audio import MIX_FILE, PEAKS_FILE, TakeAudio
from musiscene_core.cue import Cue, StemRole
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import CUT_DOWNS_S, MAX_TRUE_PEAK_DBTP, AlternateName, ScoreRequest
from musiscene_core.take import Alternate, Stem
from musiscene_core.timecode import frame_to_sample

FOLDER = "alternates"
UNDERSCORE_DB = -6.0
_SAME_S = 0.05
_REMOVED: Mapping[AlternateName, StemRole] = {"no-melody": "melody", "no-drums": "percussion"}
_REMOVING_COSTS = 0.1
"""Beside playing as many seconds anew."""
_STINGER_COSTS_S = 7.0
_BOTH_IDIOMS_S = 24.0
"""A cue of several idioms keeps them in a cut-down from this length on, else the main one."""


@dataclass(frozen=True)
class Source:
    """The take that alternates are made from.

    Attributes:
        request: what it was made from.
        seed: its own.
        name: its name.
        folder: where it lies; its audio is written.
        cue: its music.
        stems: its stems.
        tracks: which notes make which stem.
        instruments: who plays.
    """

    request: ScoreRequest
    seed: int
    name: str
    folder: Path
    cue: Cue
    stems: tuple[Stem, ...]
    tracks: Callable[[Cue], tuple[Track, ...]]
    instruments: Mapping[str, Instrument]


def make_alternates(
    source: Source, progress: Progress
) -> tuple[tuple[Alternate, ...], tuple[str, ...]]:
    """The alternates that the request asks for, written, and why others are not: a sentence each.

    Raises:
        OutputError: they cannot be written.
        CancelledError: `progress` raised it.
    """
    length_s = source.request.length_seconds
    wanted, passed = [], []
    for name in source.request.alternates:
        if CUT_DOWNS_S.get(name, 0) >= length_s:
            passed.append(f"No {name} version: the music is no longer than that.")
        elif name == "underscore" and not underscored(source.cue).parts:
            passed.append("No underscore: nothing in this music would be left under dialogue.")
        else:
            wanted.append(name)
    costs = [_cost_s(name, length_s) for name in wanted]
    made, done_s = [], 0.0
    for name, cost_s in zip(wanted, costs, strict=True):
        portion = Portion(progress, done_s / sum(costs), (done_s + cost_s) / sum(costs))
        made.append(_made(source, name, _Named(portion, f"Making the {name} version")))
        done_s += cost_s
    return tuple(made), tuple(passed)


def _cost_s(name: AlternateName, length_s: float) -> float:
    if name in _REMOVED:
        return _REMOVING_COSTS * length_s
    if name == "stinger":
        return _STINGER_COSTS_S
    return float(CUT_DOWNS_S.get(name, length_s))


def _made(source: Source, name: AlternateName, progress: Progress) -> Alternate:
    request = source.request
    timeline = request.brief.timeline
    if name in _REMOVED:
        return _removed(source, name, progress)
    if name == "underscore":
        # Made for speech that may come anywhere: ducked from end to end.
        speech = DialogueRegion(start_s=-1.0, end_s=timeline.length_seconds + 1.0)
        return _played(
            source,
            name,
            underscored(source.cue),
            timeline.length_samples,
            progress,
            dialogue=(speech,),
            target_lufs=request.target_lufs + UNDERSCORE_DB,
            loop=request.loop,
        )
    moment = _main_beat(source)
    if name == "stinger":
        cut, frames, hit = stinger(source.cue, moment, timeline.rate)
    else:
        plan = make_plan(request, source.seed)
        seconds = CUT_DOWNS_S[name]
        several = len(plan.passages) > 1 and seconds >= _BOTH_IDIOMS_S
        short, hit = shortened(
            request,
            source.cue,
            seconds,
            source.cue.tempo.seconds(moment),
            request.idiom
            if several
            else plan.passage_at(source.cue.tempo.seconds(moment)).idiom.name,
        )
        cut, frames = compose(short, source.seed, whole_bars=True), short.length_frames
    samples = frame_to_sample(frames, timeline.rate)
    made = _played(source, name, cut, samples, progress, target_lufs=request.target_lufs)
    return msgspec.structs.replace(made, tempo=cut.tempo, hit_frame=hit)


def _main_beat(source: Source) -> float:
    """The beat of the take's main moment: its main hit, its climax, or else its last chord."""
    plan, cue = make_plan(source.request, source.seed), source.cue
    if plan.main_hit is not None:
        at_s = plan.tempo.seconds(plan.main_hit.beat)
        met = [hit.beat for hit in cue.hits if abs(cue.tempo.seconds(hit.beat) - at_s) < _SAME_S]
        if met:
            return met[0]
    climax = [section.start for section in cue.sections if section.name == "climax"]
    return climax[0] if climax else cue.sections[-1].start


def _removed(source: Source, name: AlternateName, progress: Progress) -> Alternate:
    role = _REMOVED[name]
    samples = source.request.brief.timeline.length_samples
    with _audio(source, name, (), samples) as audio:
        levels, gain_db = write_without(
            source.folder / MIX_FILE,
            [source.folder / stem.path for stem in source.stems if stem.role == role],
            samples,
            MAX_TRUE_PEAK_DBTP,
            audio,
            lambda share: progress("", share),
        )
    return _listed(name, levels, samples, gain_db=gain_db)


def _played(
    source: Source,
    name: AlternateName,
    cue: Cue,
    samples: int,
    progress: Progress,
    *,
    target_lufs: float,
    dialogue: tuple[DialogueRegion, ...] = (),
    loop: bool = False,
) -> Alternate:
    tracks = source.tracks(cue)
    with _audio(source, name, tracks, samples) as audio:
        levels = render_into(
            audio,
            cue,
            tracks,
            length_samples=samples,
            dialogue=dialogue,
            target_lufs=target_lufs,
            max_true_peak_dbtp=MAX_TRUE_PEAK_DBTP,
            seed=source.seed,
            scratch=source.folder,
            loop=loop,
            instruments=source.instruments,
            progress=progress,
        )
    return _listed(name, levels, samples, stems=audio.stems())


def _audio(
    source: Source, name: AlternateName, tracks: tuple[Track, ...], samples: int
) -> TakeAudio:
    timeline = source.request.brief.timeline
    return TakeAudio(
        source.folder / FOLDER / name,
        f"{source.name} {name}",
        tracks,
        samples,
        frame_to_sample(timeline.record.start, timeline.rate),
        stems=source.request.alternate_stems,
    )


def _listed(
    name: AlternateName,
    levels: Levels,
    samples: int,
    *,
    gain_db: float = 0.0,
    stems: tuple[Stem, ...] = (),
) -> Alternate:
    place = f"{FOLDER}/{name}/"
    return Alternate(
        name=name,
        mix=place + MIX_FILE,
        length_samples=samples,
        loudness_lufs=round(levels.loudness_lufs, 2),
        true_peak_dbtp=round(levels.true_peak_dbtp, 2),
        gain_db=gain_db,
        stems=tuple(msgspec.structs.replace(stem, path=place + stem.path) for stem in stems),
        peaks=place + PEAKS_FILE,
    )


class _Named:
    """Progress under one name, whatever the stages inside are called."""

    def __init__(self, parent: Progress, stage: str) -> None:
        self._parent = parent
        self._stage = stage

    def __call__(self, stage: str, fraction: float) -> None:
        self._parent(self._stage, fraction)
