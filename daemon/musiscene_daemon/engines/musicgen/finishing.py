"""From a recording laid on picture to a take's sound files: stems, ducking, level.

Everything after the stems is the composer's own: its ducking, its master, its writer. A sketch that
shall be heard too comes in as stems of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound import Track
from musiscene_core.composing.sound.ducking import Ducker
from musiscene_core.composing.sound.master import Levels, master
from musiscene_core.composing.sound.spill import Spill
from musiscene_core.composing.take_audio import TakeAudio
from musiscene_core.cue import STEM_ROLES, StemRole
from musiscene_core.loudness import loudness_of
from musiscene_core.media import read_audio
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, ScoreRequest
from musiscene_core.separating.by_rules import Split, taken_apart
from musiscene_core.take import Stem, Take
from musiscene_core.timecode import SAMPLE_RATE, frame_to_sample
from musiscene_daemon.engines.musicgen.listening import gain_between, together

Floats = npt.NDArray[np.float32]

SKETCH_TITLE = "sketch"
"""What a stem of the sketch is called among a take's stems."""
_SKETCH_LU = -4.0
"""Loudness of a layered sketch against the render's: the render leads."""
_LAYERING = "Layering the sketch"
_PIECE = 10 * SAMPLE_RATE
_ENDING_S = 2.5
_LONGEST_ENDING = 0.25
"""Of the whole: a short cue fades over less."""


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
    request: ScoreRequest,
    audio: Floats,
    name: str,
    folder: Path,
    progress: Progress,
    *,
    split: Split | None = None,
    parts: Sequence[StemRole] = (),
    sketch: tuple[Take, Path] | None = None,
) -> tuple[tuple[Stem, ...], Levels]:
    """Write mix, stems and overview of `audio` [2 k, samples] into `folder`.

    Args:
        request: what is wanted.
        audio: at 48 kHz, as long as the range.
        name: the take's.
        folder: exists.
        progress: hears of each stage.
        split: a model that tells drums and bass apart.
        parts: the stems that lie side by side in `audio`; none where it is a mix.
        sketch: a composed take of the same range, and its folder, to be heard beneath.

    Raises:
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it.
    """
    timeline = request.brief.timeline
    samples = timeline.length_samples
    tracks = [Track(role, role, ()) for role in STEM_ROLES]
    layered: dict[str, Path] = {}
    if sketch is not None:
        for stem in sketch[0].stems:
            track = Track(f"{SKETCH_TITLE}-{stem.role}", stem.role, (), SKETCH_TITLE)
            tracks.append(track)
            layered[track.name] = sketch[1] / stem.path
    parting = Portion(progress, 0.0, 0.6)
    with ExitStack() as stack:
        spills: dict[str, Spill] = {
            track.name: stack.enter_context(Spill(folder, samples)) for track in tracks
        }
        duckers = {role: Ducker(request.brief.dialogue, samples) for role in STEM_ROLES}

        def heard(share: float) -> None:
            parting("Taking the stems apart", share)

        pieces = _apart(audio, parts, heard) if parts else taken_apart(audio, heard, split)
        for first, piece in pieces:
            for role, sound in piece.items():
                duckers[role].run(sound, first)
                spills[role].write(first, sound)
        if sketch is not None:
            _layer(layered, sketch[0], together(audio), spills, lambda: parting(_LAYERING, 1.0))
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


def _apart(
    audio: Floats, parts: Sequence[StemRole], heard: Callable[[float], None]
) -> Iterator[tuple[int, dict[StemRole, Floats]]]:
    """Stems that lie side by side, in pieces as `taken_apart` gives them."""
    samples = audio.shape[1]
    for first in range(0, samples, _PIECE):
        heard(first / samples)
        piece = audio[:, first : first + _PIECE]
        yield first, {role: piece[2 * at : 2 * at + 2].copy() for at, role in enumerate(parts)}


def _layer(
    paths: Mapping[str, Path],
    sketch: Take,
    audio: Floats,
    spills: Mapping[str, Spill],
    heed: Callable[[], None],
) -> None:
    """Put the sketch's stems, ducked already, beneath the render `audio`; `heed` may stop it."""
    samples = audio.shape[1]
    gain_db = gain_between(sketch.loudness_lufs, loudness_of(audio, heed), _SKETCH_LU)
    gain = np.float32(10 ** (gain_db / 20))
    for name, path in paths.items():
        for first in range(0, samples, _PIECE):
            heed()
            last = min(samples, first + _PIECE)
            sound = read_audio(
                path,
                Fraction(first, SAMPLE_RATE),
                Fraction(last, SAMPLE_RATE),
                sample_rate=SAMPLE_RATE,
                channels=2,
            )
            spills[name].write(first, sound * gain)
