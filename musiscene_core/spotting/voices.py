"""Clips as they sound on the timeline, each read from its file wherever it is asked for.

Times are record samples: samples at SAMPLE_RATE from record frame 0. A clip retimed to between half
and double speed is heard as a tape would play it. Knows nothing of what is in the sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError, MediaOfflineError
from musiscene_core.media import iter_audio
from musiscene_core.timeline import TimelineClip

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Enough for speech, and for beats and notes up to 8 kHz."""
READ_S = 5
"""Seconds decoded at once."""
LOUDEST = 8.0
"""18 dB over full scale; what a float file holds beyond that is damage."""
_HELD = 14 * SAMPLE_RATE
"""Samples held behind the last one read, so that listeners near each other share a decoder."""
_SKIPPED = 2 * SAMPLE_RATE
"""Decoding on over so many samples costs less than opening the file again."""


class Voice:
    """One clip; its file is open only while it is read.

    Attributes:
        role: what it is listened to for.
        name: of its file.
        first: its first record sample.
        last: the one after its last.
        failed: whether its file could not be read, or not to its end.
    """

    def __init__(
        self, clip: TimelineClip, warn: Callable[[str], None], known: Callable[[str], str]
    ) -> None:
        """Take a clip between half and double speed.

        Args:
            clip: the clip.
            warn: told once, a sentence, if it fails.
            known: says what the film at a path is known by (films.film_digest).
        """
        mapping = clip.mapping
        self.role = clip.role
        self.name = clip.media.name or Path(clip.media.path).name or clip.name
        self.failed = False
        # Played as fast as the clip runs: so many samples of the file fill a second of the cue.
        self._rate = max(1, round(SAMPLE_RATE / mapping.speed))
        begins, ends = (
            _nearest(mapping.source_seconds(frame) * self._rate)
            for frame in (mapping.record.start, mapping.record.end)
        )
        record_s = mapping.record_rate.seconds(mapping.record.start)
        source_s = mapping.source_seconds(mapping.record.start)
        self._offset = _nearest(source_s * self._rate - record_s * SAMPLE_RATE)
        self.first, self.last = begins - self._offset, ends - self._offset
        self._media = clip.media
        self._warn = warn
        self._known = known
        self._blocks: Iterator[npt.NDArray[np.float32]] | None = None
        self._held = np.zeros(0, np.float32)
        self._at = 0

    @property
    def origin(self) -> int:
        """The record sample at which its file begins, if the clip went back so far."""
        return -self._offset

    @property
    def known_by(self) -> str:
        """What its sound is known by, wherever it lies; empty where its file cannot be read."""
        film = self._known(self._media.path) if self._media.path else ""
        return f"{film} {self._media.audio_stream} {self._rate}" if film else ""

    def read(self, first: int, last: int) -> Floats:
        """Its record samples [first, last), which lie within it; silence where its file has none.

        Cheap in order of time: the decoder goes on where it stands.
        """
        begins = self._at - len(self._held)
        if self._blocks is None or not begins <= first <= self._at + _SKIPPED:
            self._open(first)
        parts = [self._held]
        while self._at < last and not self.failed:
            part = self._next()
            parts.append(part)
            self._at += len(part)
        held = np.concatenate(parts)
        begins = self._at - len(held)
        found = held[first - begins : last - begins]
        self._held = held[-_HELD:]
        if len(found) < last - first:
            found = np.pad(found, (0, last - first - len(found)))
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._held = np.zeros(0, np.float32)
        blocks, self._blocks = self._blocks, None
        if isinstance(blocks, Generator):
            blocks.close()

    def _open(self, first: int) -> None:
        self.close()
        self._at = first
        if not self.failed:
            start, end = (Fraction(at + self._offset, self._rate) for at in (first, self.last))
            self._blocks = iter_audio(
                Path(self._media.path),
                start,
                end,
                sample_rate=self._rate,
                channels=1,
                stream=self._media.audio_stream,
                block=READ_S * SAMPLE_RATE,
            )

    def _next(self) -> Floats:
        block = None
        try:
            if not self._media.path:
                raise MediaOfflineError(f"{self.name} has no file.")
            block = next(self._blocks, None) if self._blocks is not None else None
        except MediaOfflineError:
            self._fail(f"{self.name} is offline and was not listened to.")
        except MediaError as error:
            self._fail(f"{self.name} was not listened to, or not to its end: {error.message}")
        if block is None:
            return np.zeros(READ_S * SAMPLE_RATE, np.float32)
        mono = np.nan_to_num(block[0], nan=0.0, posinf=0.0, neginf=0.0)
        result: Floats = np.clip(mono, -LOUDEST, LOUDEST)
        return result

    def _fail(self, sentence: str) -> None:
        self.failed = True
        self._warn(sentence)


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
