"""Decoding that goes on after damage, and seeking that never lands too late."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import cast, overload

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from musiscene_core.media._open import DecodeError

logger = logging.getLogger(__name__)

_STEPS_BACK = (Fraction(0), Fraction(1), Fraction(4), Fraction(16))
_MOST_ERRORS = 10_000

_Frame = VideoFrame | AudioFrame


@overload
def decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]: ...
@overload
def decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]: ...
def decoded(container: InputContainer, stream: VideoStream | AudioStream) -> Iterator[_Frame]:
    """The frames of `stream` from where the container stands; damaged packets are left out."""
    errors = 0
    packets = container.demux(stream)
    while errors < _MOST_ERRORS:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except DecodeError as error:
            logger.info("reading stopped early: %s", error)
            break
        try:
            frames = cast("list[_Frame]", packet.decode())
        except DecodeError as error:
            errors += 1
            logger.debug("a packet was left out: %s", error)
            continue
        for frame in frames:
            if frame.pts is not None:
                yield frame
    if errors:
        logger.info("%d damaged packets were left out", errors)


@overload
def decoded_from(
    container: InputContainer,
    stream: VideoStream,
    timestamp: int,
    is_early_enough: Callable[[int], bool],
) -> Iterator[VideoFrame]: ...
@overload
def decoded_from(
    container: InputContainer,
    stream: AudioStream,
    timestamp: int,
    is_early_enough: Callable[[int], bool],
) -> Iterator[AudioFrame]: ...
def decoded_from(
    container: InputContainer,
    stream: VideoStream | AudioStream,
    timestamp: int,
    is_early_enough: Callable[[int], bool],
) -> Iterator[_Frame]:
    """Frames from near `timestamp` (ticks of `stream`) on, the first of them early enough.

    A container may seek to a keyframe that is shown after the time asked for, or to the middle of
    nowhere; then it is asked for an earlier one, at last for the beginning.
    """
    tick = stream.time_base or Fraction(1)
    begin = stream.start_time or 0
    for step in _STEPS_BACK:
        target = timestamp - round(step / tick)
        if target <= begin:
            break
        if not _seek(container, stream, target):
            break
        frames: Iterator[_Frame] = decoded(container, stream)
        first = next(frames, None)
        if first is not None and first.pts is not None and is_early_enough(first.pts):
            return itertools.chain((first,), frames)
    if timestamp > begin:
        # Aimed a second early: searching MPEG-TS for its very beginning misses it.
        _seek(container, stream, begin - round(1 / tick))
    return decoded(container, stream)


def _seek(container: InputContainer, stream: VideoStream | AudioStream, target: int) -> bool:
    try:
        container.seek(target, stream=stream, backward=True)
    except DecodeError as error:
        logger.debug("no seeking to %d: %s", target, error)
        return False
    return True
