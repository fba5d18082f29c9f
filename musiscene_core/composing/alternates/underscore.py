"""The cue as it would be written under dialogue: no melody, no percussion, thinner and lower.

Held harmony stays, what moves in it keeps to the strong beats, the bass to bar lines, textures
to those without an attack. Knows nothing of levels or ducking.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from musiscene_core.composing.rhythms import metric_weight
from musiscene_core.cue import Cue, Note, Part
from musiscene_core.tempo_map import TempoMap

HIGHEST, LOWEST = 67, 43
"""Where harmony lies, in MIDI pitches: below where speech is made out."""
_STILL_TEXTURES = frozenset({"drone", "shimmer", "glass_pad", "warm_pad", "soft_choir"})
_SOFTER = 0.85
_STRONG = 0.7
"""Metric weight from which a moving note stays."""
_GRID = 2
"""Places a beat that a played note's own place is rounded to."""
_CLOSE = 1e-3


def underscored(cue: Cue) -> Cue:
    """`cue`, thinner and lower, without melody and percussion; it may be left without parts."""
    parts = []
    for part in cue.parts:
        notes = _kept(part, cue.tempo)
        if notes:
            parts.append(msgspec.structs.replace(part, notes=notes))
    return msgspec.structs.replace(cue, parts=tuple(parts))


def _kept(part: Part, tempo: TempoMap) -> tuple[Note, ...]:
    """What is left of a part."""
    if part.role in ("melody", "percussion") or part.name.startswith("Accents"):
        return ()
    if part.role == "texture":
        return tuple(_soft(part.notes)) if part.instrument in _STILL_TEXTURES else ()
    if part.role == "bass":
        return tuple(_soft(_joined(_strong(part.notes, tempo, 1.0))))
    if part.name.startswith("Figure"):
        return _single(_lower(_soft(_strong(part.notes, tempo, _STRONG))))
    if part.name.startswith("Counter"):
        return ()
    return _single(_lower(_soft(part.notes)))


def _strong(notes: Iterable[Note], tempo: TempoMap, least: float) -> list[Note]:
    """The notes on places of the bar that weigh at least `least`."""
    kept = []
    for note in notes:
        place, beats = tempo.place(round(note.start * _GRID) / _GRID)
        if metric_weight(place, beats) >= least:
            kept.append(note)
    return kept


def _joined(notes: list[Note]) -> list[Note]:
    """The notes of one voice, each held until the next where it stopped less than a bar before."""
    joined = []
    for note, after in zip(notes, [*notes[1:], None], strict=True):
        room = after.start - note.start - _CLOSE if after is not None else note.length
        joined.append(msgspec.structs.replace(note, length=max(note.length, min(room, 4.0))))
    return joined


def _soft(notes: Iterable[Note]) -> list[Note]:
    return [
        msgspec.structs.replace(note, velocity=max(1, round(_SOFTER * note.velocity)))
        for note in notes
    ]


def _lower(notes: Iterable[Note]) -> list[Note]:
    """Octaves down to HIGHEST, never below LOWEST where a note was above it."""
    lowered = []
    for note in notes:
        pitch = note.pitch
        while pitch > HIGHEST and pitch - 12 >= LOWEST:
            pitch -= 12
        lowered.append(msgspec.structs.replace(note, pitch=pitch))
    return lowered


def _single(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Without notes of one pitch that sound at once: octaves put on each other are one."""
    ends: dict[int, float] = {}
    kept = []
    for note in sorted(notes, key=lambda note: (note.start, note.pitch, -note.length)):
        if note.start >= ends.get(note.pitch, float("-inf")) - _CLOSE:
            kept.append(note)
            ends[note.pitch] = note.start + note.length
    return tuple(kept)
