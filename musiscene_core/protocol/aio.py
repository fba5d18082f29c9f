"""The client for asyncio: the same calls as coroutines.

Each call in flight has a connection and a thread of its own, made when needed and used again, so
that waiting for one job holds up nothing else. Cancelling a coroutine frees its caller at once;
of `wait` it ends the wait alone, of `spot`, `score` and their like also the job.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from musiscene_core.brief import SceneBrief
from musiscene_core.captioning.heard import SoundCaptions
from musiscene_core.captioning.request import ListenRequest
from musiscene_core.conforming.changes import Changes
from musiscene_core.critic.critique import Critique
from musiscene_core.errors import CancelledError
from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.client import Client
from musiscene_core.protocol.conversation import OnEta, OnWriting
from musiscene_core.protocol.launcher import connect
from musiscene_core.protocol.messages import DaemonStatus, PairedList, PairingOpened
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import (
    CancelScope,
    CaptionerInfo,
    EngineInfo,
    GrowingText,
    JobInfo,
    JobKind,
    ModelInfo,
    Priority,
)
from musiscene_core.request import SIGNALS, CaptionRequest, ComposeRequest, MusicWish, ScoreRequest
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
        self._session = uuid.uuid4().hex
        self._closing = threading.Event()

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
        self._closing.set()
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

    async def models(self) -> tuple[ModelInfo, ...]:
        """As Client.models."""
        return await self.call(Client.models)

    async def unload(self, model: str) -> None:
        """As Client.unload."""
        await self.call(Client.unload, model)

    async def engines(self) -> tuple[EngineInfo, ...]:
        """As Client.engines."""
        return await self.call(Client.engines)

    async def captioners(self) -> tuple[CaptionerInfo, ...]:
        """As Client.captioners."""
        return await self.call(Client.captioners)

    async def check(self, request: MusicWish) -> None:
        """As Client.check."""
        await self.call(Client.check, request)

    async def open_pairing(self) -> PairingOpened:
        """As Client.open_pairing."""
        return await self.call(Client.open_pairing)

    async def paired(self) -> PairedList:
        """As Client.paired."""
        return await self.call(Client.paired)

    async def revoke(self, name: str) -> None:
        """As Client.revoke."""
        await self.call(Client.revoke, name)

    async def submit_spot(
        self,
        timeline: TimelineRange,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """As Client.submit_spot."""
        return await self.call(Client.submit_spot, timeline, key, priority=priority)

    async def submit_score(
        self, request: ScoreRequest, key: str | None = None, *, priority: Priority = "interactive"
    ) -> str:
        """As Client.submit_score."""
        return await self.call(Client.submit_score, request, key, priority=priority)

    async def submit_compose(
        self, request: ComposeRequest, key: str | None = None, *, priority: Priority = "interactive"
    ) -> str:
        """As Client.submit_compose."""
        return await self.call(Client.submit_compose, request, key, priority=priority)

    async def submit_caption(
        self, request: CaptionRequest, key: str | None = None, *, priority: Priority = "interactive"
    ) -> str:
        """As Client.submit_caption."""
        return await self.call(Client.submit_caption, request, key, priority=priority)

    async def submit_listen(
        self, request: ListenRequest, key: str | None = None, *, priority: Priority = "interactive"
    ) -> str:
        """As Client.submit_listen."""
        return await self.call(Client.submit_listen, request, key, priority=priority)

    async def submit_conform(
        self,
        made: ScoreRequest | str,
        timeline: TimelineRange,
        key: str | None = None,
        *,
        earlier: str = "",
        priority: Priority = "interactive",
    ) -> str:
        """As Client.submit_conform."""
        return await self.call(
            Client.submit_conform, made, timeline, key, earlier=earlier, priority=priority
        )

    async def estimate(
        self, kind: JobKind, length_s: float, *, engine: str = "", takes: int = 1
    ) -> float | None:
        """As Client.estimate."""
        return await self.call(Client.estimate, kind, length_s, engine=engine, takes=takes)

    async def job(self, job_id: str) -> JobInfo:
        """As Client.job."""
        return await self.call(Client.job, job_id)

    async def jobs(self) -> tuple[JobInfo, ...]:
        """As Client.jobs."""
        return await self.call(Client.jobs)

    async def cancel(self, job_id: str) -> JobInfo:
        """As Client.cancel."""
        return await self.call(Client.cancel, job_id)

    async def cancel_all(self, scope: CancelScope = "session") -> int:
        """As Client.cancel_all."""
        return await self.call(Client.cancel_all, scope)

    async def takes(self, query: TakeQuery | None = None) -> TakePage:
        """As Client.takes."""
        return await self.call(Client.takes, query)

    async def mark_take(
        self, take_id: str, *, favourite: bool | None = None, label: str | None = None
    ) -> TakeRecord:
        """As Client.mark_take."""
        return await self.call(Client.mark_take, take_id, favourite=favourite, label=label)

    async def delete_take(self, take_id: str, *, even_favourite: bool = False) -> int:
        """As Client.delete_take."""
        return await self.call(Client.delete_take, take_id, even_favourite=even_favourite)

    async def purge_takes(self) -> tuple[int, int]:
        """As Client.purge_takes."""
        return await self.call(Client.purge_takes)

    async def wait(
        self,
        job_id: str,
        on_progress: Progress = silent,
        timeout: float | None = None,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> JobResult:
        """As Client.wait; what hears of it is called in the event loop."""
        writing = self._in_loop(on_writing)
        return await self._watched(
            lambda client, progress, eta: client.wait(
                job_id, progress, timeout, on_eta=eta, on_writing=writing
            ),
            on_progress,
            on_eta,
        )

    async def spot(
        self,
        timeline: TimelineRange,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> SceneBrief:
        """As Client.spot; `on_progress` and `on_eta` are called in the event loop."""
        return await self._watched(
            lambda client, progress, eta: client.spot(timeline, progress, on_eta=eta),
            on_progress,
            on_eta,
        )

    async def score(
        self,
        request: ScoreRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> list[tuple[Take, Path]]:
        """As Client.score; `on_progress` and `on_eta` are called in the event loop."""
        return await self._watched(
            lambda client, progress, eta: client.score(request, progress, on_eta=eta),
            on_progress,
            on_eta,
        )

    async def compose(
        self,
        request: ComposeRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> list[tuple[Take, Path]]:
        """As Client.compose; `on_progress` and `on_eta` are called in the event loop."""
        return await self._watched(
            lambda client, progress, eta: client.compose(request, progress, on_eta=eta),
            on_progress,
            on_eta,
        )

    async def caption(
        self,
        request: CaptionRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> SceneBrief:
        """As Client.caption; what hears of it is called in the event loop."""
        writing = self._in_loop(on_writing)
        return await self._watched(
            lambda client, progress, eta: client.caption(
                request, progress, on_eta=eta, on_writing=writing
            ),
            on_progress,
            on_eta,
        )

    async def listen(
        self,
        request: ListenRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> SoundCaptions:
        """As Client.listen; what hears of it is called in the event loop."""
        writing = self._in_loop(on_writing)
        return await self._watched(
            lambda client, progress, eta: client.listen(
                request, progress, on_eta=eta, on_writing=writing
            ),
            on_progress,
            on_eta,
        )

    async def critique(
        self,
        takes: Sequence[Path],
        captioner: str = SIGNALS,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> tuple[Critique, ...]:
        """As Client.critique."""
        return await self._watched(
            lambda client, progress, eta: client.critique(takes, captioner, progress, on_eta=eta),
            on_progress,
            on_eta,
        )

    async def conform(
        self,
        made: ScoreRequest | str,
        timeline: TimelineRange,
        on_progress: Progress = silent,
        *,
        earlier: str = "",
        on_eta: OnEta | None = None,
    ) -> tuple[Changes, list[tuple[Take, Path]]]:
        """As Client.conform; `on_progress` and `on_eta` are called in the event loop."""
        return await self._watched(
            lambda client, progress, eta: client.conform(
                made, timeline, progress, earlier=earlier, on_eta=eta
            ),
            on_progress,
            on_eta,
        )

    async def watch(self, timeout_s: float | None = None) -> AsyncIterator[JobInfo]:
        """As Client.watch. Left early, it stops listening within a moment."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[JobInfo | None] = asyncio.Queue()
        unwanted = threading.Event()

        def wanted() -> bool:
            return not (unwanted.is_set() or self._closing.is_set())

        def listen(client: Client) -> None:
            try:
                for job in client.watch(timeout_s, wanted=wanted):
                    loop.call_soon_threadsafe(heard.put_nowait, job)
            finally:
                loop.call_soon_threadsafe(heard.put_nowait, None)

        listening = asyncio.ensure_future(self._run(listen))
        try:
            while (job := await heard.get()) is not None:
                yield job
            await listening
        finally:
            unwanted.set()
            # Whatever it says now, nobody listens.
            listening.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def shutdown(self) -> None:
        """As Client.shutdown."""
        await self.call(Client.shutdown)

    def _in_loop(self, on_writing: OnWriting | None) -> OnWriting | None:
        """`on_writing`, to be called from a thread."""
        if on_writing is None:
            return None
        loop, hear = asyncio.get_running_loop(), on_writing

        def writing(texts: tuple[GrowingText, ...]) -> None:
            loop.call_soon_threadsafe(hear, texts)

        return writing

    async def _watched(
        self,
        work: Callable[[Client, Progress, OnEta | None], R],
        on_progress: Progress,
        on_eta: OnEta | None,
    ) -> R:
        loop = asyncio.get_running_loop()
        unwanted = threading.Event()

        def progress(stage: str, fraction: float) -> None:
            if unwanted.is_set():
                raise CancelledError("The wait was cancelled.")
            loop.call_soon_threadsafe(on_progress, stage, fraction)

        def eta(seconds: float | None) -> None:
            if on_eta is not None and not unwanted.is_set():
                loop.call_soon_threadsafe(on_eta, seconds)

        try:
            return await self._run(
                lambda client: work(client, progress, eta if on_eta is not None else None)
            )
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
            client.session = self._session
        try:
            return work(client)
        finally:
            with self._guard:
                self._idle.append(client)
