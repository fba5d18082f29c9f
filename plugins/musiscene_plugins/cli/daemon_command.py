"""`musiscene daemon start|stop|status|metrics|models|unload|install|uninstall`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import msgspec

from musiscene_core.errors import (
    DaemonError,
    OutputError,
    ProtocolMismatchError,
    RequestError,
)
from musiscene_core.protocol import DaemonStatus, ModelInfo, WorkerInfo, connect, stop
from musiscene_plugins.cli.captioners import about_captioner
from musiscene_plugins.cli.daemon_view import watch
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.services import installing

EXIT_NOT_RUNNING = 1


def run(arguments: argparse.Namespace) -> int:
    """Start, stop or describe the daemon; returns the exit code."""
    if arguments.action == "unload" and not arguments.model:
        raise RequestError("Which model?", hint="`musiscene daemon models` lists them.")
    if arguments.action != "unload" and arguments.model:
        raise RequestError(f"`daemon {arguments.action}` takes no model.", hint="Leave it out.")
    if arguments.action in ("install", "uninstall"):
        return _service(arguments)
    if arguments.action == "stop":
        stopped = stop()
        _say("Stopped." if stopped else "No daemon was running.", arguments, stopped=stopped)
        return 0
    try:
        with connect(start=arguments.action == "start") as client:
            if arguments.action == "metrics":
                sys.stdout.write(client.metrics())
                return 0
            if arguments.action == "unload":
                client.unload(arguments.model)
                _say(f"{arguments.model} goes once nobody works with it.", arguments, unloaded=True)
                return 0
            if arguments.action == "models":
                _list(client.models(), arguments)
                return 0
            if arguments.action == "status" and arguments.watch:
                watch(client)
            status = client.status()
    except ProtocolMismatchError:
        raise
    except DaemonError as error:
        if arguments.action != "status":
            raise
        _say(error.message, arguments, running=False)
        return EXIT_NOT_RUNNING
    if arguments.json:
        sys.stdout.write(json.dumps({"running": True} | msgspec.to_builtins(status)) + "\n")
    else:
        _show(status)
    return 0


def _service(arguments: argparse.Namespace) -> int:
    """Put the daemon's service in place, or take it away."""
    made = installing.service(sys.platform, os.environ, Path.home())
    if arguments.action == "uninstall":
        gone = installing.uninstall(made)
        said = f"{made.path} is gone; the daemon starts when it is needed, as before."
        _say(said if gone else "There was no service.", arguments, removed=gone)
        return 0
    refused = installing.install(made)
    as_json = {"file": str(made.path), "started": not refused, "reason": refused}
    if not refused:
        said = f"The daemon runs as a service, from each login on: {made.path}"
    elif made.follows_file:
        said = f"{made.path} is in place and works from the next login on; not now: {refused}"
    else:
        raise OutputError(f"The service could not be made: {refused}", hint="See its message.")
    _say(said, arguments, **as_json)
    return 0


def _list(models: tuple[ModelInfo, ...], arguments: argparse.Namespace) -> None:
    for model in models:
        if arguments.json:
            sys.stdout.write(json.dumps(msgspec.to_builtins(model)) + "\n")
        else:
            result_console().print(_model(model), markup=False)
    if not models and not arguments.json:
        result_console().print("No models in memory.")


def _show(status: DaemonStatus) -> None:
    console = result_console()
    console.print(
        f"musiscened {status.version} (process {status.pid}) has run for {status.uptime_s:.0f} s: "
        f"{status.jobs_running} jobs at work, {status.jobs_queued} waiting.",
        markup=False,
    )
    for worker in status.workers:
        console.print(f"  {_worker(worker)}", markup=False)
    for engine in status.engines:
        console.print(f"  {engine.name}: {engine.description}", markup=False)
    for captioner in status.captioners:
        console.print(f"  {about_captioner(captioner)}", markup=False)
    for broken in status.broken_engines:
        console.print(f"  {broken.name} does not load: {broken.reason}", markup=False)
    for model in status.models:
        console.print(f"  {_model(model)}", markup=False)
    console.print(f"Takes are kept in {status.data_folder}", markup=False)


def _worker(worker: WorkerInfo) -> str:
    """A line about a worker."""
    if worker.ready:
        return f"worker {worker.name} is ready"
    if worker.waits_for:
        return f"worker {worker.name} waits: {worker.waits_for}"
    if worker.starting or not worker.last_words:
        return f"worker {worker.name} starts"
    return f"worker {worker.name} does not start: {worker.last_words.strip().splitlines()[-1]}"


def _model(model: ModelInfo) -> str:
    """A line about a model in memory."""
    size = f"{model.bytes / 2**30:.1f} GiB" if model.bytes >= 2**30 else f"{model.bytes >> 20} MiB"
    text = f"{model.name} on {model.device}, {size}: "
    if model.state != "ready":
        return text + model.state
    if model.users:
        return text + "in use"
    if model.unload_at is None:
        return text + "idle, kept"
    return text + f"idle, unloaded in {max(0.0, model.unload_at - time.time()):.0f} s"


def _say(text: str, arguments: argparse.Namespace, **as_json: object) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps(as_json) + "\n")
    else:
        result_console().print(text, markup=False)
