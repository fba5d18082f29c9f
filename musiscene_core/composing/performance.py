"""From written notes to played ones: dynamics, thinning under speech, human timing.

Notes on hits, on the first attack and on the last chord stay exactly where they were written.
Knows nothing of harmony.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Form
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.rhythms import metric_weight
from musiscene_core.cue import Note

SPEECH_SHARE = 0.5
"""How many of all notes stay under speech."""
_LEAST_SHARE = 0.2
_JITTER_S = 0.007
_SHORTEST = 0.02
_SALIENCY_BOOST = 22.0
_SPEECH_GAIN = 0.82
_CLOSE = 1e-6


class Performer:
    """Plays the notes of one part after another, for one cue."""

    def __init__(self, plan: Plan, form: Form) -> None:
        self._plan = plan
        self._form = form
        fixed = {plan.start_beat, form.final_beat, *(hit.beat for hit in plan.hits)}
        self._fixed = {round(beat, 5) for beat in fixed}
        self._opens = [region.start_s for region in plan.scene.brief.dialogue]
        self._closes = [region.end_s for region in plan.scene.brief.dialogue]

    def fixed(self, beat: float) -> bool:
        """Whether a note that begins at `beat` must stay there."""
        return round(beat, 5) in self._fixed

    def shares(self, moving: Iterable[Note], held: Iterable[Note]) -> dict[int, float]:
        """By dialogue region, the share of `moving` notes to keep so that half of all stay."""
        counts: dict[int, list[int]] = {}
        for place, notes in enumerate((moving, held)):
            for note in notes:
                region = self._region(note.start)
                if region is not None:
                    counts.setdefault(region, [0, 0])[place] += 1
        return {
            region: max(_LEAST_SHARE, SPEECH_SHARE - (1 - SPEECH_SHARE) * still / max(1, moved))
            for region, (moved, still) in counts.items()
        }

    def thinned(self, notes: Iterable[Note], shares: dict[int, float]) -> list[Note]:
        """`notes` with only those shares left of what begins under speech, weak places first."""
        plan = self._plan
        kept: list[Note] = []
        spoken: dict[int, list[Note]] = {}
        for note in notes:
            region = self._region(note.start)
            if region is None or self.fixed(note.start):
                kept.append(note)
            else:
                spoken.setdefault(region, []).append(note)
        for region, crowd in spoken.items():
            starts = sorted({note.start for note in crowd})
            strength = {
                start: (-metric_weight(start, plan.beats_per_bar), place % 2, start)
                for place, start in enumerate(starts)
            }
            room = max(1, round(len(starts) * shares.get(region, SPEECH_SHARE)))
            stay = set(sorted(starts, key=lambda start: strength[start])[:room])
            kept += [note for note in crowd if note.start in stay]
        return sorted(kept, key=lambda note: (note.start, note.pitch))

    def played(
        self, notes: Iterable[Note], dice: Dice, *, human: bool = True, strum: bool = False
    ) -> tuple[Note, ...]:
        """`notes` with dynamics and timing, inside the cue, no two of a pitch overlapping."""
        plan = self._plan
        played: list[Note] = []
        before = (-1.0e9, 0)
        for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
            start = note.start
            fixed = self.fixed(start)
            if human and not fixed:
                late_s = dice.sway(_JITTER_S)
                if strum and abs(start - before[0]) < _CLOSE:
                    late_s += 0.012 * before[1]
                start += plan.clock.beats_in(late_s, note.start)
            same = abs(note.start - before[0]) < _CLOSE
            before = (note.start, before[1] + 1 if same else 1)
            start = max(plan.start_beat, round(start, 6))
            length = min(note.length, plan.end_beat - start)
            velocity = self._velocity(note, dice)
            played.append(Note(start, round(length, 6), note.pitch, velocity))
        return _separated(played, self._fixed)

    def _velocity(self, note: Note, dice: Dice) -> int:
        """The written velocity, lifted by metre, the picture's sudden changes and the phrase."""
        plan = self._plan
        now = plan.clock.seconds(note.start)
        place = (note.start / (4 * plan.beats_per_bar)) % 1.0
        arch = 6.0 * (4.0 * place * (1.0 - place) - 0.5)
        metre = 8.0 * (metric_weight(note.start, plan.beats_per_bar) - 0.4)
        boost = _SALIENCY_BOOST * plan.scene.saliency(now - 0.02, now + 0.02)
        value = note.velocity + arch + metre + boost + dice.sway(3.0)
        if self._region(note.start) is not None:
            value *= _SPEECH_GAIN
        return int(min(127, max(8, round(value))))

    def _region(self, beat: float) -> int | None:
        """The index of the dialogue region that sounds at `beat`."""
        now = self._plan.clock.seconds(beat)
        index = bisect_right(self._opens, now) - 1
        return index if index >= 0 and now < self._closes[index] else None


def level(form: Form, beat: float) -> float:
    """How loud the music is written at `beat`, as a velocity: builds grow towards what follows."""
    index = form.section_at(beat)
    section = form.sections[index]
    strength = 0.6 * section.density + 0.4 * section.tension
    if section.name == "build" and index + 1 < len(form.sections):
        following = form.sections[index + 1]
        target = 0.6 * following.density + 0.4 * following.tension
        share = min(1.0, max(0.0, (beat - section.start) / section.length))
        strength += max(0.0, target - strength) * share
    return 42.0 + 46.0 * strength


def _separated(notes: list[Note], fixed: set[float]) -> tuple[Note, ...]:
    """`notes` in order with no two of a pitch sounding at once; a fixed start is never given up."""
    by_pitch: dict[int, list[Note]] = {}
    for note in sorted(notes, key=lambda note: (note.start, note.pitch, -note.velocity)):
        if note.length < _SHORTEST / 4:
            continue
        line = by_pitch.setdefault(note.pitch, [])
        if line and note.start - line[-1].start < _SHORTEST:
            same = note.start == line[-1].start
            if same or round(note.start, 5) not in fixed:
                continue
            if round(line[-1].start, 5) not in fixed:
                line.pop()
        if line and line[-1].start + line[-1].length > note.start - 1e-5:
            last = line[-1]
            apart = note.start - last.start
            room = round(apart - min(1e-3, apart / 2), 6)
            line[-1] = Note(last.start, min(last.length, room), last.pitch, last.velocity)
        line.append(note)
    every = [note for line in by_pitch.values() for note in line]
    return tuple(sorted(every, key=lambda note: (note.start, note.pitch)))
