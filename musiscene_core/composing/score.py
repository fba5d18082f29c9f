"""From a request to a take's files: compose, render, write. The embedded engine, whole.

Writes into a folder it is given and knows nothing of jobs or libraries. The same request and seed
give the same bytes in every file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.composing import engine
from musiscene_core.composing.alternates import Source, make_alternates
from musiscene_core.composing.compose import compose
from musiscene_core.composing.kept_sound import KeptSound
from musiscene_core.composing.looping import told
from musiscene_core.composing.notation.midi import midi_file
from musiscene_core.composing.notation.musicxml import musicxml_file
from musiscene_core.composing.rework import CUE_FILE, ComposedCue, Rework, rework
from musiscene_core.composing.sound import (
    Levels,
    render_into,
    tracks_by_instrument,
    tracks_by_role,
)
from musiscene_core.composing.sound.sampler import OWN_ORCHESTRA, Orchestra, orchestra_of
from musiscene_core.composing.take_audio import MIX_FILE, PEAKS_FILE, TakeAudio
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.cue import Cue
from musiscene_core.errors import RequestError
from musiscene_core.media.stand_ins import here
from musiscene_core.models.shelf import lying_at
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.take import Provenance, Stem, Take
from musiscene_core.timecode import frame_to_sample

_OWN_SHARE = 0.4
"""Of the progress, the take's own where alternates are made too."""


def score(
    request: ScoreRequest,
    seed: int,
    name: str,
    folder: Path,
    progress: Progress = silent,
    earlier: EarlierTake | None = None,
) -> Take:
    """Compose one take into `folder`: mix, stems, score, overview, alternates and take.json.

    Args:
        request: what is wanted.
        seed: this take's seed.
        name: this take's name.
        folder: an existing, empty folder.
        progress: hears of each stage.
        earlier: a take for the range as it was: what can stay of it stays.

    Raises:
        RequestError: the range is longer than engine.MAX_LENGTH_S.
        MediaError: the SoundFont it names cannot be read.
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it; the folder is left half filled.
    """
    timeline = request.brief.timeline
    if timeline.length_seconds > engine.MAX_LENGTH_S:
        raise RequestError(
            f"The range lasts {timeline.length_seconds / 60:.0f} minutes; "
            f"a cue can last {engine.MAX_LENGTH_S / 60:.0f}.",
            hint="Mark a shorter range with --in and --out.",
        )
    progress("Composing", 0.0)
    orchestra = orchestra_of(Path(here(request.sounds))) if request.sounds else OWN_ORCHESTRA
    rest = rework(earlier, request) if earlier is not None else None
    cue = compose(request, seed, stays=rest.stays if rest else None)
    tracks_of = tracks_by_instrument if request.stems == "instruments" else tracks_by_role
    tracks = tracks_of(cue)
    kept = rest.sound(tracks, request) if rest else None
    if rest and request.stems == "roles":
        tracks = tracks_of(rest.to_play(cue, kept))
    own_share = _OWN_SHARE if request.alternates else 0.95
    first_sample = frame_to_sample(timeline.record.start, timeline.rate)
    with TakeAudio(folder, name, tracks, timeline.length_samples, first_sample) as audio:
        levels = render_into(
            audio,
            cue,
            tracks,
            length_samples=timeline.length_samples,
            dialogue=request.brief.dialogue,
            target_lufs=request.target_lufs,
            max_true_peak_dbtp=MAX_TRUE_PEAK_DBTP,
            seed=seed,
            scratch=folder,
            loop=request.loop,
            instruments=orchestra.instruments,
            gain_db=rest.gain_db if rest and kept else None,
            keep=kept,
            progress=Portion(progress, 0.1, own_share),
        )
    source = Source(
        request, seed, name, folder, cue, audio.stems(), tracks_of, orchestra.instruments
    )
    alternates, passed = make_alternates(source, Portion(progress, own_share, 0.95))
    progress("Writing the score", 0.95)
    write_atomically(folder / "cue.mid", midi_file(cue))
    write_atomically(folder / "cue.musicxml", musicxml_file(cue, timeline.cue))
    composed = ComposedCue(cue=cue, gain_db=rest.gain_db if rest and kept else levels.gain_db)
    write_atomically(folder / CUE_FILE, msgspec.json.encode(composed))
    take = _take(request, seed, name, cue, levels, audio.stems(), orchestra)
    take = msgspec.structs.replace(take, alternates=alternates, warnings=(*take.warnings, *passed))
    if rest:
        take = _conformed(take, rest, kept, request.target_lufs)
    write_atomically(folder / "take.json", to_json(take))
    progress("Writing the score", 1.0)
    return take


def _take(
    request: ScoreRequest,
    seed: int,
    name: str,
    cue: Cue,
    levels: Levels,
    stems: tuple[Stem, ...],
    orchestra: Orchestra,
) -> Take:
    timeline = request.brief.timeline
    caption = getattr(request.brief.captions, request.caption_strategy)
    looped = (told(cue.tempo, cue.length_s, request.tempo_bpm),) if request.loop else ()
    return Take(
        name=name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix=MIX_FILE,
        stems=stems,
        midi="cue.mid",
        musicxml="cue.musicxml",
        peaks=PEAKS_FILE,
        loop=request.loop,
        tempo=cue.tempo,
        tonic=cue.tonic,
        mode=cue.mode,
        sections=cue.sections,
        hits=cue.hits,
        dropped=cue.dropped,
        loudness_lufs=round(levels.loudness_lufs, 2),
        true_peak_dbtp=round(levels.true_peak_dbtp, 2),
        provenance=Provenance(
            engine=engine.NAME,
            engine_version=engine.VERSION,
            model=Path(request.sounds).name,
            model_hash=orchestra.digest,
            seed=seed,
            prompt=caption.text,
            # Whether music made with somebody's samples is free is for their licence to say.
            licence="unknown" if request.sounds else "CC0-1.0",
            commercial_use=not request.sounds or _may_be_sold(request.sounds),
            request_digest=digest(_portable(request)),
        ),
        warnings=(
            *request.brief.warnings,
            *cue.unknown,
            *_themes_left_out(request, cue),
            *orchestra.warnings,
            *looped,
        ),
    )


def _may_be_sold(sounds: str) -> bool:
    """Whether a user said so of this SoundFont."""
    font = lying_at(Path(sounds))
    return font is not None and font.commercial


def _conformed(take: Take, rest: Rework, kept: KeptSound | None, target_lufs: float) -> Take:
    off = rest.off_level(take.loudness_lufs, target_lufs) if kept else ()
    return msgspec.structs.replace(
        take,
        provenance=msgspec.structs.replace(take.provenance, conformed_from=rest.earlier.digest),
        warnings=(*take.warnings, rest.told(kept, take.length_samples), *off),
    )


def _themes_left_out(request: ScoreRequest, cue: Cue) -> tuple[str, ...]:
    heard = {theme.name for theme in cue.themes}
    absent = dict.fromkeys(use.name for use in request.themes if use.name not in heard)
    return tuple(
        f"The theme {name!r} is not in this cue: no moment has room for it."
        " Make the range longer or free of speech, or use fewer themes."
        for name in absent
    )


def _portable(request: ScoreRequest) -> ScoreRequest:
    """The request without what differs between takes of one request, or between machines."""
    timeline = request.brief.timeline
    clips = tuple(
        msgspec.structs.replace(
            clip, media=msgspec.structs.replace(clip.media, path=Path(clip.media.path).name)
        )
        for clip in timeline.clips
    )
    brief = msgspec.structs.replace(
        request.brief, timeline=msgspec.structs.replace(timeline, clips=clips)
    )
    return msgspec.structs.replace(
        request, brief=brief, takes=1, seed=0, sounds=Path(request.sounds).name
    )
