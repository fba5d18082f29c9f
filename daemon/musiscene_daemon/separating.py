"""Dialogue and music of one recording, parted by the model that is set up, in the worker.

Without one, a speech detector hears the mix, and what is said is taken out by rule before a
captioner listens (spotting/voice_removal.py). A model that is missing or fails costs nothing else.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import StageReport
from musiscene_core.captioning.heard import Section
from musiscene_core.errors import CancelledError, EngineError, MediaError, MusiSceneError
from musiscene_core.intended_use import intended_use
from musiscene_core.media.wav import WavWriter, to_int24
from musiscene_core.progress import Progress
from musiscene_core.protocol.licensing import intended_for, may_watch
from musiscene_core.separating.weights import weights_in
from musiscene_core.spotting.chosen import chosen
from musiscene_core.spotting.parted import Parting
from musiscene_core.spotting.voice_removal import write_music
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.engines import demucs
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.residency.residents import Residents

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]

BY_RULE = "centre and pauses"
_ENABLES = (
    "Dialogue and music are one recording: speech is looked for in the mix, and taken out by rule "
    "before a captioner listens. A model tells them apart better: musiscene watching use "
    "--separation MODEL."
)
_BY_RULE_INSTEAD = "Dialogue is taken out by rule instead."
FAILURES = (RuntimeError, ValueError, TypeError, LookupError, OSError, MemoryError, ImportError)
"""What a model's framework raises of weights, sound and memory that do not do."""


class Demucs:
    """The weights at a path as spotting wants them, in memory only while they are used."""

    def __init__(self, place: Path, residents: Residents, progress: Progress) -> None:
        """Know the weights at `place`.

        Raises:
            EngineError: there are none, or nothing to run them with.
        """
        hint = "Name a file of Demucs's weights: musiscene watching use --separation FILE."
        try:
            files = weights_in(place)
            status = files[0].stat() if files else None
        except OSError as error:
            raise EngineError(f"{place} cannot be read: {error.strerror}.", hint=hint) from error
        if status is None:
            raise EngineError(f"{place} holds no weights of Demucs.", hint=hint)
        for package in ("torch", "demucs"):
            if importlib.util.find_spec(package) is None:
                raise EngineError(
                    f"Parting by model needs {package}.",
                    hint="Install the extra 'stems', then restart the daemon.",
                )
        self._file = files[0]
        self._residents = residents
        self._progress = progress
        self.name = place.name
        self.known_by = f"{self._file.name} {status.st_size} {status.st_mtime_ns}"

    def speech(self, mix: Floats, heed: Callable[[], None]) -> Floats:
        """See Separator."""
        self._residents.add_devices(cuda_devices)
        with self._residents.use(demucs.spec(self._file), self._progress) as model:
            return model.speech(mix, heed)


def chosen_parting(
    residents: Residents, progress: Progress, *, commercial: bool
) -> tuple[Parting, str] | None:
    """The model that the user has chosen to part with, and its name; None where none is.

    Args:
        residents: hold the model.
        progress: hears of its loading.
        commercial: whether it shapes music that is to be sold.

    Raises:
        InputError: the choice is damaged.
        EngineError: it is not there, cannot be run, or may not be used for what music is for.
    """
    place = chosen().separation
    if not place:
        return None
    refused = may_watch(place) if commercial else ""
    if refused:
        raise EngineError(refused)
    model = Demucs(Path(place).expanduser(), residents, progress)
    return Parting(model), model.name


class Parted:
    """One range as it is heard: parted where a model is set up for that, else as it is.

    Attributes:
        timeline: what is listened to.
        report: what became of it; None where no clip is mixed.
    """

    def __init__(self, timeline: TimelineRange, residents: Residents) -> None:
        """Know the range; nothing is parted yet."""
        self.timeline = timeline
        self.report: StageReport | None = None
        self._residents = residents

    def part(self, progress: Progress) -> TimelineRange:
        """Part it; what fails is told in `report`.

        Raises:
            CancelledError: `progress` raised it.
        """
        name = ""
        if not self.timeline.by_role("mixed"):
            return self.timeline
        try:
            commercial = intended_for(self.timeline) == "commercial"
            found = chosen_parting(self._residents, progress, commercial=commercial)
            if found is None:
                self.report = _report("done", BY_RULE, _ENABLES)
                return self.timeline
            parting, name = found
            self.timeline = parting.timeline(self.timeline, progress)
            self.report = _report("done", name)
        except CancelledError:
            raise
        except (MusiSceneError, *FAILURES) as error:
            log.warning("separation failed", exc_info=not isinstance(error, MusiSceneError))
            said = str(error) if isinstance(error, MusiSceneError) else f"It failed: {error}."
            self.report = _report("failed", name, f"{said[:400]} {_BY_RULE_INSTEAD}")
        return self.timeline


def write_music_of(
    section: Section,
    spans: Sequence[tuple[float, float]],
    target: Path,
    residents: Residents,
    progress: Progress,
) -> bool:
    """Write the music of a section of mixed sound as a WAV file, by model or by rule.

    Args:
        section: of a film's own sound.
        spans: where someone speaks, in file seconds.
        target: the file to write.
        residents: hold the model.
        progress: hears how far it is.

    Returns:
        Whether there was anything to take out; the file is not written otherwise.

    Raises:
        MediaError: the sound cannot be decoded.
        CancelledError: `progress` raised it.
    """
    media, start_s, end_s = section.media, section.start_s, section.end_s
    try:
        commercial = intended_use(Path(media.path)) == "commercial"
        found = chosen_parting(residents, progress, commercial=commercial)
        if found is not None:
            total = round(end_s * SAMPLE_RATE) - round(start_s * SAMPLE_RATE)
            with WavWriter(target, 1, total) as out:
                at = 0
                for block in found[0].music(media, start_s, end_s, progress):
                    out.write(at, to_int24(block))
                    at += block.shape[1]
            return True
    except (CancelledError, MediaError):
        raise
    except (MusiSceneError, *FAILURES) as error:
        log.warning("music was parted by rule, for the model failed: %s", error)
    heard = [(first, last) for first, last in spans if first < end_s and last > start_s]
    if heard:
        stream = media.audio_stream
        write_music(
            Path(media.path), start_s, end_s, heard, target, stream=stream, progress=progress
        )
    return bool(heard)


def _report(state: Literal["done", "failed"], by: str, message: str = "") -> StageReport:
    return StageReport(stage="separation", state=state, by=by, message=message)
