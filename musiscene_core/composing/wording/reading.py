"""From a caption's words to wishes: a reader that goes once from left to right.

Marks and joints part the text into clauses; a denial ("no", "without"), an "only" and a place
("until the door") hold for their clause, and a place alone for the one that follows. "Then" begins
a new part of the cue: what a later part asks anew ends where it begins, the rest goes on. Where
two words contradict each other the later one wins. Knows nothing of requests.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from musiscene_core.composing.scales import mode_of
from musiscene_core.composing.wording.instruments import FAMILIES, STAND_INS
from musiscene_core.composing.wording.keys import read_key
from musiscene_core.composing.wording.lexicon import Entry, is_filler, look_up, nearly
from musiscene_core.composing.wording.lexing import MAX_TEXT, Token, tokens, word_set
from musiscene_core.composing.wording.places import Place, Places
from musiscene_core.composing.wording.vocabulary import TEMPI
from musiscene_core.composing.wording.wishes import Asked, Kind, TempoAsked, Unknown, Wishes

SLOWEST, FASTEST = 40, 220
"""Beats a minute that the composer plays."""
_SILENT_S = 2.0
"""How long "silence at the cut" lasts."""
_MOST_PARTS = 16
_MOST_UNKNOWN = 40
_MOST_SUGGESTED = 12
_WISHES = word_set(
    "mood idiom instrument role density dynamic register articulation silence ending"
)
_BPM = frozenset(["bpm", "beats", "bpms", "schläge"])
_ABOUT = word_set("at around about tempo circa ca approximately roughly near um environ")
_UNITS = word_set("s sec secs second seconds min mins minute minutes bars bar shots cuts")
_PREPOSITIONS = frozenset(("until", "from", "at", "during", "between"))


@dataclass
class _Clause:
    """What one clause asks before its place is known."""

    part: int
    asked: list[Asked] = field(default_factory=list)
    place: tuple[float, float] | None = None
    lost: bool = False
    denies: bool = False
    only: bool = False
    amount: float = 1.0
    at_moment: bool = False


def read(text: str, places: Places) -> Wishes:
    """What `text` asks of a scene with these places."""
    reader = _Reader(text, places)
    reader.run()
    return reader.wishes()


class _Reader:
    def __init__(self, text: str, places: Places) -> None:
        self._places = places
        self._tokens = tokens(text)
        self._clauses = [_Clause(0)]
        self._wishes = Wishes()
        self._unknown: list[Unknown] = []
        self._moments: list[float] = []
        if len(text) > MAX_TEXT:
            self._unknown.append(
                Unknown(
                    text[MAX_TEXT : MAX_TEXT + 20],
                    MAX_TEXT,
                    len(text),
                    reason=f"only the first {MAX_TEXT} characters are read",
                )
            )

    @property
    def _clause(self) -> _Clause:
        return self._clauses[-1]

    def run(self) -> None:
        at = 0
        while at < len(self._tokens):
            at = self._step(at)

    def wishes(self) -> Wishes:
        """Everything read, with times."""
        asked = tuple(dict.fromkeys(_in_parts(_placed(self._clauses), self._places.length_s)))
        starts = sorted({round(one, 3) for one in self._moments})
        inside = tuple(s for s in starts if 0.0 < s < self._places.length_s)
        return replace(
            self._wishes, asked=asked, moments=inside, unknown=tuple(self._unknown[:_MOST_UNKNOWN])
        )

    def _step(self, at: int) -> int:
        """Read what begins at token `at`; returns the index after it."""
        token = self._tokens[at]
        if token.is_mark:
            self._new_clause()
            return at + 1
        for attempt in (self._number, self._key):
            after = attempt(at)
            if after is not None:
                return after
        meanings, after = look_up(self._tokens, at)
        kinds = {meaning.kind for meaning in meanings}
        if kinds & _PREPOSITIONS:
            found = self._place(kinds, after)
            if found is not None:
                return found
            # "at" and "for" join much else; "until" and "from" join nothing but places.
            if "until" in kinds or (kinds == {"from"} and self._names_something(after)):
                return self._lost(at, after)
            meanings = tuple(meaning for meaning in meanings if meaning.kind in _WISHES)
            if not meanings:
                return after
        if not meanings:
            self._not_understood(token)
            return at + 1
        if "next" in kinds:
            self._new_clause(min(_MOST_PARTS - 1, self._clause.part + 1))
        elif "break" in kinds:
            self._new_clause()
        elif "deny" in kinds:
            self._clause.denies = True
        elif "only" in kinds:
            self._clause.only = True
        elif "amount" in kinds and not kinds & _WISHES:
            self._clause.amount = float(meanings[0].value)
        else:
            self._mean(meanings, self._tokens[at:after])
        return after

    def _mean(self, meanings: Sequence[Entry], words: Sequence[Token]) -> None:
        clause = self._clause
        for meaning in meanings:
            kind, value = meaning.kind, meaning.value
            if kind == "tempo":
                self._tempo(value)
            elif kind == "pace":
                tempo = replace(self._wishes.tempo, factor=float(value))
                self._wishes = replace(self._wishes, tempo=tempo)
            elif kind == "mode":
                self._wishes = replace(
                    self._wishes, mode="major" if value == "major" else "minor", scale=None
                )
            elif kind == "scale":
                self._wishes = replace(self._wishes, scale=value)
            elif kind == "metre":
                self._wishes = replace(self._wishes, metre=int(value))
            elif kind == "family":
                for instrument in FAMILIES[value][1]:
                    self._ask("instrument", instrument)
            elif kind == "stand-in":
                self._stand_in(value, words)
            elif kind in _WISHES:
                self._ask(kind, value)  # type: ignore[arg-type]
        clause.amount = 1.0

    def _tempo(self, name: str) -> None:
        _, low, high = TEMPI[name]
        if self._clause.denies:
            # "not too fast" is no more than the slow end of fast.
            low, high = (0.0, low) if low > 90 else (high, math.inf)
        self._wishes = replace(
            self._wishes, tempo=replace(self._wishes.tempo, bpm=None, low=low, high=high)
        )

    def _ask(self, kind: Kind, value: str) -> None:
        clause = self._clause
        denied = clause.denies
        if kind == "silence":
            # "no silence" is no wish that music could hear.
            if denied:
                return
            clause.denies = False
        clause.asked.append(
            Asked(
                kind,
                value,
                denied=denied,
                only=clause.only and kind == "instrument" and not denied,
                amount=clause.amount,
            )
        )

    def _stand_in(self, instrument: str, words: Sequence[Token]) -> None:
        if self._clause.denies:
            return
        name = STAND_INS[instrument][1]
        said = " ".join(word.text for word in words)
        self._unknown.append(
            Unknown(
                said,
                words[0].start,
                words[-1].end,
                reason=f"the composer has no {said}; the {name} plays instead",
            )
        )
        self._ask("instrument", instrument)

    def _number(self, at: int) -> int | None:
        """A tempo or a metre in figures."""
        token = self._tokens[at]
        if not token.is_number:
            return None
        before = self._tokens[at - 1].form if at else ""
        if before == "." and at > 1:
            # "ca. 104" is abbreviated, not ended.
            before = self._tokens[at - 2].form
        following = self._tokens[at + 1].form if at + 1 < len(self._tokens) else ""
        if "/" in token.form or (before == "in" and following not in _UNITS and token.form in "34"):
            beats = token.form.partition("/")[0]
            if beats in ("3", "4") and token.form.endswith(("/4", beats)):
                self._wishes = replace(self._wishes, metre=int(beats))
            else:
                self._lost_number(token, "the composer counts in 3 or 4")
            return at + 1
        try:
            number = float(token.form.replace(",", "."))
        except ValueError:
            number = math.nan
        if following in _BPM or (before in _ABOUT and following not in _UNITS and number > 30):
            after = at + 2 if following in _BPM else at + 1
            if SLOWEST <= number <= FASTEST:
                tempo = TempoAsked(number, number, number)
                self._wishes = replace(self._wishes, tempo=tempo)
            else:
                self._lost_number(
                    token, f"a tempo of {SLOWEST} to {FASTEST} beats a minute can be played"
                )
            return after
        found = self._places.find(self._tokens, at)
        if found is not None:
            self._set_place(found[0].start_s, math.inf, found[0], moment=True)
            return found[1]
        self._lost_number(token, "a number of what?")
        return at + 1

    def _lost_number(self, token: Token, reason: str) -> None:
        self._unknown.append(Unknown(token.text, token.start, token.end, reason=reason))

    def _key(self, at: int) -> int | None:
        """A key by name."""
        found = read_key(self._tokens, at)
        if found is None:
            return None
        tonic, mode, scale, after = found
        known = self._wishes.scale
        if scale is None and known is not None and mode in (None, mode_of(known)):
            # "dorian, D minor": a mode named before the key it goes with.
            scale = known
        self._wishes = replace(self._wishes, tonic=tonic, mode=mode, scale=scale)
        return after

    def _place(self, kinds: Collection[str], at: int) -> int | None:
        """The place after a preposition that ends at `at`; None where there is none."""
        found = self._places.find(self._tokens, at)
        if found is None:
            return None
        place, after = found
        if "between" in kinds:
            return self._between(place, after)
        if "until" in kinds:
            begins = self._clause.place[0] if self._clause.place else 0.0
            self._set_place(begins, place.start_s, place)
        elif "from" in kinds:
            self._set_place(place.end_s, math.inf, place)
            until = self._tokens[after].form if after < len(self._tokens) else ""
            if until in ("to", "until", "till", "bis", "a"):
                ends = self._places.find(self._tokens, after + 1)
                if ends is not None:
                    self._set_place(place.end_s, ends[0].start_s, place)
                    after = ends[1]
        elif place.end_s > place.start_s:
            self._set_place(place.start_s, place.end_s, place)
        else:
            self._set_place(place.start_s, math.inf, place, moment=True)
        return after

    def _between(self, place: Place, after: int) -> int:
        if after < len(self._tokens) and self._tokens[after].form in ("and", "und", "et", "e", "y"):
            ends = self._places.find(self._tokens, after + 1)
            if ends is not None:
                self._set_place(place.end_s, ends[0].start_s, place)
                return ends[1]
        self._set_place(place.end_s, math.inf, place)
        return after

    def _set_place(
        self, start_s: float, end_s: float, place: Place, *, moment: bool = False
    ) -> None:
        clause = self._clause
        clause.place = (start_s, end_s)
        clause.at_moment = moment
        if place.start_s == place.end_s:
            # A stretch, such as "the second half", begins somewhere but nothing happens there.
            self._moments += [s for s in (start_s, end_s) if s != math.inf]

    def _names_something(self, at: int) -> bool:
        """Whether an unknown name follows."""
        for token in self._tokens[at : at + 2]:
            if token.is_mark:
                return False
            if not look_up(self._tokens, self._tokens.index(token, at))[0] and not is_filler(
                token.form
            ):
                return True
        return False

    def _lost(self, at: int, after: int) -> int:
        """A place that nothing in the scene is called: its clause holds throughout."""
        last = after
        while last < len(self._tokens) and last < after + 4 and not self._tokens[last].is_mark:
            meanings, _ = look_up(self._tokens, last)
            if meanings and not is_filler(self._tokens[last].form):
                break
            last += 1
        if last == after:
            return after
        first, final = self._tokens[at], self._tokens[last - 1]
        name = " ".join(token.text for token in self._tokens[after:last])
        labels = tuple(repr(label) for label in self._places.labels[:2])
        self._unknown.append(
            Unknown(
                " ".join(token.text for token in self._tokens[at:last]),
                first.start,
                final.end,
                suggestions=labels,
                reason=f"no hit point, marker or caption names {name!r}",
            )
        )
        self._clause.lost = True
        return last

    def _not_understood(self, token: Token) -> None:
        if is_filler(token.form) or len(self._unknown) >= _MOST_UNKNOWN:
            return
        if any(one.text.casefold() == token.text.casefold() for one in self._unknown):
            return
        suggested = len(self._unknown) < _MOST_SUGGESTED
        meant = nearly(token.form, self._places.labels) if suggested else ()
        self._unknown.append(Unknown(token.text, token.start, token.end, meant))

    def _new_clause(self, part: int | None = None) -> None:
        last = self._clause
        number = last.part if part is None else part
        if not last.asked and number == last.part and last.place is None and not last.lost:
            self._clauses[-1] = _Clause(number)
            return
        following = _Clause(number)
        if not last.asked and last.place is not None and number == last.part:
            # "From the door, brass": a place alone is for what follows.
            following.place, following.at_moment = last.place, last.at_moment
        self._clauses.append(following)


def _placed(clauses: Sequence[_Clause]) -> list[tuple[int, bool, Asked]]:
    """Every wish with its clause's place: (part, whether the clause says when, wish)."""
    found = []
    for clause in clauses:
        for asked in clause.asked:
            one = replace(asked, only=asked.only or (clause.only and asked.kind == "instrument"))
            if clause.place is None:
                if asked.kind == "silence" and clause.lost:
                    # Silence until nobody knows when would be silence for good.
                    continue
                found.append((clause.part, False, one))
                continue
            start_s, end_s = clause.place
            if clause.at_moment and asked.kind == "silence":
                end_s = start_s + _SILENT_S
            elif clause.at_moment and asked.kind == "dynamic" and asked.value == "grow":
                start_s, end_s = 0.0, start_s
            if end_s > start_s:
                found.append((clause.part, True, replace(one, start_s=start_s, end_s=end_s)))
    return found


def _in_parts(found: Sequence[tuple[int, bool, Asked]], length_s: float) -> list[Asked]:
    """The wishes of parts that follow each other, each ending where a later part replaces it."""
    found = list(dict.fromkeys(found))
    parts = 1 + max((part for part, _, _ in found), default=0)
    if parts == 1:
        return [asked for _, _, asked in found]
    starts = [index * length_s / parts for index in range(parts)]
    for part, said, asked in found:
        # A time that the words name moves the joint it lies at.
        if said and asked.end_s < length_s and part + 1 < parts:
            starts[part + 1] = asked.end_s
        elif said and part and asked.start_s > 0:
            starts[part] = asked.start_s
    result = []
    for part, said, asked in found:
        if said:
            result.append(asked)
            continue
        begins = starts[part] if part else 0.0
        later = [
            starts[other]
            for other, _, one in found
            if other > part and one.kind == asked.kind and _rivals(one, asked)
        ]
        ends = min(later, default=math.inf)
        if ends > begins:
            result.append(replace(asked, start_s=begins, end_s=ends))
    return result


def _rivals(one: Asked, other: Asked) -> bool:
    """Whether one replaces the other: roles stand side by side, all else gives way."""
    return one.kind not in ("role", "ending") or one.value == other.value
