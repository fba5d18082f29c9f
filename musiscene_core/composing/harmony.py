"""The chords: which, when, and how their voices lead.

Each section goes round one progression of the idiom's character; sections end on the way to the
next, and the cue ends with a cadence. Knows nothing of instruments or rhythm within a chord.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Form
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.progressions import CADENCES, FINALS, KIN, progressions_for
from musiscene_core.composing.scales import Harmony, chord_scale, parse_roman
from musiscene_core.composing.voicing import Harmonised, lead
from musiscene_core.cue import Chord

BASS_LOW, BASS_HIGH = 28, 48
_CENTRE = 60.0
_CENTRE_UNDER_SPEECH = 54.0
_LONG_S = 90.0
"""From here a cue also wanders through characters akin to the idiom's."""


@dataclass(frozen=True)
class VoicedChord:
    """A chord with its voices.

    Attributes:
        chord: what the cue reports.
        voices: pads, low to high.
        bass: the lowest note.
        scale: pitch classes a melody may use.
        struck: begins on a hit, a section or the cue, so that all its voices sound anew.
    """

    chord: Chord
    voices: tuple[int, ...]
    bass: int
    scale: frozenset[int]
    struck: bool

    @property
    def start(self) -> float:
        """Beat where it begins."""
        return self.chord.start

    @property
    def end(self) -> float:
        """Beat where it ends."""
        return self.chord.start + self.chord.length


def harmonise(plan: Plan, form: Form) -> tuple[VoicedChord, ...]:
    """The cue's chords, abutting from its beginning to its end."""
    dice = plan.dice("harmony")
    spans = _spans(plan, form, dice)
    struck = {round(hit.beat, 6) for hit in plan.hits}
    struck |= {round(section.start, 6) for section in form.sections}
    basses = _bass_line([harmony.bass for _, _, harmony in spans])
    wanted = [
        Harmonised(harmony.pitch_classes, bass, _centre(plan, form, start, end))
        for (start, end, harmony), bass in zip(spans, basses, strict=True)
    ]
    chords = []
    for (start, end, harmony), bass, voices in zip(spans, basses, lead(wanted), strict=True):
        chord = Chord(
            start=start,
            length=round(end - start, 6),
            root=harmony.root,
            pitch_classes=harmony.pitch_classes,
            name=harmony.name,
        )
        scale = chord_scale(plan.scale, plan.tonic, harmony.pitch_classes)
        chords.append(VoicedChord(chord, voices, bass, scale, round(start, 6) in struck))
    return tuple(chords)


def _spans(plan: Plan, form: Form, dice: Dice) -> list[tuple[float, float, Harmony]]:
    """Start, end and harmony of each chord, split where a hit falls inside one."""
    numerals = _numerals(plan, form, dice)
    cuts = sorted(hit.beat for hit in plan.hits)
    spans: list[tuple[float, float, Harmony]] = []
    for index, (start, numeral) in enumerate(numerals):
        end = numerals[index + 1][0] if index + 1 < len(numerals) else plan.end_beat
        harmony = parse_roman(numeral, plan.tonic)
        marks = [start, *(cut for cut in cuts if start + 1e-4 < cut < end - 1e-4), end]
        spans += [(a, b, harmony) for a, b in pairwise(marks)]
    return spans


def _numerals(plan: Plan, form: Form, dice: Dice) -> list[tuple[float, str]]:
    """Each chord's first beat and numeral, the last one the tonic on the final beat."""
    final = dice.pick(FINALS[plan.scale])
    chain: list[tuple[float, str]] = []
    characters = plan.idiom.characters
    pool = progressions_for(plan.scale, characters[:1])
    if plan.scene.length_s > _LONG_S:
        characters = (*characters, *KIN[characters[0]])
    wide = progressions_for(plan.scale, characters)
    theme = dice.pick(pool)
    second = dice.pick([other for other in wide if other is not theme] or [theme])
    bars_per_chord = dice.pick(plan.idiom.bars_per_chord)
    cadence = dice.pick(CADENCES[plan.scale]).split()
    for index, section in enumerate(form.sections[:-1]):
        bars = [bar for bar in form.bars if bar.section == index]
        if index == 0 and len(form.bars) > 1 and form.bars[0].start < -1e-6:
            bars = bars[1:]
        # Themes and climaxes share their chords, so that they are heard as one; long cues
        # answer them with a second set, and what lies between wanders.
        if section.name in ("theme", "climax"):
            chords = (second if index % 4 == 3 else theme).numerals
        else:
            chords = dice.pick(wide).numerals
        span = max(1, bars_per_chord if section.name != "build" else bars_per_chord // 2)
        for place, bar in enumerate(bars):
            if place % span == 0:
                numeral = chords[(place // span) % len(chords)]
                if index == form.climax and place == 0:
                    numeral = _home(plan)
                chain.append((bar.start, numeral))
        following = form.sections[index + 1].name
        if following == "climax" and len(bars) > 1:
            chain = _put(chain, bars[-1].start, cadence[-1])
    if chain:
        # What lies before the first downbeat belongs to the first chord.
        chain[0] = (plan.start_beat, chain[0][1])
    body = [bar.start for bar in form.bars]
    if len(body) >= 2:
        if len(body) >= 3:
            chain = _put(chain, body[-2], cadence[0])
        chain = _put(chain, body[-1], cadence[-1])
    chain = [(start, numeral) for start, numeral in chain if start < form.final_beat - 1e-6]
    if chain and chain[0][1] not in (theme.numerals[0], _home(plan)) and len(body) >= 2:
        chain[0] = (chain[0][0], _home(plan))
    chain.append((form.final_beat, final))
    return [(round(start, 6), numeral) for start, numeral in chain]


def _home(plan: Plan) -> str:
    return "I" if plan.mode == "major" else "i"


def _put(chain: list[tuple[float, str]], start: float, numeral: str) -> list[tuple[float, str]]:
    """`chain` with `numeral` sounding from `start` on, in place of what began there or later."""
    return [entry for entry in chain if entry[0] < start - 1e-6] + [(start, numeral)]


def _centre(plan: Plan, form: Form, start: float, end: float) -> float:
    """Where the voices should lie: higher with density, lower under speech."""
    if plan.scene.speech(plan.clock.seconds(start), plan.clock.seconds(end)) > 0.3:
        return _CENTRE_UNDER_SPEECH
    return _CENTRE + 4.0 * (form.sections[form.section_at(start)].density - 0.5)


def _bass_line(classes: list[int]) -> list[int]:
    """A bass note for each pitch class, near the one before and near the middle of its range."""
    line: list[int] = []
    for wanted in classes:
        options = [pitch for pitch in range(BASS_LOW, BASS_HIGH + 1) if pitch % 12 == wanted]
        before = line[-1] if line else 38
        line.append(min(options, key=lambda pitch: (abs(pitch - before) + abs(pitch - 37), pitch)))
    return line
