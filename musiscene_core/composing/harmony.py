"""The chords: where each begins, which key it is heard in, and how its voices lie.

Knows nothing of instruments or rhythm within a chord; which numerals are chosen is the business
of chord_choice, how the voices lead that of voicing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from musiscene_core.composing.bridging import overlaid
from musiscene_core.composing.chord_choice import ChordEvent, choose_chords
from musiscene_core.composing.form import Form
from musiscene_core.composing.modulation import Key
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.scales import Harmony, chord_scale, parse_roman
from musiscene_core.composing.statements import Placed
from musiscene_core.composing.voicing import Harmonised, lead
from musiscene_core.cue import Chord

BASS_LOW, BASS_HIGH = 28, 48
UNDER_SPEECH_HIGH = 65
"""Voices stay at or below it while someone speaks, as far as the chord allows."""
_BASS_CENTRE = 33
"""The lowest string of a double bass but one: half of all roots lie at or below it."""
_CENTRE = 60.0
_CENTRE_UNDER_SPEECH = 54.0


@dataclass(frozen=True)
class VoicedChord:
    """A chord with its voices.

    Attributes:
        chord: what the cue reports.
        voices: pads, low to high.
        bass: the lowest note.
        scale: pitch classes a melody may use.
        struck: begins on a hit, a section or the cue, so that all its voices sound anew.
        key: what it is heard in.
        high: what held voices should not go above.
    """

    chord: Chord
    voices: tuple[int, ...]
    bass: int
    scale: frozenset[int]
    struck: bool
    key: Key
    high: int

    @property
    def start(self) -> float:
        """Beat where it begins."""
        return self.chord.start

    @property
    def end(self) -> float:
        """Beat where it ends."""
        return self.chord.start + self.chord.length


def harmonise(
    plan: Plan,
    form: Form,
    keys: Sequence[Key],
    placed: Sequence[Placed],
    given: Sequence[Chord] = (),
) -> tuple[VoicedChord, ...]:
    """The cue's chords, abutting from its beginning to its end.

    Args:
        plan: what to write.
        form: its sections.
        keys: the key of each section.
        placed: themes that the chords must carry.
        given: chords that are decided already, in order.
    """
    spans = overlaid(_spans(plan, choose_chords(plan, form, keys, placed)), given)
    struck = {round(hit.beat, 6) for hit in plan.hits}
    struck |= {round(section.start, 6) for section in form.sections}
    basses = _bass_line([harmony.bass for _, _, _, harmony in spans])
    wanted = [
        _wanted(plan, form, start, end, harmony, bass)
        for (start, end, _, harmony), bass in zip(spans, basses, strict=True)
    ]
    chords = []
    for (start, end, key, harmony), wish, voices in zip(spans, wanted, lead(wanted), strict=True):
        chord = Chord(
            start=start,
            length=round(end - start, 6),
            root=harmony.root,
            pitch_classes=harmony.pitch_classes,
            name=harmony.name,
        )
        scale = chord_scale(key.scale, key.tonic, harmony.pitch_classes)
        anew = round(start, 6) in struck
        chords.append(VoicedChord(chord, voices, wish.bass, scale, anew, key, wish.high))
    return tuple(chords)


def _spans(plan: Plan, events: Sequence[ChordEvent]) -> list[tuple[float, float, Key, Harmony]]:
    """Start, end, key and harmony of each chord, split where a hit falls inside one."""
    cuts = sorted(hit.beat for hit in plan.hits)
    spans: list[tuple[float, float, Key, Harmony]] = []
    for index, event in enumerate(events):
        start = event.start
        end = events[index + 1].start if index + 1 < len(events) else plan.end_beat
        harmony = parse_roman(event.numeral, event.key.tonic, event.key.mode)
        marks = [start, *(cut for cut in cuts if start + 1e-4 < cut < end - 1e-4), end]
        spans += [(a, b, event.key, harmony) for a, b in pairwise(marks)]
    return spans


def _wanted(
    plan: Plan, form: Form, start: float, end: float, harmony: Harmony, bass: int
) -> Harmonised:
    """The chord to voice: higher with density, low and below the words under speech."""
    spoken = plan.scene.speech(plan.clock.seconds(start), plan.clock.seconds(end))
    if spoken > 0.0:
        centre = _CENTRE_UNDER_SPEECH if spoken > 0.3 else _CENTRE - 3.0
        return Harmonised(harmony.pitch_classes, bass, centre, UNDER_SPEECH_HIGH)
    centre = _CENTRE + 4.0 * (form.sections[form.section_at(start)].density - 0.5)
    return Harmonised(harmony.pitch_classes, bass, centre)


def _bass_line(classes: list[int]) -> list[int]:
    """A bass note for each pitch class: low, where basses have weight, and near the one before."""
    line: list[int] = []
    for wanted in classes:
        options = [pitch for pitch in range(BASS_LOW, BASS_HIGH + 1) if pitch % 12 == wanted]
        before = line[-1] if line else _BASS_CENTRE
        line.append(min(options, key=lambda p: (0.5 * abs(p - before) + abs(p - _BASS_CENTRE), p)))
    return line
