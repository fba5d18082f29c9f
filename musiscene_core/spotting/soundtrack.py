"""The sound under a range, block by block: clips decoded, laid at their place and summed.

Cue sample 0 is the range's first frame. Clips are kept apart by what they are listened to for.
Knows nothing of what is in the sound. A clip retimed to between half and double speed is heard as
a tape would play it; one that runs backwards, stands still or is faster or slower is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError, MediaOfflineError
from musiscene_core.media import iter_audio
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import frame_to_sample
from musiscene_core.timeline import Role, TimelineClip, TimelineRange

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Enough for speech, and for beats and notes up to 8 kHz."""
BLOCK_S = 5
ROLES: tuple[Role, ...] = ("dialogue", "temp_track", "mixed", "effects")
_SLOWEST, _FASTEST = Fraction(1, 2), Fraction(2)
LOUDEST = 8.0
"""18 dB over full scale; what a float file holds beyond that is damage."""

_log = logging.getLogger(__name__)


class Block(NamedTuple):
    """A stretch of the soundtrack.

    Attributes:
        start: its first cue sample.
        length: its samples.
        by_role: sum of the clips of each role that sound in it, [length].
        names: the clips that sound in it.
    """

    start: int
    length: int
    by_role: dict[Role, Floats]
    names: tuple[str, ...]

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
        length: cue samples at SAMPLE_RATE.
        warnings: what could not be heard, a sentence each, complete once all blocks were read.
    """

    def __init__(self, timeline: TimelineRange) -> None:
        self.warnings: list[str] = []
        self.length = frame_to_sample(timeline.record.length, timeline.rate, SAMPLE_RATE)
        self._voices: list[_Voice] = []
        for clip in timeline.by_role(*ROLES):
            shown = clip.mapping.record.overlap(timeline.record)
            if shown is None:
                continue
            speed = clip.mapping.speed
            if not _SLOWEST <= speed <= _FASTEST:
                percent = float(speed * 100)
                self._warn(f"{clip.name} plays at {percent:g} % speed and was not listened to.")
                continue
            self._voices.append(_Voice(clip, shown, timeline, self._warn))
        self._voices.sort(key=lambda voice: voice.start)

    def roles(self) -> frozenset[Role]:
        """The roles of the clips that can be heard."""
        return frozenset(voice.role for voice in self._voices)

    def spans(self, role: Role) -> tuple[tuple[float, float], ...]:
        """Cue seconds (start, end) of the clips of `role` that can be heard."""
        return tuple(
            (voice.start / SAMPLE_RATE, voice.end / SAMPLE_RATE)
            for voice in self._voices
            if voice.role == role
        )

    def blocks(self) -> Generator[Block, None, None]:
        """The range from its first to its last sample, BLOCK_S at a time."""
        size = BLOCK_S * SAMPLE_RATE
        with ExitStack() as opened:
            for voice in self._voices:
                opened.enter_context(closing(voice))
            for start in range(0, self.length, size):
                length = min(size, self.length - start)
                sounding = [v for v in self._voices if v.start < start + length and v.end > start]
                by_role: dict[Role, Floats] = {}
                for voice in sounding:
                    total = by_role.setdefault(voice.role, np.zeros(length, np.float32))
                    voice.add_to(total, start)
                names = tuple(dict.fromkeys(voice.name for voice in sounding))
                yield Block(start, length, by_role, names)

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            _log.warning("%s", sentence)


class _Voice:
    """One clip as it sounds in the cue; its file is open only while it sounds."""

    def __init__(
        self,
        clip: TimelineClip,
        shown: FrameRange,
        timeline: TimelineRange,
        warn: Callable[[str], None],
    ) -> None:
        into = shown.shifted(-timeline.record.start)
        self.start = frame_to_sample(into.start, timeline.rate, SAMPLE_RATE)
        self.end = frame_to_sample(into.end, timeline.rate, SAMPLE_RATE)
        self.role = clip.role
        self.name = Path(clip.media.path).name or clip.media.name or clip.name
        self._clip = clip
        self._source = clip.mapping.source_span(shown)
        self._warn = warn
        self._blocks: Iterator[Floats] | None = None
        self._rest = np.zeros(0, np.float32)
        self._over = False

    def add_to(self, total: Floats, start: int) -> None:
        """Add what sounds in the cue samples [start, start + len(total)); called in order."""
        first = max(self.start, start)
        last = min(self.end, start + len(total))
        samples = self._read(last - first)
        total[first - start : first - start + len(samples)] += samples
        if last == self.end:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._over = True
        self._rest = np.zeros(0, np.float32)
        blocks, self._blocks = self._blocks, None
        if isinstance(blocks, Generator):
            blocks.close()

    def _read(self, wanted: int) -> Floats:
        """The next `wanted` samples, fewer where the file has no more."""
        parts, have = [self._rest], len(self._rest)
        while have < wanted and not self._over:
            part = self._next_block()
            parts.append(part)
            have += len(part)
        joined = np.concatenate(parts)
        self._rest = joined[wanted:]
        return joined[:wanted]

    def _next_block(self) -> Floats:
        try:
            if self._blocks is None:
                self._blocks = self._open()
            block = next(self._blocks, None)
        except MediaOfflineError:
            self._over = True
            self._warn(f"{self.name} is offline and was not listened to.")
            return np.zeros(0, np.float32)
        except MediaError as error:
            self._over = True
            self._warn(f"{self.name} was not listened to, or not to its end: {error.message}")
            return np.zeros(0, np.float32)
        if block is None:
            self._over = True
            return np.zeros(0, np.float32)
        mono = np.nan_to_num(block[0], nan=0.0, posinf=0.0, neginf=0.0)
        result: Floats = np.clip(mono, -LOUDEST, LOUDEST)
        return result

    def _open(self) -> Iterator[Floats]:
        media = self._clip.media
        if not media.path:
            raise MediaOfflineError(f"{self.name} has no file.")
        # Played as fast as the clip runs: so many samples of the file fill a second of the cue.
        rate = max(1, round(SAMPLE_RATE / self._clip.mapping.speed))
        start, end = self._source
        return iter_audio(
            Path(media.path),
            start,
            end,
            sample_rate=rate,
            channels=1,
            stream=media.audio_stream,
            block=BLOCK_S * SAMPLE_RATE,
        )
