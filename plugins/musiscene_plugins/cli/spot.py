"""`musiscene spot`: watch and listen to a range, and print the brief."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.protocol import connect
from musiscene_plugins.cli.brief_view import show_brief
from musiscene_plugins.cli.inputs import opened_host, range_choice
from musiscene_plugins.cli.terminal import result_console, shown_progress


def run(arguments: argparse.Namespace) -> int:
    """Spot the range that the arguments name; returns the exit code."""
    host = opened_host(arguments)
    timeline = host.read_range(range_choice(arguments))
    targets = [Path(name).expanduser() for name in (arguments.save, arguments.plot) if name]
    for target in targets:
        _check_writable(target)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        brief = client.spot(timeline, show, on_eta=show.eta)
    if arguments.save:
        write_atomically(Path(arguments.save).expanduser(), to_json(brief))
    if arguments.plot:
        from musiscene_core.spotting.plot import plot_brief

        plot_brief(brief, Path(arguments.plot).expanduser())
    if arguments.json:
        sys.stdout.buffer.write(to_json(brief))
    else:
        show_brief(brief)
        console = result_console()
        for target in targets:
            console.print(f"Written: {target}", markup=False)
    return 0


def _check_writable(target: Path) -> None:
    if target.is_dir():
        raise OutputError(f"{target} is a folder.", hint="Give the name of a file to write.")
    if not target.parent.is_dir():
        raise OutputError(
            f"The folder {target.parent} is not there.", hint="Make it first, or choose another."
        )
