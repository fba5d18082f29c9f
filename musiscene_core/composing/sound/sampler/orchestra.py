"""Who plays what: our instruments as General MIDI programs of the user's SoundFont.

What a font plays badly (basses, pads that move, risers, booms) stays with the synthesisers, and so
does what it lacks, which is told. Every preset is brought to the level of the instrument it
stands for, measured on one note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.kits import Kit
from musiscene_core.composing.sound.sampler import zones
from musiscene_core.composing.sound.sampler.font import SoundFont
from musiscene_core.composing.sound.sampler.samples import Samples
from musiscene_core.composing.sound.sampler.voice import SampledSource
from musiscene_core.composing.sound.sampler.zones import Zone, zones_of
from musiscene_core.composing.sound.signal import rms
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.timecode import SAMPLE_RATE

_DRUMS = 128


@dataclass(frozen=True)
class Program:
    """A General MIDI program, and the note its level is measured on."""

    bank: int
    program: int
    reference: int = 60


PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "felt_piano": Program(0, 0),
        "celesta": Program(0, 8, 72),
        "music_box": Program(0, 10, 72),
        "vibraphone": Program(0, 11),
        "glockenspiel": Program(0, 9, 84),
        "bell": Program(0, 14),
        "guitar": Program(0, 24, 55),
        "solo_strings": Program(0, 40, 67),
        "contrabass": Program(0, 43, 36),
        "pizzicato": Program(0, 45),
        "harp": Program(0, 46),
        "timpani": Program(0, 47, 45),
        "string_ensemble": Program(0, 48),
        "soft_choir": Program(0, 52),
        "horn": Program(0, 60, 55),
        "brass_ensemble": Program(0, 61, 55),
        "low_brass": Program(0, 57, 43),
        "clarinet": Program(0, 71),
        "flute": Program(0, 73, 72),
        "warm_pad": Program(0, 89),
        "glass_pad": Program(0, 88, 72),
        "cinematic_kit": Program(_DRUMS, 48, 36),
        "soft_kit": Program(_DRUMS, 0, 36),
    }
)
"""Instrument to program; those of ours that are not here stay synthesised."""


@dataclass(frozen=True)
class Preset:
    """A SoundFont's preset as a voice.

    Attributes:
        fields: its zones.
        samples: the font's.
        gain: brings its reference note to unit RMS.
        struck: whether notes ring out whatever their length, as drums do.
    """

    fields: tuple[Zone, ...]
    samples: Samples
    gain: float = 1.0
    struck: bool = False

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> SampledSource:
        """Play `pitch`."""
        return SampledSource(self.fields, self.samples, pitch, self.gain, struck=self.struck)

    def has(self, pitch: int) -> bool:
        """Whether any zone sounds on `pitch`."""
        return any(zone.keys[0] <= pitch <= zone.keys[1] for zone in self.fields)

    def choke(self, pitch: int) -> str:
        """The exclusive class of `pitch`'s zones; empty where they have none."""
        classes = {
            zone.value(zones.EXCLUSIVE)
            for zone in self.fields
            if zone.keys[0] <= pitch <= zone.keys[1]
        } - {0}
        return str(min(classes)) if classes else ""


@dataclass(frozen=True)
class Orchestra:
    """Instruments by name, some of them sampled.

    Attributes:
        instruments: as INSTRUMENTS.
        digest: SHA-256 of the font; empty where there is none.
        warnings: what the font lacks, a sentence each.
    """

    instruments: Mapping[str, Instrument]
    digest: str
    warnings: tuple[str, ...]


OWN_ORCHESTRA = Orchestra(INSTRUMENTS, "", ())
"""No font: all is synthesised."""


def orchestra_of(path: Path) -> Orchestra:
    """Our instruments, played by the SoundFont at `path` as far as it can.

    Raises:
        MediaError: it is missing, no SoundFont, or damaged.
    """
    font = SoundFont(path)
    samples = Samples(font)
    sampled: dict[str, Instrument] = {}
    lacking: list[str] = []
    for name, program in PROGRAMS.items():
        if name not in INSTRUMENTS:
            continue
        own = INSTRUMENTS[name]
        preset = Preset(
            fields=zones_of(font, program.bank, program.program),
            samples=samples,
            struck=program.bank == _DRUMS,
        )
        drums = own.voice.pitches if isinstance(own.voice, Kit) else (program.reference,)
        if not all(preset.has(pitch) for pitch in drums):
            lacking.append(name.replace("_", " "))
            continue
        gain = 1.0 / max(1e-6, _level(preset, program.reference))
        voice = Preset(preset.fields, samples, gain, preset.struck)
        sampled[name] = replace(own, voice=voice)
    told = (f"{path.name} has no {', '.join(lacking)}: our own play instead.",) if lacking else ()
    return Orchestra(MappingProxyType({**INSTRUMENTS, **sampled}), font.digest(), told)


def _level(preset: Preset, pitch: int) -> float:
    """RMS of the reference note at full velocity: of its beginning where it is struck."""
    strike = Strike(0, SAMPLE_RATE, 1.0, 0)
    source = preset.source(pitch, SAMPLE_RATE, np.random.default_rng(0))
    note = source.play(strike, min(source.length(strike), SAMPLE_RATE), np.random.default_rng(0))
    begun, later = note[:, : SAMPLE_RATE // 5], note[:, SAMPLE_RATE // 5 :]
    return max(rms(begun), rms(later))
