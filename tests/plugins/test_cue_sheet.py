"""The cue sheet: its rows, the CSV, and a PDF that is the same each time."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path

import msgspec
import pytest

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.reel.cue_sheet import CueSheet, SheetSettings, as_csv, sheet_of_takes
from musiscene_plugins.reel.cue_sheet_pdf import as_pdf, pages_of
from tests.support.timelines import take_on_disk

RATE = FrameRate(24)


def placed(folder: Path, cue: str, start: int, seconds: int) -> tuple[TakeInFolder, str]:
    record = FrameRange.from_length(start, 24 * seconds)
    return take_on_disk(folder / str(start), rate=RATE, record=record, cue=cue, samples=8), ""


def sheet(folder: Path, *cues: str, **settings: str) -> CueSheet:
    takes = [placed(folder, cue, 172_800 + 240 * n, 9) for n, cue in enumerate(cues)]
    return sheet_of_takes(takes, SheetSettings(**settings), name="reel", rate=RATE)


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_numbers_are_kept_and_the_others_counted_in_the_reel_of_the_timecode(
    tmp_path: Path,
) -> None:
    made = sheet(tmp_path, "Door", "2m2 The River", "2M07b", "Dawn")
    assert [(row.number, row.title) for row in made.rows] == [
        ("2m1", "Door"),
        ("2m2", "The River"),
        ("2m07b", "2M07b"),
        ("2m3", "Dawn"),
    ]
    assert made.settings.title == "reel"


def test_the_csv_has_a_row_a_cue_and_the_total(tmp_path: Path) -> None:
    rows = rows_of(as_csv(sheet(tmp_path, "2m1 Door", "Ночь", composer="A. Komponistin")))
    assert rows[1][:9] == [
        *("2m1", "Door", "02:00:00:00", "02:00:09:00", "0:09", "9.000"),
        *("BI", "", "A. Komponistin"),
    ]
    assert rows[2][:3] == ["2m2", "Ночь", "02:00:10:00"]
    assert rows[3] == ["Total", "", "", "", "0:18", "18.000"]


def test_no_title_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    rows = rows_of(as_csv(sheet(tmp_path, '=HYPERLINK("x")')))
    assert rows[1][1] == '\'=HYPERLINK("x")'


def test_the_same_sheet_gives_the_same_pdf(tmp_path: Path) -> None:
    made = sheet(tmp_path, "2m1 Door", "Ночь, Νύχτα", title="Film $x_1$")
    first = as_pdf(made)
    assert first == as_pdf(made)
    assert first.startswith(b"%PDF-")
    assert b"CreationDate" not in first


def test_many_cues_take_many_pages_and_none_is_left_out(tmp_path: Path) -> None:
    one = sheet(tmp_path, "Door").rows[0]
    title = "A title that is long enough to be set in more lines than one, and then some more"
    rows = tuple(msgspec.structs.replace(one, number=f"1m{n}", title=title) for n in range(1, 201))
    pages = pages_of(CueSheet(settings=SheetSettings(title="Long"), rate=RATE, rows=rows))
    drawn = [text for page in pages for text in page.texts]
    assert [text.get_text() for text in pages[-1].texts].count(f"{len(pages)} / {len(pages)}") == 1
    shown = [text.get_text() for text in drawn]
    assert [text for text in shown if text.startswith("1m")] == [f"1m{n}" for n in range(1, 201)]
    assert all(0 < text.get_position()[1] < 1 for text in drawn)


def test_letters_that_no_font_has_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        as_pdf(sheet(tmp_path, "\U0001f3bb \u1200\U00012000"))
    assert "no font on this machine has" in caplog.text
