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
from musiscene_plugins.cli.terminal import result_console


def run(arguments: argparse.Namespace) -> int:
    """List, cancel or watch jobs; returns the exit code."""
    if arguments.action != "cancel" and arguments.job:
        raise RequestError(f"`jobs {arguments.action}` takes no job.", hint="Leave the ID out.")
    if arguments.action == "cancel" and not arguments.job:
        raise RequestError("Which job?", hint="`musiscene jobs` lists them.")
    with connect(start=False) as client:
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


def _show(jobs: tuple[JobInfo, ...]) -> None:
    table = Table("Job", "Does", "Cue", "State", "Since", box=None, pad_edge=False)
    for job in jobs:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
        table.add_row(job.id, job.kind, job.cue, _state(job), since)
    result_console().print(table, markup=False)


def _state(job: JobInfo) -> str:
    if job.state == "running":
        return f"{job.stage or 'starting'} {job.fraction:.0%}"
    return f"failed: {job.error.message}" if job.error is not None else job.state


def _line(job: JobInfo, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(job)) + "\n")
        sys.stdout.flush()
    else:
        result_console().print(f"{job.id} {job.kind} {job.cue}: {_state(job)}", markup=False)
