"""The cues of a reel: from its markers, from those of one colour, or from a list in a CSV file.

A marker's note, or a line's, may carry words for that cue, parts divided by ";" or lines:

    tense, no drums; theme hero, river:hint; usage MT

"theme" and "usage" begin parts of their own; all else is read by the engine. Knows nothing of how
a cue is scored.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError, RangeError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.themes import ThemeUse
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker
from musiscene_plugins.choosing import record_frame
from musiscene_plugins.themes import theme_uses

MARKERS = "markers"
MAX_CUES = 1_000
_MAX_CSV_BYTES = 4 << 20
_DIRECTIVE = re.compile(r"^\s*(themes?|usage)\s*[:=]?\s+(.*)$", re.IGNORECASE)
_COLUMNS = {
    "name": ("name", "cue", "title"),
    "in": ("in", "record in", "start"),
    "out": ("out", "record out", "end"),
    "notes": ("notes", "note", "comment", "words"),
}
_USAGES = {
    "BI": "background instrumental",
    "VI": "visual instrumental",
    "MT": "main title",
    "ET": "end title",
    "T": "theme",
    "L": "logo",
}
"""How a cue may be used, as societies abbreviate it; vocal uses are none of ours to claim."""


class CueNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a note asks for.

    Attributes:
        words: for the engine; empty where there are none.
        themes: which to use; None leaves that to the reel.
        usage: for the cue sheet; empty leaves the default.
    """

    words: str = ""
    themes: tuple[ThemeUse, ...] | None = None
    usage: str = ""


class ReelCue(msgspec.Struct, frozen=True, kw_only=True):
    """A cue that is wanted: its name, its record frames, and what its note asks for."""

    name: str
    record: FrameRange
    note: CueNote = CueNote()


def read_note(text: str) -> CueNote:
    """Read a marker's or a line's note.

    Raises:
        RequestError: a theme that cannot be named so, or no usage that a cue sheet knows.
    """
    words: list[str] = []
    themes: list[ThemeUse] | None = None
    usage = ""
    for part in re.split(r"[;\n\r]+", text):
        directive = _DIRECTIVE.match(part)
        if directive is None:
            if part.strip():
                words.append(part.strip())
        elif directive[1].casefold() == "usage":
            usage = _usage(directive[2])
        else:
            themes = themes or []
            themes += [] if directive[2].strip().casefold() == "none" else _themes(directive[2])
    return CueNote(
        words="; ".join(words), themes=None if themes is None else tuple(themes), usage=usage
    )


def marked_cues(markers: Sequence[Marker], color: str = "") -> tuple[ReelCue, ...]:
    """The cues of markers that have a length, in order of time; of one colour where it is given.

    A marker without a name is called by its place, and a name that comes again gets a number.

    Raises:
        RangeError: there is none.
        RequestError: a note cannot be read, or there are too many.
    """
    long = [marker for marker in markers if marker.record.length > 1]
    meant = [marker for marker in long if color.casefold() in ("", marker.color.casefold())]
    if not meant:
        colors = ", ".join(sorted({marker.color or "none" for marker in long}))
        raise RangeError(
            f"No marker {f'of the colour {color!r} ' if color else ''}has a length.",
            hint=f"Markers with a length have the colours: {colors}."
            if long
            else "Stretch a marker over each scene in the editor, or list the cues in a CSV file.",
        )
    meant.sort(key=lambda marker: (marker.record.start, marker.record.end))
    return _named(
        [(m.name.strip() or f"cue {n}", m.record, m.comment) for n, m in enumerate(meant, start=1)]
    )


def listed_cues(path: Path, rate: FrameRate) -> tuple[ReelCue, ...]:
    """The cues of a CSV file with the columns name, in, out and, where wanted, notes.

    In and Out are record timecodes or frames. Commas, semicolons and tabs divide columns.

    Raises:
        InputError: unreadable, too large, or a column is missing.
        TimecodeError: In or Out is no timecode.
        RangeError: a cue is empty or reversed.
        RequestError: a note cannot be read, or there are too many.
    """
    rows = _rows(path)
    columns = _columns(rows[0] if rows else [], path)
    found = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {key: row[at].strip() if at < len(row) else "" for key, at in columns.items()}
        start, end = (record_frame(cells[key], rate) for key in ("in", "out"))
        if start >= end:
            raise RangeError(
                f"Line {number} of {path} has no length: {cells['in']} to {cells['out']}.",
                hint="Out is the frame after the last one.",
            )
        found.append((cells["name"] or f"cue {number - 1}", FrameRange(start, end), cells["notes"]))
    if not found:
        raise InputError(f"{path} lists no cue.", hint="Write one a line: name, in, out, notes.")
    found.sort(key=lambda cue: (cue[1].start, cue[1].end))
    return _named(found)


def _rows(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _MAX_CSV_BYTES:
            raise InputError(f"{path} is too large to be a list of cues.")
        text = path.read_bytes().decode("utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        return list(csv.reader(text.splitlines(), delimiter=delimiter))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or 'unreadable'}.",
            hint="--cues takes markers, markers:COLOUR or a CSV file.",
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is not a CSV file: {error}.", hint="Save it as CSV in UTF-8."
        ) from error


def _columns(head: Sequence[str], path: Path) -> dict[str, int]:
    titles = [cell.strip().casefold() for cell in head]
    columns = {
        key: next((titles.index(title) for title in known if title in titles), -1)
        for key, known in _COLUMNS.items()
    }
    missing = [key for key in ("name", "in", "out") if columns[key] < 0]
    if missing:
        raise InputError(
            f"{path} has no column {' and no '.join(missing)}.",
            hint="Its first line names the columns: name,in,out,notes.",
        )
    return {key: at for key, at in columns.items() if at >= 0} | (
        {"notes": len(titles)} if columns["notes"] < 0 else {}
    )


def _named(found: Sequence[tuple[str, FrameRange, str]]) -> tuple[ReelCue, ...]:
    if len(found) > MAX_CUES:
        raise RequestError(f"A reel has {MAX_CUES} cues at most.", hint="Score a part of it.")
    cues: list[ReelCue] = []
    taken: set[str] = set()
    for name, record, note in found:
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            free = f"{name} {number}"
        taken.add(free.casefold())
        try:
            cues.append(ReelCue(name=free, record=record, note=read_note(note)))
        except RequestError as error:
            raise RequestError(f"Cue {free!r}: {error.message}", hint=error.hint) from error
    return tuple(cues)


def _themes(text: str) -> list[ThemeUse]:
    return list(theme_uses([part for part in text.split(",") if part.strip()]))


def _usage(text: str) -> str:
    word = text.strip().upper()
    if word not in _USAGES:
        known = ", ".join(f"{short} ({long})" for short, long in _USAGES.items())
        raise RequestError(f"{text.strip()!r} is no usage.", hint=f"Write one of: {known}.")
    return word
