"""What is true of a stretch of a cue: the attributes that the model learns to hear.

Tempo, mode, players and drums are facts of the score. Energy and the feeling are rules over such
facts (see `traits`), chosen so that each can be heard; they are no listener's judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from musiscene_core.captioning.nano.tempi import tempo_class
from musiscene_training.nano.corpus import Facts, Line

MODES = ("major", "minor")
ENERGIES = ("low", "medium", "high")
QUADRANTS = ("happy", "tense", "sad", "calm")
"""Of the plane of feelings: pleasant and excited, unpleasant and excited, unpleasant and calm,
pleasant and calm."""
DRUMS = ("none", "light", "driving")
PALETTES = ("orchestral", "electronic", "intimate")
"""Whose sound it is, for the most part: the orchestra's, a synthesizer's, or a few players' who
pluck, strike or blow."""
PLAYERS = ("piano", "strings", "violin", "brass", "choir", "synth", "plucked", "bells", "winds")

_LOW_ENERGY, _HIGH_ENERGY = -0.35, 0.18
_EXCITED = 0.05
"""Energy from which on music excites rather than calms."""
_DRIVING = 1.6
"""Drum strokes a second at full velocity."""
_LIGHT = 0.15
_LEAST_SOUNDING_S = 1.0
_SAME_S = 0.03
_LEAST_THIRD_S = 0.3
_WITHOUT_PITCH = ("percussion", "texture")

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
_PALETTE: Mapping[str, str] = MappingProxyType(
    {
        "strings": "orchestral",
        "violin": "orchestral",
        "brass": "orchestral",
        "choir": "orchestral",
        "synth": "electronic",
        "piano": "intimate",
        "plucked": "intimate",
        "bells": "intimate",
        "winds": "intimate",
    }
)


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of a stretch of music.

    Attributes:
        tempo: one of TEMPI.
        mode: one of MODES.
        drums: one of DRUMS.
        palette: one of PALETTES.
        players: which of PLAYERS are heard, in that order.
        pace: how fast its beat is, -1 to 1.
        busy: how densely notes begin, -1 to 1.
        drive: how much the drums play, -1 to 1.
    """

    tempo: str
    mode: str
    drums: str
    palette: str
    players: tuple[str, ...]
    pace: float
    busy: float
    drive: float

    @property
    def excitement(self) -> float:
        """How much it excites, -1 to 1: pace, density and drums together."""
        return 0.3 * self.pace + 0.45 * self.busy + 0.25 * self.drive

    @property
    def energy(self) -> str:
        """One of ENERGIES."""
        return _class(self.excitement, (_LOW_ENERGY, _HIGH_ENERGY), ENERGIES)

    @property
    def quadrant(self) -> str:
        """Where the feeling lies, one of QUADRANTS: its mode pleases or not, its energy excites."""
        excited = self.excitement > _EXCITED
        if self.mode == "major":
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
    sounding = _sounding(lines, start_s, end_s)
    bpm = speed * _bpm(facts, start_s, end_s)
    drum_rate = _strokes(lines, start_s, end_s) / seconds
    return Traits(
        tempo=tempo_class(bpm),
        mode=_mode(facts, lines, start_s, end_s),
        drums=_class(drum_rate, (_LIGHT, _DRIVING), DRUMS),
        palette=_palette(sounding),
        players=tuple(name for name in PLAYERS if sounding[name] >= _LEAST_SOUNDING_S),
        pace=round(_scaled(bpm, 95.0, 45.0), 3),
        busy=round(_scaled(_onsets(lines, start_s, end_s) / seconds, 4.0, 4.0), 3),
        drive=round(_scaled(drum_rate, _DRIVING, _DRIVING), 3),
    )


def any_traits(random: np.random.Generator) -> Traits:
    """Traits that some music might have, of no cue in particular."""
    many = int(random.integers(1, 6))
    heard = set(random.choice(PLAYERS, size=many, replace=False).tolist())
    bpm, drum_rate = float(random.uniform(50, 150)), float(random.choice((0.0, 0.8, 3.2)))
    return Traits(
        tempo=tempo_class(bpm),
        mode=str(random.choice(MODES)),
        drums=_class(drum_rate, (_LIGHT, _DRIVING), DRUMS),
        palette=_palette({name: float(random.random() * (name in heard)) for name in PLAYERS}),
        players=tuple(name for name in PLAYERS if name in heard),
        pace=round(_scaled(bpm, 95.0, 45.0), 3),
        busy=round(float(random.uniform(-1, 1)), 3),
        drive=round(_scaled(drum_rate, _DRIVING, _DRIVING), 3),
    )


def _mode(facts: Facts, lines: Sequence[Line], start_s: float, end_s: float) -> str:
    """Which third sounds longer over the tonic; the score's own mode where there is none."""
    sounding = dict.fromkeys(range(12), 0.0)
    for line in lines:
        if line.role not in _WITHOUT_PITCH:
            for note in line.notes:
                length_s = min(note.end_s, end_s) - max(note.start_s, start_s)
                sounding[(note.pitch - facts.tonic) % 12] += max(0.0, length_s)
    if sounding[3] + sounding[4] < _LEAST_THIRD_S:
        return facts.mode
    return "major" if sounding[4] > sounding[3] else "minor"


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


def _sounding(lines: Sequence[Line], start_s: float, end_s: float) -> dict[str, float]:
    """Seconds that notes of each of PLAYERS sound, all together."""
    sounding = dict.fromkeys(PLAYERS, 0.0)
    for line in lines:
        family = _FAMILY.get(line.instrument, "")
        if family:
            sounding[family] += sum(
                max(0.0, min(note.end_s + 0.3, end_s) - max(note.start_s, start_s))
                for note in line.notes
            )
    return sounding


def _palette(sounding: Mapping[str, float]) -> str:
    shares = dict.fromkeys(PALETTES, 0.0)
    for player, seconds in sounding.items():
        shares[_PALETTE[player]] += seconds
    return max(PALETTES, key=lambda name: shares[name])


def _scaled(value: float, middle: float, reach: float) -> float:
    return float(np.clip((value - middle) / reach, -1.0, 1.0))


def _class(value: float, edges: Sequence[float], names: Sequence[str]) -> str:
    return names[int(np.searchsorted(edges, value, side="right"))]
