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
from musiscene_core.composing.visual_beats import visual_beats
from musiscene_core.cue import Note

SPEECH_SHARE = 0.5
"""How many of all notes stay under speech."""
_LEAST_SHARE = 0.2
_JITTER_S = 0.008
_EARLY_S = (0.010, 0.025)
"""How much before the beat a bowed note must begin to be heard on it."""
_STRUM_S = (0.010, 0.020)
_LENGTHS = 0.05
_LENGTH_BEATS = 0.1
_DOWNBEAT = 13.0
_REPEAT = 4.0
_REPEAT_BEATS = 1.5
_PHRASE_BARS = 4
_SHORTEST = 0.02
_SALIENCY_BOOST = 22.0
_SPEECH_GAIN = 0.82
_MEZZO, _MIDDLE, _SPREAD = 0.55, 67.3, 46.0
"""The strength written with a middle velocity, that velocity, and how far 0 and 1 lie apart."""
_PIANISSIMO, _FORTISSIMO = 34.0, 100.0
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
        beats = visual_beats(plan, form.final_beat)
        self._sudden = {round(visual.beat, 3): visual.strength for visual in beats}

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
                start: (-metric_weight(*plan.tempo.place(start)), place % 2, start)
                for place, start in enumerate(starts)
            }
            room = max(1, round(len(starts) * shares.get(region, SPEECH_SHARE)))
            stay = set(sorted(starts, key=lambda start: strength[start])[:room])
            kept += [note for note in crowd if note.start in stay]
        return sorted(kept, key=lambda note: (note.start, note.pitch))

    def played(
        self,
        notes: Iterable[Note],
        dice: Dice,
        *,
        human: bool = True,
        strum: bool = False,
        bowed: bool = False,
    ) -> tuple[Note, ...]:
        """`notes` with dynamics and timing, inside the cue, no two of a pitch overlapping.

        Args:
            notes: as written.
            dice: chance.
            human: a person plays: a little early or late, long or short.
            strum: chords are spread upwards.
            bowed: the instrument speaks slowly and so begins early.
        """
        plan = self._plan
        played: list[Note] = []
        spread_s = dice.uniform(*_STRUM_S)
        before: Note | None = None
        together = 0
        for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
            start, length = note.start, note.length
            same = before is not None and abs(note.start - before.start) < _CLOSE
            together = together + 1 if same else 0
            if human and not self.fixed(start):
                late_s = dice.sway(_JITTER_S) + (spread_s * together if strum else 0.0)
                late_s -= dice.uniform(*_EARLY_S) if bowed else 0.0
                start += plan.tempo.beats_in(late_s, note.start)
                change = length * dice.sway(_LENGTHS)
                length += min(_LENGTH_BEATS, max(-_LENGTH_BEATS, change))
            start = max(plan.start_beat, round(start, 6))
            length = min(length, plan.end_beat - start)
            velocity = self._velocity(note, before, dice)
            before = note
            played.append(Note(start, round(length, 6), note.pitch, velocity))
        return _separated(played, self._fixed)

    def _velocity(self, note: Note, before: Note | None, dice: Dice) -> int:
        """The written velocity, lifted by metre, the picture's sudden changes and the phrase."""
        plan = self._plan
        now = plan.clock.seconds(note.start)
        bar, (since, beats) = plan.tempo.bar_at(note.start), plan.tempo.place(note.start)
        phrase = (bar.number % _PHRASE_BARS + since / beats) / _PHRASE_BARS
        arch = 6.0 * (4.0 * phrase * (1.0 - phrase) - 0.5)
        weight = metric_weight(since, beats)
        metre = _DOWNBEAT * (weight - 0.4)
        sudden = plan.scene.saliency(now - 0.02, now + 0.02)
        boost = _SALIENCY_BOOST * max(sudden, self._sudden.get(round(note.start, 3), 0.0))
        value = note.velocity + arch + metre + boost + dice.sway(3.0)
        if before is not None and weight < 1.0 and not self.fixed(note.start):
            soon = _CLOSE < note.start - before.start < _REPEAT_BEATS
            value -= _REPEAT if soon and note.pitch == before.pitch else 0.0
        if self._region(note.start) is not None:
            value *= _SPEECH_GAIN
        return int(min(127, max(8, round(value))))

    def _region(self, beat: float) -> int | None:
        """The index of the dialogue region that sounds at `beat`."""
        now = self._plan.clock.seconds(beat)
        index = bisect_right(self._opens, now) - 1
        return index if index >= 0 and now < self._closes[index] else None


def level(form: Form, beat: float) -> float:
    """How loud the music is written at `beat`, as a velocity: builds grow towards what follows.

    The idiom says how far the soft and the loud lie apart.
    """
    index = form.section_at(beat)
    section = form.sections[index]
    strength = 0.6 * form.density(beat) + 0.4 * form.tension(beat)
    if section.name == "build" and index + 1 < len(form.sections):
        following = form.sections[index + 1]
        target = 0.6 * following.density + 0.4 * following.tension
        share = min(1.0, max(0.0, (beat - section.start) / section.length))
        strength += max(0.0, target - strength) * share
    spread = _SPREAD * form.contrast(beat) * (strength - _MEZZO)
    return min(_FORTISSIMO, max(_PIANISSIMO, _MIDDLE + spread))


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
