"""`musiscene score`: music for a range, as files and on a copy of the timeline."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from musiscene_core.keys import key_name
from musiscene_core.timecode import format_timecode
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli.inputs import opened_host, range_choice, request_for
from musiscene_plugins.cli.scoring import Scored, read_brief, score_range
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.host import TakeInFolder


def run(arguments: argparse.Namespace) -> int:
    """Score the range that the arguments name; returns the exit code."""
    output = output_folder(arguments)
    host = opened_host(arguments, output)
    choice = range_choice(arguments)
    brief = read_brief(Path(arguments.brief), host.describe(), choice) if arguments.brief else None
    timeline = brief.timeline if brief is not None else host.read_range(choice)
    scored = score_range(
        host,
        request_for(arguments, timeline),
        brief=brief,
        output=output,
        layout="mix" if arguments.single else "stems",
        quiet=arguments.json,
    )
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(scored), indent=2) + "\n")
    else:
        show_scored(scored)
    return 0


def output_folder(arguments: argparse.Namespace) -> Path:
    """Where results go: as told, or beside where the command runs."""
    if arguments.output:
        return Path(arguments.output).expanduser().absolute()
    return Path.cwd() / f"{file_name(Path(arguments.file).stem)}-score"


def as_json(scored: Scored) -> dict[str, Any]:
    """The take, or all takes, with the folder and the timeline they are in."""
    takes: list[dict[str, Any]] = [
        msgspec.to_builtins(placed.take) | {"folder": str(placed.folder)} for placed in scored.takes
    ]
    if len(takes) == 1:
        return takes[0] | {"timeline": scored.timeline}
    return {"takes": takes, "timeline": scored.timeline}


def show_scored(scored: Scored) -> None:
    """Print what was made, and where."""
    console = result_console()
    for placed in scored.takes:
        _show_take(placed)
    console.print(f"Timeline: {scored.timeline}", markup=False)


def _show_take(placed: TakeInFolder) -> None:
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
    if take.hits:
        table = Table("Hit", "At", "Off by", title=None, box=None, pad_edge=False)
        for hit in take.hits:
            table.add_row(
                f"  {hit.label or hit.kind.replace('_', ' ')}",
                format_timecode(take.record.start + hit.frame, rate),
                f"{hit.error_frames:+.2f} frames ({hit.error_ms:+.1f} ms)",
            )
        console.print(table)
    for warning in take.warnings:
        console.print(f"  Note: {warning}", markup=False)
