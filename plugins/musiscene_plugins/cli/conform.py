"""`musiscene conform`: fit takes to a timeline that has changed since."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json, write_atomically
from musiscene_core.conforming import Changes
from musiscene_core.errors import InputError, MusiSceneError, RequestError
from musiscene_core.protocol import connect
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.hosts import OpenedHost, is_live, wanted_host
from musiscene_plugins.cli.inputs import for_its_use, range_choice
from musiscene_plugins.cli.score import as_json, show_scored
from musiscene_plugins.cli.scoring import Scored
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.host import PlaceLayout, TakeInFolder
from musiscene_plugins.otio import HostSettings, open_timeline
from musiscene_plugins.recuts import (
    MadeTake,
    Recut,
    named_take,
    recut,
    superseded_by,
    takes_made_for,
    takes_of,
    takes_on,
    whole_range,
)
from musiscene_plugins.results import check_output, publish, sounds_of

EXIT_SOME_FAILED = 2


@dataclass(frozen=True)
class _Fit:
    """A cue's new takes, and the folders of earlier ones that they stand in for."""

    brief: SceneBrief
    takes: list[TakeInFolder]
    earlier: list[Path]


def run(arguments: argparse.Namespace) -> int:
    """Say what changed, make anew what that asks for, and place it; returns the exit code."""
    if is_live(arguments) and arguments.take and arguments.file:
        raise RequestError(
            "Two versions and DaVinci Resolve were given.",
            hint="Give the take or the old version alone; the new version is the open timeline.",
        )
    if not is_live(arguments) and not (arguments.take and arguments.file):
        raise RequestError(
            "What to fit, or to what, is missing.",
            hint="Give the old and the new version, or --resolve for the timeline open in Resolve.",
        )
    with wanted_host(arguments) as opened:
        wanted = _wanted(arguments, opened)
        if isinstance(wanted, ScoreRequest):
            return _from_request(wanted, opened, arguments)
        return _all_fitted(wanted, opened, arguments)


def _wanted(
    arguments: argparse.Namespace, opened: OpenedHost
) -> Sequence[tuple[MadeTake, FrameRange | None]] | ScoreRequest:
    """The takes to fit and where they lie: those named, made for the old version, or placed."""
    lying: dict[Path, FrameRange] = {}
    if opened.live is not None:
        try:
            placed = takes_on(opened.host)
        except InputError:
            placed = []
        if placed and not arguments.take and not arguments.takes:
            return placed
        lying = {made.folder: record for made, record in placed}
    if not arguments.take:
        folders = [Path(one) for one in arguments.takes]
        made = takes_made_for(opened.host, folders)
    else:
        taken = _taken(arguments)
        if isinstance(taken, ScoreRequest):
            return taken
        made = list(taken)
    return [(one, lying.get(one.folder)) for one in made]


def _all_fitted(
    wanted: Sequence[tuple[MadeTake, FrameRange | None]],
    opened: OpenedHost,
    arguments: argparse.Namespace,
) -> int:
    choice = range_choice(arguments)
    whole = whole_range(opened.host)
    recuts = [recut(made, opened.host, choice, whole, lies) for made, lies in wanted]
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
    made: list[_Fit] = []
    failed: list[MusiSceneError] = []
    for one in [] if arguments.dry_run else [one for one in fits if not one.fits]:
        try:
            fit = _made(one, opened, arguments)
        except (InputError, RequestError) as error:
            if len(fits) == 1:
                raise
            failed.append(error)
            sys.stderr.write(f"{one.made.take.cue}: {error}\n")
            continue
        made += [fit] if fit is not None else []
    done = _placed(made, opened, arguments)
    if len(done) == 1:
        printed |= as_json(done[0])
    elif done:
        printed["results"] = [as_json(scored) for scored in done]
    if arguments.json:
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
    else:
        for scored in done:
            show_scored(scored)
    return EXIT_SOME_FAILED if failed else 0


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


def _from_request(request: ScoreRequest, opened: OpenedHost, arguments: argparse.Namespace) -> int:
    """Make music anew from a request alone, whose take is not at hand."""
    if arguments.dry_run:
        raise InputError("A request alone does not say what can stay; name its take's folder.")
    timeline = opened.host.read_range(range_choice(arguments))
    fit, changes = _fitted(request, "", timeline, opened.output, arguments)
    done = _placed([fit] if fit is not None else [], opened, arguments)
    printed = {"changes": msgspec.to_builtins(changes), "takes": []}
    if arguments.json:
        printed |= as_json(done[0]) if done else {}
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
        return 0
    show_changes(changes)
    for scored in done:
        show_scored(scored)
    return 0


def _made(one: Recut, opened: OpenedHost, arguments: argparse.Namespace) -> _Fit | None:
    """The new takes of a cue; None where there is nothing to make."""
    timeline, made = one.timeline, one.made
    assert timeline is not None
    there = opened.live.lying() if opened.live is not None else frozenset()
    fit, _ = _fitted(made.request, str(made.folder.absolute()), timeline, opened.output, arguments)
    if fit is None:
        if opened.live is None or one.lies is not None:
            return None
        # It fits as it is, and is not there: from the library, or taken away meanwhile.
        put = TakeInFolder(made.take, made.folder)
        brief = made.request.brief
        return _Fit(brief, publish(opened.output, brief, [put]), [])
    earlier = [folder for folder in (made.folder, *superseded_by(made, there)) if folder in there]
    return replace(fit, earlier=earlier)


def _fitted(
    request: ScoreRequest,
    earlier: str,
    timeline: TimelineRange,
    output: Path,
    arguments: argparse.Namespace,
) -> tuple[_Fit | None, Changes]:
    """The new takes where there are any, in the user's folder."""
    request = for_its_use(request, arguments)
    check_output(output, timeline, request.takes, sounds_of(request))
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        changes, takes = client.conform(request, timeline, show, earlier=earlier, on_eta=show.eta)
    if not takes:
        return None, changes
    brief = read_json(takes[0][1] / "brief.json", SceneBrief)
    placed = publish(output, brief, [TakeInFolder(take, folder) for take, folder in takes])
    return _Fit(brief, placed, []), changes


def _placed(
    made: Sequence[_Fit], opened: OpenedHost, arguments: argparse.Namespace
) -> list[Scored]:
    """All new takes on the timeline at once; in an editor, the earlier ones go."""
    if not made:
        return []
    layout: PlaceLayout = "mix" if arguments.single else "stems"
    takes = [put for fit in made for put in fit.takes]
    if opened.live is not None:
        earlier = list(dict.fromkeys(folder for fit in made for folder in fit.earlier))
        placement = opened.live.place_instead(
            takes, earlier, layout=layout, pieces=arguments.pieces
        )
    else:
        placement = opened.host.place_takes(takes, layout=layout)
    return [
        Scored(
            brief=fit.brief,
            takes=fit.takes,
            timeline=placement.timeline,
            not_kept=placement.not_kept if fit is made[-1] else (),
            left=placement.left if fit is made[-1] else (),
        )
        for fit in made
    ]


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
