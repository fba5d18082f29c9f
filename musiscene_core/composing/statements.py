"""Themes in a cue: which motif leads, and where a theme is stated, varied or hinted at.

A statement is the theme note for note, moved to a key in which it fits the music around it; a
variation keeps its gesture in the cue's own scale; a hint is how it begins. Each stands on a
moment that matters and where nobody speaks. Knows nothing of the chords below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from musiscene_core.composing.form import Form
from musiscene_core.composing.modulation import Key
from musiscene_core.composing.motif import Motif, make_motif, notated, stepwise
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.scales import SCALES
from musiscene_core.themes import Theme, ThemeBook, ThemeHow, ThemeMotif, ThemeUse

LOW, HIGH = 60, 84
"""Where themes are sung; an octave's span fits in every key."""
SPEECH_MARGIN_S = 0.12
_HINT_NOTES = 3


@dataclass(frozen=True)
class Subject:
    """What a theme is to the composer.

    Attributes:
        name: the theme's; empty for the cue's own.
        motif: its notes.
        degree: semitones from its tonic up to its first note.
        mode: name of its scale.
        key: semitones from the cue's tonic up to its own, where it may choose.
        palette: instruments it would like.
    """

    name: str
    motif: ThemeMotif
    degree: int
    mode: str
    key: int = 0
    palette: tuple[str, ...] = ()

    @classmethod
    def of(cls, theme: Theme) -> Subject:
        """The subject that a theme is."""
        mode = theme.mode if theme.mode in SCALES else "ionian"
        return cls(theme.name, theme.motif, theme.degree, mode, theme.key, theme.palette)


@dataclass(frozen=True)
class Placed:
    """A theme where it sounds.

    Attributes:
        name: the theme's; empty for the cue's own.
        how: whether it is whole, varied or only begun.
        section: index of the section it begins in.
        notes: start in beats, length in beats and MIDI pitch of each.
        palette: instruments it would like.
    """

    name: str
    how: ThemeHow
    section: int
    notes: tuple[tuple[float, float, int], ...]
    palette: tuple[str, ...]

    @property
    def beat(self) -> float:
        """The beat where it begins."""
        return self.notes[0][0]

    @property
    def end(self) -> float:
        """The beat where it ends."""
        start, length, _ = self.notes[-1]
        return start + length


@dataclass(frozen=True)
class Material:
    """What the melody is made of: the leading motif, its subject, and what is placed, in order."""

    motif: Motif
    subject: Subject
    placed: tuple[Placed, ...]

    @property
    def told_at(self) -> float | None:
        """Where the leading subject first comes, whole or varied."""
        own = [p.beat for p in self.placed if p.name == self.subject.name and p.how != "hint"]
        return min(own, default=None)


def choose_material(
    plan: Plan,
    form: Form,
    keys: Sequence[Key],
    uses: tuple[ThemeUse, ...] = (),
    book: ThemeBook | None = None,
) -> Material:
    """The cue's motif and its themes' places.

    The first theme to be stated or varied leads; without one the cue has a motif of its own, which
    is stated too. A theme for which no moment has room is left out.
    """
    dice = plan.dice("melody")
    themes = [(use, book.theme(use.name)) for use in uses] if book is not None else []
    asked = [(use, Subject.of(theme)) for use, theme in themes if theme is not None]
    leading = next((subject for use, subject in asked if use.how != "hint"), None)
    if leading is None:
        style = plan.idiom.melody
        invented = make_motif(style.cells, style.leap, dice, fewest=4)
        degree = dice.pick((0, 2, 4))
        written = notated(invented, plan.scale, degree)
        leading = Subject("", written, SCALES[plan.scale][degree], plan.scale)
        asked.append((ThemeUse(""), leading))
    places = _Places(plan, form)
    placed: list[Placed] = []
    if "melody" not in plan.wishes.without:
        for use, subject in asked:
            found = _place(plan, keys, places, use, subject)
            if found is not None:
                placed.append(found)
    motif = stepwise(leading.motif, leading.mode, leading.degree)
    return Material(motif, leading, tuple(sorted(placed, key=lambda one: one.beat)))


class _Places:
    """The moments of a cue that are worth a theme, and those already given away."""

    def __init__(self, plan: Plan, form: Form) -> None:
        self._plan = plan
        self._form = form
        self._taken: list[tuple[float, float]] = []

    def find(self, use: ThemeUse, length: float) -> float | None:
        """The best free beat for something `length` beats long; None where nothing is free."""
        wanted = self._wanted(use)
        if wanted is None:
            moments = self._key_moments()
        else:
            starts = [bar.line for bar in self._form.bars if bar.line >= self._plan.start_beat]
            moments = [wanted, *sorted(starts, key=lambda beat: (abs(beat - wanted), beat))]
        free = [beat for beat in moments if self._free(beat, length)]
        # The last bar belongs to the cadence, where there is a choice.
        cadence = self._form.bars[-1].line if self._form.bars else 0.0
        clear = [beat for beat in free if beat + length <= cadence + 1e-6]
        found = next(iter(clear or free), None)
        if found is not None:
            self._taken.append((found, found + length))
        return found

    def section(self, beat: float) -> int:
        """The index of the section at `beat`."""
        return self._form.section_at(beat)

    def _wanted(self, use: ThemeUse) -> float | None:
        """The beat that a use names by its frame, or by a hit of the theme's name."""
        plan = self._plan
        if use.at is None:
            name = use.name.strip().casefold()
            named = [hit.beat for hit in plan.report if name and hit.label.casefold() == name]
            return min(named, default=None)
        beat = plan.clock.beat(float(plan.scene.brief.timeline.rate.seconds(use.at)))
        near = [hit.beat for hit in plan.hits if abs(hit.beat - beat) <= 0.5]
        return min(near, key=lambda hit: (abs(hit - beat), hit)) if near else float(round(beat))

    def _key_moments(self) -> list[float]:
        """The main hit, the climax, the other hits, then sections and bars; sooner among alike."""
        plan, form = self._plan, self._form
        moments = [plan.main_hit.beat] if plan.main_hit is not None else []
        if form.climax is not None:
            moments.append(form.sections[form.climax].start)
        hits = sorted(plan.hits, key=lambda hit: (-hit.weight, hit.beat))
        moments += [hit.beat for hit in hits]
        named = [section for section in form.sections[1:-1] if section.name == "theme"]
        moments += [section.start for section in (*named, *form.sections[1:-1])]
        return moments + [bar.line for bar in form.bars]

    def _free(self, beat: float, length: float) -> bool:
        plan, end = self._plan, beat + length
        if beat < plan.start_beat or end > self._form.final_beat + 1e-6:
            return False
        if any(beat < b - 1e-6 and a < end - 1e-6 for a, b in self._taken):
            return False
        opens, closes = plan.clock.seconds(beat), plan.clock.seconds(end)
        return not plan.scene.speaking(opens - SPEECH_MARGIN_S, closes + SPEECH_MARGIN_S)


def _place(
    plan: Plan, keys: Sequence[Key], places: _Places, use: ThemeUse, subject: Subject
) -> Placed | None:
    rhythm = subject.motif.rhythm
    if use.how == "hint":
        rhythm = rhythm[: min(_HINT_NOTES, len(rhythm) - 1)]
    beat = places.find(use, sum(rhythm))
    if beat is None:
        return None
    section = places.section(beat)
    key = keys[section]
    if use.how == "vary":
        semitones: Sequence[int] = _varied(subject, key)
    else:
        semitones = _transposed(subject, key)[: len(rhythm)]
    pitches = _in_range(plan, key.tonic, semitones)
    starts = [round(beat + at, 6) for at in accumulate(rhythm[:-1], initial=0.0)]
    return Placed(
        subject.name,
        use.how,
        section,
        tuple(zip(starts, rhythm, pitches, strict=True)),
        subject.palette,
    )


def _transposed(subject: Subject, key: Key) -> list[int]:
    """The subject's notes in semitones above the key's tonic, moved to where the key holds most.

    Its own key relation is kept where that fits; a major theme in a minor cue thus comes in the
    relative key, and the other way round.
    """
    offsets = [subject.degree + offset for offset in subject.motif.offsets]
    scale = set(SCALES[key.scale])

    def cost(shift: int) -> tuple[float, int]:
        weights = zip(offsets, subject.motif.rhythm, strict=True)
        strange = sum(
            0.5 + beats for offset, beats in weights if (offset + shift) % 12 not in scale
        )
        fifths = (shift - subject.key) * 7 % 12
        return round(4.0 * strange + min(fifths, 12 - fifths), 6), shift

    shift = min(range(12), key=cost)
    return [offset + shift for offset in offsets]


def _varied(subject: Subject, key: Key) -> list[int]:
    """The subject's gesture in the key's own scale, never note for note the same."""
    motif = stepwise(subject.motif, subject.mode, subject.degree)
    ladder = SCALES[key.scale]
    degree = min(range(len(ladder)), key=lambda index: (abs(ladder[index] - subject.degree), index))
    semitones = list(motif.semitones(key.scale, degree))
    exact = subject.motif.offsets
    if all(a - semitones[0] == b for a, b in zip(semitones, exact, strict=True)):
        # Its last step goes on by one more in the same direction.
        onward = 1 if motif.contour[-1] >= motif.contour[-2] else -1
        if abs(motif.contour[-1] + onward) > 6:
            onward = -onward
        contour = (*motif.contour[:-1], motif.contour[-1] + onward)
        semitones = list(Motif(motif.rhythm, contour).semitones(key.scale, degree))
    return semitones


def _in_range(plan: Plan, tonic: int, semitones: Iterable[int]) -> list[int]:
    """The notes as MIDI pitches in the octave that suits the idiom's melody best."""
    style = plan.idiom.melody
    notes = list(semitones)
    wish = style.low + 0.7 * (style.high - style.low)

    def cost(base: int) -> tuple[float, int]:
        low, high = base + min(notes), base + max(notes)
        outside = max(0, LOW - low) + max(0, high - HIGH)
        beyond = max(0, style.low - low) + max(0, high - style.high)
        return 1000.0 * outside + 10.0 * beyond + abs(base + notes[0] - wish), base

    base = min((tonic + 12 * octave for octave in range(2, 8)), key=cost)
    return [base + note for note in notes]
