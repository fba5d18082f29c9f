"""SubRip (.srt) and WebVTT: reading subtitles as markers, writing a cue list as SubRip."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import TimelineError
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_plugins.formats.edit import Edit, Note
from musiscene_plugins.formats.safe_xml import EXPORT_AGAIN

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_LINE = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_MAX_SUBTITLES = 100_000


def read_subtitles(data: bytes, path: Path, rate: FrameRate) -> tuple[Note, ...]:
    """The subtitles in an .srt or .vtt file as notes with a length.

    Raises:
        TimelineError: no subtitles, or one that ends before it begins.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    notes: list[Note] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip().split("\n")
        place = next((n for n, line in enumerate(lines[:3]) if _LINE.match(line)), None)
        match = _LINE.match(lines[place]) if place is not None else None
        if place is None or match is None:
            continue
        start, end = (_seconds(match.groups()[at : at + 4]) for at in (0, 4))
        if end < start:
            raise TimelineError(f"A subtitle in {path} ends before it begins.", hint=EXPORT_AGAIN)
        first, last = rate.frame_nearest(start), rate.frame_nearest(end)
        said = _TAG.sub("", " ".join(line.strip() for line in lines[place + 1 :]))
        notes.append(Note(start=first, length=max(1, last - first), name=said.strip()))
        if len(notes) > _MAX_SUBTITLES:
            raise TimelineError(f"{path} holds more than {_MAX_SUBTITLES} subtitles.")
    if not notes:
        raise TimelineError(f"{path} holds no subtitles.", hint=EXPORT_AGAIN)
    return tuple(sorted(notes, key=lambda note: note.start))


def write_srt(edit: Edit) -> bytes:
    """The music that `edit` adds, and its other markers, as subtitles: a cue list to play along."""
    lines = [(note.start, note.start + note.length, note.name) for note in edit.notes if note.name]
    heard: dict[tuple[int, int, str], list[str]] = {}
    for lane in edit.of_kind("audio"):
        for event in lane.events if lane.added and lane.enabled else ():
            heard.setdefault((event.start, event.end, ""), []).append(lane.name)
    for (start, end, _), names in heard.items():
        at = format_timecode(edit.start + start, edit.rate)
        lines.append((start, end, f"Music from {at}: {', '.join(names)}"))
    written = [
        f"{number}\n{_clock(edit.rate, start)} --> {_clock(edit.rate, end)}\n{text}\n"
        for number, (start, end, text) in enumerate(sorted(lines), start=1)
    ]
    return "\n".join(written).encode()


def losses_in_srt(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold: all but a list of cues and markers."""
    return ["Subtitles hold only the names and times of cues and markers, no clips."]


def _seconds(parts: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, rest = parts
    fraction = Fraction(int(rest or 0), 10 ** len(rest or "0"))
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + fraction


def _clock(rate: FrameRate, frame: int) -> str:
    milliseconds = round(rate.seconds(frame) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"
