"""Plays a part's notes into its stem: each note begins on exactly the sample its beat falls on.

Notes are grouped by pitch so that each pitch's source is made once and thrown away. What is
random about a note comes from the seed, the part and the note's place in it, so the order of
playing changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.kits import Kit
from musiscene_core.composing.sound.signal import SHORTEST_RAMP_S, Audio, decibels, generator
from musiscene_core.composing.sound.voice import Source, Strike, loudness_of
from musiscene_core.cue import Part, TempoMap
from musiscene_core.timecode import SAMPLE_RATE

_SHORTEST_NOTE = SAMPLE_RATE // 50
_REFERENCE = 0.1
"""Level of a full-velocity note before the master: far from clipping, and float32 cares not."""


def play_part(
    part: Part,
    instrument: Instrument,
    tempo: TempoMap,
    seed: int,
    stem: Audio,
    played: Callable[[int], None],
) -> None:
    """Add the part to `stem` [2, n]; what lies outside is left out.

    Args:
        part: the notes.
        instrument: what sounds them.
        tempo: from beats to seconds.
        seed: of the take.
        stem: [2, n], changed in place.
        played: told how many notes were done since it was last called; may raise to stop.
    """
    length = stem.shape[1]
    ringing = isinstance(instrument.voice, Kit)
    by_pitch: dict[int, list[Strike]] = {}
    for index, note in enumerate(part.notes):
        start = round(tempo.seconds(note.start) * SAMPLE_RATE)
        end = round(tempo.seconds(note.start + note.length) * SAMPLE_RATE)
        held = length if ringing else max(_SHORTEST_NOTE, end - start)
        strike = Strike(start, held, note.velocity / 127.0, index)
        by_pitch.setdefault(note.pitch, []).append(strike)
    if isinstance(instrument.voice, Kit):
        by_pitch = _choked(instrument.voice, by_pitch)
    sides = _sides(part.pan) * np.float32(decibels(instrument.level_db + part.gain_db) * _REFERENCE)
    for pitch, strikes in by_pitch.items():
        heard = [strike for strike in strikes if strike.start < length]
        if heard:
            longest = min(length, max(strike.held for strike in heard))
            random = generator(seed, part.instrument, pitch)
            source = instrument.voice.source(pitch, longest, random)
            for strike in heard:
                _add(source, strike, sides, stem, generator(seed, part.name, strike.index))
        played(len(strikes))


def _add(
    source: Source, strike: Strike, sides: Audio, stem: Audio, random: np.random.Generator
) -> None:
    samples = min(source.length(strike), stem.shape[1] - strike.start)
    skipped = max(0, -strike.start)
    if samples <= skipped:
        return
    note = source.play(strike, samples, random)[:, skipped:]
    if skipped:
        # Begun before the cue: it is cut off there, so it needs a ramp of its own.
        rising = min(note.shape[1], round(SHORTEST_RAMP_S * SAMPLE_RATE))
        note[:, :rising] *= np.sin(np.pi / 2 * np.arange(rising) / rising) ** 2
    note *= (sides * np.float32(loudness_of(strike.velocity)))[:, None]
    first = max(0, strike.start)
    stem[:, first : first + note.shape[1]] += note


def _sides(pan: float) -> Audio:
    """Gains [2] of left and right, of constant power, 1 in the middle."""
    angle = (min(1.0, max(-1.0, pan)) + 1.0) * np.pi / 4
    gains = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2)
    return np.asarray(gains.astype(np.float32))


def _choked(kit: Kit, by_pitch: dict[int, list[Strike]]) -> dict[int, list[Strike]]:
    """The strikes, each held only until the next of its choke group."""
    onsets: dict[str, list[int]] = {}
    for pitch, strikes in by_pitch.items():
        drum = kit.drum(pitch)
        if drum is not None and drum.choke:
            onsets.setdefault(drum.choke, []).extend(strike.start for strike in strikes)
    choked = {}
    for pitch, strikes in by_pitch.items():
        drum = kit.drum(pitch)
        group = np.unique(onsets[drum.choke]) if drum is not None and drum.choke else np.array([])
        choked[pitch] = [_until_next(strike, group) for strike in strikes]
    return choked


def _until_next(strike: Strike, onsets: np.ndarray) -> Strike:
    after = int(np.searchsorted(onsets, strike.start, side="right"))
    if after >= len(onsets):
        return strike
    held = int(onsets[after]) - strike.start
    return Strike(strike.start, held, strike.velocity, strike.index)
