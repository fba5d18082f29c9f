"""From a request to a take's files: compose, render, write. The embedded engine, whole.

Writes into a folder it is given and knows nothing of jobs or libraries. The same request and seed
give the same bytes in every file.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.composing import engine
from musiscene_core.composing.compose import compose
from musiscene_core.composing.notation.midi import midi_file
from musiscene_core.composing.sound import Rendered, peaks, render
from musiscene_core.cue import STEM_ROLES, Cue
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.media import write_wav
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.take import Provenance, Stem, Take
from musiscene_core.timecode import frame_to_sample

_SILENCE_DBFS = -200.0
_FULL_SCALE = float(1 << 23)


def score(
    request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress = silent
) -> Take:
    """Compose one take into `folder`: mix.wav, stems/<role>.wav, cue.mid, mix.dat and take.json.

    Args:
        request: what is wanted.
        seed: this take's seed.
        name: this take's name.
        folder: an existing, empty folder.
        progress: hears of each stage.

    Raises:
        RequestError: the range is longer than engine.MAX_LENGTH_S.
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
    cue = compose(request, seed)
    rendered = render(
        cue,
        length_samples=timeline.length_samples,
        dialogue=request.brief.dialogue,
        target_lufs=request.target_lufs,
        max_true_peak_dbtp=MAX_TRUE_PEAK_DBTP,
        seed=seed,
        progress=Portion(progress, 0.1, 0.85),
    )
    progress("Writing the stems", 0.85)
    _write_audio(rendered, folder, frame_to_sample(timeline.record.start, timeline.rate), name)
    write_atomically(folder / "cue.mid", midi_file(cue))
    write_atomically(folder / "mix.dat", peaks(rendered.mix))
    take = _take(request, seed, name, cue, rendered)
    write_atomically(folder / "take.json", to_json(take))
    progress("Writing the stems", 1.0)
    return take


def _write_audio(rendered: Rendered, folder: Path, time_reference: int, name: str) -> None:
    stems = folder / "stems"
    try:
        stems.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, stems) from error
    files = {folder / "mix.wav": (rendered.mix, "mix")}
    files |= {stems / f"{role}.wav": (rendered.stems[role], role) for role in STEM_ROLES}
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="write") as pool:
        writing = [
            pool.submit(
                write_wav,
                path,
                samples,
                time_reference=time_reference,
                description=f"MusiScene {name} {what}",
            )
            for path, (samples, what) in files.items()
        ]
        for one in writing:
            one.result()


def _take(request: ScoreRequest, seed: int, name: str, cue: Cue, rendered: Rendered) -> Take:
    timeline = request.brief.timeline
    caption = getattr(request.brief.captions, request.caption_strategy)
    return Take(
        name=name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix="mix.wav",
        stems=tuple(
            Stem(role=role, path=f"stems/{role}.wav", peak_dbfs=_peak_dbfs(rendered.stems[role]))
            for role in STEM_ROLES
        ),
        midi="cue.mid",
        peaks="mix.dat",
        tempo=cue.tempo,
        tonic=cue.tonic,
        mode=cue.mode,
        hits=cue.hits,
        loudness_lufs=round(rendered.loudness_lufs, 2),
        true_peak_dbtp=round(rendered.true_peak_dbtp, 2),
        provenance=Provenance(
            engine=engine.NAME,
            engine_version=engine.VERSION,
            seed=seed,
            prompt=caption.text,
            licence="CC0-1.0",
            commercial_use=True,
            request_digest=digest(_portable(request)),
        ),
        warnings=request.brief.warnings,
    )


def _peak_dbfs(samples: npt.NDArray[np.int32]) -> float:
    # Not abs(): the least 24-bit value has no positive twin of its size.
    highest = max(int(samples.max(initial=0)), -int(samples.min(initial=0)))
    return round(20 * float(np.log10(highest / _FULL_SCALE)), 2) if highest else _SILENCE_DBFS


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
    return msgspec.structs.replace(request, brief=brief, takes=1, seed=0)
