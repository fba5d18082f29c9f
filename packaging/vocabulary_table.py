"""Writes docs/vocabulary.md from the composer's tables of words. Run it after changing them:

python packaging/vocabulary_table.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.wording import grammar, vocabulary
from musiscene_core.composing.wording.instruments import FAMILIES, INSTRUMENTS, STAND_INS
from musiscene_core.composing.wording.lexing import MAX_TEXT
from musiscene_core.composing.wording.reading import FASTEST, SLOWEST
from musiscene_core.feelings import PLACES, WORDS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "vocabulary.md"
_INTRODUCTION = f"""# The composer's vocabulary

Written by `packaging/vocabulary_table.py` from `musiscene_core/composing/wording/` and
`musiscene_core/feelings.py`; do not edit.

The caption that steers a request is read for wishes, for example:

    felt piano, sparse, no percussion until the door, D minor, 68 BPM

Case and accents do not matter; the first {MAX_TEXT} characters are read.

**Who leads.** The request's own fields (`--tempo`, `--key`, `--hit`, `--idiom`) lead over the
words, the words over a curve that a user drew, that curve over what was measured in the scene.
Where two words contradict each other, the later one wins.

**What is not understood is told**, word for word and with the nearest spelling, among the take's
warnings. This goes for captions that a user wrote or edited, other than descriptions of the
picture (`video`, `scene_imagination`). A model's prose is read in silence, its descriptions of the
picture for moods only. Captions made from signals are not read: the brief says the same with
confidences.

**Clauses** end at a comma, semicolon, full stop or line, at a joint and at a turn. A denial, an
"only" and a place hold for their clause; a clause that is nothing but a place ("from the door,
brass") speaks for the next one.

**Order.** A joint parts the cue: "tense, then triumphant" makes two parts of one length, or parted
where a place says so. What a later part asks anew ends where it begins; the rest goes on.

**Places** are a clock time, a record timecode, a shot, cut, hit or marker by number or by name,
speech, a half, the first or last seconds, and 5 seconds before any of them. "The door" is looked
for in the labels of hit points, in names and comments of markers, and in sentences of the
picture's captions that give a time. A moment that words name is met like a hit. A place that
nothing is called by is told, and the wish then holds throughout
(but for a silence, which is left out). A change of style or instruments falls on the bar line
nearest to its time, a silence or "no drums" on the moment itself.

**Keys** such as D minor, F#m, "in Eb", fis-Moll, ré mineur; **tempi** from {SLOWEST} to {FASTEST}
such as 68 BPM, "around 90", "ca. 120".
"""
_GRAMMAR = (
    ("denial", ", ".join(sorted(grammar.DENIALS))),
    ("only", ", ".join((*sorted(grammar.ONLY), *grammar.ONLY_PHRASES))),
    ("joint", ", ".join(grammar.NEXT)),
    ("turn", ", ".join(sorted(grammar.BREAKS))),
)
_PLACES = (
    ("until", grammar.UNTIL, "from the beginning to the place"),
    ("from", grammar.FROM, "from the place (the end of a shot or of speech) on"),
    ("at", grammar.AT, "from the moment on; a silence lasts 2 s, a crescendo leads there"),
    ("during", grammar.DURING, "within a shot, a half, speech, the first or last seconds"),
    ("between", grammar.BETWEEN, "from one place to another"),
)


def document() -> str:
    """The whole page."""
    text = _INTRODUCTION + "\n" + _table("Grammar", ("Kind", "Words"), _GRAMMAR)
    text += _table(
        "Places", ("Kind", "Words", "Holds"), [(a, _listed(b), c) for a, b, c in _PLACES]
    )
    moods = [
        (name, f"{v:+.2f} / {a:+.2f}", _listed(_mood_words(name)))
        for name, (v, a) in PLACES.items()
    ]
    text += _table("Moods", ("Dimension", "Valence / arousal", "Words"), moods)
    idioms = [
        (
            idiom.name,
            f"{idiom.bpm[0]}-{idiom.bpm[1]}",
            vocabulary.IDIOM_WORDS[idiom.name],
        )
        for idiom in sorted(IDIOMS, key=lambda idiom: idiom.name)
    ]
    text += _table("Idioms", ("Idiom", "BPM", "Words"), idioms)
    text += _table(
        "Tempo",
        ("Tempo", "BPM", "Words"),
        [(name, f"{low}-{high}", words) for name, (words, low, high) in vocabulary.TEMPI.items()]
        + [("change", f"x {factor}", words) for factor, words in vocabulary.PACES.items()],
    )
    text += _table(
        "Modes and metres",
        ("Meant", "Words"),
        [
            *vocabulary.MODES.items(),
            *((name.replace("_", " "), w) for name, w in vocabulary.SCALE_WORDS.items()),
            *((f"{beats} beats a bar", words) for beats, words in vocabulary.METRES.items()),
        ],
    )
    text += _table(
        "Instruments",
        ("Instrument", "Words", "Also stands in for"),
        [
            (name.replace("_", " "), words, STAND_INS.get(name, ("", ""))[0])
            for name, words in INSTRUMENTS.items()
        ],
    )
    text += _table(
        "Families",
        ("Words", "Instruments"),
        [(words, _listed(m.replace("_", " ") for m in own)) for words, own in FAMILIES.values()],
    )
    text += _table("Stems", ("Stem", "Words"), vocabulary.ROLE_WORDS.items())
    text += _table(
        "Fullness",
        ("Meant", "Of the notes", "Words"),
        [(name, f"x {much}", words) for name, (words, much) in vocabulary.DENSITIES.items()],
    )
    text += _table("Dynamics", ("Meant", "Words"), vocabulary.DYNAMICS.items())
    text += _table("Register", ("Meant", "Words"), vocabulary.REGISTERS.items())
    text += _table(
        "Articulation",
        ("Meant", "Lengths", "Words"),
        [(name, f"x {much}", words) for name, (words, much) in vocabulary.ARTICULATIONS.items()],
    )
    text += _table(
        "Silence and endings",
        ("Meant", "Words"),
        [("silence", vocabulary.SILENCES), *vocabulary.ENDINGS.items()],
    )
    amounts = [(f"x {amount}", words) for amount, words in vocabulary.AMOUNTS.items()]
    text += _table("Amounts", ("Of what follows", "Words"), amounts)
    return text.rstrip() + "\n"


def _mood_words(dimension: str) -> list[str]:
    abroad = vocabulary.MOODS_ABROAD.get(dimension)
    return sorted(w for w, own in WORDS.items() if own == dimension) + ([abroad] if abroad else [])


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {title}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
