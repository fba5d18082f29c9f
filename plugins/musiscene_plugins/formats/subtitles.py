"""Reading subtitles: SubRip (.srt) and WebVTT (.vtt), as films carry them beside them.

Any encoding that occurs, any order, overlaps; markup is taken off, speakers of WebVTT are kept.
Knows nothing of timelines: times are seconds of the file's own clock.
Source: W3C, WebVTT; SubRip has no specification.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import InputError, TimelineError

SUBTITLE_SUFFIXES = (".srt", ".vtt")
MAX_SUBTITLE_BYTES = 16 << 20
MAX_LINES = 100_000
_LONGEST_TEXT = 4000
_MAX_HOURS = 400
_TIME = r"(-?)(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,9}))?"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-+>\s*{_TIME}(?:\s.*)?$", re.ASCII)
_BLOCKS = re.compile(r"^(NOTE|STYLE|REGION)\b")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>]{1,200})>")
_MARKUP = re.compile(r"<[^<>]{0,300}>|\{\\[^{}]{0,300}\}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GIVE_ANOTHER = "Give an .srt or .vtt file, or leave --subtitles out."


@dataclass(frozen=True)
class SubtitleLine:
    """A line: from `start` to `end` in seconds, its words, and who says them where that is told."""

    start: Fraction
    end: Fraction
    text: str
    speaker: str = ""


def read_subtitles(path: Path) -> tuple[SubtitleLine, ...]:
    """The lines of the subtitle file at `path`, in order of time.

    Raises:
        InputError: it cannot be read.
        TimelineError: too large, or no subtitles in it.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SUBTITLE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.", hint=_GIVE_ANOTHER
        ) from error
    if len(data) > MAX_SUBTITLE_BYTES:
        raise TimelineError(f"{path} is too large to be subtitles.", hint=_GIVE_ANOTHER)
    found = subtitles_in(_decoded(data))
    if not found:
        raise TimelineError(f"{path} holds no subtitles that can be read.", hint=_GIVE_ANOTHER)
    return found


def subtitles_in(text: str) -> tuple[SubtitleLine, ...]:
    """The lines in the text of a subtitle file; what makes no sense in it is passed over.

    A line that begins before zero begins at zero; one that ends before it begins is left out.
    """
    lines = text.replace("\0", "").splitlines()
    found = []
    for start, end, words in _cues(lines):
        voice = _VOICE.search(words)
        shown = html.unescape(_MARKUP.sub("", words)).strip()[:_LONGEST_TEXT]
        if shown and max(start, Fraction(0)) < end:
            speaker = voice[1].strip() if voice is not None else ""
            found.append(SubtitleLine(max(start, Fraction(0)), end, shown, speaker))
        if len(found) == MAX_LINES:
            break
    return tuple(sorted(found, key=lambda line: (line.start, line.end)))


def _cues(lines: list[str]) -> Iterator[tuple[Fraction, Fraction, str]]:
    at = 0
    while at < len(lines):
        if _BLOCKS.match(lines[at]) and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and lines[at].strip():
                at += 1
            continue
        timing = _TIMING.match(lines[at][:200]) if "->" in lines[at][:200] else None
        at += 1
        if timing is None:
            continue
        words = []
        while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
            words.append(lines[at].strip()[:_LONGEST_TEXT])
            at += 1
        # Without a blank line between, the number of the next cue is no word of this one.
        if at < len(lines) and "-->" in lines[at] and words and words[-1].isdigit():
            words.pop()
        yield _seconds(*timing.groups()[:5]), _seconds(*timing.groups()[5:]), "\n".join(words)


def _seconds(sign: str, hours: str | None, minutes: str, seconds: str, part: str) -> Fraction:
    whole = 3600 * min(int(hours or 0), _MAX_HOURS) + 60 * int(minutes) + int(seconds)
    value = whole + (Fraction(int(part), 10 ** len(part)) if part else 0)
    return -Fraction(value) if sign else Fraction(value)


def _decoded(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:4000]
    if head.count(0) > len(head) // 4:
        # Text of western tongues in UTF-16 has a zero in every other byte.
        odd = head[1::2].count(0) > head[::2].count(0)
        return data.decode("utf-16-le" if odd else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
