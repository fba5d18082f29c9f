"""Moments of a scene as people name them: "0:12", "the door", "the second shot", "the last 10 s".

Names are looked for in hit points' labels, markers' names and comments, and sentences of the
captions that give a time. All results are cue seconds. Knows nothing of music.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from musiscene_core.brief import SceneBrief
from musiscene_core.composing.wording.lexicon import is_filler
from musiscene_core.composing.wording.lexing import Token, tokens, word_set
from musiscene_core.errors import TimecodeError
from musiscene_core.timecode import parse_timecode

_CLOCK = re.compile(r"\b(\d{1,3}):(\d{2})\b")
_SENTENCE = re.compile(r"[^.!?\n]+")
_SKIPPED = word_set("the a an this that its his her their our my der die das le la il el")
_ORDINALS = MappingProxyType(
    {
        **{
            word: number
            for number, word in enumerate(
                "first second third fourth fifth sixth seventh eighth ninth tenth".split()  # noqa: SIM905
            )
        },
        "last": -1, "final": -1, "next": 0, "opening": 0, "closing": -1,
    }
)  # fmt: skip
_SECONDS = word_set("s sec secs second seconds sekunden secondes secondi segundos")
_MINUTES = word_set("m min mins minute minutes minuten minuti minutos")
_KINDS = MappingProxyType(
    {
        **dict.fromkeys(("shot", "shots", "scene", "image", "picture"), "shot"),
        **dict.fromkeys(("cut", "cuts", "edit", "schnitt"), "cut"),
        **dict.fromkeys(("dissolve", "crossfade"), "dissolve"),
        **dict.fromkeys(("hit", "hits", "impact", "accent"), "hit"),
        **dict.fromkeys(("marker", "markers"), "marker"),
        **dict.fromkeys(("dialogue", "dialog", "speech", "voice", "talking", "speaks"), "dialogue"),
        **dict.fromkeys(("beginning", "start", "opening", "outset", "anfang"), "beginning"),
        **dict.fromkeys(("middle", "midpoint", "mitte"), "middle"),
        **dict.fromkeys(("end", "ending", "finish", "close", "ende", "fin"), "end"),
        **dict.fromkeys(("half", "hälfte"), "half"),
        **dict.fromkeys(("third",), "third"),
    }
)


@dataclass(frozen=True)
class Place:
    """A moment or a stretch of the cue, in seconds; the two are one for a moment."""

    start_s: float
    end_s: float


class Places:
    """The places of one scene, ready to be looked up."""

    def __init__(self, brief: SceneBrief) -> None:
        self._rate = brief.timeline.rate
        self._record = brief.timeline.record
        self.length_s = float(self._rate.seconds(self._record.length))
        self._named: dict[str, list[Place]] = {}
        self.labels: list[str] = []
        self._listed: dict[str, list[Place]] = {
            "shot": [self._frames(shot.start_frame, shot.end_frame) for shot in brief.shots],
            "cut": [self._frame(shot.start_frame) for shot in brief.shots if shot.start_frame > 0],
            "dissolve": [
                self._frame(shot.start_frame)
                for shot in brief.shots
                if shot.transition in ("dissolve", "fade")
            ],
            "hit": [self._frame(hit.frame) for hit in brief.hit_points],
            "marker": [],
            "dialogue": [Place(region.start_s, region.end_s) for region in brief.dialogue],
        }
        self._best: dict[str, Place] = {}
        for hit in sorted(brief.hit_points, key=lambda hit: (hit.rank, hit.frame)):
            place = self._frame(hit.frame)
            self._best.setdefault("hit", place)
            if hit.kind == "cut":
                self._best.setdefault("cut", place)
            self._name(hit.label, place)
        for marker in brief.timeline.markers:
            frame = marker.record.start - self._record.start
            if 0 <= frame < self._record.length:
                place = self._frame(frame)
                self._listed["marker"].append(place)
                self._name(marker.name, place)
                self._name(marker.comment, place)
        self._read_captions(brief)

    def find(self, words: Sequence[Token], at: int) -> tuple[Place, int] | None:
        """The place named from `at` on, and the index after its name; None where none is."""
        at = _past_articles(words, at)
        if at >= len(words):
            return None
        return self._time(words, at) or self._event(words, at)

    def _event(self, words: Sequence[Token], at: int) -> tuple[Place, int] | None:
        """A place that is no time by itself."""
        at = _past_articles(words, at)
        if at >= len(words):
            return None
        return self._counted(words, at) or self._label(words, at)

    def _time(self, words: Sequence[Token], at: int) -> tuple[Place, int] | None:
        word = words[at].form
        if not words[at].is_number:
            return None
        if word.count(":") + word.count(";") == 3:
            try:
                frame = parse_timecode(word, self._rate) - self._record.start
            except TimecodeError:
                return None
            return (self._frame(frame), at + 1) if 0 <= frame < self._record.length else None
        if ":" in word:
            parts = word.split(":")
            if len(parts) > 3:
                return None
            try:
                seconds = sum(float(p) * 60**n for n, p in enumerate(reversed(parts)))
            except ValueError:
                return None
            after = at + 1
        else:
            unit = words[at + 1].form if at + 1 < len(words) else ""
            factor = 1 if unit in _SECONDS else 60 if unit in _MINUTES else 0
            try:
                seconds = float(word.replace(",", ".")) * factor
            except ValueError:
                return None
            if not factor:
                return None
            after = at + 2
        if (
            after < len(words)
            and words[after].form in ("before", "from")
            and after + 2 < len(words)
        ):
            # "5 seconds before the end"
            found = self._event(words, after + 1)
            if found is not None:
                seconds, after = found[0].start_s - seconds, found[1]
        return (Place(seconds, seconds), after) if 0 <= seconds <= self.length_s else None

    def _counted(self, words: Sequence[Token], at: int) -> tuple[Place, int] | None:
        """A place that is counted or one of a kind: "second shot", "last 10 seconds", "the end"."""
        order = _ORDINALS.get(words[at].form)
        following = words[at + 1] if at + 1 < len(words) else None
        if order is not None and following is not None:
            if following.is_number and order in (0, -1):
                span = self._span(words, at + 1)
                if span is not None:
                    lasts, after = span
                    lasts = min(lasts, self.length_s)
                    begins = 0.0 if order == 0 else self.length_s - lasts
                    return Place(begins, begins + lasts), after
            kind = _KINDS.get(following.form)
            if kind in ("half", "third"):
                share = self.length_s / (2 if kind == "half" else 3)
                count = 2 if kind == "half" else 3
                index = order % count if order < count else count - 1
                return Place(index * share, (index + 1) * share), at + 2
            several = self._listed.get(kind or "", [])
            if several and -len(several) <= order < len(several):
                return several[order], at + 2
            return None
        kind = _KINDS.get(words[at].form)
        if kind == "beginning":
            return Place(0.0, 0.0), at + 1
        if kind == "end":
            return Place(self.length_s, self.length_s), at + 1
        if kind == "middle":
            return Place(self.length_s / 2, self.length_s / 2), at + 1
        if kind is None:
            return None
        if kind == "dialogue" and self._listed[kind]:
            regions = self._listed[kind]
            return Place(regions[0].start_s, regions[-1].end_s), at + 1
        if kind in self._best:
            return self._best[kind], at + 1
        several = self._listed.get(kind, [])
        # "the cut" with several and none marked out is the first one.
        return (several[0], at + 1) if several else None

    def _span(self, words: Sequence[Token], at: int) -> tuple[float, int] | None:
        unit = words[at + 1].form if at + 1 < len(words) else ""
        factor = 1 if unit in _SECONDS else 60 if unit in _MINUTES else 0
        try:
            number = float(words[at].form.replace(",", "."))
        except ValueError:
            return None
        return (number * factor, at + 2) if factor else None

    def _label(self, words: Sequence[Token], at: int) -> tuple[Place, int] | None:
        """The place whose label shares most words with those from `at` on."""
        scores: dict[Place, int] = {}
        after = at
        for index in range(at, min(len(words), at + 5)):
            word = words[index]
            if word.is_mark:
                break
            found = self._named.get(_stem(word.form), [])
            if not found and not is_filler(word.form) and index > at and scores:
                break
            for place in found:
                scores[place] = scores.get(place, 0) + 1
                after = index + 1
            if not found and not scores:
                break
        if not scores:
            return None
        best = max(scores, key=lambda place: (scores[place], -place.start_s))
        # "until the door opens": a verb that tells what happens there belongs to the name.
        if after < len(words) and words[after].form in _HAPPENS:
            after += 1
        return best, after

    def _read_captions(self, brief: SceneBrief) -> None:
        for name in brief.captions.__struct_fields__:
            for sentence in _SENTENCE.finditer(getattr(brief.captions, name).text[:20_000]):
                clock = _CLOCK.search(sentence[0])
                if clock is None:
                    continue
                seconds = int(clock[1]) * 60 + int(clock[2])
                if 0 < seconds < self.length_s and name in ("video", "scene_imagination"):
                    self._name(sentence[0], Place(seconds, seconds), listed=False)

    def _name(self, text: str, place: Place, *, listed: bool = True) -> None:
        if listed and text and text not in self.labels:
            self.labels.append(text)
        for token in tokens(text[:400]):
            known = self._named.setdefault(_stem(token.form), [])
            if not token.is_mark and not is_filler(token.form) and place not in known:
                known.append(place)

    def _frame(self, frame: int) -> Place:
        seconds = float(self._rate.seconds(frame))
        return Place(seconds, seconds)

    def _frames(self, start: int, end: int) -> Place:
        return Place(float(self._rate.seconds(start)), float(self._rate.seconds(end)))


_HAPPENS = word_set(
    "opens closes slams appears arrives enters leaves falls explodes breaks starts begins ends "
    "shuts drops dies rings stops speaks runs wakes turns"
)


def _past_articles(words: Sequence[Token], at: int) -> int:
    while at < len(words) and words[at].form in _SKIPPED:
        at += 1
    return at


def _stem(form: str) -> str:
    """A word without a plural's or a verb's s."""
    return form[:-1] if len(form) > 3 and form.endswith("s") and not form.endswith("ss") else form
