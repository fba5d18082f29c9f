"""The daemon's status as a table that keeps itself up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from musiscene_core.protocol import Client, DaemonStatus, JobInfo
from musiscene_plugins.cli.terminal import about, result_console

_REFRESH_S = 0.5
_SHOWN_JOBS = 20


def watch(client: Client, wanted: Callable[[], bool] = lambda: True) -> None:
    """Show the status until interrupted, or until `wanted()` is false.

    Raises:
        DaemonError: the daemon has left.
    """
    with Live(console=result_console(), auto_refresh=False) as live:
        while wanted():
            live.update(view(client.status(), client.jobs()), refresh=True)
            time.sleep(_REFRESH_S)


def view(status: DaemonStatus, jobs: Sequence[JobInfo]) -> Group:
    """The worker, and the jobs that run or wait with how far they are."""
    worker = f"worker {status.worker_pid}" if status.worker_ready else "no worker yet"
    head = Text(
        f"musiscened {status.version}, process {status.pid}, up {about(status.uptime_s)}; "
        f"{worker}; {status.jobs_running} at work, {status.jobs_queued} waiting"
    )
    table = Table("Job", "Does", "Cue", "Stage", "Done", "Left", box=None, pad_edge=False)
    open_jobs = [job for job in jobs if not job.ended]
    for job in sorted(open_jobs, key=lambda job: job.state != "running")[:_SHOWN_JOBS]:
        stage = job.stage or ("starting" if job.state == "running" else "waiting")
        table.add_row(
            job.id,
            job.kind,
            Text(job.cue),
            Text("stopping" if job.cancelling else stage),
            f"{job.fraction:.0%}",
            "" if job.eta_s is None else about(job.eta_s),
        )
    trouble = [
        f"{count} {what}"
        for count, what in (
            (status.refused, "connections refused"),
            (status.malformed, "messages malformed"),
            (status.lost_events, "events lost by slow programs"),
        )
        if count
    ]
    return Group(head, table, *([Text(", ".join(trouble))] if trouble else []))
