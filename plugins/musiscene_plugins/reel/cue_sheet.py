"""The cue sheet: what a film's music is, where, how long, and whose; as rows and as CSV.

Usage is BI, background instrumental, unless a cue's note says otherwise (MT, ET, VI, T, L): all
that our engines make is instrumental, whoever speaks over it. How much of a cue lies under
dialogue has a column of its own. Knows nothing of how a page looks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.keys import key_name
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_plugins.host import TakeInFolder

DEFAULT_USAGE = "BI"
MAX_TEXT = 500
_NUMBER = re.compile(r"^\s*(\d{1,2}m\d{1,3}[a-z]?)\b[\s:._\-–]*(.*)$", re.IGNORECASE)
_TITLES = (
    "Number",
    "Title",
    "Record In",
    "Record Out",
    "Length",
    "Seconds",
    "Usage",
    "Under Dialogue",
    "Composer",
    "Publisher",
    "Licence",
    "Engine",
    "Key",
    "Tempo",
    "Take",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class SheetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the music itself does not say.

    Attributes:
        title: of the production; empty takes the timeline's name.
        episode: its number or title.
        production: the company.
        composer: who is named as composer, with society and share as you write it.
        publisher: the same of the publisher.
        reel: number before the "m" of cues that have no number; None takes it from the hour of
            the first cue's timecode.
    """

    title: str = ""
    episode: str = ""
    production: str = ""
    composer: str = ""
    publisher: str = ""
    reel: int | None = None

    def __post_init__(self) -> None:
        texts = (self.title, self.episode, self.production, self.composer, self.publisher)
        if any(len(text) > MAX_TEXT for text in texts):
            raise ValueError(f"a field has {MAX_TEXT} characters at most")
        if self.reel is not None and not 0 <= self.reel <= 99:
            raise ValueError("the reel lies from 0 to 99")


class SheetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A cue on the sheet.

    Attributes:
        number: such as 1m3.
        title: its name without the number.
        record: record In and Out.
        usage: how it is used, abbreviated.
        dialogue: share of it under dialogue, 0 to 1; None where nobody listened.
        composer: as SheetSettings.
        publisher: as SheetSettings.
        licence: of the music.
        engine: who made it, with its version.
        key: such as "D minor"; empty where unknown.
        tempo_bpm: at its beginning; None where unknown.
        take: the take's name.
    """

    number: str
    title: str
    record: FrameRange
    usage: str
    dialogue: float | None
    composer: str
    publisher: str
    licence: str
    engine: str
    key: str
    tempo_bpm: float | None
    take: str


class CueSheet(msgspec.Struct, frozen=True, kw_only=True):
    """The cue sheet of a timeline: its rows in order of time."""

    settings: SheetSettings
    rate: FrameRate
    rows: tuple[SheetRow, ...]

    @property
    def frames(self) -> int:
        """Frames of all cues together, overlaps counted twice, as societies count."""
        return sum(row.record.length for row in self.rows)


def sheet_of_takes(
    takes: Sequence[tuple[TakeInFolder, str]],
    settings: SheetSettings,
    *,
    name: str,
    rate: FrameRate,
) -> CueSheet:
    """The sheet of `takes`, each with its usage or "", where they lie by their own record frames.

    Args:
        takes: one a cue.
        settings: what they do not say.
        name: of the timeline, for a title where the settings have none.
        rate: the timeline's, in which record times are written.
    """
    ordered = sorted(takes, key=lambda put: (put[0].take.record.start, put[0].take.record.end))
    reel = settings.reel
    if reel is None and ordered:
        reel = max(1, int(rate.seconds(ordered[0][0].take.record.start) // 3600))
    named = {_number_of(put.take.cue)[0].casefold() for put, _ in ordered}
    rows, next_number = [], 1
    for put, usage in ordered:
        number, title = _number_of(put.take.cue)
        if not number:
            while f"{reel}m{next_number}" in named:
                next_number += 1
            number = f"{reel}m{next_number}"
            next_number += 1
        rows.append(_row(put, number, title, usage or DEFAULT_USAGE, settings))
    titled = msgspec.structs.replace(settings, title=settings.title or name)
    return CueSheet(settings=titled, rate=rate, rows=tuple(rows))


def as_csv(sheet: CueSheet) -> bytes:
    """The sheet as CSV in UTF-8 with a mark that spreadsheets know; ends with the total."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(_TITLES)
    for row in sheet.rows:
        out.writerow(_harmless(cell) for cell in _cells(row, sheet.rate))
    seconds = float(sheet.rate.seconds(sheet.frames))
    out.writerow(("Total", "", "", "", clock(seconds), f"{seconds:.3f}"))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def clock(seconds: float) -> str:
    """Seconds as m:ss, rounded, or h:mm:ss from an hour up."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _cells(row: SheetRow, rate: FrameRate) -> tuple[str, ...]:
    seconds = float(row.record.seconds(rate))
    return (
        row.number,
        row.title,
        format_timecode(row.record.start, rate),
        format_timecode(row.record.end, rate),
        clock(seconds),
        f"{seconds:.3f}",
        row.usage,
        "" if row.dialogue is None else f"{row.dialogue:.0%}",
        row.composer,
        row.publisher,
        row.licence,
        row.engine,
        row.key,
        "" if row.tempo_bpm is None else f"{row.tempo_bpm:.1f}",
        row.take,
    )


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, whatever a cue is called."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _number_of(cue: str) -> tuple[str, str]:
    match = _NUMBER.match(cue)
    return (match[1].lower(), match[2].strip() or cue.strip()) if match else ("", cue.strip())


def _row(
    put: TakeInFolder, number: str, title: str, usage: str, settings: SheetSettings
) -> SheetRow:
    take: Take = put.take
    made = take.provenance
    engine = f"{made.engine} {made.engine_version}".strip()
    return SheetRow(
        number=number,
        title=title,
        record=take.record,
        usage=usage,
        dialogue=_under_dialogue(put.folder),
        composer=settings.composer,
        publisher=settings.publisher,
        licence=made.licence,
        engine=f"{engine} ({made.model})" if made.model else engine,
        key="" if take.tonic is None else key_name(take.tonic, take.mode),
        tempo_bpm=take.tempo.segments[0].bpm if take.tempo and take.tempo.segments else None,
        take=take.name,
    )


def _under_dialogue(folder: Path) -> float | None:
    """Share of the cue that somebody speaks over, as its brief beside the take says."""
    try:
        brief = read_json(folder.parent / "brief.json", SceneBrief)
    except InputError:
        return None
    spoken = sum(region.end_s - region.start_s for region in brief.dialogue)
    return min(1.0, max(0.0, spoken / brief.timeline.length_seconds))
