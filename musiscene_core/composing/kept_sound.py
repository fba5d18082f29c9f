"""Finished stems of an earlier take, laid sample for sample where their music stays.

What is played anew agrees with them but for what rang on from music that is gone: so they are heard
from where that has died away up to just before the next seam, each edge a short crossfade. Knows
nothing of harmony or form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.ducking import duck_depth
from musiscene_core.composing.sound.master import Integers
from musiscene_core.composing.sound.signal import Points
from musiscene_core.composing.staying import EARLY_BEATS
from musiscene_core.conforming.seams import HeldMusic
from musiscene_core.cue import Cue, Note
from musiscene_core.media import read_audio
from musiscene_core.timecode import SAMPLE_RATE

SETTLE_S = 2.0
"""By then the hall has fallen by 50 dB."""
CROSSFADE = 4800
RINGS_S = 10.0
"""No note sounds for longer after it was let go."""
_HOP = 480
_OTHER_DEPTH = 0.05
_OTHER_S = 0.3
"""Speech that moved by less changes the ducking too little to be heard."""
_FULL_SCALE = 1 << 23


@dataclass(frozen=True)
class KeptSpan:
    """New samples [first, last) that are the old ones `shift` samples earlier, exactly."""

    first: int
    last: int
    shift: int


class KeptSound:
    """Puts what is kept of stems in the place of what was played anew; see sound.master.Keep."""

    def __init__(self, stems: Mapping[str, Path], spans: Sequence[KeptSpan]) -> None:
        """Keep `spans` of the files `stems`, by the stems' names; of other stems silence."""
        self._stems = dict(stems)
        self.spans = tuple(spans)

    def __call__(self, name: str, first: int, samples: Integers) -> Integers:
        """`samples` [2, n] from `first` on, the old ones where they are kept.

        Raises:
            MediaError: a stem cannot be read.
        """
        last = first + samples.shape[1]
        for span in self.spans:
            begin, end = max(first, span.first - CROSSFADE), min(last, span.last + CROSSFADE)
            if begin >= end:
                continue
            old = self._read(name, begin - span.shift, end - span.shift)
            share = _share(span, begin, end)
            new = samples[:, begin - first : end - first]
            mixed = np.rint(share * old + (1.0 - share) * new).astype(np.int32)
            samples[:, begin - first : end - first] = np.where(share == 1.0, old, mixed)
        return samples

    def _read(self, name: str, first: int, last: int) -> Integers:
        path = self._stems.get(name)
        if path is None:
            return np.zeros((2, last - first), dtype=np.int32)
        begin, end = Fraction(first, SAMPLE_RATE), Fraction(last, SAMPLE_RATE)
        sound = read_audio(path, begin, end, sample_rate=SAMPLE_RATE, channels=2)
        return np.asarray(np.rint(sound * np.float32(_FULL_SCALE)), dtype=np.int32)


def _share(span: KeptSpan, begin: int, end: int) -> Points:
    """How much of the old there is at each sample: 1 within, falling to 0 outside."""
    at = np.arange(begin, end)
    outside = np.maximum(span.first - at, at - (span.last - 1))
    return np.asarray(np.clip(1.0 - outside / CROSSFADE, 0.0, 1.0))


def kept_spans(
    held: Sequence[HeldMusic],
    old: Cue,
    samples: int,
    dialogue_was: Sequence[DialogueRegion],
    dialogue_now: Sequence[DialogueRegion],
) -> tuple[KeptSpan, ...]:
    """Where the old sound can be heard in a new cue of `samples` samples.

    Args:
        held: the music that stays.
        old: the earlier cue.
        samples: the new cue's length.
        dialogue_was: where people spoke, in old cue seconds.
        dialogue_now: where they speak.
    """
    was = duck_depth(dialogue_was, round(old.length_s * SAMPLE_RATE))
    now = duck_depth(dialogue_now, samples)
    found: list[KeptSpan] = []
    for music in held:
        first, last = (round(edge * SAMPLE_RATE) for edge in music.now_s)
        if music.opens:
            first = 0
        else:
            first += round(SETTLE_S * SAMPLE_RATE) + CROSSFADE
        if music.closes:
            last = samples
        else:
            early_s = EARLY_BEATS * 60.0 / old.tempo.bpm_at(music.end_beat)
            last -= round(early_s * SAMPLE_RATE) + CROSSFADE
        found += _equally_ducked(KeptSpan(first, last, music.shift_samples), was, now)
    return tuple(span for span in found if span.last > span.first)


def _equally_ducked(span: KeptSpan, was: Points, now: Points) -> Iterator[KeptSpan]:
    """`span` without the places where the music was ducked otherwise."""
    hops = np.arange(-(-max(0, span.first) // _HOP), span.last // _HOP)
    before = np.clip((hops * _HOP - span.shift + _HOP // 2) // _HOP, 0, len(was) - 1)
    other = np.abs(now[np.clip(hops, 0, len(now) - 1)] - was[before]) > _OTHER_DEPTH
    edges = np.flatnonzero(np.diff(np.concatenate([[False], other, [False]]).astype(np.int8)))
    here = span.first
    for begin, end in edges.reshape(-1, 2):
        if (end - begin) * _HOP < _OTHER_S * SAMPLE_RATE:
            continue
        stop = int(hops[begin]) * _HOP - CROSSFADE
        if stop > here:
            yield KeptSpan(here, stop, span.shift)
        here = (int(hops[0]) + int(end)) * _HOP + CROSSFADE
    yield KeptSpan(here, span.last, span.shift)


def needed(cue: Cue, spans: Sequence[KeptSpan]) -> Cue:
    """`cue` without the notes that are heard in `spans` alone: they need not be played again."""
    edges = [(span.first / SAMPLE_RATE, span.last / SAMPLE_RATE) for span in spans]

    def heard(note: Note) -> bool:
        start = cue.tempo.seconds(note.start) - CROSSFADE / SAMPLE_RATE
        end = cue.tempo.seconds(note.start + note.length) + RINGS_S
        return not any(low <= start and end <= high for low, high in edges)

    return msgspec.structs.replace(
        cue,
        parts=tuple(
            msgspec.structs.replace(part, notes=tuple(note for note in part.notes if heard(note)))
            for part in cue.parts
        ),
    )
