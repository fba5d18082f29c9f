"""The report of a take: lead sheet, cue chart and listening page, written beside its sound."""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.progress import Progress, silent
from musiscene_core.reporting.chart import cue_chart
from musiscene_core.reporting.page import report_page
from musiscene_core.take import REPORT_FILE, Take

_CHART = "chart.png"
_SHEET = "lead-sheet"


def write_report(folder: Path, take: Take, brief: SceneBrief, progress: Progress = silent) -> Take:
    """Write the pictures and the page of `take` into its folder, and name them in its take.json.

    Args:
        folder: holds the take's files.
        take: the take.
        brief: the brief it scores.
        progress: hears of each stage.

    Returns:
        The take with its lead sheet and chart.

    Raises:
        MediaError: its sound or its score cannot be read.
        OutputError: `folder` cannot be written.
    """
    progress("Drawing the lead sheet", 0.0)
    pages = _lead_sheet(folder, take) if take.musicxml else ()
    progress("Drawing the cue chart", 0.3)
    write_atomically(folder / _CHART, cue_chart(take, brief, folder))
    take = msgspec.structs.replace(take, lead_sheet=pages, chart=_CHART)
    write_atomically(folder / REPORT_FILE, report_page(take, brief).encode())
    write_atomically(folder / "take.json", to_json(take))
    progress("Drawing the cue chart", 1.0)
    return take


def _lead_sheet(folder: Path, take: Take) -> tuple[str, ...]:
    """Write every page as SVG, and as PNG beside it; returns the SVGs' names."""
    from musiscene_core.composing.notation.lead_sheet import as_png, lead_sheet_pages

    try:
        score = (folder / take.musicxml).read_bytes()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    names = []
    for number, page in enumerate(lead_sheet_pages(score), start=1):
        name = _SHEET if number == 1 else f"{_SHEET}-{number}"
        write_atomically(folder / f"{name}.svg", page.encode())
        write_atomically(folder / f"{name}.png", as_png(page))
        names.append(f"{name}.svg")
    return tuple(names)
