"""`musiscene doctor`: looks at everything that could be wrong; or at what a Resolve can do.

0   nothing is broken
1   something is: each with what mends it
2   the doctor itself could not work
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from musiscene_core.errors import RequestError
from musiscene_plugins.cli.resolve_menu import put
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.resolve.menu_script import log_path
from musiscene_plugins.resolve.opening import resolve_api
from musiscene_plugins.resolve.probing import ProbeReport, probe_resolve

EXIT_BROKEN = 1
_LOG_LINES = 5


def run(arguments: argparse.Namespace) -> int:
    """Look, and print what was found; returns the exit code."""
    asks_resolve = arguments.resolve or arguments.bridge or arguments.scripts is not None
    if arguments.bundle and asks_resolve:
        raise RequestError("--bundle belongs to the whole report.", hint="Leave the others out.")
    if arguments.scripts is not None:
        return put(arguments, named=arguments.scripts)
    if arguments.resolve or arguments.bridge:
        return _resolve(arguments)
    return _everything(arguments)


def _everything(arguments: argparse.Namespace) -> int:
    # Here and not above: Resolve's own report needs none of it.
    from musiscene_plugins.doctor import words
    from musiscene_plugins.doctor.bundle import write_bundle
    from musiscene_plugins.doctor.running import examine

    with shown_progress(quiet=True) as show:
        report = examine(show)
    path = Path(arguments.bundle).expanduser().absolute() if arguments.bundle else None
    if path is not None:
        write_bundle(report, path)
    if arguments.json:
        told = msgspec.to_builtins(report) | {"broken": len(report.broken)}
        sys.stdout.write(
            json.dumps(told | ({"bundle": str(path)} if path else {}), indent=2) + "\n"
        )
    else:
        for line in words.lines(report):
            result_console().print(line, markup=False)
        if path is not None:
            said = f"{path} can be attached to a report: no names, folders or keys are in it."
            result_console().print(said, markup=False)
    return EXIT_BROKEN if report.broken else 0


def _resolve(arguments: argparse.Namespace) -> int:
    with resolve_api(bridge=arguments.bridge) as api:
        report = probe_resolve(api)
    if arguments.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(report), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(lines(report)) + "\n")
    return 0


def lines(report: ProbeReport) -> list[str]:
    """What Resolve can do, to read."""
    editor = report.editor
    printed = [f"{editor.name} {editor.version} ({editor.edition})", report.system, "Calls:"]
    printed += [f"  {'yes' if known else 'no ':3} {name}" for name, known in report.methods.items()]
    printed.append("Found:")
    printed += [
        f"  {name}: {'not known' if value is None else value}"
        for name, value in report.findings.items()
    ]
    printed += [f"Problem: {problem}" for problem in report.problems]
    return printed + _menu_log()


def _menu_log() -> list[str]:
    """When the menu script last ran: times alone, since its messages may name the user's work."""
    try:
        with open(log_path(), encoding="utf-8", errors="replace") as file:
            times = [line.split(" ")[0] for line in file][-_LOG_LINES:]
    except OSError:
        return ["The menu script has not run yet."]
    return [f"The menu script last ran at {times[-1]}." if times else "The menu log is empty."]
