"""`musiscene conform`: fit takes to a timeline that has changed since."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json, write_atomically
from musiscene_core.conforming import Changes
from musiscene_core.errors import InputError, RequestError
from musiscene_core.protocol import connect
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.inputs import opened_host, range_choice
from musiscene_plugins.cli.recuts import MadeTake, Recut, named_take, recut, takes_of
from musiscene_plugins.cli.results import check_output, publish
from musiscene_plugins.cli.score import as_json, output_folder, show_scored
from musiscene_plugins.cli.scoring import Scored
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.host import EditorHost, TakeInFolder
from musiscene_plugins.otio import HostSettings, open_timeline


def run(arguments: argparse.Namespace) -> int:
    """Say what changed, make anew what that asks for, and place it; returns the exit code."""
    output = output_folder(arguments)
    host = opened_host(arguments, output)
    taken = _taken(arguments)
    if isinstance(taken, ScoreRequest):
        return _from_request(taken, host, output, arguments)
    recuts = [recut(made, host, range_choice(arguments)) for made in taken]
    fits = [one for one in recuts if one.timeline is not None]
    if not fits:
        raise RequestError(
            f"{recuts[0].made.take.cue}: {recuts[0].what}.",
            hint="Say where the cue lies now with --in and --out, or score it anew.",
        )
    if arguments.picture:
        _draw(fits[0], Path(arguments.picture))
    if not arguments.json:
        _show_recuts(recuts)
    printed: dict[str, Any] = {"cues": [_as_json(one) for one in recuts]}
    if len(fits) == 1 and fits[0].changes is not None:
        printed |= {"changes": msgspec.to_builtins(fits[0].changes), "takes": []}
    timelines: list[str] = []
    for one in [] if arguments.dry_run else fits:
        timeline = one.timeline
        assert timeline is not None
        scored, _ = _fitted(one.made, timeline, host, output, arguments)
        if scored is None:
            continue
        timelines.append(scored.timeline)
        if len(fits) == 1:
            printed |= as_json(scored)
        else:
            printed.setdefault("results", []).append(as_json(scored))
            # The next cue goes onto the timeline that carries this one.
            host = open_timeline(Path(scored.timeline), HostSettings(output=output))
        if not arguments.json:
            show_scored(scored)
    if arguments.json:
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
    return 0


def _taken(arguments: argparse.Namespace) -> Sequence[MadeTake] | ScoreRequest:
    """The takes to fit: the one named, or those made for the old version of the timeline."""
    path = Path(arguments.take).expanduser()
    is_take = path.is_dir() and (path / "take.json").is_file()
    if is_take or path.suffix == ".json" or not path.exists():
        named = named_take(arguments.take)
        return named if isinstance(named, ScoreRequest) else [named]
    settings = HostSettings(
        rate=FrameRate.parse(arguments.rate) if arguments.rate else None,
        drop_frame=arguments.drop_frame,
    )
    return takes_of(open_timeline(path, settings), [Path(one) for one in arguments.takes])


def _from_request(
    request: ScoreRequest, host: EditorHost, output: Path, arguments: argparse.Namespace
) -> int:
    """Make music anew from a request alone, whose take is not at hand."""
    if arguments.dry_run:
        raise InputError("A request alone does not say what can stay; name its take's folder.")
    timeline = host.read_range(range_choice(arguments))
    scored, changes = _fitted(request, timeline, host, output, arguments)
    printed = {"changes": msgspec.to_builtins(changes), "takes": []}
    if arguments.json:
        printed |= as_json(scored) if scored is not None else {}
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
        return 0
    show_changes(changes)
    if scored is not None:
        show_scored(scored)
    return 0


def _fitted(
    made: MadeTake | ScoreRequest,
    timeline: TimelineRange,
    host: EditorHost,
    output: Path,
    arguments: argparse.Namespace,
) -> tuple[Scored | None, Changes]:
    """The new takes where there are any, in the user's folder and on the timeline."""
    request = made.request if isinstance(made, MadeTake) else made
    earlier = str(made.folder.absolute()) if isinstance(made, MadeTake) else ""
    check_output(output, timeline, request.takes)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        changes, takes = client.conform(request, timeline, show, earlier=earlier, on_eta=show.eta)
    if not takes:
        return None, changes
    brief = read_json(takes[0][1] / "brief.json", SceneBrief)
    placed = publish(output, brief, [TakeInFolder(take, folder) for take, folder in takes])
    placement = host.place_takes(placed, layout="mix" if arguments.single else "stems")
    return Scored(brief=brief, takes=placed, timeline=placement.timeline), changes


def _draw(one: Recut, path: Path) -> None:
    """Draw the first cue's recut."""
    from musiscene_core.conforming.picture import draw

    if one.timeline is not None:
        held = one.grid.held if one.grid is not None else ()
        write_atomically(path, draw(one.made.request.brief.timeline, one.timeline, held))


def _as_json(one: Recut) -> dict[str, Any]:
    cue, _, _, what, anew = one.row()
    return {
        "cue": cue,
        "take": str(one.made.folder),
        "what": what,
        "anew": anew,
        "share": round(one.found.share, 4),
        "places": [
            msgspec.to_builtins(place)
            for place in (one.found.record, *one.found.others)
            if place is not None
        ],
        "changes": msgspec.to_builtins(one.changes),
    }


def _show_recuts(recuts: Sequence[Recut]) -> None:
    """Print what became of each cue."""
    table = Table(
        "Cue", "Was at", "Is at", "What became of it", "To make", box=None, pad_edge=False
    )
    for one in recuts:
        table.add_row(*one.row())
    result_console().print(table, markup=False)
    for one in recuts:
        if one.changes is not None:
            show_changes(one.changes)


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
