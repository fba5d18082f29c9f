"""The counter-melody: a slower voice below the melody that moves where it rests.

It begins while the melody holds a note or is silent, goes against the melody's last move, and
keeps out of the melody's register and of speech. Knows nothing of instruments.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.melody import Line
from musiscene_core.composing.performance import level
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.rhythms import is_strong
from musiscene_core.composing.statements import SPEECH_MARGIN_S
from musiscene_core.cue import Note

LOW, HIGH = 50, 69
APART = 4
"""Semitones it stays below the melody's notes around it."""
_FROM_DENSITY = 0.5
_LEAST_GAP = 1.0
_LONGEST = 3.0
_SOFTER = 4
_SECTIONS = ("theme", "climax", "build")


def write_counter(
    plan: Plan, form: Form, chords: Sequence[VoicedChord], lines: Sequence[Line]
) -> list[Note]:
    """Answers to the melody in the sections full enough for two voices."""
    voice = _Voice(plan, form, chords)
    for line in lines:
        section = form.sections[line.section]
        if section.name in _SECTIONS and section.density >= _FROM_DENSITY:
            end = section.start + section.length
            for before, (here, after) in zip(
                [None, *line.notes[:-1]], pairwise([*line.notes, None]), strict=True
            ):
                if here is not None:
                    voice.answer(before, here, after, end)
    return voice.notes


class _Voice:
    """Writes one gap of the melody after another."""

    def __init__(self, plan: Plan, form: Form, chords: Sequence[VoicedChord]) -> None:
        self._plan, self._form, self._chords = plan, form, chords
        self._before = (LOW + HIGH) // 2
        self.notes: list[Note] = []

    def answer(self, before: Note | None, here: Note, after: Note | None, end: float) -> None:
        """Move while the melody holds `here`, against the way it came and towards `after`."""
        opens = here.start + 0.5 if here.length < 2.0 else here.start + 1.0
        opens = max(opens, -(-opens * 2 // 1) / 2)
        closes = min(after.start if after is not None else end, opens + _LONGEST)
        if closes - opens < _LEAST_GAP:
            return
        direction = -1 if before is None or here.pitch >= before.pitch else 1
        highest = min(here.pitch, after.pitch if after is not None else here.pitch) - APART
        count = 2 if closes - opens >= 2.0 else 1
        length = (closes - opens) / count
        for place in range(count):
            start = round(opens + place * length, 6)
            note = self._note(start, length, direction, min(HIGH, highest))
            if note is not None:
                self.notes.append(note)

    def _note(self, start: float, length: float, direction: int, highest: int) -> Note | None:
        plan = self._plan
        opens, closes = plan.clock.seconds(start), plan.clock.seconds(start + length)
        if plan.scene.speaking(opens - SPEECH_MARGIN_S, closes + SPEECH_MARGIN_S):
            return None
        chord = next(c for c in reversed(self._chords) if c.start <= start + 1e-6)
        length = min(length, chord.end - start)
        strong = is_strong(*plan.tempo.place(start)) or length >= 1.0
        classes = frozenset(chord.chord.pitch_classes) if strong else chord.scale
        choices = [pitch for pitch in range(LOW, highest + 1) if pitch % 12 in classes]
        if not choices or length < 0.25:
            return None
        onward = [pitch for pitch in choices if 0 < (pitch - self._before) * direction <= 7]
        pitch = min(onward or choices, key=lambda pitch: (abs(pitch - self._before), pitch))
        self._before = pitch
        loud = max(1, round(level(self._form, start)) - _SOFTER)
        return Note(start, round(length * 0.95, 6), pitch, loud)
