"""`musiscene score TIMELINE --cues`: every marked cue of a reel, on one timeline, with a cue sheet.

Exit code 2 where a cue failed; the others have their music all the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from musiscene_core.errors import RequestError
from musiscene_core.themes import ThemeUse
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_plugins.cli.hosts import wanted_host
from musiscene_plugins.cli.inputs import request_for
from musiscene_plugins.cli.reel_progress import shown_reel
from musiscene_plugins.cli.sheets import publish_sheet, sheet_settings
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.host import EditorHost, LiveHost
from musiscene_plugins.reel.cue_sheet import CueSheet, SheetSettings, sheet_of_takes
from musiscene_plugins.reel.cues import MARKERS, CueNote, ReelCue, listed_cues, marked_cues
from musiscene_plugins.reel.scoring import (
    CueOutcome,
    ReelProgress,
    ReelResult,
    ReelWish,
    score_reel,
)
from musiscene_plugins.reel.themes import ReelThemes
from musiscene_plugins.themes import theme_uses

EXIT_SOME_FAILED = 2
_STATES = {"made": "made", "kept": "kept", "failed": "failed"}


def run(arguments: argparse.Namespace) -> int:
    """Score the cues that the arguments name; returns the exit code."""
    _refuse_single_range(arguments)
    settings = sheet_settings(arguments)
    with wanted_host(arguments) as opened:
        host = opened.host
        cues = wanted_cues(arguments.cues, host)
        wish = reel_wish(arguments, host, cues, opened.output, opened.name, live=opened.live)
        with shown_reel(len(cues), quiet=arguments.json) as progress:
            result, files = score_with_sheet(wish, settings, progress)
        rate = host.describe().rate
    if arguments.json:
        sys.stdout.write(json.dumps(_as_json(result, files), indent=2) + "\n")
    else:
        _show(result, files, rate)
    return EXIT_SOME_FAILED if result.failed else 0


def score_with_sheet(
    wish: ReelWish, settings: SheetSettings, progress: ReelProgress
) -> tuple[ReelResult, tuple[Path, ...]]:
    """Score the reel and write its cue sheet; raises what score_reel raises."""
    result = score_reel(wish, progress)
    sheet = _sheet(wish.host, result, settings)
    return result, publish_sheet(sheet, wish.output, wish.name) if sheet.rows else ()


def reel_wish(
    arguments: argparse.Namespace,
    host: EditorHost,
    cues: tuple[ReelCue, ...],
    output: Path,
    name: str,
    *,
    live: LiveHost | None = None,
) -> ReelWish:
    """What the options of `score` ask of these cues.

    Raises:
        RequestError: a theme cannot be named so.
        InputError: the theme book is none.
    """
    book = Path(arguments.themes).expanduser() if arguments.themes else output / "themes.json"
    return ReelWish(
        host=host,
        name=name,
        cues=cues,
        request=lambda timeline: request_for(arguments, timeline),
        themes=ReelThemes(book.absolute(), name, cues, _shared_themes(arguments.theme)),
        output=output,
        layout="mix" if arguments.single else "stems",
        policy=getattr(arguments, "place", None),
        live=live,
    )


def wanted_cues(text: str, host: EditorHost) -> tuple[ReelCue, ...]:
    """The cues that "markers", "markers:red" or the name of a CSV file mean.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    kind, _, color = text.partition(":")
    if kind.strip().casefold() == MARKERS:
        return marked_cues(host.markers(), color.strip())
    return listed_cues(Path(text).expanduser(), host.describe().rate)


def marked_or_whole(host: EditorHost, name: str) -> tuple[ReelCue, ...]:
    """The marked cues, or the whole timeline as one cue where no marker has a length."""
    if any(marker.record.length > 1 for marker in host.markers()):
        return marked_cues(host.markers())
    return (ReelCue(name=name, record=host.describe().record, note=CueNote()),)


def _refuse_single_range(arguments: argparse.Namespace) -> None:
    given = {
        "--in": arguments.record_in,
        "--out": arguments.record_out,
        "--marker": arguments.marker,
        "--cue": arguments.cue,
        "--hit": arguments.hit,
        "--brief": arguments.brief,
        "--report": arguments.report,
    }
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise RequestError(
            f"{wrong[0]} is about one cue, --cues about many.",
            hint="Leave one of them out; a short marker inside a cue is a moment to meet.",
        )


def _shared_themes(texts: list[str]) -> tuple[ThemeUse, ...] | None:
    """What --theme asks for every cue; None where it is not given."""
    if not texts:
        return None
    return () if [text.casefold() for text in texts] == ["none"] else theme_uses(texts)


def _sheet(host: EditorHost, result: ReelResult, settings: SheetSettings) -> CueSheet:
    about = host.describe()
    # The first take of a cue is the one that is heard.
    heard = [
        (outcome.takes[0], outcome.cue.note.usage) for outcome in result.outcomes if outcome.takes
    ]
    return sheet_of_takes(heard, settings, name=about.name, rate=about.rate)


def _as_json(result: ReelResult, files: tuple[Path, ...]) -> dict[str, Any]:
    return {
        "cues": [_cue_as_json(outcome) for outcome in result.outcomes],
        "timeline": result.timeline,
        "left": list(result.left),
        "cue_sheet": [str(path) for path in files],
    }


def _cue_as_json(outcome: CueOutcome) -> dict[str, Any]:
    error = outcome.error
    return {
        "name": outcome.cue.name,
        "record": msgspec.to_builtins(outcome.cue.record),
        "state": outcome.state,
        "changed": list(outcome.changed),
        "takes": [str(placed.folder) for placed in outcome.takes],
        "error": None
        if error is None
        else {"code": error.code, "message": error.message, "hint": error.hint},
    }


def _show(result: ReelResult, files: tuple[Path, ...], rate: FrameRate) -> None:
    console = result_console()
    table = Table("Cue", "In", "Length", "", box=None, pad_edge=False)
    for outcome in result.outcomes:
        record = outcome.cue.record
        said = _STATES[outcome.state]
        if outcome.changed:
            said = f"made anew: {', '.join(outcome.changed)} changed"
        if outcome.error is not None:
            said = f"failed: {outcome.error}"
        length = f"{float(record.seconds(rate)):.2f} s"
        table.add_row(outcome.cue.name, format_timecode(record.start, rate), length, said)
    console.print(table, markup=False)
    if result.timeline:
        console.print(f"Timeline: {result.timeline}", markup=False)
    for kept in result.left:
        console.print(f"  {kept}", markup=False)
    for path in files:
        console.print(f"Cue sheet: {path}", markup=False)
    if result.failed:
        failed, whole = len(result.failed), len(result.outcomes)
        console.print(f"{failed} of {whole} cues failed; run it again to try those alone.")
