"""From sound that an engine made to a finished take: what engines without a score share.

Sound in, files out: 48 kHz, the range's length to the sample, an ending, stems that sum to the
mix, ducking, loudness. Part of the engine interface: engines of others may import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.aside import aside
from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.cue import Cue
from musiscene_core.errors import EngineError
from musiscene_core.fitting.report import WindowMade
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Provenance, Take
from musiscene_daemon.engines.musicgen import finishing, rendering
from musiscene_daemon.engines.musicgen.laying import LAYING
from musiscene_daemon.engines.musicgen.listening import at_48k

_SILENCE = 1e-5
"""Peak below which nothing was played: -100 dBFS."""


@dataclass(frozen=True)
class Made:
    """Sound, and how it came to be.

    Attributes:
        audio: [channels, samples], one or two channels, float32; what lacks of the range is
            silence, what is too long is cut.
        sample_rate: in hertz.
        provenance: `request_digest` is filled in.
        warnings: what the user should know, a sentence each.
        plan: the composer's cue that it was made by: the sound is then laid on its hits and bars
            and reported on; None cuts and fades it as it is.
        follows: whether the engine was told the plan's notes or chords, not its words alone.
    """

    audio: npt.NDArray[np.float32]
    sample_rate: int
    provenance: Provenance
    warnings: tuple[str, ...] = ()
    plan: Cue | None = None
    follows: bool = False


def deliver(request: ScoreRequest, made: Made, name: str, folder: Path, progress: Progress) -> Take:
    """Write the take `name` from what was made into `folder`.

    Args:
        request: what was asked for.
        made: the sound.
        name: the take's.
        folder: exists and is empty.
        progress: hears of each stage.

    Raises:
        EngineError: the sound is none: not finite, silent, of another shape.
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it.
    """
    _check(made)
    if made.plan is not None:
        return _laid(request, made, made.plan, name, folder, progress)
    timeline = request.brief.timeline
    sound = aside(
        lambda _: at_48k(np.asarray(made.audio, np.float32), made.sample_rate), progress, LAYING
    )
    audio = finishing.ended(sound, timeline.length_samples)
    stems, levels = finishing.write(request, audio, name, folder, Portion(progress, 0.0, 0.99))
    take = Take(
        name=name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix="mix.wav",
        stems=stems,
        peaks="mix.dat",
        hits=(),
        loudness_lufs=round(levels.loudness_lufs, 2),
        true_peak_dbtp=round(levels.true_peak_dbtp, 2),
        provenance=msgspec.structs.replace(made.provenance, request_digest=digest(request)),
        warnings=(*request.brief.warnings, *made.warnings),
    )
    write_atomically(folder / "take.json", to_json(take))
    progress("Writing the take", 1.0)
    return take


def _laid(
    request: ScoreRequest, made: Made, plan: Cue, name: str, folder: Path, progress: Progress
) -> Take:
    """The take whose sound is laid on picture."""
    source = made.provenance
    window = WindowMade(
        start_s=0.0,
        end_s=round(made.audio.shape[1] / made.sample_rate, 3),
        section="",
        prompt=source.prompt,
        heard="",
        scores=(),
        reasons=(),
        chosen=0,
    )
    sound = rendering.Sound(np.asarray(made.audio, np.float32), (window,), made.warnings)
    model = rendering.Model(
        engine=source.engine,
        engine_version=source.engine_version,
        name=source.model,
        digest=source.model_hash,
        sample_rate=made.sample_rate,
        melody=made.follows,
        licence=source.licence,
        commercial_use=source.commercial_use,
    )
    place = rendering.Place(name, source.seed, folder)
    return rendering.rendered(request, plan, sound, model, place, progress)


def _check(made: Made) -> None:
    shape = made.audio.shape
    if len(shape) != 2 or shape[0] not in (1, 2) or not shape[1] or made.sample_rate < 1:
        problem = f"gave sound of the shape {shape} at {made.sample_rate} Hz"
    elif not np.isfinite(made.audio).all():
        problem = "gave sound that is not made of numbers"
    elif np.abs(made.audio).max() < _SILENCE:
        problem = "gave silence"
    else:
        return
    raise EngineError(
        f"The engine {made.provenance.engine!r} {problem}.",
        hint="Try another seed or other words; if it stays so, report it to the engine's makers.",
    )
