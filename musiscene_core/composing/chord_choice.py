"""Which chord sounds when, as numerals in the key of the moment.

Each section goes round one progression of the idiom's character, coloured by dominants of what
follows; a build may stand on a pedal; cadences lead into the main hit, into the climax and to the
end; under a theme the chords are those that carry its notes. Knows nothing of voices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from musiscene_core.composing.bars import Bar
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Form
from musiscene_core.composing.modulation import Key, lift_of, pivot
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.progressions import (
    CADENCES,
    FINALS,
    KIN,
    Progression,
    progressions_for,
)
from musiscene_core.composing.rhythms import is_strong
from musiscene_core.composing.scales import numeral_of, parse_roman
from musiscene_core.composing.statements import Placed

_LONG_S = 90.0
"""From here a cue also wanders through characters akin to the idiom's."""
_BRIDGES = MappingProxyType({"play": 0.3, "hope": 0.2, "sorrow": 0.2, "drive": 0.08})
"""How often a chord becomes the dominant of the next one, by character."""
_PEDALS = MappingProxyType(
    {"drive": 0.5, "hope": 0.35, "threat": 0.5, "static": 0.6, "drift": 0.3, "sorrow": 0.3}
)
"""How often a build stands on its dominant, by character."""
_TRIAD = re.compile(r"([b#]?[ivIV]+)(?:maj7|add9|7|6|)")
_HOLD_BONUS = 0.75


@dataclass(frozen=True)
class ChordEvent:
    """A chord's first beat, its numeral and the key that counts in."""

    start: float
    numeral: str
    key: Key


def choose_chords(
    plan: Plan, form: Form, keys: Sequence[Key], placed: Sequence[Placed]
) -> tuple[ChordEvent, ...]:
    """The chords in order, the last one the tonic on the final beat; see harmony.harmonise."""
    dice = plan.dice("harmony")
    home = keys[-1]
    final = dice.pick(FINALS[plan.scale])
    cadence = dice.pick(CADENCES[plan.scale]).split()
    sections = _Sections(plan, form, dice)
    chain: list[ChordEvent] = []
    for index in range(len(form.sections) - 1):
        bars = [bar for bar in form.bars if bar.section == index]
        if index == 0 and len(form.bars) > 1 and form.bars[0].start < -1e-6:
            bars = bars[1:]
        own = sections.chords(index, bars, keys[index])
        chain += _led_on(plan, form, keys, index, bars, own, cadence[-1])
    if chain:
        # What lies before the first downbeat belongs to the first chord.
        chain[0] = ChordEvent(plan.start_beat, chain[0].numeral, chain[0].key)
    body = [bar.start for bar in form.bars]
    if len(body) >= 2:
        if len(body) >= 3:
            chain = _put(chain, ChordEvent(body[-2], cadence[0], home))
        chain = _put(chain, ChordEvent(body[-1], cadence[-1], home))
    chain = [event for event in chain if event.start < form.final_beat - 1e-6]
    known = (sections.theme.numerals[0], home.home)
    if chain and chain[0].numeral not in known and len(body) >= 2:
        chain[0] = ChordEvent(chain[0].start, home.home, chain[0].key)
    chain.append(ChordEvent(form.final_beat, final, home))
    chain = _into_main_hit(plan, form, keys, chain, cadence[-1])
    for one in placed:
        chain = _carried(plan, form, chain, one)
    return tuple(ChordEvent(round(e.start, 6), e.numeral, e.key) for e in chain)


class _Sections:
    """Chooses progressions, remembering what the cue's themes go by."""

    def __init__(self, plan: Plan, form: Form, dice: Dice) -> None:
        characters = plan.idiom.characters
        pool = progressions_for(plan.scale, characters[:1])
        if plan.scene.length_s > _LONG_S:
            characters = (*characters, *KIN[characters[0]])
        self._wide = progressions_for(plan.scale, characters)
        self.theme: Progression = dice.pick(pool)
        others = [other for other in self._wide if other is not self.theme]
        self._second: Progression = dice.pick(others or [self.theme])
        self._bars_per_chord = dice.pick(plan.idiom.bars_per_chord)
        self._plan, self._form, self._dice = plan, form, dice

    def chords(self, index: int, bars: Sequence[Bar], key: Key) -> list[ChordEvent]:
        """One section's chords."""
        form, dice = self._form, self._dice
        name = form.sections[index].name
        # Themes and climaxes share their chords, so that they are heard as one; long cues
        # answer them with a second set, and what lies between wanders.
        if name in ("theme", "climax"):
            numerals = (self._second if index % 4 == 3 else self.theme).numerals
        else:
            numerals = dice.pick(self._wide).numerals
        span = max(1, self._bars_per_chord // (2 if name == "build" else 1))
        chosen = [
            ChordEvent(bar.start, numerals[(place // span) % len(numerals)], key)
            for place, bar in enumerate(bars)
            if place % span == 0
        ]
        character = self._plan.idiom.characters[0]
        if chosen and index == form.climax:
            chosen[0] = ChordEvent(chosen[0].start, key.home, key)
        if name == "build" and dice.chance(_PEDALS.get(character, 0.0)):
            return [
                ChordEvent(e.start, e.numeral if "/" in e.numeral else f"{e.numeral}/d", e.key)
                for e in chosen
            ]
        return _bridged(chosen, _BRIDGES.get(character, 0.0), dice)


def _bridged(chords: list[ChordEvent], chance: float, dice: Dice) -> list[ChordEvent]:
    """`chords` with some replaced by the dominant of the one that follows."""
    bridged = list(chords)
    for place in range(1, len(chords) - 1):
        target = _TRIAD.fullmatch(chords[place + 1].numeral)
        leads = target is not None and target[1].upper() != "I"
        was_bridge = "/" in bridged[place - 1].numeral
        if dice.chance(chance) and leads and target is not None and not was_bridge:
            old = bridged[place]
            bridged[place] = ChordEvent(old.start, f"V7/{target[1]}", old.key)
    return bridged


def _led_on(
    plan: Plan,
    form: Form,
    keys: Sequence[Key],
    index: int,
    bars: Sequence[Bar],
    chords: list[ChordEvent],
    dominant: str,
) -> list[ChordEvent]:
    """A section's chords with an end that leads into the next one's key."""
    after, before = keys[index + 1], keys[index]
    into_climax = form.sections[index + 1].name == "climax"
    if not chords or not bars or (len(bars) < 2 and not into_climax):
        return chords
    line = bars[-1].start
    if after.tonic != before.tonic and lift_of(plan).manner == "pivot":
        shared = pivot(before, after)
        if shared is not None and len(bars) >= 3:
            chords = _put(chords, ChordEvent(bars[-2].start, shared, after))
        return _put(chords, ChordEvent(line, "V7", after))
    if not into_climax:
        return chords
    chords = _put(chords, ChordEvent(line, dominant, before))
    if dominant.startswith("V") and bars[-1].end - line >= 3.0:
        # The tonic hangs over the dominant's bass for half the bar, then its voices fall to it.
        chords = _put(chords, ChordEvent(line, f"{before.home}/d", before))
        chords.append(ChordEvent(line + 2.0, dominant, before))
    return chords


def _into_main_hit(
    plan: Plan, form: Form, keys: Sequence[Key], chain: list[ChordEvent], dominant: str
) -> list[ChordEvent]:
    """`chain` with the main hit on a tonic chord that its dominant has led to."""
    main = plan.main_hit
    if main is None or main.beat >= form.final_beat - 1e-6:
        return chain
    key = keys[form.section_at(main.beat)]
    before = [event for event in chain if event.start < main.beat - 1e-6]
    after = [event for event in chain if event.start > main.beat + 1e-6]
    home = ChordEvent(main.beat, key.home, key)
    if not before:
        return [ChordEvent(plan.start_beat, key.home, key), *after]
    arrives = before[-1].key == key and parse_roman(before[-1].numeral, 0).root != 0
    if not arrives or before[-1].start < main.beat - plan.tempo.place(main.beat)[1] - 1e-6:
        line = plan.tempo.bar_at(main.beat - 1e-3).beat
        if line > plan.start_beat + 1e-6:
            before = _put(before, ChordEvent(line, _dominant(dominant), key))
    return [*before, home, *after]


def _dominant(cadence: str) -> str:
    """The cadence's last chord, unless it is the tonic itself."""
    return cadence if parse_roman(cadence, 0).root != 0 else "V"


def _carried(plan: Plan, form: Form, chain: list[ChordEvent], placed: Placed) -> list[ChordEvent]:
    """`chain` with chords under a theme that hold its strong notes, changing seldom."""
    if placed.beat >= form.final_beat - 1e-6:
        return chain
    end = min(placed.end, form.final_beat)
    until = next(
        (bar.beat for bar in plan.tempo.bar_lines(end - 1e-6, form.final_beat)), form.final_beat
    )
    key = _at(chain, placed.beat).key
    resumed = _at(chain, until)
    edges = {placed.beat}
    starts = [start for start, _, _ in placed.notes]
    edges |= {s for s in starts if s > placed.beat and is_strong(*plan.tempo.place(s))}
    carrying: list[ChordEvent] = []
    marks = [*sorted(edges), end]
    for opens, closes in pairwise(marks):
        here = [
            (pitch % 12, min(closes, start + length) - max(opens, start))
            for start, length, pitch in placed.notes
            if start < closes - 1e-6 and start + length > opens + 1e-6
        ]
        held = carrying[-1].numeral if carrying else None
        numeral = _best(key, here, held, first=not carrying)
        if numeral != held:
            carrying.append(ChordEvent(opens, numeral, key))
    rest = [e for e in chain if e.start > until - 1e-6]
    if until < form.final_beat - 1e-6 and (not rest or rest[0].start > until + 1e-6):
        rest.insert(0, ChordEvent(until, resumed.numeral, resumed.key))
    return [*(e for e in chain if e.start < placed.beat - 1e-6), *carrying, *rest]


def _best(key: Key, notes: Sequence[tuple[int, float]], held: str | None, *, first: bool) -> str:
    """The triad that carries `notes` (pitch class, beats) best; its first note must be in it.

    The first chord is the tonic where it can be.
    """
    if first and notes[0][0] in parse_roman(key.home, key.tonic).pitch_classes:
        return key.home
    numerals = [
        numeral_of(root, key.tonic, minor=minor) for root in range(12) for minor in (False, True)
    ]
    scores: list[tuple[float, str]] = []
    for numeral in numerals:
        classes = set(parse_roman(numeral, key.tonic).pitch_classes)
        if notes[0][0] not in classes:
            continue
        score = sum(beats if note in classes else -0.5 * beats for note, beats in notes)
        score -= 1.5 * len(classes - key.notes)
        score += _HOLD_BONUS if numeral == held else 0.0
        score += 0.3 if numeral.upper() in ("I", "IV", "V", "VI", "BVI") else 0.0
        scores.append((round(score, 6), numeral))
    return max(scores)[1]


def _at(chain: Sequence[ChordEvent], beat: float) -> ChordEvent:
    """The chord that sounds at `beat`."""
    return next((e for e in reversed(chain) if e.start <= beat + 1e-6), chain[0])


def _put(chain: Sequence[ChordEvent], event: ChordEvent) -> list[ChordEvent]:
    """`chain` with `event` sounding from its start on, in place of what began there or later."""
    return [entry for entry in chain if entry.start < event.start - 1e-6] + [event]
