"""Sound of a file as float samples, aligned to the sample.

Sound is laid on a grid of the stream's own samples whose 0 is file time 0: holes are silent,
overlaps are cut. Only then is the rate converted, from a grid point that both rates share, so that
every read of a file agrees with every other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from musiscene_core.errors import MediaError, RangeError
from musiscene_core.media import _open
from musiscene_core.media._decode import decoded, decoded_from
from musiscene_core.media._mixdown import channel_names, mix_matrix

_PREROLL = Fraction(1, 4)
"""Seconds decoded before the range: a decoder needs some frames until its output is right."""

_FILTER_REACH = 256
_CHUNK = 1 << 16
_INTEGER_SCALE = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31, "s64": 2.0**-63}


def read_audio(
    path: str | Path,
    start: Fraction,
    end: Fraction,
    *,
    sample_rate: int,
    channels: int = 1,
    stream: int = 0,
) -> NDArray[np.float32]:
    """The sound of [start, end) as float32 [C, N], N = round((end - start) * sample_rate).

    Silent where the file has no sound. For hours of sound use `iter_audio`.

    Args:
        path: a movie or sound file.
        start: file time in seconds; may be negative.
        end: file time in seconds, not before `start`.
        sample_rate: samples a second of the result.
        channels: 1, 2, or as many as the stream has; others are mixed down.
        stream: which of the file's audio streams, from 0.

    Raises:
        RangeError: `end` lies before `start`.
        MediaOfflineError: no such file.
        MediaError: no such audio stream, or nothing of it can be decoded.
    """
    blocks = iter_audio(
        path, start, end, sample_rate=sample_rate, channels=channels, stream=stream, block=_CHUNK
    )
    samples = np.empty((channels, length_in_samples(start, end, sample_rate)), np.float32)
    filled = 0
    for block in blocks:
        samples[:, filled : filled + block.shape[1]] = block
        filled += block.shape[1]
    return samples


def iter_audio(
    path: str | Path,
    start: Fraction,
    end: Fraction,
    *,
    sample_rate: int,
    channels: int = 1,
    stream: int = 0,
    block: int = _CHUNK,
) -> Iterator[NDArray[np.float32]]:
    """The samples of `read_audio` as float32 blocks [C, block] (the last one shorter).

    Memory does not grow with the range. Raises as `read_audio` does, once iterated.
    """
    if end < start:
        raise RangeError("The range ends before it begins.", hint="Set Out after In.")
    if block < 1 or sample_rate < 1 or channels < 1:
        raise ValueError(f"block {block}, sample_rate {sample_rate}, channels {channels}")
    total = length_in_samples(start, end, sample_rate)
    pieces = _samples(path, Fraction(start), Fraction(end), sample_rate, channels, stream)
    return _reblocked(pieces, total, channels, block)


def length_in_samples(start: Fraction, end: Fraction, sample_rate: int) -> int:
    """Samples in [start, end): nearest, halves up."""
    return math.floor((Fraction(end) - Fraction(start)) * sample_rate + Fraction(1, 2))


def _samples(
    path: str | Path, start: Fraction, end: Fraction, rate: int, channels: int, index: int
) -> Iterator[NDArray[np.float32]]:
    """Samples [C, n] at `rate` from `start` on, at least to `end` unless the file ends before."""
    with _open.open_media(path) as container:
        stream = _stream(container, index, path)
        own = stream.sample_rate
        shared = own // math.gcd(own, rate)
        first = math.floor(start * rate + Fraction(1, 2))
        if rate == own:
            begin, skip = first, 0
            stop = begin + length_in_samples(start, end, own)
        else:
            begin = math.floor((Fraction(first, rate) * own - _FILTER_REACH) / shared) * shared
            skip = first - begin * rate // own
            stop = math.ceil(end * own) + 2 * _FILTER_REACH
        sound = _continuous(_placed(container, stream, begin, channels, path), begin, stop)
        for piece in sound if rate == own else _resampled(sound, own, rate, channels):
            if skip >= piece.shape[1]:
                skip -= piece.shape[1]
                continue
            yield piece[:, skip:]
            skip = 0


def _stream(container: InputContainer, index: int, path: str | Path) -> AudioStream:
    streams = _open.sound_streams(container)
    if not streams:
        raise MediaError(f"{path} has no sound.", hint="Choose a file with sound.")
    if not 0 <= index < len(streams):
        raise MediaError(
            f"{path} has no audio stream {index}; it has {len(streams)}.",
            hint=f"Streams count from 0 to {len(streams) - 1}.",
        )
    if not streams[index].sample_rate:
        raise _open.unreadable(str(path), "its sound has no sample rate")
    return streams[index]


def _placed(
    container: InputContainer, stream: AudioStream, begin: int, channels: int, path: str | Path
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Decoded sound [C, n], each piece with its place on the grid of the stream's samples."""
    rate = stream.sample_rate
    tick = stream.time_base or Fraction(1, rate)
    origin = _open.origin(container)
    rounding = math.ceil(tick * rate)

    def placed(frame: AudioFrame) -> int:
        return round(((frame.pts or 0) * tick - origin) * rate)

    target = Fraction(begin, rate) + origin - _PREROLL
    expected: int | None = None
    if target <= _open.stream_start(stream):
        # Not even a seek to the beginning: some readers lose the first packet by it.
        frames: Iterator[AudioFrame] = decoded(container, stream)
    else:
        ticks = math.floor(target / tick)
        heads = list(itertools.islice(decoded(container, stream), 3)) if rounding > 1 else []
        frames = decoded_from(container, stream, ticks, lambda first: first <= ticks)
        entry = next(frames, None)
        if entry is not None:
            frames = itertools.chain((entry,), frames)
            if len(heads) == 3 and heads[1].samples == heads[2].samples:
                anchor = placed(heads[0]) + heads[0].samples
                expected = _on_frame_grid(placed(entry), anchor, heads[1].samples)
    heard = False
    for frame in frames:
        if frame.sample_rate != rate:
            raise MediaError(
                f"{path} changes its sample rate midway.", hint="Export its sound again."
            )
        place = placed(frame)
        if expected is not None and abs(place - expected) <= max(2, 2 * rounding):
            place = expected
        expected = place + frame.samples
        heard = True
        yield place, _mixed(frame, channels)
    if not heard and target <= _open.stream_start(stream):
        raise MediaError(
            f"No sound of {path} can be decoded.", hint="Export or copy the file again."
        )


def _on_frame_grid(place: int, anchor: int, size: int) -> int:
    """Where a codec frame begins whose time was rounded: whole frames of `size` from `anchor`."""
    return anchor + round((place - anchor) / size) * size


def _mixed(frame: AudioFrame, channels: int) -> NDArray[np.float32]:
    """A decoded frame as float32 [channels, n]."""
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(frame.samples, -1).T
    kind = frame.format.packed.name
    samples = raw.astype(np.float32)
    if kind == "u8":
        samples -= np.float32(128)
    samples *= np.float32(_INTEGER_SCALE.get(kind, 1.0))
    weights = mix_matrix(channel_names(frame.layout), channels)
    if weights is None:
        return samples
    return np.asarray(weights @ samples, np.float32)


def _continuous(
    placed: Iterator[tuple[int, NDArray[np.float32]]], begin: int, stop: int
) -> Iterator[NDArray[np.float32]]:
    """[C, n] pieces that follow each other from `begin` on, silent in holes, cut at `stop`."""
    at = begin
    for place, samples in placed:
        if place >= stop:
            break
        if place + samples.shape[1] <= at:
            continue
        while at < place:
            hole = min(place - at, _CHUNK)
            yield np.zeros((samples.shape[0], hole), np.float32)
            at += hole
        piece = samples[:, at - place : stop - place]
        at += piece.shape[1]
        yield piece
        if at >= stop:
            break


def _resampled(
    sound: Iterator[NDArray[np.float32]], own: int, rate: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
    resampler = AudioResampler(format="fltp", layout=layout, rate=rate)
    at = 0
    for piece in _gathered(sound):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=layout)
        frame.sample_rate = own
        frame.time_base = Fraction(1, own)
        frame.pts = at
        at += piece.shape[1]
        yield from (np.asarray(out.to_ndarray(), np.float32) for out in resampler.resample(frame))
    if at:
        yield from (np.asarray(out.to_ndarray(), np.float32) for out in resampler.resample(None))


def _gathered(sound: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same sound in fewer, larger pieces."""
    held: list[NDArray[np.float32]] = []
    count = 0
    for piece in sound:
        held.append(piece)
        count += piece.shape[1]
        if count >= _CHUNK:
            yield np.concatenate(held, axis=1)
            held, count = [], 0
    if held:
        yield np.concatenate(held, axis=1)


def _reblocked(
    pieces: Iterator[NDArray[np.float32]], total: int, channels: int, block: int
) -> Iterator[NDArray[np.float32]]:
    """Blocks [C, block] that add up to `total` samples, silent where the pieces end early."""
    sent = 0
    held = np.zeros((channels, min(block, total)), np.float32)
    filled = 0
    for piece in pieces:
        while piece.shape[1] and sent + filled < total:
            part = piece[:, : held.shape[1] - filled]
            held[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
            piece = piece[:, part.shape[1] :]
            if filled == held.shape[1]:
                yield held
                sent += filled
                held, filled = np.zeros((channels, min(block, total - sent)), np.float32), 0
        if sent + filled >= total:
            break
    while sent < total:
        yield held
        sent += held.shape[1]
        held = np.zeros((channels, min(block, total - sent)), np.float32)
