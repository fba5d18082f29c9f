"""A preview movie of a range: its picture clips one after another, with a mix of sounds.

The picture goes through one ffmpeg filter graph, every clip cut to whole frames. The sound is mixed
here, where reads are aligned to the sample, and given to ffmpeg as one WAV file.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musiscene_core.errors import EngineError, MediaError, OutputError, RangeError
from musiscene_core.media._graph import PictureSegment, preview_graph
from musiscene_core.media.audio import read_audio
from musiscene_core.media.ffmpeg import find_ffmpeg, run_ffmpeg
from musiscene_core.media.probe import MediaInfo, probe
from musiscene_core.media.wav import header, packed, to_int24
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.timecode import SAMPLE_RATE, FrameRate, frame_to_sample

_BLOCK = 10 * SAMPLE_RATE
_SOUND_SHARE = 0.1


@dataclass(frozen=True)
class SoundSegment:
    """A stretch of sound in the preview; segments may overlap.

    Attributes:
        path: of a movie or sound file.
        source_start: file time in seconds heard first.
        at: seconds from the preview's beginning at which it begins.
        length: seconds.
        stream: which of the file's audio streams.
        gain_db: louder or softer, in decibels.
    """

    path: str | Path
    source_start: Fraction
    at: Fraction
    length: Fraction
    stream: int = 0
    gain_db: float = 0.0


def render_preview(
    picture: Sequence[PictureSegment],
    sound: Sequence[SoundSegment],
    output_path: str | Path,
    *,
    rate: FrameRate,
    height: int = 540,
    progress: Progress = silent,
) -> None:
    """Write an .mp4 (H.264, AAC stereo 48 kHz) of the picture segments with the sounds mixed in.

    The preview is as long as its picture: whole frames at `rate`. It appears whole or not at all,
    and never takes the place of another file. Progress may raise CancelledError.

    Args:
        picture: what is seen, in order; at least one.
        sound: what is heard; added up, clipped at full scale.
        output_path: the .mp4 to write; its folder must be there.
        rate: frames a second of the preview.
        height: of the preview in pixels; its width follows the first clip's shape.
        progress: hears how far it is.

    Raises:
        RangeError: the picture is less than a frame long.
        MediaError: a file cannot be read.
        OutputError: the file is already there, or cannot be written.
        EngineError: ffmpeg is not there or failed.
    """
    output = Path(output_path)
    cuts = _cuts(picture, rate)
    infos = {str(s.path): _with_picture(s.path) for s in picture if s.path is not None}
    _refuse_existing(output)
    ffmpeg = find_ffmpeg()
    length = frame_to_sample(cuts[-1], rate)
    # Without the output's name, which may be as long as a name can be.
    partial = output.with_name(f".{uuid.uuid4().hex}.part.mp4")
    try:
        with tempfile.TemporaryDirectory(prefix="musiscene-") as folder:
            mix = Path(folder) / "mix.wav"
            _write_mix(mix, sound, length, Portion(progress, 0.0, _SOUND_SHARE))
            graph = preview_graph(picture, cuts, infos, rate, height, mix, partial)
            share = Portion(progress, _SOUND_SHARE, 1.0)
            total = rate.seconds(cuts[-1])
            run_ffmpeg(
                graph.compile(cmd=ffmpeg, overwrite_output=True),
                lambda done: share("Rendering the preview", float(done / total)),
            )
        _check(partial, cuts[-1])
        _publish(partial, output)
    except OSError as error:
        raise OutputError.from_os(error, output) from error
    finally:
        partial.unlink(missing_ok=True)
    progress("Rendering the preview", 1.0)


def _with_picture(path: str | Path) -> MediaInfo:
    info = probe(path)
    if info.video is None:
        raise MediaError(f"{path} has no picture.", hint="Choose a movie or an image.")
    return info


def _refuse_existing(output: Path) -> None:
    try:
        os.lstat(output)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        # A name that is too long, say: better told before the work than behind it.
        raise OutputError.from_os(error, output) from error
    else:
        raise OutputError(f"{output} is already there.", hint="Choose another name or folder.")
    if not output.parent.is_dir():
        raise OutputError(f"The folder {output.parent} is not there.", hint="Make it first.")
    if not os.access(output.parent, os.W_OK):
        raise OutputError(
            f"{output} cannot be written: no permission.", hint="Choose another folder."
        )


def _check(partial: Path, frames: int) -> None:
    video = probe(partial).video
    made = video.frame_count if video is not None else 0
    if made != frames:
        raise EngineError(
            f"ffmpeg made {made} frames of preview instead of {frames}.",
            hint="Check that every picture clip plays to its end, or update ffmpeg.",
        )


def _publish(partial: Path, output: Path) -> None:
    """Give the finished file its name, atomically where the file system can link."""
    try:
        os.link(partial, output)
    except FileExistsError:
        _refuse_existing(output)
    except OSError:
        _refuse_existing(output)
        os.rename(partial, output)


def _cuts(picture: Sequence[PictureSegment], rate: FrameRate) -> list[int]:
    """The preview's frames at which segments begin, and at last its length in frames."""
    at = Fraction(0)
    cuts = [0]
    for segment in picture:
        if segment.length < 0:
            raise RangeError("A picture segment has a negative length.")
        at += segment.length
        cuts.append(rate.frame_nearest(at))
    if cuts[-1] < 1:
        raise RangeError("The preview is less than a frame long.", hint="Choose a longer range.")
    return cuts


def _write_mix(path: Path, sound: Sequence[SoundSegment], length: int, progress: Progress) -> None:
    """The sum of the sounds, exactly `length` samples, in blocks."""
    with open(path, "xb") as file:
        file.write(header(2, length, 0, "", "MusiScene", path.name))
        for start in range(0, length, _BLOCK):
            progress("Mixing the preview", start / length)
            block = _mix_block(sound, start, min(_BLOCK, length - start))
            file.write(packed(to_int24(block)))


def _mix_block(sound: Sequence[SoundSegment], start: int, length: int) -> NDArray[np.float32]:
    block = np.zeros((2, length), np.float32)
    for segment in sound:
        begin = round(segment.at * SAMPLE_RATE)
        end = round((segment.at + segment.length) * SAMPLE_RATE)
        first, last = max(begin, start), min(end, start + length)
        if first >= last:
            continue
        source = segment.source_start + Fraction(first - begin, SAMPLE_RATE)
        samples = read_audio(
            segment.path,
            source,
            source + Fraction(last - first, SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
            channels=2,
            stream=segment.stream,
        )
        block[:, first - start : last - start] += samples * np.float32(10 ** (segment.gain_db / 20))
    return block
