"""`musiscene conform`: fit a take to a timeline that has changed since."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec
from rich.table import Table

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.conforming import Changes
from musiscene_core.protocol import connect
from musiscene_core.request import ScoreRequest
from musiscene_plugins.cli.inputs import opened_host, range_choice
from musiscene_plugins.cli.results import check_output, publish
from musiscene_plugins.cli.score import as_json, output_folder, show_scored
from musiscene_plugins.cli.scoring import Scored
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.host import TakeInFolder


def run(arguments: argparse.Namespace) -> int:
    """Make anew what the change asks for, and place it; returns the exit code."""
    output = output_folder(arguments)
    host = opened_host(arguments, output)
    timeline = host.read_range(range_choice(arguments))
    made = _made(arguments.take)
    check_output(output, timeline, made.takes if isinstance(made, ScoreRequest) else 1)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        changes, takes = client.conform(made, timeline, show, on_eta=show.eta)
    printed = {"changes": msgspec.to_builtins(changes), "takes": []}
    scored = None
    if takes:
        brief = read_json(takes[0][1] / "brief.json", SceneBrief)
        placed = publish(output, brief, [TakeInFolder(take, folder) for take, folder in takes])
        placement = host.place_takes(placed, layout="mix" if arguments.single else "stems")
        scored = Scored(brief=brief, takes=placed, timeline=placement.timeline)
        printed |= as_json(scored)
    if arguments.json:
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
        return 0
    show_changes(changes)
    if scored is not None:
        show_scored(scored)
    return 0


def show_changes(changes: Changes) -> None:
    """Print how the range changed."""
    console = result_console()
    rows = changes.table()
    if rows:
        table = Table("Changed", "Was", "Is", "How", box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table, markup=False)
    if not changes.needs_music:
        console.print(
            "Nothing changed that the music depends on; the take still fits.", markup=False
        )


def _made(text: str) -> ScoreRequest | str:
    """What the music was made from: a request.json, a folder that has one, or a take's id."""
    path = Path(text).expanduser()
    if path.is_dir():
        path = path / "request.json"
    return read_json(path, ScoreRequest) if path.suffix == ".json" or path.exists() else text
