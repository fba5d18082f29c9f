"""Signs that a captioner has gone wrong though its scores may look well.

A captioner of scenes falls back into describing music ("The music is upbeat and energetic", as
MU-LLaMA says of nearly everything), says one sentence of all, or recites what it was trained with.
Whether a caption names a scene is told by words for people, places and what happens: a rule that
errs on single captions and serves for shares of many.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from musiscene_training.evaluate.metrics import distinct

_RELAPSE = re.compile(r"\b(upbeat and energetic|energetic and upbeat)\b")
_COPIED_WORDS = 8
"""So many words in the same order are hardly chance."""
_MOST_SCENELESS, _MOST_RELAPSED, _MOST_SAME, _MOST_COPIED = 0.2, 0.05, 0.1, 0.05
_LEAST_DISTINCT = 0.5
_LEAST_STEPS, _LEAST_FALL = 20, 0.01
_LEAST_ITEMS = 10
"""Of fewer captions shares say little; sameness is not judged."""

# Words that music is described with too, such as bridge, bar, house or driving, are left out.
_STEMS = """
    adult adventur ambush amusement animal anniversar apartment argu arriv athlet audience
    awaken basketball battlefield birthday candle carnival castle cathedral celebrat ceremon
    chasing child church classroom climb coast competition confront corridor countryside
    couple crowd dancer dancing detective discover documentar embrac enem escap explor factor
    famil farewell farmer festival fight flight flying football forest friend funeral garden
    girl goodbye graveyard groom guest harbo heroine highway hiking holiday hospital hotel
    hunter investigat island jungle kiss kitchen landscape lover market meadow memorial mother
    mountain murder museum ocean office opponent palace parade parent parti people person
    pilot police prince prison procession puppet pursu race racing rescu restaurant reunion
    reunit river robber rooftop ruins running sailing scientist sitting skating skyline soccer
    soldier sport stadium standing station stranger street student sunrise sunset survivor
    swimm talking temple thief thieves threat tourist travel tunnel underwater vehicle victor
    village villain walking warehouse warrior wedding woman women worker workout
"""
_WORDS = """
    actor alley arena baby battle beach bird boat boy bride cafe car cave chase cities city
    courtroom crime date desert diner dinner dog driver duel father fog game gang graduation
    guard hands heist hero hill home horse journey kid king lake man meal men monster park
    party picnic queen rider road room school sea shadow shop sky spy storm team teenager town
    train trip visitor walk war water wood
"""
_SCENE = re.compile(rf"\b({'|'.join(_STEMS.split())}|({'|'.join(_WORDS.split())})(s|es|'s)?\b)")


class Check(msgspec.Struct, frozen=True):
    """One sign.

    Attributes:
        name: what is looked at.
        value: a share, 0 to 1.
        limit: beyond which it is a warning, or below which where much is good; None where nothing
            is judged.
        warns: whether it is.
        says: what that means, a sentence.
    """

    name: str
    value: float
    limit: float | None
    warns: bool
    says: str


def names_scene(caption: str) -> bool:
    """Whether `caption` has a word for who, where or what is to be seen."""
    return _SCENE.search(caption.lower()) is not None


def relapsed(caption: str) -> bool:
    """Whether `caption` says what MU-LLaMA says of nearly everything."""
    return _RELAPSE.search(caption.lower()) is not None


def copied(captions: Sequence[str], training: Sequence[str]) -> list[bool]:
    """Whether each caption is one of `training`, or half of it lies there eight words at a time."""
    whole = {tuple(_words(text)) for text in training}
    grams = {gram for words in whole for gram in _grams(words)}
    found = []
    for caption in captions:
        words = tuple(_words(caption))
        own = _grams(words)
        there = sum(gram in grams for gram in own)
        found.append(bool(words) and (words in whole or (bool(own) and 2 * there >= len(own))))
    return found


def checks(
    captions: Sequence[str], references: Sequence[Sequence[str]], training: Sequence[str] = ()
) -> tuple[Check, ...]:
    """Every sign, of captions one an item; copies are looked for where there is training text."""
    count = len(captions)
    again = sum(relapsed(caption) for caption in captions) / count
    same = Counter(" ".join(_words(caption)) for caption in captions).most_common(1)[0][1] / count
    twos = distinct(captions, 2)
    wanted = _LEAST_DISTINCT * distinct([texts[0] for texts in references], 2)
    many = count >= _LEAST_ITEMS
    found = [
        sceneless(captions),
        _most(
            "upbeat and energetic", again, _MOST_RELAPSED, "The captioner fell back to MU-LLaMA."
        ),
        Check("distinct-1", distinct(captions, 1), None, False, "Different words among all."),
        Check(
            "distinct-2",
            twos,
            wanted,
            many and twos < wanted,
            "Captions vary less than half as much as their references.",
        ),
        Check(
            "most common caption",
            same,
            _MOST_SAME,
            many and same > _MOST_SAME,
            "One caption is said of too many items.",
        ),
    ]
    if training:
        share = sum(copied(captions, training)) / count
        found.append(_most("copies of training text", share, _MOST_COPIED, "Captions are recited."))
    return tuple(found)


def sceneless(captions: Sequence[str]) -> Check:
    """How many of captions that should name a scene do not."""
    share = sum(not names_scene(caption) for caption in captions) / len(captions)
    return _most("no scene", share, _MOST_SCENELESS, "Captions describe music, not scenes.")


def standing(losses: Sequence[float]) -> Check | None:
    """Whether a training's loss moves, by its first and last tenth; None with too few steps.

    The value is how much it fell, as a share of what it was; below 0 it rose.
    """
    tenth = len(losses) // 10
    if len(losses) < _LEAST_STEPS or not all(map(math.isfinite, losses)):
        return None
    first, last = statistics.fmean(losses[:tenth]), statistics.fmean(losses[-tenth:])
    fell = (first - last) / first if first else 0.0
    says = "The loss does not fall: see that the rate is not 0 and that the captioner listens."
    return Check("loss falls", fell, _LEAST_FALL, fell < _LEAST_FALL, says)


def _most(name: str, value: float, limit: float, says: str) -> Check:
    return Check(name, value, limit, value > limit, says)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _grams(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + _COPIED_WORDS]) for at in range(len(words) - _COPIED_WORDS + 1)]
