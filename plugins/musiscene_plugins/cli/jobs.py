"""`musiscene jobs`: list, cancel or watch what the daemon does."""

from __future__ import annotations

import argparse
import json
import sys
import time

import msgspec
from rich.table import Table

from musiscene_core.errors import RequestError
from musiscene_core.protocol import JobInfo, connect
from musiscene_core.protocol.state import CancelScope
from musiscene_plugins.cli.terminal import about, result_console

_SCOPES: dict[str, CancelScope] = {"all": "mine", "queued": "queued"}


def run(arguments: argparse.Namespace) -> int:
    """List, cancel or watch jobs; returns the exit code."""
    if arguments.action != "cancel" and arguments.job:
        raise RequestError(f"`jobs {arguments.action}` takes no job.", hint="Leave the ID out.")
    if arguments.action == "cancel" and not arguments.job:
        raise RequestError(
            "Which job?",
            hint="`musiscene jobs` lists them; `all` means all of yours, `queued` those that wait.",
        )
    with connect(start=False) as client:
        if arguments.job in ("all", "queued"):
            return _cancel_many(client.cancel_all(_SCOPES[arguments.job]), arguments.json)
        if arguments.action == "cancel":
            jobs: tuple[JobInfo, ...] = (client.cancel(arguments.job),)
        elif arguments.action == "watch":
            for job in client.watch():
                _line(job, arguments.json)
            return 0
        else:
            jobs = client.jobs()
    if arguments.json:
        for job in jobs:
            _line(job, as_json=True)
    elif jobs:
        _show(jobs)
    else:
        result_console().print("No jobs.")
    return 0


def _cancel_many(count: int, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"cancelled": count}) + "\n")
    else:
        result_console().print(f"Cancelled: {count}.")
    return 0


def _show(jobs: tuple[JobInfo, ...]) -> None:
    table = Table("Job", "Does", "Cue", "State", "Since", box=None, pad_edge=False)
    for job in jobs:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
        table.add_row(job.id, job.kind, job.cue, _state(job), since)
    result_console().print(table, markup=False)


def _state(job: JobInfo) -> str:
    left = "" if job.eta_s is None else f", about {about(job.eta_s)} left"
    if job.state == "running":
        return f"{job.stage or 'starting'} {job.fraction:.0%}{left}"
    if job.state == "queued":
        return f"queued: {job.stage}" if job.stage else f"queued{left}"
    return f"failed: {job.error.message}" if job.error is not None else job.state


def _line(job: JobInfo, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(job)) + "\n")
        sys.stdout.flush()
    else:
        result_console().print(f"{job.id} {job.kind} {job.cue}: {_state(job)}", markup=False)
