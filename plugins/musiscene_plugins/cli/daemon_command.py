"""`musiscene daemon start|stop|status`."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from musiscene_core.errors import DaemonError, ProtocolMismatchError
from musiscene_core.protocol import DaemonStatus, connect, stop
from musiscene_plugins.cli.terminal import result_console

EXIT_NOT_RUNNING = 1


def run(arguments: argparse.Namespace) -> int:
    """Start, stop or describe the daemon; returns the exit code."""
    if arguments.action == "stop":
        stopped = stop()
        _say("Stopped." if stopped else "No daemon was running.", arguments, stopped=stopped)
        return 0
    try:
        with connect(start=arguments.action == "start") as client:
            status = client.status()
    except ProtocolMismatchError:
        raise
    except DaemonError as error:
        if arguments.action == "start":
            raise
        _say(error.message, arguments, running=False)
        return EXIT_NOT_RUNNING
    if arguments.json:
        sys.stdout.write(json.dumps({"running": True} | msgspec.to_builtins(status)) + "\n")
    else:
        _show(status)
    return 0


def _show(status: DaemonStatus) -> None:
    console = result_console()
    console.print(
        f"musiscened {status.version} (process {status.pid}) has run for {status.uptime_s:.0f} s: "
        f"{status.jobs_running} jobs at work, {status.jobs_queued} waiting.",
        markup=False,
    )
    for engine in status.engines:
        console.print(f"  {engine.name}: {engine.description}", markup=False)
    for broken in status.broken_engines:
        console.print(f"  {broken.name} does not load: {broken.reason}", markup=False)
    console.print(f"Takes are kept in {status.data_folder}", markup=False)


def _say(text: str, arguments: argparse.Namespace, **as_json: bool) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps(as_json) + "\n")
    else:
        result_console().print(text, markup=False)
