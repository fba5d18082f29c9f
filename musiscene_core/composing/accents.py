"""Accents: short chords on the picture's visual beats.

The more sudden the change, the more notes begin together and the louder they are, as in CMT (Di et
al. 2021), where saliency sets the strength of a simu-note. Knows nothing of instruments.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.performance import level
from musiscene_core.composing.visual_beats import VisualBeat
from musiscene_core.cue import Note

_MOST = 8
_LENGTH = 0.45
_HIGH = 84
_SOFTER, _LOUDER = -16.0, 40.0
"""Velocity against the written level, at no and at full strength."""


def write_accents(
    form: Form, chords: Sequence[VoicedChord], beats: Sequence[VisualBeat]
) -> list[Note]:
    """One to eight notes of the chord that sounds on each visual beat, from the top down."""
    notes: list[Note] = []
    at = 0
    for visual in beats:
        while at + 1 < len(chords) and chords[at + 1].start <= visual.beat + 1e-6:
            at += 1
        voices = chords[at].voices
        above = [voice + 12 for voice in voices if voice + 12 <= _HIGH]
        ladder = sorted({*voices, *above})
        count = max(1, round(_MOST * visual.strength))
        velocity = level(form, visual.beat) + _SOFTER + (_LOUDER - _SOFTER) * visual.strength
        length = min(_LENGTH, max(0.1, chords[at].end - visual.beat))
        notes += [
            Note(visual.beat, length, pitch, min(120, max(20, round(velocity))))
            for pitch in ladder[-count:]
        ]
    return notes
