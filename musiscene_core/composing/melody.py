"""The melody: the motif's forms as pitches over the chords, and themes where they are placed.

Strong beats take chord tones, leaps are followed by a step back, and nothing is sung above speech.
Knows nothing of instruments; what is made of the motif is the business of development.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from musiscene_core.composing.development import Phrase, phrases
from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.rhythms import is_strong
from musiscene_core.composing.statements import SPEECH_MARGIN_S, Material, Placed
from musiscene_core.cue import Note

_BIG_LEAP = 7
"""Semitones from which a leap must be answered by a step back."""
_WIDEST_LEAP = 12
_SHORTEST = 0.2
_SUNG = 64
_BREATH = 0.25
"""Beats of silence after a phrase."""


@dataclass(frozen=True)
class Line:
    """The melody of one section.

    Attributes:
        section: its index.
        notes: in order.
        placed: the themes among them.
    """

    section: int
    notes: tuple[Note, ...]
    placed: tuple[Placed, ...] = ()


def write_melody(
    plan: Plan, form: Form, chords: tuple[VoicedChord, ...], material: Material
) -> tuple[Line, ...]:
    """The melody, a line for each section that has one, the last note in the button."""
    dice = plan.dice("development")
    writer = _Writer(plan, chords)
    lines: list[Line] = []
    for index, section in enumerate(form.sections[:-1]):
        placed = tuple(one for one in material.placed if one.section == index)
        stretches: list[tuple[float, float, Placed | None]] = []
        if "melody" not in plan.wishes.without:
            stretches = [(a, b, None) for a, b in _windows(plan, form, index, material.placed)]
            stretches += [(one.beat, one.end, one) for one in placed]
        notes: list[Note] = []
        for first, last, theme in sorted(stretches, key=lambda stretch: stretch[:2]):
            if theme is not None:
                notes = writer.state(notes, theme)
                continue
            told = material.told_at is not None and first > material.told_at
            chain = phrases(
                material.motif,
                section.name,
                last - first,
                float(plan.tempo.place(first)[1]),
                dice,
                told=told,
                turn=section.name == "theme" and index >= 3 and index % 2 == 1,
            )
            lift = 1.0 if section.name == "climax" else 0.35 + 0.3 * section.density
            notes += writer.realise(first, last, chain, lift)
        if notes:
            lines.append(Line(index, tuple(notes), placed))
    lines = _kept_back(lines, material)
    ending = writer.ending(form.final_beat)
    if ending is not None and (lines or plan.scene.length_s > 4):
        lines.append(Line(len(form.sections) - 1, (ending,)))
    return tuple(lines)


def _kept_back(lines: list[Line], material: Material) -> list[Line]:
    """`lines` in which no chance made the whole motif sound before it is told."""
    motif, told = material.subject.motif, material.told_at
    sung = [note for line in lines for note in line.notes]
    count = len(motif.rhythm)
    early: set[float] = set()
    for window in zip(*(sung[place:] for place in range(count)), strict=False):
        steps = tuple(b.pitch - a.pitch for a, b in pairwise(window))
        waits = [b.start - a.start for a, b in pairwise(window)]
        same = steps == motif.intervals and all(
            abs(a - b) < 1e-3 for a, b in zip(waits, motif.rhythm, strict=False)
        )
        if same and (told is None or window[0].start < told - 1e-6):
            early.add(window[-1].start)
    return [
        Line(line.section, tuple(n for n in line.notes if n.start not in early), line.placed)
        for line in lines
    ]


def _windows(
    plan: Plan, form: Form, section: int, placed: tuple[Placed, ...]
) -> list[tuple[float, float]]:
    """Stretches of bars in a section that are mostly free of speech and themes, 8 bars at most."""
    windows: list[tuple[float, float]] = []
    run: list[tuple[float, float]] = []
    for bar in form.bars:
        if bar.section != section or bar.start < 0:
            continue
        themed = any(one.beat < bar.end - 1e-6 and bar.start < one.end - 1e-6 for one in placed)
        free = bar.speech <= 0.6 and not themed
        if run and (not free or len(run) == 8):
            windows.append((run[0][0], run[-1][1]))
            run = []
        if free:
            run.append((bar.start, bar.end))
    if run:
        windows.append((run[0][0], run[-1][1]))
    return windows


class _Writer:
    """Turns motifs into pitches over the chords, remembering the note before."""

    def __init__(self, plan: Plan, chords: tuple[VoicedChord, ...]) -> None:
        self._plan = plan
        self._chords = chords
        self._low, self._high = plan.idiom.melody.low, plan.idiom.melody.high
        self._before: int | None = None
        self._owed = 0
        self._at = 0

    def state(self, before: list[Note], placed: Placed) -> list[Note]:
        """`before` and a theme as it is placed, after a breath where the way to it is too far."""
        first = placed.notes[0][2]
        before = list(before)
        while before and abs(before[-1].pitch - first) > _WIDEST_LEAP:
            before.pop()
        self._before, self._owed = placed.notes[-1][2], 0
        return before + [
            Note(
                start,
                round(
                    length - (min(_BREATH, length / 4) if start == placed.notes[-1][0] else 0), 6
                ),
                pitch,
                _SUNG,
            )
            for start, length, pitch in placed.notes
        ]

    def realise(self, first: float, last: float, chain: list[Phrase], lift: float) -> list[Note]:
        """Notes for `chain` in [first, last), around `lift` (0 to 1) of the range."""
        notes: list[Note] = []
        for index, (offset, motif) in enumerate(chain):
            until = first + chain[index + 1][0] if index + 1 < len(chain) else last
            at = first + offset
            anchor = self._anchor(at, lift)
            for place, (beats, step) in enumerate(zip(motif.rhythm, motif.contour, strict=True)):
                length = min(beats, until - at)
                breath = _BREATH if place == len(motif.rhythm) - 1 else 0.0
                note = self._note(at, length - min(breath, length / 4), anchor, step)
                if note is not None:
                    notes.append(note)
                at += beats
                if at >= until - 1e-6:
                    break
        return notes

    def ending(self, beat: float) -> Note | None:
        """The last note: of the tonic chord, near the note before, unless someone speaks."""
        clock = self._plan.clock
        start_s, end_s = clock.seconds(beat), self._plan.scene.length_s
        chord = self._chord(beat)
        target = self._before or (self._low + self._high) // 2
        tones = self._ladder(chord.chord.pitch_classes[:3])
        pitch = min(tones, key=lambda tone: (abs(tone - target), tone))
        if self._plan.scene.speaking(start_s, min(end_s, start_s + 1.0)):
            return None
        length = self._plan.end_beat - beat
        return Note(beat, length, pitch, _SUNG)

    def _note(self, at: float, length: float, anchor: int, step: int) -> Note | None:
        """One note, cut short before speech; None where there is no room for it."""
        plan = self._plan
        start_s, end_s = plan.clock.seconds(at), plan.clock.seconds(at + length)
        for region in plan.scene.brief.dialogue:
            opens, closes = region.start_s - SPEECH_MARGIN_S, region.end_s + SPEECH_MARGIN_S
            if opens < end_s and start_s < closes:
                if start_s >= opens:
                    self._owed = 0
                    return None
                length, end_s = plan.clock.beat(opens) - at, opens
        if length < _SHORTEST or at < plan.start_beat:
            return None
        chord = self._chord(at)
        ladder = self._ladder(chord.scale)
        here = min(range(len(ladder)), key=lambda index: (abs(ladder[index] - anchor), index))
        wish = ladder[min(len(ladder) - 1, max(0, here + step))]
        strong = is_strong(*plan.tempo.place(at)) or length >= 1.4
        choices = self._ladder(chord.chord.pitch_classes) if strong else ladder
        pitch = self._smooth(choices, wish)
        self._owed = 0
        if self._before is not None and abs(pitch - self._before) >= _BIG_LEAP:
            self._owed = -1 if pitch > self._before else 1
        self._before = pitch
        return Note(round(at, 6), round(length, 6), pitch, _SUNG)

    def _smooth(self, choices: list[int], wish: int) -> int:
        """The choice nearest to `wish` that leaps no octave and answers the leap before."""
        before = self._before
        if before is None:
            return min(choices, key=lambda pitch: (abs(pitch - wish), pitch))
        if self._owed:
            back = [p for p in choices if 1 <= (p - before) * self._owed <= 4]
            if back:
                return min(back, key=lambda pitch: (abs(pitch - before), pitch))
        near = [pitch for pitch in choices if abs(pitch - before) <= 9] or choices
        return min(near, key=lambda pitch: (abs(pitch - wish), abs(pitch - before), pitch))

    def _anchor(self, at: float, lift: float) -> int:
        """A chord tone near `lift` of the range, nearer to the note before where there is one."""
        wish = self._low + 3 + lift * (self._high - self._low - 8)
        if self._before is not None:
            wish = (wish + self._before) / 2
        tones = self._ladder(self._chord(at).chord.pitch_classes)
        return min(tones, key=lambda pitch: (abs(pitch - wish), pitch))

    def _ladder(self, classes: frozenset[int] | tuple[int, ...]) -> list[int]:
        return [pitch for pitch in range(self._low, self._high + 1) if pitch % 12 in classes]

    def _chord(self, beat: float) -> VoicedChord:
        chords = self._chords
        while self._at > 0 and chords[self._at].start > beat + 1e-6:
            self._at -= 1
        while self._at + 1 < len(chords) and chords[self._at + 1].start <= beat + 1e-6:
            self._at += 1
        return chords[self._at]
