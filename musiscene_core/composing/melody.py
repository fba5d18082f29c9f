"""The melody: one short motif, developed by section, kept out of speech.

A motif is three to five notes with a rhythm and a contour in scale steps. Phrases state, sequence,
invert, fragment or augment it; strong beats take chord tones, leaps are followed by a step back.
Knows nothing of instruments.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.plan import Plan
from musiscene_core.cue import Note

CELLS = MappingProxyType(
    {
        "lyrical": (
            (1.5, 0.5, 2.0),
            (2.0, 1.0, 1.0),
            (1.0, 1.0, 2.0),
            (1.5, 0.5, 1.0, 1.0),
            (0.5, 0.5, 1.0, 2.0),
            (3.0, 0.5, 0.5, 4.0),
        ),
        "bold": (
            (1.0, 0.5, 0.5, 2.0),
            (1.5, 0.5, 2.0),
            (0.75, 0.25, 1.0, 2.0),
            (1.5, 0.5, 0.5, 0.5, 1.0),
            (2.0, 1.5, 0.5, 4.0),
        ),
        "playful": (
            (0.5, 0.5, 1.0, 0.5, 0.5),
            (0.5, 0.5, 0.5, 0.5, 1.0),
            (0.75, 0.25, 0.5, 0.5, 1.0),
            (1.0, 0.5, 0.5, 1.0),
        ),
        "sparse": (
            (2.0, 2.0, 4.0),
            (3.0, 1.0, 4.0),
            (1.0, 1.0, 6.0),
            (2.0, 1.0, 1.0, 4.0),
        ),
    }
)
"""Rhythms in beats, three to five notes."""

_STEPS = ((1, 0.3), (-1, 0.3), (2, 0.13), (-2, 0.13), (0, 0.06))
_LEAPS = ((3, 0.3), (-3, 0.2), (4, 0.35), (-4, 0.1), (5, 0.15))
_BIG_LEAP = 7
"""Semitones from which a leap must be answered by a step back."""
_SHORTEST = 0.2
_SPEECH_MARGIN_S = 0.12


@dataclass(frozen=True)
class Motif:
    """A rhythm in beats and a contour in scale steps from its first note."""

    rhythm: tuple[float, ...]
    contour: tuple[int, ...]

    @property
    def length(self) -> float:
        """Its length in beats."""
        return sum(self.rhythm)

    def sequenced(self, steps: int) -> Motif:
        """The same, `steps` higher."""
        return Motif(self.rhythm, tuple(step + steps for step in self.contour))

    def inverted(self) -> Motif:
        """Its contour upside down."""
        return Motif(self.rhythm, tuple(-step for step in self.contour))

    def fragment(self, count: int = 2) -> Motif:
        """Its first `count` notes."""
        return Motif(self.rhythm[:count], self.contour[:count])

    def augmented(self) -> Motif:
        """Twice as slow."""
        return Motif(tuple(2 * beats for beats in self.rhythm), self.contour)

    def closed(self, steps: int = 0) -> Motif:
        """Its beginning, then one long note `steps` from where it began."""
        head = self.fragment(2)
        return Motif((*head.rhythm, 2.0), (*head.contour, steps))


@dataclass(frozen=True)
class Line:
    """The melody of one section: notes, and the section's index."""

    section: int
    notes: tuple[Note, ...]


def make_motif(cells: tuple[str, ...], leap: float, dice: Dice) -> Motif:
    """A motif in one of the rhythms named, leaping with probability `leap`."""
    rhythm = dice.pick(CELLS[dice.pick(cells)])
    contour = [0]
    owed = 0
    leapt = False
    for _ in rhythm[1:]:
        if owed:
            step = owed
            owed = 0
        elif not leapt and dice.chance(leap):
            step = dice.weighted(_LEAPS)
            owed = -1 if step > 0 else 1
            leapt = True
        else:
            step = dice.weighted(_STEPS)
        if abs(contour[-1] + step) > 6:
            step = -step
        contour.append(contour[-1] + step)
    if len(set(contour)) < 3:
        contour[-1] = contour[-2] + (2 if contour[-2] <= 0 else -2)
    return Motif(rhythm, tuple(contour))


def write_melody(plan: Plan, form: Form, chords: tuple[VoicedChord, ...]) -> tuple[Line, ...]:
    """The melody, a line for each section that has one, the last note in the button."""
    dice = plan.dice("melody")
    style = plan.idiom.melody
    motif = make_motif(style.cells, style.leap, dice)
    writer = _Writer(plan, chords)
    lines: list[Line] = []
    if "melody" not in plan.wishes.without:
        for index, section in enumerate(form.sections[:-1]):
            notes: list[Note] = []
            for first, last in _windows(plan, form, index):
                phrases = _phrases(plan, section.name, motif, last - first, index, dice)
                lift = 1.0 if section.name == "climax" else 0.35 + 0.3 * section.density
                notes += writer.realise(first, last, phrases, lift)
            if notes:
                lines.append(Line(index, tuple(notes)))
    ending = writer.ending(form.final_beat)
    if ending is not None and (lines or plan.scene.length_s > 4):
        lines.append(Line(len(form.sections) - 1, (ending,)))
    return tuple(lines)


def _windows(plan: Plan, form: Form, section: int) -> list[tuple[float, float]]:
    """Stretches of bars in a section that are mostly free of speech, at most 8 bars each."""
    windows: list[tuple[float, float]] = []
    run: list[tuple[float, float]] = []
    bars = [bar for bar in form.bars if bar.section == section and bar.start >= 0]
    for bar in bars:
        if bar.speech > 0.6 or len(run) == 8:
            if run:
                windows.append((run[0][0], run[-1][1]))
            run = []
        if bar.speech <= 0.6:
            run.append((bar.start, bar.end))
    if run:
        windows.append((run[0][0], run[-1][1]))
    return windows


def _phrases(
    plan: Plan, name: str, motif: Motif, beats: float, section: int, dice: Dice
) -> list[tuple[float, Motif]]:
    """Where each form of the motif begins, in beats from the window's first, for one section."""
    bar = float(plan.beats_per_bar)
    unit = max(bar, -(-motif.length // bar) * bar)
    rise = dice.pick((1, 2, -1)) if name != "climax" else dice.pick((1, 2))
    # Every other recurrence of a section is turned over, so that long cues keep developing.
    shape = motif.inverted() if section >= 3 and section % 2 and name == "theme" else motif
    if name == "intro":
        chain = [(beats / 2 // bar * bar, shape.fragment(min(3, len(shape.rhythm))))]
        return chain if beats >= 4 * bar else []
    if name == "strip-down":
        slow = shape.augmented() if beats >= 2 * shape.length else shape
        return [(0.0, slow)]
    forms: tuple[Motif | None, ...]
    if name == "build":
        forms = (shape.fragment(2), shape.fragment(2).sequenced(1), shape.fragment(3).sequenced(2))
        unit = bar
    elif name == "climax":
        forms = (
            shape,
            shape.sequenced(rise),
            shape.fragment(3).sequenced(rise + 1),
            shape.closed(),
        )
    else:
        forms = dice.pick(
            (
                (shape, shape.sequenced(rise), shape.inverted(), shape.closed(0)),
                (shape, None, shape.sequenced(rise), shape.closed(1)),
                (shape, shape.fragment(3).sequenced(rise), None, shape.closed(-1)),
            )
        )
    placed = []
    at, index = 0.0, 0
    while at < beats - 1e-6:
        form = forms[index % len(forms)]
        if form is not None:
            placed.append((at, form))
        at += unit
        index += 1
    return placed


class _Writer:
    """Turns motifs into pitches over the chords, remembering the note before."""

    def __init__(self, plan: Plan, chords: tuple[VoicedChord, ...]) -> None:
        self._plan = plan
        self._chords = chords
        self._low, self._high = plan.idiom.melody.low, plan.idiom.melody.high
        self._before: int | None = None
        self._owed = 0
        self._at = 0

    def realise(
        self, first: float, last: float, phrases: list[tuple[float, Motif]], lift: float
    ) -> list[Note]:
        """Notes for `phrases` in [first, last), around `lift` (0 to 1) of the range."""
        notes: list[Note] = []
        for index, (offset, motif) in enumerate(phrases):
            until = first + phrases[index + 1][0] if index + 1 < len(phrases) else last
            at = first + offset
            anchor = self._anchor(at, lift)
            for place, (beats, step) in enumerate(zip(motif.rhythm, motif.contour, strict=True)):
                length = min(beats, until - at)
                breath = 0.25 if place == len(motif.rhythm) - 1 else 0.0
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
        return Note(beat, length, pitch, 64)

    def _note(self, at: float, length: float, anchor: int, step: int) -> Note | None:
        """One note, cut short before speech; None where there is no room for it."""
        plan = self._plan
        start_s, end_s = plan.clock.seconds(at), plan.clock.seconds(at + length)
        for region in plan.scene.brief.dialogue:
            opens, closes = region.start_s - _SPEECH_MARGIN_S, region.end_s + _SPEECH_MARGIN_S
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
        strong = is_strong(at, plan.beats_per_bar) or length >= 1.4
        choices = self._ladder(chord.chord.pitch_classes) if strong else ladder
        pitch = self._smooth(choices, wish)
        self._owed = 0
        if self._before is not None and abs(pitch - self._before) >= _BIG_LEAP:
            self._owed = -1 if pitch > self._before else 1
        self._before = pitch
        return Note(round(at, 6), round(length, 6), pitch, 64)

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


def is_strong(beat: float, beats_per_bar: int) -> bool:
    """Whether a beat is one that a chord tone belongs on."""
    place = beat % beats_per_bar
    strong = (0.0, 2.0) if beats_per_bar == 4 else (0.0,)
    return any(abs(place - beat_) < 1e-3 for beat_ in (*strong, float(beats_per_bar)))
