"""`musiscene setup resolve`: our scripts in Resolve's menu, put there, looked for, taken away."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path

from musiscene_core.errors import InputError, RequestError
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.resolve.scripts import (
    SCRIPTS,
    put_scripts,
    remove_scripts,
    scripts_folder,
    scripts_in,
)

_PANEL = "musiscene_gui.main"
_WHAT_FOR = (
    "In Resolve they are under Workspace > Scripts. MusiScene (free edition, once a session) "
    "lets `musiscene score --bridge` in; MusiScene score scores In to Out, and in Studio opens "
    "the panel where Resolve's own Python has no MusiScene."
)


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments ask for; returns the exit code."""
    if arguments.repair or arguments.packages or arguments.mirror or arguments.python:
        raise RequestError(
            "`setup resolve` takes --folder, --verify and --remove alone.",
            hint="To put the scripts there again, run it without any.",
        )
    folder = _folder(arguments.folder)
    if arguments.remove:
        return _say(remove_scripts(folder), "There were none to remove.", arguments, "removed")
    if arguments.verify:
        found = scripts_in(folder)
        if len(found) < len(SCRIPTS):
            raise InputError(
                f"Not all of our scripts are in {folder}.", hint="Run `musiscene setup resolve`."
            )
        return _say(found, "", arguments, "scripts")
    return put(arguments, named=arguments.folder)


def put(arguments: argparse.Namespace, *, named: str | None) -> int:
    """Put them there; returns the exit code."""
    panel = [sys.executable, "-m", _PANEL] if importlib.util.find_spec("PySide6") else []
    paths = put_scripts(_folder(named), panel)
    code = _say(paths, "", arguments, "scripts")
    if not arguments.json:
        result_console().print(_WHAT_FOR, markup=False)
    return code


def _folder(named: str | None) -> Path:
    if named:
        return Path(named).expanduser().absolute()
    return scripts_folder(sys.platform, os.environ, Path.home())


def _say(paths: list[Path], none: str, arguments: argparse.Namespace, key: str) -> int:
    if arguments.json:
        sys.stdout.write(json.dumps({key: [str(path) for path in paths]}) + "\n")
    else:
        for path in paths:
            result_console().print(str(path), markup=False)
        if none and not paths:
            result_console().print(none, markup=False)
    return 0
