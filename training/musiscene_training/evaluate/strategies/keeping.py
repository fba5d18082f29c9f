"""What a comparison keeps of sounds: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

import msgspec

from musiscene_core.captioning.checked import checked
from musiscene_core.codec import read_json, to_json
from musiscene_core.errors import OutputError
from musiscene_core.media import WavWriter, iter_audio, to_int24
from musiscene_core.movies import Part
from musiscene_core.take import Take
from musiscene_core.timecode import SAMPLE_RATE

MIX = "mix.wav"
_TAKE, _REQUEST = "take.json", "request.json"
_BLOCK = 5 * SAMPLE_RATE


def keep_original(part: Part, most_s: float, target: Path) -> None:
    """Write a stretch of sound, `most_s` seconds of it at most, as WAV.

    Raises:
        MediaError: it cannot be heard, is silent, or holds what is no number.
        OutputError: no space or no permission.
    """
    end = min(part.end, part.start + Fraction(most_s))
    samples = max(0, round((end - part.start) * SAMPLE_RATE))
    mono = iter_audio(part.path, part.start, end, sample_rate=SAMPLE_RATE, block=_BLOCK)
    for _ in checked((block[0] for block in mono), Path(part.path).name, SAMPLE_RATE):
        pass
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    blocks = iter_audio(
        part.path, part.start, end, sample_rate=SAMPLE_RATE, channels=2, block=_BLOCK
    )
    with WavWriter(target, 2, samples) as writer:
        for place, block in enumerate(blocks):
            writer.write(place * _BLOCK, to_int24(block))


def keep_take(take: Path, target: Path) -> None:
    """Copy a take's mix, and how it was made, into the new folder `target`; not its stems.

    Raises:
        InputError: the take is damaged.
        OutputError: no space or no permission.
    """
    made = read_json(take / _TAKE, Take)
    bare = msgspec.structs.replace(
        made,
        mix=MIX,
        stems=(),
        midi="",
        musicxml="",
        lead_sheet=(),
        chart="",
        peaks="",
        alternates=(),
        extras=(),
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the folder that is read for takes: a kill leaves what is half there.
        with tempfile.TemporaryDirectory(dir=target.parents[1], prefix=".coming-") as scratch:
            staged = Path(scratch) / target.name
            staged.mkdir()
            shutil.copyfile(take / made.mix, staged / MIX)
            shutil.copyfile(take / _REQUEST, staged / _REQUEST)
            (staged / _TAKE).write_bytes(to_json(bare))
            os.rename(staged, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
