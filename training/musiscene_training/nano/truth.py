"""What is true of a stretch of a cue: the attributes that the model learns to hear.

Tempo, mode, players and drums are facts of the score. Energy and the feeling are rules over such
facts (see `traits`), chosen so that each can be heard; they are no listener's judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from musiscene_core.composing.idioms import idiom_named
from musiscene_training.nano.corpus import Facts, Line

TEMPI = ("slow", "moderate", "fast")
MODES = ("major", "minor")
ENERGIES = ("low", "medium", "high")
QUADRANTS = ("happy", "tense", "sad", "calm")
"""Of the plane of feelings: pleasant and excited, unpleasant and excited, unpleasant and calm,
pleasant and calm."""
DRUMS = ("none", "light", "driving")
PLAYERS = ("piano", "strings", "violin", "brass", "choir", "synth", "plucked", "bells", "winds")

_SLOW_BPM, _FAST_BPM = 84.0, 116.0
_LOW_ENERGY, _HIGH_ENERGY = -0.35, 0.18
_DRIVING = 1.6
"""Drum strokes a second at full velocity."""
_LIGHT = 0.15
_LEAST_SOUNDING_S = 1.0
_SAME_S = 0.03

BRIGHTNESS: Mapping[str, float] = MappingProxyType(
    {
        "lydian": 0.6,
        "ionian": 0.7,
        "mixolydian": 0.45,
        "dorian": -0.4,
        "aeolian": -0.55,
        "harmonic_minor": -0.65,
        "phrygian": -0.8,
    }
)
"""How pleasant a scale is, -1 to 1."""

_FAMILY: Mapping[str, str] = MappingProxyType(
    {
        "felt_piano": "piano",
        "string_ensemble": "strings",
        "contrabass": "",
        "solo_strings": "violin",
        "brass_ensemble": "brass",
        "horn": "brass",
        "soft_choir": "choir",
        "warm_pad": "synth",
        "glass_pad": "synth",
        "synth_lead": "synth",
        "pulse_bass": "synth",
        "harp": "plucked",
        "pizzicato": "plucked",
        "celesta": "bells",
        "music_box": "bells",
        "bell": "bells",
        "flute": "winds",
        "clarinet": "winds",
    }
)


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of a stretch of music.

    Attributes:
        tempo: one of TEMPI.
        mode: one of MODES.
        energy: one of ENERGIES.
        drums: one of DRUMS.
        players: which of PLAYERS are heard, in that order.
        valence: -1 to 1.
        arousal: -1 to 1.
    """

    tempo: str
    mode: str
    energy: str
    drums: str
    players: tuple[str, ...]
    valence: float
    arousal: float

    @property
    def quadrant(self) -> str:
        """Where the feeling lies, one of QUADRANTS."""
        excited = self.arousal > 0
        if self.valence > 0:
            return "happy" if excited else "calm"
        return "tense" if excited else "sad"


def traits(
    facts: Facts, start_s: float, end_s: float, roles: Sequence[str], speed: float = 1.0
) -> Traits:
    """What is true of [start_s, end_s) of a cue, in its own seconds.

    Args:
        facts: the cue's.
        start_s: where the stretch begins.
        end_s: where it ends.
        roles: whose sound is left in the mix.
        speed: how much faster than written it is played.
    """
    lines = [line for line in facts.lines if line.role in roles]
    seconds = (end_s - start_s) / speed
    bpm = speed * _bpm(facts, start_s, end_s)
    drum_rate = _strokes(lines, start_s, end_s) / seconds
    pace = _scaled(bpm, 95.0, 45.0)
    busy = _scaled(_onsets(lines, start_s, end_s) / seconds, 4.0, 4.0)
    drive = _scaled(drum_rate, _DRIVING, _DRIVING)
    energy = 0.3 * pace + 0.45 * busy + 0.25 * drive
    idiom = idiom_named(facts.idiom.split(",")[0])
    return Traits(
        tempo=_class(bpm, (_SLOW_BPM, _FAST_BPM), TEMPI),
        mode=facts.mode,
        energy=_class(energy, (_LOW_ENERGY, _HIGH_ENERGY), ENERGIES),
        drums=_class(drum_rate, (_LIGHT, _DRIVING), DRUMS),
        players=_players(lines, start_s, end_s),
        valence=round(0.65 * BRIGHTNESS.get(facts.scale, 0.0) + 0.35 * idiom.valence, 3),
        arousal=round(0.7 * (energy + 0.08) + 0.3 * idiom.arousal, 3),
    )


def any_traits(random: np.random.Generator) -> Traits:
    """Traits that some music might have, of no cue in particular."""
    many = int(random.integers(1, 6))
    heard = set(random.choice(PLAYERS, size=many, replace=False).tolist())
    return Traits(
        tempo=str(random.choice(TEMPI)),
        mode=str(random.choice(MODES)),
        energy=str(random.choice(ENERGIES)),
        drums=str(random.choice(DRUMS)),
        players=tuple(name for name in PLAYERS if name in heard),
        valence=round(float(random.uniform(-0.9, 0.9)), 3),
        arousal=round(float(random.uniform(-0.9, 1.0)), 3),
    )


def _bpm(facts: Facts, start_s: float, end_s: float) -> float:
    beats = np.array(facts.beats_s)
    inside = beats[(beats >= start_s) & (beats < end_s)]
    gaps = np.diff(inside if len(inside) > 2 else beats)
    return float(60.0 / np.median(gaps)) if len(gaps) else 60.0


def _onsets(lines: Sequence[Line], start_s: float, end_s: float) -> int:
    starts = {
        round(note.start_s / _SAME_S)
        for line in lines
        if line.role != "texture"
        for note in line.notes
        if start_s <= note.start_s < end_s
    }
    return len(starts)


def _strokes(lines: Sequence[Line], start_s: float, end_s: float) -> float:
    """Drum strokes, each counted by its velocity."""
    return sum(
        note.velocity / 127
        for line in lines
        if line.role == "percussion"
        for note in line.notes
        if start_s <= note.start_s < end_s
    )


def _players(lines: Sequence[Line], start_s: float, end_s: float) -> tuple[str, ...]:
    sounding = dict.fromkeys(PLAYERS, 0.0)
    for line in lines:
        family = _FAMILY.get(line.instrument, "")
        if family:
            sounding[family] += sum(
                max(0.0, min(note.end_s + 0.3, end_s) - max(note.start_s, start_s))
                for note in line.notes
            )
    return tuple(name for name in PLAYERS if sounding[name] >= _LEAST_SOUNDING_S)


def _scaled(value: float, middle: float, reach: float) -> float:
    return float(np.clip((value - middle) / reach, -1.0, 1.0))


def _class(value: float, edges: Sequence[float], names: Sequence[str]) -> str:
    return names[int(np.searchsorted(edges, value, side="right"))]
