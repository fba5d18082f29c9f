"""The sound under a range, block by block: clips laid at their place and summed.

Cue sample 0 is the range's first frame. Clips are kept apart by what they are listened to for.
Knows nothing of what is in the sound. A clip retimed to between half and double speed is heard as
a tape would play it; one that runs backwards, stands still or is faster or slower is left out.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.media import Shortfall
from musiscene_core.ranges import FrameRange
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.shortfalls import shortfall_of
from musiscene_core.spotting.voices import LOUDEST, SAMPLE_RATE, Voice
from musiscene_core.spotting.voices import READ_S as BLOCK_S
from musiscene_core.timecode import frame_to_sample
from musiscene_core.timeline import Role, TimelineClip, TimelineRange

__all__ = ["BLOCK_S", "LOUDEST", "ROLES", "SAMPLE_RATE", "Block", "Soundtrack", "summed"]

Floats = npt.NDArray[np.float32]

ROLES: tuple[Role, ...] = ("dialogue", "temp_track", "mixed")
_SLOWEST, _FASTEST = Fraction(1, 2), Fraction(2)

_log = logging.getLogger(__name__)


class Block(NamedTuple):
    """A stretch of the soundtrack.

    Attributes:
        start: its first cue sample.
        length: its samples.
        by_role: sum of the clips of each role that sound in it, [length].
    """

    start: int
    length: int
    by_role: dict[Role, Floats]

    def sum(self, *roles: Role) -> Floats:
        """The clips of these roles together [length]; silence where none sounds."""
        total = np.zeros(self.length, np.float32)
        for role in roles:
            if role in self.by_role:
                total += self.by_role[role]
        return total


class Soundtrack:
    """The clips of a range that can be heard, and what became of the others.

    Attributes:
        first: the record sample that is cue sample 0.
        length: cue samples at SAMPLE_RATE.
        voices: the clips, in order of their beginning.
        warnings: what could not be heard, a sentence each, complete once all was read.
    """

    def __init__(self, timeline: TimelineRange) -> None:
        self.warnings: list[str] = []
        self.first = frame_to_sample(timeline.record.start, timeline.rate, SAMPLE_RATE)
        self.length = frame_to_sample(timeline.record.length, timeline.rate, SAMPLE_RATE)
        known = functools.cache(film_digest)
        shortfall = functools.cache(shortfall_of)
        voices: list[Voice] = []
        for clip in timeline.by_role(*ROLES):
            if clip.mapping.record.overlap(timeline.record) is None:
                continue
            speed = clip.mapping.speed
            if not _SLOWEST <= speed <= _FASTEST:
                percent = float(speed * 100)
                self._warn(f"{clip.name} plays at {percent:g} % speed and was not listened to.")
                continue
            voice = Voice(clip, self._warn, known)
            voices.append(voice)
            media = clip.media
            if media.path:
                missing = shortfall(media.path, media.audio_stream, known(media.path))
                self._tell_shortfall(clip, missing, voice.name, timeline.record)
        self.voices = tuple(sorted(voices, key=lambda voice: voice.first))

    def roles(self) -> frozenset[Role]:
        """The roles of the clips that can be heard."""
        return frozenset(voice.role for voice in self.voices)

    def spans(self, role: Role) -> tuple[tuple[float, float], ...]:
        """Cue seconds (start, end) of the clips of `role` that can be heard."""
        spans = []
        for voice in self.voices:
            if voice.role == role:
                start, end = (at - self.first for at in (voice.first, voice.last))
                spans.append((max(0, start) / SAMPLE_RATE, min(self.length, end) / SAMPLE_RATE))
        return tuple(spans)

    def blocks(self) -> Generator[Block, None, None]:
        """The range from its first to its last sample, BLOCK_S at a time."""
        size = BLOCK_S * SAMPLE_RATE
        with ExitStack() as opened:
            for voice in self.voices:
                opened.enter_context(closing(voice))
            for start in range(0, self.length, size):
                length = min(size, self.length - start)
                first, last = self.first + start, self.first + start + length
                sounding = [v for v in self.voices if v.first < last and v.last > first]
                by_role = {
                    role: summed([v for v in sounding if v.role == role], first, last)
                    for role in dict.fromkeys(voice.role for voice in sounding)
                }
                for voice in sounding:
                    if voice.last <= last:
                        voice.close()
                yield Block(start, length, by_role)

    def _tell_shortfall(
        self, clip: TimelineClip, missing: Shortfall | None, name: str, record: FrameRange
    ) -> None:
        """Warn of a file that ends before it should, where the range wants its end."""
        shown = clip.mapping.record.overlap(record)
        if missing is not None and shown is not None:
            _, ends_s = clip.mapping.source_span(shown)
            if missing.felt(ends_s):
                self._warn(missing.told(name))

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            _log.warning("%s", sentence)


def summed(voices: Iterable[Voice], first: int, last: int) -> Floats:
    """What sounds in the record samples [first, last): [last - first]."""
    total = np.zeros(last - first, np.float32)
    for voice in voices:
        start, end = max(first, voice.first), min(last, voice.last)
        if start < end:
            total[start - first : end - first] += voice.read(start, end)
    return total
