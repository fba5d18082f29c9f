"""The client for asyncio: the same calls as coroutines.

Each call in flight has a connection and a thread of its own, made when needed and used again, so
that waiting for one job holds up nothing else. Cancelling a coroutine frees its caller at once;
of `wait` it ends the wait alone, of `spot` and `score` also the job.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from musiscene_core.brief import SceneBrief
from musiscene_core.errors import CancelledError
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.client import Client
from musiscene_core.protocol.launcher import connect
from musiscene_core.protocol.messages import DaemonStatus
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import (
    EngineInfo,
    JobInfo,
)
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange

R = TypeVar("R")

MAX_CALLS = 32
"""Calls in flight at once; further ones wait for their turn."""


class AsyncClient:
    """Conversations with the daemon, for one event loop. Use it in an `async with`."""

    def __init__(self, **options: Any) -> None:
        """Prepare to connect, with the options of `connect`; the first call connects."""
        self._options = options
        self._threads = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="musiscene-client")
        self._idle: list[Client] = []
        self._guard = threading.Lock()

    async def __aenter__(self) -> AsyncClient:
        try:
            await self.ping()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the conversations, once the calls in flight have ended. Jobs go on."""
        # In a thread of the loop's: it waits for ours.
        await asyncio.to_thread(self._threads.shutdown)
        while self._idle:
            self._idle.pop().close()

    async def call(self, method: Callable[..., R], *args: Any, **options: Any) -> R:
        """Any of Client's methods: `await client.call(Client.models)`. Raises what it raises."""
        return await self._run(lambda client: method(client, *args, **options))

    async def ping(self) -> None:
        """Hear that the daemon is there."""
        await self.call(Client.ping)

    async def status(self) -> DaemonStatus:
        """The daemon as it stands."""
        return await self.call(Client.status)

    async def metrics(self) -> str:
        """What the daemon counts, in Prometheus' text format."""
        return await self.call(Client.metrics)

    async def engines(self) -> tuple[EngineInfo, ...]:
        """As Client.engines."""
        return await self.call(Client.engines)

    async def submit_spot(self, timeline: TimelineRange, key: str | None = None) -> str:
        """As Client.submit_spot."""
        return await self.call(Client.submit_spot, timeline, key)

    async def submit_score(self, request: ScoreRequest, key: str | None = None) -> str:
        """As Client.submit_score."""
        return await self.call(Client.submit_score, request, key)

    async def job(self, job_id: str) -> JobInfo:
        """As Client.job."""
        return await self.call(Client.job, job_id)

    async def jobs(self) -> tuple[JobInfo, ...]:
        """As Client.jobs."""
        return await self.call(Client.jobs)

    async def cancel(self, job_id: str) -> JobInfo:
        """As Client.cancel."""
        return await self.call(Client.cancel, job_id)

    async def wait(
        self, job_id: str, on_progress: Progress = silent, timeout: float | None = None
    ) -> JobResult:
        """As Client.wait; `on_progress` is called in the event loop."""
        return await self._watched(
            lambda client, progress: client.wait(job_id, progress, timeout), on_progress
        )

    async def spot(self, timeline: TimelineRange, on_progress: Progress = silent) -> SceneBrief:
        """As Client.spot; `on_progress` is called in the event loop."""
        return await self._watched(
            lambda client, progress: client.spot(timeline, progress), on_progress
        )

    async def score(
        self, request: ScoreRequest, on_progress: Progress = silent
    ) -> list[tuple[Take, Path]]:
        """As Client.score; `on_progress` is called in the event loop."""
        return await self._watched(
            lambda client, progress: client.score(request, progress), on_progress
        )

    async def shutdown(self) -> None:
        """As Client.shutdown."""
        await self.call(Client.shutdown)

    async def _watched(self, work: Callable[[Client, Progress], R], on_progress: Progress) -> R:
        loop = asyncio.get_running_loop()
        unwanted = threading.Event()

        def progress(stage: str, fraction: float) -> None:
            if unwanted.is_set():
                raise CancelledError("The wait was cancelled.")
            loop.call_soon_threadsafe(on_progress, stage, fraction)

        try:
            return await self._run(lambda client: work(client, progress))
        finally:
            unwanted.set()

    async def _run(self, work: Callable[[Client], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._with, work)

    def _with(self, work: Callable[[Client], R]) -> R:
        """Do `work` with a connection nobody else uses meanwhile."""
        with self._guard:
            client = self._idle.pop() if self._idle else None
        if client is None:
            client = connect(**self._options)
        try:
            return work(client)
        finally:
            with self._guard:
                self._idle.append(client)
