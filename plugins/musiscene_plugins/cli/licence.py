"""`musiscene licence`: what music is made for, on this machine or in a project's folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from musiscene_core.errors import RequestError
from musiscene_core.intended_use import intend, intended_use, use_file
from musiscene_plugins.cli.terminal import result_console

_MEANS = {
    "commercial": "Music is made for commercial use: engines, weights and adapters whose licence "
    "forbids it, or is not known, are refused.",
    "any": "Music is made for any use; what each take allows is said in it.",
}


def run(arguments: argparse.Namespace) -> int:
    """Choose or show it; returns the exit code."""
    project = Path(arguments.project).expanduser().absolute() if arguments.project else None
    if project is not None and not project.is_dir():
        raise RequestError(f"{project} is no folder.", hint="Name the folder of the timelines.")
    if arguments.use is not None:
        intend(arguments.use, project)
    use = intended_use(*filter(None, (project,)))
    if arguments.json:
        told = {"licence": use, "file": str(use_file(project))}
        sys.stdout.write(json.dumps(told) + "\n")
        return 0
    console = result_console()
    console.print(_MEANS[use], markup=False)
    if use == "commercial" and arguments.use == "any":
        console.print("  A setting further up, or this machine's, still says so.")
    return 0
