"""The instruments a cue may name. Add one by adding it to a palette."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.palette_effects import EFFECTS
from musiscene_core.composing.sound.palette_keys import KEYS
from musiscene_core.composing.sound.palette_strings import STRINGS
from musiscene_core.composing.sound.palette_winds import WINDS
from musiscene_core.composing.sound.voice import kit_of
from musiscene_core.cue import Cue, Note
from musiscene_core.errors import EngineError

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType({**STRINGS, **WINDS, **KEYS, **EFFECTS})
"""Every instrument by name."""


def check_playable(cue: Cue, instruments: Mapping[str, Instrument] = INSTRUMENTS) -> None:
    """Say so before any sound is made where a cue asks for what cannot be played.

    Raises:
        EngineError: an unknown instrument, a drum its kit lacks, or a note that makes no sense.
    """
    for part in cue.parts:
        instrument = instruments.get(part.instrument)
        if instrument is None:
            raise EngineError(
                f"The part {part.name!r} asks for the instrument {part.instrument!r}, "
                "which does not exist.",
                hint=f"The instruments are {', '.join(sorted(instruments))}.",
            )
        for note in part.notes:
            if not _makes_sense(note):
                raise EngineError(
                    f"The part {part.name!r} has a note that cannot be played: {note}.",
                    hint="Pitches are 0 to 127, velocities 1 to 127, lengths above 0 beats.",
                )
            kit = kit_of(instrument.voice)
            if kit is not None and not kit.has(note.pitch):
                raise EngineError(
                    f"The kit {part.instrument!r} has no drum on note {note.pitch}.",
                    hint="Use General MIDI percussion notes that the kit has.",
                )


def _makes_sense(note: Note) -> bool:
    in_range = 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 and note.length > 0
    return in_range and math.isfinite(note.start) and math.isfinite(note.length)
