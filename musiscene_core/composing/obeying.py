"""What must not sound is taken out, and the rest is as loud as the words want it.

Taken out are silences, stems and instruments that the words rule out, and rests that the scene
asks for. Works on finished parts, so that it holds whatever wrote them. Knows nothing of harmony.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from musiscene_core.composing.form import Form
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.styling import allowed_alone, ruled_out, silent_roles
from musiscene_core.composing.wording.wishes import Asked, Wishes
from musiscene_core.cue import STEM_ROLES, Note, Part, StemRole

_ON_THE_HIT_S = 0.05
"""A time this near to a met hit is that hit's beat."""
_GREAT_HIT = 0.9
_HUSH_BEATS = 0.5
_HUSH_AROUSAL = 0.5
"""From this arousal of the idiom on, a great hit strikes out of half a beat of silence."""
_PEDAL_FROM_S = 12.0
"""Speech this long at low arousal is scored by a pedal alone."""
_PEDAL_AROUSAL = -0.4
_PEDAL_ROLES: frozenset[StemRole] = frozenset(("bass", "texture"))
_BUTTON_BEATS = 0.5
_SHORTEST = 0.02
_SOFTEST, _LOUDEST = 0.2, 1.4
_EDGE_SHARE = 0.25
"""How much of a cue "starts quiet" and "ends quiet" are about."""


@dataclass(frozen=True)
class Rest:
    """A stretch of beats in which only some may play.

    Attributes:
        start: first beat.
        end: beat after the last.
        roles: stems that rest.
        instruments: instruments that rest; None for all of those stems.
        beside: instruments that play on.
        spares_hits: whether what begins on a hit stays.
    """

    start: float
    end: float
    roles: frozenset[StemRole]
    instruments: frozenset[str] | None = None
    beside: frozenset[str] = frozenset()
    spares_hits: bool = False

    def silences(self, part: Part) -> bool:
        """Whether `part` rests here."""
        if part.role not in self.roles or part.instrument in self.beside:
            return False
        return self.instruments is None or part.instrument in self.instruments


_EVERY: frozenset[StemRole] = frozenset(STEM_ROLES)


def obey(plan: Plan, form: Form, parts: Iterable[Part]) -> tuple[Part, ...]:
    """`parts` without what must not sound, as loud as the words want them."""
    rests = (*_worded(plan), *_of_the_scene(plan))
    hits = frozenset(round(hit.beat, 5) for hit in plan.hits)
    kept = []
    for part in parts:
        notes: Sequence[Note] = part.notes
        for rest in rests:
            if rest.silences(part):
                notes = _rested(notes, rest, hits if rest.spares_hits else frozenset())
        notes = _ended(plan, form, notes)
        notes = [_as_loud(plan, note) for note in notes]
        if notes:
            kept.append(msgspec.structs.replace(part, notes=tuple(notes)))
    return tuple(kept)


def loudness(wishes: Wishes, seconds: float, length_s: float) -> float:
    """The factor on velocities that the words ask for at `seconds` of a cue of `length_s`."""
    factor = 1.0
    for asked in wishes.of("dynamic"):
        factor *= _dynamic(asked, seconds, length_s)
    return min(_LOUDEST, max(_SOFTEST, factor))


def _dynamic(asked: Asked, seconds: float, length_s: float) -> float:
    start_s, end_s = asked.start_s, min(asked.end_s, length_s)
    share = min(1.0, max(0.0, (seconds - start_s) / max(1e-6, end_s - start_s)))
    within = asked.holds(seconds)
    value, edge = asked.value, _EDGE_SHARE * length_s
    if asked.denied:
        # "Not loud" is a little quiet and the other way about; "no build" asks for nothing.
        return {"loud": 0.8, "quiet": 1.15}.get(value, 1.0) if within else 1.0
    if value in ("quiet", "loud"):
        full = 0.65 if value == "quiet" else 1.25
        return float(full ** min(1.5, asked.amount)) if within else 1.0
    if value == "grow":
        return 0.6 + 0.6 * share if within else 1.0
    if value == "fade":
        return 1.0 - 0.75 * share if seconds >= start_s else 1.0
    near_start, near_end = max(0.0, 1 - seconds / edge), max(0.0, 1 - (length_s - seconds) / edge)
    if value == "start quiet":
        return 1.0 - 0.5 * near_start
    return 1.0 + (0.25 if value == "end loud" else -0.5) * near_end


def _as_loud(plan: Plan, note: Note) -> Note:
    factor = loudness(plan.wishes, plan.clock.seconds(note.start), plan.scene.length_s)
    if factor == 1.0:
        return note
    velocity = min(127, max(8, round(note.velocity * factor)))
    return Note(note.start, note.length, note.pitch, velocity)


def _worded(plan: Plan) -> list[Rest]:
    """The rests that the words ask for."""
    rests = [
        Rest(*_beats(plan, asked.start_s, asked.end_s), _EVERY)
        for asked in plan.wishes.of("silence")
    ]
    return rests + _orchestral(plan)


def _orchestral(plan: Plan) -> list[Rest]:
    """Rests of the stems and instruments that the words rule out, from change to change."""
    wishes, length_s = plan.wishes, plan.scene.length_s
    asked = [*wishes.of("instrument"), *wishes.of("role")]
    if not asked:
        return []
    times = {0.0, *(one.start_s for one in asked), *(one.end_s for one in asked)}
    edges = sorted(time for time in times if 0.0 <= time < length_s)
    rests = []
    for start_s, end_s in zip(edges, [*edges[1:], math.inf], strict=True):
        span = _beats(plan, start_s, end_s)
        silent = silent_roles(wishes, start_s)
        if silent:
            rests.append(Rest(*span, frozenset(role for role in STEM_ROLES if role in silent)))
        out = ruled_out(wishes, start_s)
        if out:
            rests.append(Rest(*span, _EVERY, instruments=out))
        alone = allowed_alone(wishes, start_s)
        if alone is not None:
            wanted = {one.value for one in wishes.of("role", start_s)} - silent
            roles = frozenset(role for role in STEM_ROLES if role not in wanted & {"percussion"})
            rests.append(Rest(*span, roles, beside=alone))
    return rests


def _of_the_scene(plan: Plan) -> list[Rest]:
    """Half a beat of silence before a great hit, and a pedal alone under long, calm speech."""
    rests = []
    main, clock = plan.main_hit, plan.clock
    if main is not None and main.weight >= _GREAT_HIT and main.beat - plan.start_beat > 4:
        idiom = plan.passage_at(max(0.0, clock.seconds(main.beat) - 0.1)).idiom
        if idiom.arousal >= _HUSH_AROUSAL:
            rests.append(Rest(main.beat - _HUSH_BEATS, main.beat, _EVERY))
    for region in plan.scene.brief.dialogue:
        calm = plan.scene.mood(region.start_s, region.end_s).arousal <= _PEDAL_AROUSAL
        if region.end_s - region.start_s >= _PEDAL_FROM_S and calm:
            start, end = clock.beat(region.start_s), clock.beat(region.end_s)
            roles = frozenset(_EVERY - _PEDAL_ROLES)
            rests.append(Rest(start, end, roles, spares_hits=True))
    return rests


def _beats(plan: Plan, start_s: float, end_s: float) -> tuple[float, float]:
    """A stretch of seconds in beats; a time at a met hit is the hit's own beat."""

    def beat(seconds: float) -> float:
        if seconds <= 0:
            return -math.inf
        if seconds >= plan.scene.length_s:
            return math.inf
        for hit in plan.hits:
            if abs(plan.clock.seconds(hit.beat) - seconds) <= _ON_THE_HIT_S:
                return hit.beat
        return plan.clock.beat(seconds)

    return beat(start_s), beat(end_s)


def _rested(notes: Sequence[Note], rest: Rest, spared: frozenset[float]) -> list[Note]:
    """`notes` with none that begins in the rest, and none that sounds on into it."""
    kept = []
    for note in notes:
        if rest.start - 1e-6 <= note.start < rest.end - 1e-6:
            if round(note.start, 5) in spared:
                kept.append(note)
            continue
        if note.start < rest.start < note.start + note.length:
            length = round(rest.start - note.start, 6)
            if length < _SHORTEST:
                continue
            note = Note(note.start, length, note.pitch, note.velocity)
        kept.append(note)
    return kept


def _ended(plan: Plan, form: Form, notes: Sequence[Note]) -> list[Note]:
    """`notes` with the last chord cut short where the words ask for a button."""
    endings = [asked.value for asked in plan.wishes.of("ending") if not asked.denied]
    if not endings or endings[-1] != "button":
        return list(notes)
    stop = form.final_beat + _BUTTON_BEATS
    return [
        Note(n.start, round(min(n.length, stop - n.start), 6), n.pitch, n.velocity)
        for n in notes
        if n.start < stop - _SHORTEST
    ]
