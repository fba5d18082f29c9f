"""`musiscene doctor`: what the DaVinci Resolve on this machine can do; our scripts in its menu."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from musiscene_core.errors import RequestError
from musiscene_plugins.cli.resolve_menu import put
from musiscene_plugins.resolve.menu_script import log_path
from musiscene_plugins.resolve.opening import resolve_api
from musiscene_plugins.resolve.probing import ProbeReport, probe_resolve

_LOG_LINES = 5


def run(arguments: argparse.Namespace) -> int:
    """Look at Resolve and print a report that can be sent to us; returns the exit code."""
    if arguments.scripts is not None:
        return put(arguments, named=arguments.scripts)
    if not (arguments.resolve or arguments.bridge):
        raise RequestError("What to look at was not said.", hint="Run: musiscene doctor --resolve")
    with resolve_api(bridge=arguments.bridge) as api:
        report = probe_resolve(api)
    if arguments.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(report), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(lines(report)) + "\n")
    return 0


def lines(report: ProbeReport) -> list[str]:
    """The report to read."""
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
