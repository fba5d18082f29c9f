"""What a melody model follows: the sketch's melody, the temp track's, or a music file's."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import Cue, StemRole
from musiscene_core.errors import RequestError
from musiscene_core.media import iter_audio
from musiscene_core.request import ScoreRequest
from musiscene_core.spotting.soundtrack import LOUDEST, SAMPLE_RATE, Soundtrack
from musiscene_core.timecode import SAMPLE_RATE as FULL_RATE
from musiscene_daemon.engines.musicgen.chroma import HOP, chroma, guide, strongest
from musiscene_daemon.engines.musicgen.listening import at_48k, at_rate
from musiscene_daemon.engines.musicgen.shape import ModelShape

Floats = npt.NDArray[np.float32]

Guide = Callable[[float, float], Floats]
"""Pitch classes [frames, 12], a 1 in each frame, from so many seconds on, for so many."""

Tuneful = Callable[[Floats], Floats]
"""Sound [2, n] at 48 kHz to the same without drums and bass."""

_SILENT = 1e-4


def from_sound(request: ScoreRequest) -> bool:
    """Whether a melody of a recording is wished for."""
    return request.melody == "temp" or request.music is not None


def guide_for(
    request: ScoreRequest,
    plan: Cue,
    shape: ModelShape,
    role: StemRole = "melody",
    *,
    tuneful: Tuneful | None = None,
    heed: Callable[[], None] = lambda: None,
) -> Guide | None:
    """What the model shall follow for music of `role`; None where it follows words alone.

    Args:
        request: what is wanted.
        plan: the composer's.
        shape: of the model.
        role: whose music.
        tuneful: leaves drums and bass out of a recording, as where the model was trained; None
            where nothing can.
        heed: asked while a recording is heard; may raise to stop.

    Raises:
        RequestError: a melody is wished from sound, and there is none, or the model hears none.
        MediaError: the sound cannot be read.
    """
    wants_sound = from_sound(request)
    if not shape.melody:
        if wants_sound:
            raise RequestError(
                "This MusicGen follows words alone; it hears no melody.",
                hint="Use the weights of musicgen-melody, or leave out --melody.",
            )
        return None
    frame_s = HOP / shape.sample_rate
    if role == "percussion":
        return None
    if wants_sound and role == "melody":
        return _from_sound(_heard(request, heed), shape.sample_rate, frame_s, tuneful, heed)
    if request.sketch == "off":
        return None
    return lambda start_s, length_s: strongest(guide(plan, start_s, length_s, frame_s, role))


def _from_sound(
    audio: Floats,
    sample_rate: int,
    frame_s: float,
    tuneful: Tuneful | None,
    heed: Callable[[], None],
) -> Guide:
    rate = SAMPLE_RATE
    if tuneful is not None:
        wide = at_48k(audio[None], SAMPLE_RATE)
        audio, rate = tuneful(wide).mean(axis=0), FULL_RATE
    found = chroma(at_rate(audio[None], rate, sample_rate)[0], sample_rate, heed=heed)

    def follow(start_s: float, length_s: float) -> Floats:
        first, count = round(start_s / frame_s), max(1, round(length_s / frame_s))
        # Past its end the melody comes again.
        return strongest(found[np.arange(first, first + count) % len(found)])

    return follow


def _heard(request: ScoreRequest, heed: Callable[[], None]) -> Floats:
    """The sound whose melody is followed [n], mono at spotting's rate."""
    parts: list[Floats] = []
    if request.music is not None:
        media = request.music.media
        blocks = iter_audio(
            Path(media.path),
            Fraction(0),
            Fraction(round(request.length_seconds) + 1),
            sample_rate=SAMPLE_RATE,
            channels=1,
            stream=media.audio_stream,
        )
        for block in blocks:
            heed()
            parts.append(np.nan_to_num(block[0].copy()))
        name = Path(media.path).name
    else:
        track = Soundtrack(request.brief.timeline)
        for heard in track.blocks():
            heed()
            parts.append(heard.sum("temp_track"))
        name = "The temp track"
    audio = np.concatenate([np.zeros(0, np.float32), *parts])
    if request.music is not None:
        # What is read past a file's end is silence.
        audio = audio[: int(np.flatnonzero(np.abs(audio) > _SILENT).max(initial=-1)) + 1]
    if not len(audio) or float(np.abs(audio).max()) < _SILENT:
        raise RequestError(
            f"{name} has no sound whose melody could be followed.",
            hint="Put a temp track under the range, give its track the role temp_track (such as"
            " --role A1=temp_track), or leave out --melody temp.",
        )
    return np.asarray(np.clip(audio, -LOUDEST, LOUDEST), np.float32)
