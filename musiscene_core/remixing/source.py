"""The music to be remixed: read whole, measured, and its beats known where a take says them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, MediaError, MediaOfflineError, RequestError
from musiscene_core.media import iter_audio, probe
from musiscene_core.progress import Progress
from musiscene_core.remixing.engine import LONGEST_MUSIC_S, MOST_REPEATS, SHORTEST_MUSIC_S
from musiscene_core.remixing.fitted import Floats
from musiscene_core.request import MusicFile
from musiscene_core.take import Take
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_core.whole_files import file_sha256

_BLOCK = 10 * SAMPLE_RATE
_LOUDEST = 8.0
"""18 dB over full scale; what a float file holds beyond that is damage."""
_SILENT = 1e-5


@dataclass(frozen=True)
class Source:
    """Music read from a file.

    Attributes:
        audio: [2, n] at 48 kHz.
        digest: SHA-256 of the file, in hex.
        tempo: its tempo map, where it is the mix of one of our takes.
    """

    audio: Floats
    digest: str
    tempo: TempoMap | None


def read_source(music: MusicFile, length_s: float, progress: Progress) -> Source:
    """Read the music for a range of `length_s` seconds.

    Raises:
        MediaError: no sound, only silence, or it cannot be read.
        MediaOfflineError: no such file.
        RequestError: too long, or too short for the range.
    """
    path = Path(music.media.path)
    name, stream = path.name, music.media.audio_stream
    streams = probe(path).audio
    if not streams:
        raise MediaError(f"{name} has no sound.", hint="Choose a file with music.")
    declared = streams[stream].duration if stream < len(streams) else Fraction(0)
    _check_longest(name, float(declared))
    # One second more than may be: files can be longer than they say.
    end = Fraction(min(float(declared) or LONGEST_MUSIC_S, LONGEST_MUSIC_S) + 1).limit_denominator(
        SAMPLE_RATE
    )
    pieces: list[Floats] = []
    read = 0
    blocks = iter_audio(
        path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2, stream=stream, block=_BLOCK
    )
    for block in blocks:
        progress(f"Reading {name}", min(1.0, read / float(end * SAMPLE_RATE)))
        # A block is the reader's own memory.
        pieces.append(block.copy())
        read += block.shape[1]
    audio = np.concatenate(pieces, axis=1)
    del pieces
    np.nan_to_num(audio, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.clip(audio, -_LOUDEST, _LOUDEST, out=audio)
    loud = np.flatnonzero(np.abs(audio).max(axis=0) > _SILENT)
    if not len(loud):
        raise MediaError(f"{name} is silent.", hint="Choose a file with music.")
    if declared:
        audio = audio[:, : max(int(loud[-1]) + 1, round(float(declared) * SAMPLE_RATE))]
    else:
        audio = audio[:, : int(loud[-1]) + 1]
    own_s = audio.shape[1] / SAMPLE_RATE
    _check_longest(name, own_s)
    _check_shortest(name, (int(loud[-1]) - int(loud[0])) / SAMPLE_RATE, length_s)
    return Source(audio, _digest(path), _known_tempo(path, audio.shape[1]))


def _check_longest(name: str, own_s: float) -> None:
    if own_s > LONGEST_MUSIC_S + 0.5:
        raise RequestError(
            f"{name} lasts {own_s / 60:.0f} minutes; music can be {LONGEST_MUSIC_S / 60:.0f} long.",
            hint="Export the part that you want.",
        )


def _check_shortest(name: str, own_s: float, length_s: float) -> None:
    if own_s < SHORTEST_MUSIC_S:
        raise RequestError(
            f"{name} sounds for {own_s:.1f} s only.",
            hint=f"Choose music of {SHORTEST_MUSIC_S:g} s or more.",
        )
    if length_s > MOST_REPEATS * own_s:
        raise RequestError(
            f"{name} lasts {own_s:.1f} s; it would be heard {length_s / own_s:.0f} times over "
            f"in {length_s:.0f} s.",
            hint="Choose longer music, or mark a shorter range.",
        )


def _known_tempo(path: Path, samples: int) -> TempoMap | None:
    """The tempo map of the take beside the file, if the file is its mix or a stem of it."""
    try:
        take = read_json(path.parent / "take.json", Take)
    except InputError:
        return None
    whole = {take.mix, *(Path(stem.path).name for stem in take.stems)}
    return take.tempo if path.name in whole and take.length_samples == samples else None


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise MediaOfflineError(f"{path} cannot be read any more.") from error
