"""Making what listeners hear: versions equally loud, in one format, under names of no meaning.

Sound becomes FLAC; films become H.264 with AAC, all with the same settings, so that no version can
be told by how it was encoded. What a file says about itself is left out.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import InputError, MediaError, OutputError
from musiscene_core.loudness import SILENCE_LUFS, LoudnessMeter, integrated
from musiscene_core.media import find_ffmpeg, iter_audio, probe
from musiscene_core.media.ffmpeg import run_ffmpeg
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_training.evaluate.output import check_output
from musiscene_training.survey.plan import MEDIA_FOLDER, PLAN_FILE, Item, Survey
from musiscene_training.survey.questions import Question
from musiscene_training.survey.sources import Source, Sources

logger = logging.getLogger(__name__)

LOUDNESS_LUFS = -23.0
"""EBU R 128's programme level."""

_CEILING_DB = -1.0
_WIDEST = 1280
_UNEQUAL_S = 0.5
_SAME_TIME = 1_600_000_000

Told = Callable[[str, float], None]
"""Hears what is being done, and the fraction that is."""


class Heard(msgspec.Struct, frozen=True):
    """A source as it is: its loudness, highest sample in dBFS, seconds, and what it shows."""

    source: Source
    loudness_lufs: float
    peak_db: float
    length_s: Fraction
    has_picture: bool


def prepare(
    sources: Sources,
    output: Path,
    *,
    questions: Sequence[Question],
    reference: str = "",
    title: str = "Music for scenes",
    seed: int = 0,
    loudness_lufs: float = LOUDNESS_LUFS,
    told: Told,
) -> tuple[Survey, list[str]]:
    """Write a survey into `output`; also gives sentences about what listeners might notice.

    All versions get the same loudness: `loudness_lufs`, or less where a version's peaks would
    pass -1 dBFS otherwise.

    Raises:
        InputError: the reference is no system, or some scenes have a picture and some not.
        MediaError: files cannot be read or are silent; all of them are named.
        OutputError: the folder is not empty, or cannot be written.
    """
    if reference and reference not in sources.systems:
        raise InputError(
            f"{reference} is not one of the systems.",
            hint=f"The systems are: {', '.join(sources.systems)}.",
        )
    check_output(output)
    heard = _hear_all(sources.sources, told)
    pictures = {one.has_picture for one in heard}
    if len(pictures) > 1:
        odd = next(one for one in heard if not one.has_picture)
        raise InputError(
            f"Some versions are films, but {odd.source.file} has no picture.",
            hint="Put a picture.mp4 into its scene's folder, or give sound alone everywhere.",
        )
    level = min(loudness_lufs, *(one.loudness_lufs + _CEILING_DB - one.peak_db for one in heard))
    media = output / MEDIA_FOLDER
    try:
        media.mkdir(parents=True)
        items = []
        for count, one in enumerate(heard):
            told(f"Preparing {one.source.scene}", 0.5 + count / len(heard) / 2)
            items.append(_item(one, level, media))
        survey = Survey(
            title=title,
            questions=tuple(questions),
            scenes=sources.scenes,
            systems=sources.systems,
            reference=reference,
            seed=seed,
            loudness_lufs=level,
            has_picture=pictures == {True},
            texts=dict(sources.texts),
            items=tuple(items),
        )
        write_atomically(output / PLAN_FILE, to_json(survey))
    except BaseException as error:
        # So that the same command can be given again.
        shutil.rmtree(media, ignore_errors=True)
        if isinstance(error, OSError):
            raise OutputError.from_os(error, output) from error
        raise
    return survey, _noticed(heard, level, loudness_lufs)


def _hear_all(sources: Sequence[Source], told: Told) -> list[Heard]:
    heard, bad = [], []
    for count, source in enumerate(sources):
        told(f"Listening to {source.scene}", count / len(sources) / 2)
        try:
            heard.append(_hear(source))
        except MediaError as error:
            bad.append(error.message)
    if bad:
        raise MediaError(
            " ".join(bad), hint="Export these files again, or take them out of every scene."
        )
    return heard


def _hear(source: Source) -> Heard:
    info = probe(source.file)
    if not info.audio:
        raise MediaError(f"{source.file} has no sound.")
    shown = probe(source.picture) if source.picture else info
    if source.picture and shown.video is None:
        raise MediaError(f"{source.picture} has no picture.")
    meter, peak = LoudnessMeter(), 0.0
    for block in iter_audio(
        source.file, Fraction(0), info.duration, sample_rate=SAMPLE_RATE, channels=2
    ):
        meter.hear(block)
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
    loudness = integrated(meter.finish())
    if loudness <= SILENCE_LUFS or not np.isfinite(loudness):
        raise MediaError(f"{source.file} is silent.")
    length = shown.duration if source.picture else info.duration
    return Heard(
        source, loudness, 20 * float(np.log10(max(peak, 1e-9))), length, shown.video is not None
    )


def _item(one: Heard, level: float, media: Path) -> Item:
    source = one.source
    gain = level - one.loudness_lufs
    name = secrets.token_hex(8) + (".mp4" if one.has_picture else ".flac")
    sound = f"volume={gain:.3f}dB,aresample={SAMPLE_RATE},aformat=channel_layouts=stereo"
    inputs = ["-i", _given(source.file)]
    if source.picture:
        inputs += ["-i", _given(source.picture)]
        sound += ",apad"
    if one.has_picture:
        wide = f"scale='trunc(min({_WIDEST},iw*sar)/2)*2':-2,setsar=1"
        coded = ["-map", "1:v:0" if source.picture else "0:v:0", "-vf", wide]
        coded += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
        coded += ["-c:a", "aac", "-b:a", "256k", "-movflags", "+faststart"]
    else:
        coded = ["-vn", "-c:a", "flac", "-sample_fmt", "s32"]
    bare = [
        "-map_metadata",
        "-1",
        "-map_metadata:s",
        "-1",
        "-map_chapters",
        "-1",
        "-fflags",
        "+bitexact",
    ]
    bare += ["-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    command = [find_ffmpeg(), "-v", "error", *inputs, "-map", "0:a:0", "-af", sound, *coded, *bare]
    command += ["-t", f"{float(one.length_s):.6f}", str(media / name)]
    run_ffmpeg(command, lambda _made: None, written=f"{source.scene}'s version")
    # Its time is sent along, and would tell in which order the systems were read.
    os.utime(media / name, (_SAME_TIME, _SAME_TIME))
    return Item(
        scene=source.scene,
        system=source.system,
        file=name,
        source=str(source.file),
        loudness_lufs=round(one.loudness_lufs, 2),
        gain_db=round(gain, 3),
        length_s=round(float(one.length_s), 3),
    )


def _given(path: Path) -> str:
    # ffmpeg would read a name with a colon as a protocol, and one with a dash as an option.
    return f"file:{path.resolve()}"


def _noticed(heard: Sequence[Heard], level: float, wanted: float) -> list[str]:
    said = []
    if level < wanted - 0.05:
        said.append(
            f"All play at {level:.1f} LUFS rather than {wanted:.1f}, so that no peak is cut off."
        )
    lengths: dict[str, list[float]] = {}
    for one in heard:
        lengths.setdefault(one.source.scene, []).append(float(one.length_s))
    said.extend(
        f"Versions of {scene} last {min(each):.1f} to {max(each):.1f} s: their length may tell "
        "which is which."
        for scene, each in lengths.items()
        if max(each) - min(each) > _UNEQUAL_S
    )
    return said
