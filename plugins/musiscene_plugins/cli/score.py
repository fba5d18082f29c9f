"""`musiscene score`: music for a range, as files and on a copy of the timeline."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from musiscene_core.critic import read_critique
from musiscene_core.keys import key_name
from musiscene_core.request import SIGNALS
from musiscene_core.take import REPORT_FILE
from musiscene_core.timecode import format_timecode
from musiscene_plugins.cli.hosts import wanted_host
from musiscene_plugins.cli.inputs import range_choice, request_for
from musiscene_plugins.cli.render_view import render_lines, render_of
from musiscene_plugins.cli.scoring import Scored, read_brief, score_range
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.cli.themes import theme_wish
from musiscene_plugins.host import EditorHost, TakeInFolder

_DROPPED_SHOWN = 8


def run(arguments: argparse.Namespace) -> int:
    """Score the range that the arguments name; returns the exit code."""
    if arguments.cues:
        # Here and not above: only a reel needs asyncio and the cue sheet.
        from musiscene_plugins.cli import reel

        return reel.run(arguments)
    with wanted_host(arguments) as opened:
        scored = score_on(opened.host, arguments, opened.output)
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(scored), indent=2) + "\n")
    else:
        show_scored(scored)
    return 0


def score_on(host: EditorHost, arguments: argparse.Namespace, output: Path) -> Scored:
    """Score the range of `host` that the arguments name, into `output` and onto its timeline."""
    choice = range_choice(arguments)
    brief = read_brief(Path(arguments.brief), host.describe(), choice) if arguments.brief else None
    timeline = brief.timeline if brief is not None else host.read_range(choice)
    wish = theme_wish(arguments)
    return score_range(
        host,
        request_for(arguments, timeline),
        brief=brief,
        output=output,
        layout="mix" if arguments.single else "stems",
        quiet=arguments.json,
        policy=arguments.place or "new",
        themes=wish.into if wish is not None else None,
        report=arguments.report,
    )


def as_json(scored: Scored) -> dict[str, Any]:
    """The take, or all takes, with the folder and the timeline they are in."""
    takes: list[dict[str, Any]] = [
        msgspec.to_builtins(placed.take)
        | {"folder": str(placed.folder)}
        | {"critique": msgspec.to_builtins(read_critique(placed.folder))}
        | {"render": render_of(placed.folder)}
        for placed in scored.takes
    ]
    where = {
        "timeline": scored.timeline,
        "not_kept": list(scored.not_kept),
        "left": list(scored.left),
    }
    return takes[0] | where if len(takes) == 1 else {"takes": takes, **where}


def show_scored(scored: Scored) -> None:
    """Print what was made, and where."""
    console = result_console()
    for placed in scored.takes:
        show_take(placed)
    show_ranking(scored.takes)
    console.print(f"Timeline: {scored.timeline}", markup=False)
    for lost in scored.not_kept:
        console.print(f"  Not in it: {lost}", markup=False)
    for kept in scored.left:
        console.print(f"  {kept}", markup=False)
    if scored.skipped:
        console.print("  Music that was placed earlier lies there, so it was left as it is.")


def show_ranking(takes: Sequence[TakeInFolder]) -> None:
    """Print the critic's order of takes, where it judged them, with the reasons."""
    console = result_console()
    judged = [
        (critique, placed.take.name)
        for placed in takes
        if (critique := read_critique(placed.folder)) is not None
    ]
    for critique, name in sorted(judged, key=lambda one: one[0].rank):
        place = f"{critique.rank}. {name} ({critique.score:.2f})"
        console.print(f"{place}: {critique.reason}", markup=False)
    if judged:
        listener = judged[0][0].listener
        by = "measurements alone" if listener == SIGNALS else listener
        console.print(f"  Ranked by the critic, who went by {by}.", markup=False)
        if judged[0][0].note:
            console.print(f"  Note: {judged[0][0].note}", markup=False)


def show_take(placed: TakeInFolder) -> None:
    """Print one take and where it lies."""
    console = result_console()
    take, rate = placed.take, placed.take.rate
    begin, end = (format_timecode(at, rate) for at in (take.record.start, take.record.end))
    about = [f"{take.record.length / float(rate.fps):.2f} s at {begin} - {end}"]
    if take.tempo is not None and take.tempo.segments:
        about.append(f"{take.tempo.segments[0].bpm:.1f} BPM")
    if take.tonic is not None:
        about.append(key_name(take.tonic, take.mode))
    about.append(f"{take.loudness_lufs:.1f} LUFS, true peak {take.true_peak_dbtp:.1f} dBTP")
    console.print(f"{take.cue} {take.name}: {', '.join(about)}", markup=False)
    console.print(f"  {placed.folder}", markup=False)
    if (placed.folder / REPORT_FILE).is_file():
        console.print(f"  Listen: {placed.folder / REPORT_FILE}", markup=False)
    if take.hits:
        table = Table("Hit", "At", "In the music", "Off by", title=None, box=None, pad_edge=False)
        for hit in take.hits:
            table.add_row(
                f"  {hit.label or hit.kind.replace('_', ' ')}",
                format_timecode(take.record.start + hit.frame, rate),
                f"bar {hit.bar}, {hit.place}" if hit.place else "",
                f"{hit.error_frames:+.2f} frames ({hit.error_ms:+.1f} ms)",
            )
        console.print(table)
    for other in take.alternates:
        length_s = other.length_samples / take.sample_rate
        level = f"{length_s:.2f} s, {other.loudness_lufs:.1f} LUFS"
        console.print(f"  {other.name}: {level}: {other.mix}", markup=False)
    for dropped in take.dropped[:_DROPPED_SHOWN]:
        name = dropped.label or dropped.kind.replace("_", " ")
        at = format_timecode(take.record.start + dropped.frame, rate)
        console.print(f"  Left out: {name} at {at}: {dropped.reason}", markup=False)
    if len(take.dropped) > _DROPPED_SHOWN:
        more = len(take.dropped) - _DROPPED_SHOWN
        console.print(f"  and {more} more (--json lists them)", markup=False)
    for line in render_lines(placed.folder):
        console.print(f"  {line}", markup=False)
    for warning in take.warnings:
        console.print(f"  Note: {warning}", markup=False)
