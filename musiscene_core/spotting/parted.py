"""Dialogue and music of one recording, parted by a model, as two clips in place of the mixed one.

Whoever listens then hears speech where speech is listened for, and music where music is. A file is
parted in pieces on a grid of its own seconds and kept by content, so that a range that is moved
has its new pieces parted alone. What the model does not call speech counts as music: effects too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_core.media import read_audio
from musiscene_core.progress import Progress, silent
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.parted_kept import KeptPieces
from musiscene_core.timecode import SAMPLE_RATE, FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange

Floats = npt.NDArray[np.float32]

PIECE_S = 20
_AROUND_S = 1
"""Before and after a piece: what the model hears besides."""
_EDGE_S = Fraction(1, 2)
"""What a piece holds beyond either end: a frame that begins in it is heard to its own end, and
whoever resamples it begins in sound."""
_SLOWEST, _FASTEST = Fraction(1, 2), Fraction(2)
_FINEST = 1000
_LOUDEST = 8.0
_VERSION = 1
PARTING = "Parting music from dialogue"


class Separator(Protocol):
    """A model that takes speech out of a mix."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def known_by(self) -> str:
        """Changes with its weights."""

    def speech(self, mix: Floats, heed: Callable[[], None]) -> Floats:
        """The speech [2, n] in `mix` [2, n], both at 48 kHz; asks `heed` now and then.

        Raises:
            EngineError: the model fails.
        """


class Piece(NamedTuple):
    """One piece of a file, parted.

    Attributes:
        start_s: file time in seconds at which it begins; its files do _EDGE_S before.
        speech: a file with what is said.
        music: a file with all else.
    """

    start_s: int
    speech: Path
    music: Path


class Parting:
    """Parts what one range, or one file, needs; a model and what it made before."""

    def __init__(self, separator: Separator, kept: KeptPieces | None = None) -> None:
        """Part by `separator`; what it made is looked for in `kept` (default: the cache folder)."""
        self._separator = separator
        self._kept = kept or KeptPieces()
        self._films: dict[str, str] = {}
        self._lock = threading.Lock()

    def timeline(self, timeline: TimelineRange, progress: Progress = silent) -> TimelineRange:
        """`timeline`, with two clips a piece in place of each mixed one: dialogue and temp track.

        Clips that cannot be read, or are not listened to for their speed, stay as they are.

        Args:
            timeline: the range.
            progress: hears how far it is.

        Raises:
            EngineError: the model fails.
            OutputError: pieces cannot be kept.
            CancelledError: `progress` raised it.
        """
        wanted = {clip: list(_pieces_of(clip, timeline)) for clip in timeline.by_role("mixed")}
        count = sum(map(len, wanted.values()))
        done = 0
        clips: list[TimelineClip] = []
        for clip in timeline.clips:
            made: list[TimelineClip] = []
            try:
                for start_s, record in wanted.get(clip, ()):
                    at = done / count
                    piece = self._piece(clip.media, start_s, partial(progress, PARTING, at))
                    made += _halves(clip, piece, record)
                    done += 1
            except MediaError:
                # Whoever listens meets the same, and says which file it is.
                made = []
            clips += made or [clip]
        self._kept.prune()
        return msgspec.structs.replace(timeline, clips=tuple(clips))

    def music(
        self, media: MediaReference, start_s: float, end_s: float, progress: Progress = silent
    ) -> Iterator[Floats]:
        """The music of [start_s, end_s) of a file, without what is said: mono at 48 kHz, in order.

        Raises:
            MediaError: the file cannot be decoded.
            EngineError: the model fails.
            OutputError: pieces cannot be kept.
            CancelledError: `progress` raised it.
        """
        first, last = round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)
        size = PIECE_S * SAMPLE_RATE
        for number in range(first // size, -(-last // size)):
            at = max(0.0, (number * size - first) / max(1, last - first))
            piece = self._piece(media, number * PIECE_S, partial(progress, PARTING, at))
            inside = [
                _EDGE_S + Fraction(min(size, max(0, edge - number * size)), SAMPLE_RATE)
                for edge in (first, last)
            ]
            yield read_audio(piece.music, *inside, sample_rate=SAMPLE_RATE)

    def _piece(self, media: MediaReference, start_s: int, heed: Callable[[], None]) -> Piece:
        heed()
        if media.path not in self._films:
            self._films[media.path] = film_digest(media.path)
        film = self._films[media.path]
        known_by = " ".join(
            map(str, (_VERSION, self._separator.known_by, film, media.audio_stream, start_s))
        )
        with self._lock:
            found = self._kept.get(known_by)
            if found is None:
                found = self._kept.put(known_by, *self._parted(media, start_s, heed))
        return Piece(start_s, *found)

    def _parted(
        self, media: MediaReference, start_s: int, heed: Callable[[], None]
    ) -> tuple[Floats, Floats]:
        """Speech and music [n] of the piece that begins at `start_s`, its edges included."""
        mix = read_audio(
            media.path,
            Fraction(start_s - _AROUND_S),
            Fraction(start_s + PIECE_S + _AROUND_S),
            sample_rate=SAMPLE_RATE,
            channels=2,
            stream=media.audio_stream,
        )
        mix = np.clip(np.nan_to_num(mix, nan=0.0), -_LOUDEST, _LOUDEST)
        speech = np.zeros_like(mix)
        # Before a file's beginning and after its end there is nothing to hear.
        sounding = np.flatnonzero(mix.any(axis=0))
        if len(sounding):
            heard = slice(sounding[0], sounding[-1] + 1)
            speech[:, heard] = self._separator.speech(mix[:, heard], heed)
        outside = int((_AROUND_S - _EDGE_S) * SAMPLE_RATE)
        inside = slice(outside, mix.shape[1] - outside)
        return speech[:, inside].mean(0), (mix - speech)[:, inside].mean(0)


def _pieces_of(clip: TimelineClip, timeline: TimelineRange) -> Iterator[tuple[int, FrameRange]]:
    """The pieces that a clip plays within a range: where each begins, and its record frames."""
    mapping = clip.mapping
    shown = mapping.record.overlap(timeline.record)
    if shown is None or not clip.media.path or not _SLOWEST <= mapping.speed <= _FASTEST:
        return
    start_s, end_s = mapping.source_span(shown)
    number = start_s // PIECE_S
    first = shown.start
    while first < shown.end and number * PIECE_S < end_s:
        ends_s = mapping.record_seconds(Fraction((number + 1) * PIECE_S))
        last = min(shown.end, -(-ends_s * mapping.record_rate.fps // 1))
        if last > first:
            yield int(number) * PIECE_S, FrameRange(first, int(last))
        first, number = max(first, int(last)), number + 1


def _halves(clip: TimelineClip, piece: Piece, record: FrameRange) -> list[TimelineClip]:
    """The two clips that play a piece, as `clip` did, in `record`."""
    mapping = clip.mapping
    into_s = mapping.source_seconds(record.start) - piece.start_s + _EDGE_S
    # A rate in which the piece's own time is a whole number of frames.
    whole = int(into_s * _FINEST)
    rate = FrameRate.from_fraction(whole / into_s)
    placed = SourceMapping(
        record=record,
        record_rate=mapping.record_rate,
        source_start=whole,
        source_rate=rate,
        speed_numerator=mapping.speed_numerator,
        speed_denominator=mapping.speed_denominator,
    )
    name = clip.media.name or Path(clip.media.path).name
    return [
        msgspec.structs.replace(
            clip, media=MediaReference(path=str(path), name=name), mapping=placed, role=role
        )
        for path, role in ((piece.speech, "dialogue"), (piece.music, "temp_track"))
    ]
