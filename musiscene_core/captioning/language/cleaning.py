"""An answer of a language model as a caption: what belongs to the talk around it taken away.

In this order: marks of the chat format and of thinking aloud; Markdown and quotes around the
whole; a greeting before and an offer after; talk of "captions", which are the prompt's words and
not the scene's; sentences said before; a last sentence that was cut off. 622 of the 699 texts
that Mixtral wrote for VACAD talk of captions. What is only a refusal is no answer at all.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CAPTION = 2_000
"""Characters a caption has at most."""


class Cleaned(NamedTuple):
    """A caption, or why there is none.

    Attributes:
        text: the caption; empty where the answer was none.
        reason: why it is empty.
    """

    text: str
    reason: str = ""


_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKS = re.compile(
    r"<\|[a-z_]{1,30}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(start|end)_of_turn>(model|user)?",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^```\w*\s*\n?|\n?```\s*$")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_LINE_MARKS = re.compile(r"^\s*(#{1,6}\s+|[-*•]\s+|\d{1,2}[.)]\s+)")
_LABEL = re.compile(
    r"^(answer|response|output|description|music description|fusion|caption|music|scene|"
    r"music conditions?|conditions?)\s*:\s+",
    re.IGNORECASE,
)
_INTRO = re.compile(
    r"^((sure|certainly|of course|absolutely|okay|ok|great|gladly|no problem)\b[^.!:\n]{0,60}[.!,:]"
    r"\s*)?((here('s| is| are)|below (is|are)|this is|the following is)\b[^.:\n]{0,160}:\s*)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(sure|certainly|of course|absolutely|okay|ok|great|gladly|no problem)( thing)?[!,.:]\s+",
    re.IGNORECASE,
)
_OUTRO = re.compile(
    r"^(i hope|hope this|let me know|feel free|please (let|feel|note)|"
    r"if you (need|want|would|have)|would you like|is there anything|"
    r"note that this|note:|thank you|do you want|"
    r"this (description|answer|response) (is|was|combines|captures))",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"^(i('m| am) (sorry|unable|not able|afraid)|sorry|i (can't|cannot|can not|won't)|"
    r"as an ai|as a (large )?language model|unfortunately, i|i do not have|i don't have|"
    r"i apologi[sz]e|my apologies)",
    re.IGNORECASE,
)
_KINDS = r"(?:(?:video|music|audio|musical|visual|image)(?:(?:,| and| or) )?)*"
_BASED_ON = re.compile(
    rf"\b(based on|according to|from|given|judging by|considering|as per|in) (both )?(the |these |"
    rf"those )?(provided |given |two |above )?{_KINDS} ?captions?( provided| given| above)?,? ?",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(
    rf" ?,? ?\b((as )?(described|mentioned|depicted|suggested|indicated|provided|presented|given) "
    rf"(in|by) )(both )?(the |these )?(provided )?{_KINDS} ?captions?( for the [^,.;]*)?,?",
    re.IGNORECASE,
)
_SUGGESTS = re.compile(
    rf"\b(both )?(the |these )?{_KINDS} ?captions? "
    r"(suggests?|indicates?|describes?|mentions?|says?|shows?) (that )?",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]?\s+")
_ENDS = (".", "!", "?", "…", '."', '!"', ".”", ".'", ".)")


def clean(answer: str) -> Cleaned:
    """The caption in a language model's answer."""
    text = _MARKS.sub(" ", _THINKING.sub(" ", answer)).strip()
    text = _FENCE.sub("", text).strip()
    text = _EMPHASIS.sub(r"\2", text)
    text = "\n".join(map(_unmarked, text.splitlines()))
    text = _unquoted(text)
    text = _INTRO.sub("", _GREETING.sub("", text), count=1).strip()
    text = _unquoted(_LABEL.sub("", text, count=1))
    text = " ".join(text.split())
    if not text:
        return Cleaned("", "the answer is empty")
    if _REFUSAL.match(text):
        return Cleaned("", "it refuses")
    sentences = _without_talk(_SENTENCE.split(text))
    if not any(letter.isalpha() for sentence in sentences for letter in sentence):
        return Cleaned("", "the answer says nothing")
    return Cleaned(_joined(sentences))


def _unmarked(line: str) -> str:
    """A line of a list or a heading as a sentence; any other as it is."""
    bare = _LINE_MARKS.sub("", line).rstrip()
    return line if bare == line.rstrip() else bare if bare.endswith((*_ENDS, ":")) else f"{bare}."


def _unquoted(text: str) -> str:
    for first, last in (('"', '"'), ("“", "”"), ("'", "'"), ("`", "`")):
        inner = text[1:-1]
        if len(text) > 2 and text[0] == first and text[-1] == last and first not in inner:
            return inner.strip()
    return text


def _without_talk(sentences: list[str]) -> list[str]:
    kept: list[str] = []
    said: set[str] = set()
    for sentence in sentences:
        for talk in (_DESCRIBED, _SUGGESTS, _BASED_ON):
            sentence = talk.sub("", sentence)
        sentence = sentence.strip(" ,;")
        if not sentence or _OUTRO.match(sentence):
            continue
        plain = re.sub(r"\W+", " ", sentence.casefold()).strip()
        if plain in said:
            continue
        said.add(plain)
        kept.append(sentence[0].upper() + sentence[1:])
    wordless = [one for one in kept if "caption" not in one.casefold()]
    return wordless or kept


def _joined(sentences: list[str]) -> str:
    if len(sentences) > 1 and not sentences[-1].endswith(_ENDS):
        sentences = sentences[:-1]
    text = ""
    for sentence in sentences:
        if text and len(text) + 1 + len(sentence) > MAX_CAPTION:
            break
        text = f"{text} {sentence}".strip()
    return text[:MAX_CAPTION]
