"""From generated sound to a take's files: the range's length, an ending, stems, ducking, level.

Everything after the stems is the composer's own: its ducking, its master, its writer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from musiscene_core.composing.sound import Track
from musiscene_core.composing.sound.ducking import Ducker
from musiscene_core.composing.sound.master import Levels, master
from musiscene_core.composing.sound.spill import Spill
from musiscene_core.composing.take_audio import TakeAudio
from musiscene_core.cue import STEM_ROLES
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.take import Stem
from musiscene_core.timecode import SAMPLE_RATE, frame_to_sample
from musiscene_daemon.engines.musicgen.stems import taken_apart

Floats = npt.NDArray[np.float32]

_ENDING_S = 2.5
_LONGEST_ENDING = 0.25
"""Of the whole: a short cue fades over less."""


def at_48k(audio: Floats, sample_rate: int) -> Floats:
    """Sound [channels, n] at the model's rate as [2, m] at 48 kHz."""
    common = int(np.gcd(SAMPLE_RATE, sample_rate))
    found = resample_poly(audio, SAMPLE_RATE // common, sample_rate // common, axis=1)
    return np.ascontiguousarray(np.broadcast_to(found, (2, found.shape[1])), np.float32)


def ended(audio: Floats, samples: int) -> Floats:
    """`audio` [2, n] as exactly `samples` samples, dying away over the last seconds."""
    result: Floats = np.zeros((2, samples), np.float32)
    count = min(samples, audio.shape[1])
    result[:, :count] = audio[:, :count]
    fade = min(round(_ENDING_S * SAMPLE_RATE), round(_LONGEST_ENDING * samples))
    if fade:
        result[:, -fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return result


def write(
    request: ScoreRequest, audio: Floats, name: str, folder: Path, progress: Progress
) -> tuple[tuple[Stem, ...], Levels]:
    """Write mix, stems and overview of `audio` [2, samples] into `folder`.

    Raises:
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it.
    """
    timeline = request.brief.timeline
    samples = timeline.length_samples
    tracks = tuple(Track(role, role, ()) for role in STEM_ROLES)
    parting = Portion(progress, 0.0, 0.6)
    with ExitStack() as stack:
        spills: dict[str, Spill] = {
            role: stack.enter_context(Spill(folder, samples)) for role in STEM_ROLES
        }
        duckers = {role: Ducker(request.brief.dialogue, samples) for role in STEM_ROLES}
        pieces = taken_apart(audio, lambda share: parting("Taking the stems apart", share))
        for first, piece in pieces:
            for role, sound in piece.items():
                duckers[role].run(sound, first)
                spills[role].write(first, sound)
        threads = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="master"))
        mastering = Portion(progress, 0.6, 1.0)
        start = frame_to_sample(timeline.record.start, timeline.rate)
        with TakeAudio(folder, name, tracks, samples, start) as sink:
            levels = master(
                spills,
                samples,
                request.target_lufs,
                MAX_TRUE_PEAK_DBTP,
                sink,
                threads,
                lambda share: mastering("Mastering", share),
            )
        return sink.stems(), levels
