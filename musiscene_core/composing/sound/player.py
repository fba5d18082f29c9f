"""Plays a track's notes as time goes by: each begins on exactly the sample its beat falls on.

A note is rendered whole when its beginning is reached, and what reaches beyond the block waits
for the next. Notes are added in the order in which they begin, and what is random about one comes
from the seed, the part and its number there, so neither the size of the blocks nor the order in
which tracks are played changes a bit of the result.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.signal import SHORTEST_RAMP_S, Audio, decibels, generator
from musiscene_core.composing.sound.voice import (
    Percussion,
    Source,
    Strike,
    Swell,
    kit_of,
    loudness_of,
)
from musiscene_core.cue import Part
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE

_SHORTEST_NOTE = SAMPLE_RATE // 50
_REFERENCE = 0.1
"""Level of a full-velocity note before the master: far from clipping, and float32 cares not."""

_SOURCE_BYTES = 64 << 20
"""A track's sources are kept up to this; the one unused longest is made anew when it is needed."""


@dataclass(frozen=True)
class _Due:
    """A note in the queue."""

    strike: Strike
    pitch: int
    part: Part
    sides: Audio


class TrackPlayer:
    """Plays parts into one stereo track of `samples` samples; what lies outside is left out."""

    def __init__(
        self,
        parts: Sequence[Part],
        tempo: TempoMap,
        samples: int,
        seed: int,
        instruments: Mapping[str, Instrument] = INSTRUMENTS,
    ) -> None:
        """Queue the notes of `parts`, whose instruments must exist."""
        self._instruments = instruments
        self._samples = samples
        self._seed = seed
        queue: list[_Due] = []
        for part in parts:
            instrument = instruments[part.instrument]
            gain = np.float32(decibels(instrument.level_db + part.gain_db) * _REFERENCE)
            sides = _sides(part.pan) * gain
            strikes = _strikes(part, instrument, tempo, samples)
            queue += [
                _Due(strike, note.pitch, part, sides)
                for strike, note in zip(strikes, part.notes, strict=True)
                if strike.start < samples
            ]
        # A stable sort: notes that begin together keep the order of parts and notes.
        self._queue = sorted(queue, key=lambda due: due.strike.start)
        self._longest: dict[tuple[str, int], int] = {}
        for due in queue:
            key = (due.part.instrument, due.pitch)
            held = min(samples, due.strike.held)
            self._longest[key] = max(held, self._longest.get(key, 0))
        self._sources: OrderedDict[tuple[str, int], Source] = OrderedDict()

    def blocks(self, size: int, played: Callable[[int], None]) -> Iterator[Audio]:
        """The track in order, [2, size] each, the last one shorter.

        Args:
            size: samples a block.
            played: told after each note that one more is done; may raise to stop.
        """
        waiting: Audio = np.zeros((2, size), dtype=np.float32)
        at = 0
        for first in range(0, self._samples, size):
            while at < len(self._queue) and self._queue[at].strike.start < first + size:
                waiting = self._added(self._queue[at], first, waiting)
                at += 1
                played(1)
            yield waiting[:, : min(size, self._samples - first)].copy()
            waiting = waiting[:, size:]
            if waiting.shape[1] < size:
                waiting = np.pad(waiting, ((0, 0), (0, size - waiting.shape[1])))

    def _added(self, due: _Due, first: int, waiting: Audio) -> Audio:
        """`waiting`, whose first sample is the cue's `first`, with one more note in it."""
        strike = due.strike
        source = self._source(due)
        samples = min(source.length(strike), self._samples - strike.start)
        skipped = max(0, -strike.start)
        if samples <= skipped:
            return waiting
        random = generator(self._seed, due.part.name, strike.index)
        note = source.play(strike, samples, random)[:, skipped:]
        if skipped:
            # Begun before the cue: it is cut off there, so it needs a ramp of its own.
            rising = min(note.shape[1], round(SHORTEST_RAMP_S * SAMPLE_RATE))
            note[:, :rising] *= np.sin(np.pi / 2 * np.arange(rising) / rising) ** 2
        note *= (due.sides * np.float32(loudness_of(strike.velocity)))[:, None]
        begin = max(0, strike.start) - first
        end = begin + note.shape[1]
        if end > waiting.shape[1]:
            waiting = np.pad(waiting, ((0, 0), (0, end - waiting.shape[1])))
        waiting[:, begin:end] += note
        return waiting

    def _source(self, due: _Due) -> Source:
        key = (due.part.instrument, due.pitch)
        if key in self._sources:
            self._sources.move_to_end(key)
            return self._sources[key]
        random = generator(self._seed, *key)
        voice = self._instruments[due.part.instrument].voice
        source = voice.source(due.pitch, self._longest[key], random)
        self._sources[key] = source
        while len(self._sources) > 1 and self._held_bytes() > _SOURCE_BYTES:
            self._sources.popitem(last=False)
        return source

    def _held_bytes(self) -> int:
        return sum(source.nbytes for source in self._sources.values())


def _strikes(part: Part, instrument: Instrument, tempo: TempoMap, samples: int) -> list[Strike]:
    """The part's notes in samples."""
    kit = kit_of(instrument.voice)
    swell = None
    if part.expression:
        swell = Swell(
            np.array([tempo.seconds(point.beat) for point in part.expression]),
            np.array([point.value for point in part.expression]),
        )
    strikes = []
    for index, note in enumerate(part.notes):
        start = round(tempo.seconds(note.start) * SAMPLE_RATE)
        end = round(tempo.seconds(note.start + note.length) * SAMPLE_RATE)
        held = samples if kit else max(_SHORTEST_NOTE, end - start)
        nth = index if note.nth is None else note.nth
        strikes.append(Strike(start, held, note.velocity / 127.0, nth, swell))
    return _choked(kit, part, strikes) if kit else strikes


def _sides(pan: float) -> Audio:
    """Gains [2] of left and right, of constant power, 1 in the middle."""
    angle = (min(1.0, max(-1.0, pan)) + 1.0) * np.pi / 4
    gains = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2)
    return np.asarray(gains.astype(np.float32))


def _choked(kit: Percussion, part: Part, strikes: list[Strike]) -> list[Strike]:
    """The strikes, each held only until the next of its choke group."""
    groups = [kit.choke(note.pitch) for note in part.notes]
    onsets = {
        group: np.unique([s.start for s, own in zip(strikes, groups, strict=True) if own == group])
        for group in set(groups)
        if group
    }
    return [
        _until_next(strike, onsets[group]) if group else strike
        for strike, group in zip(strikes, groups, strict=True)
    ]


def _until_next(strike: Strike, onsets: np.ndarray) -> Strike:
    after = int(np.searchsorted(onsets, strike.start, side="right"))
    if after >= len(onsets):
        return strike
    held = int(onsets[after]) - strike.start
    return Strike(strike.start, held, strike.velocity, strike.index)
