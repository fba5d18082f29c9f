"""Keys in running text: "D minor", "in Eb", "F#m", "fis-Moll", "ré mineur".

Knows nothing of scales' notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from musiscene_core.brief import Mode
from musiscene_core.composing.wording.lexicon import look_up
from musiscene_core.composing.wording.lexing import Token
from musiscene_core.keys import pitch_class

_GERMAN = MappingProxyType(
    {"h": 11, "cis": 1, "dis": 3, "es": 3, "fis": 6, "ges": 6, "gis": 8, "as": 8, "ais": 10,
     "des": 1, "ces": 11}
)  # fmt: skip
_SYLLABLES = MappingProxyType(
    {"do": 0, "ut": 0, "re": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11}
)
_ACCIDENTALS = MappingProxyType(
    {"#": "#", "♯": "#", "sharp": "#", "diese": "#", "♭": "b", "flat": "b", "bemol": "b"}
)
_MODES = frozenset(("mode", "scale"))


def read_key(tokens: Sequence[Token], at: int) -> tuple[int, Mode | None, str | None, int] | None:
    """The key named at `at`: tonic, mode, scale where a mode is named, and the index after it.

    A letter alone is a key only after "in" or "of"; a syllable or a German name only before a
    mode.
    """
    token = tokens[at]
    tonic, sure, short_minor = _tonic(token)
    if tonic is None:
        return None
    after = at + 1
    if after < len(tokens) and tokens[after].form in _ACCIDENTALS:
        tonic += 1 if _ACCIDENTALS[tokens[after].form] == "#" else -1
        sure = sure or tokens[after].form in "#♯♭"
        after += 1
        if after < len(tokens) and tokens[after].text == "m":
            return tonic % 12, "minor", None, after + 1
    mode: Mode | None = "minor" if short_minor else None
    scale = None
    if after < len(tokens):
        meanings, behind = look_up(tokens, after)
        for meaning in meanings:
            if meaning.kind == "mode":
                mode = "major" if meaning.value == "major" else "minor"
            elif meaning.kind == "scale":
                scale = meaning.value
        if mode or scale:
            if not short_minor:
                after = behind
            # "a minor change" is no key; "in a minor" and "A minor" are.
            if token.text == "a" and not _introduced(tokens, at):
                return None
            return tonic % 12, mode, scale, after
    introduced = _introduced(tokens, at) and token.text[0].isupper()
    if short_minor or (sure and token.text[:1].isupper()) or introduced:
        return tonic % 12, mode, scale, after
    return None


def _introduced(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].form in ("in", "of", "key", "en", "tonart")


def _tonic(token: Token) -> tuple[int | None, bool, bool]:
    """A pitch class, whether it is surely a note, and whether the word itself says minor."""
    text, form = token.text, token.form
    if len(form) == 1 and form in "abcdefg":
        return pitch_class(form), False, False
    if len(text) == 2 and text[0] in "ABCDEFG" and text[1] in "bm":
        if text[1] == "m":
            return pitch_class(text[0]), True, True
        return pitch_class(text[0], "b"), True, False
    if len(text) == 3 and text[0] in "ABCDEFG" and text[1:] == "bm":
        return pitch_class(text[0], "b"), True, True
    return _GERMAN.get(form, _SYLLABLES.get(form)), False, False
