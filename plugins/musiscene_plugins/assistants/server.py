"""The MCP server: the tools with their inputs and descriptions, over standard input and output.

Errors become tool errors that say what to do next. Nothing of what is asked is logged: neither
words nor paths. Knows nothing of how anything is done.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from musiscene_core import __version__
from musiscene_core.errors import CancelledError, MusiSceneError
from musiscene_core.protocol.aio import AsyncClient
from musiscene_plugins.assistants.answers import (
    ConformAnswer,
    JobAnswer,
    JobsAnswer,
    LibraryAnswer,
    ScoreAnswer,
    SpotAnswer,
)
from musiscene_plugins.assistants.work import Desk

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=Callable[..., Awaitable[Any]])

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_ENDS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

File = Annotated[str, Field(description="path of a movie or of a timeline such as cut.otio")]
TimecodeIn = Annotated[
    str | None, Field(description="record timecode or frame where the range begins; else its start")
]
TimecodeOut = Annotated[
    str | None, Field(description="record timecode or frame after the last one; else the end")
]
MarkerName = Annotated[
    str | None, Field(description="a marker whose length is the range, instead of in and out")
]
CueName = Annotated[str | None, Field(description="what to call the cue, such as 1m3")]
Rate = Annotated[str | None, Field(description='frame rate where the file has none: "29.97 DF"')]
Output = Annotated[str | None, Field(description="folder for the results")]
Takes = Annotated[int, Field(ge=1, le=16, description="how many different takes")]
Seed = Annotated[int, Field(ge=0, description="another seed gives another cue")]
Tempo = Annotated[float | None, Field(ge=30, le=300, description="hold this tempo, in BPM")]
Key = Annotated[str | None, Field(description='hold this key, such as "D minor"')]
Words = Annotated[
    str, Field(max_length=2000, description='what is wished: "tense, no drums until the door"')
]


def build_server(roots: Sequence[Path], client: AsyncClient) -> MCPServer[Any]:
    """A server whose tools work in `roots` over `client`."""
    # Its own log repeats what tools were asked and answered.
    for name in ("mcp", "musiscene_plugins.otio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    server: MCPServer[Any] = MCPServer(
        "musiscene",
        title="MusiScene",
        version=__version__,
        instructions=(
            "Scores film scenes on this machine: music exactly as long as the range, as stems, "
            "placed on a copy of the timeline. Spot first to see what is in a scene. Nothing is "
            "ever overwritten."
        ),
        log_level="CRITICAL",
    )
    desk = Desk(roots, client)
    _add_scoring(server, desk)
    _add_taking(server, desk)
    return server


async def serve(roots: Sequence[Path]) -> None:
    """Serve over standard input and output until the other side leaves."""
    client = AsyncClient()
    try:
        await build_server(roots, client).run_stdio_async()
    finally:
        await client.close()


def _add_scoring(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(annotations=_READS)
    @_guarded
    async def spot(
        ctx: Context[Any, Any],
        file: File,
        record_in: TimecodeIn = None,
        record_out: TimecodeOut = None,
        marker: MarkerName = None,
        rate: Rate = None,
    ) -> SpotAnswer:
        """Watch and listen to a scene: shots, dialogue, temp track, hit points, captions."""
        async with _Told(ctx) as told:
            return await desk.spot(
                told,
                file=file,
                record_in=record_in,
                record_out=record_out,
                marker=marker,
                rate=rate,
            )

    @server.tool(annotations=_WRITES)
    @_guarded
    async def score(
        ctx: Context[Any, Any],
        file: File,
        record_in: TimecodeIn = None,
        record_out: TimecodeOut = None,
        marker: MarkerName = None,
        cue: CueName = None,
        words: Words = "",
        takes: Takes = 1,
        seed: Seed = 0,
        tempo: Tempo = None,
        key: Key = None,
        engine: str = "composer",
        rate: Rate = None,
        output: Output = None,
    ) -> ScoreAnswer:
        """Score a scene: takes with stems and MIDI, placed on a copy of the timeline."""
        async with _Told(ctx) as told:
            return await desk.score(
                told,
                words=words,
                file=file,
                record_in=record_in,
                record_out=record_out,
                marker=marker,
                cue=cue,
                takes=takes,
                seed=seed,
                tempo=tempo,
                key=key,
                engine=engine,
                rate=rate,
                output=output,
            )

    @server.tool(annotations=_WRITES)
    @_guarded
    async def compose(
        ctx: Context[Any, Any],
        mood: Annotated[
            str, Field(max_length=2000, description='such as "tense, then triumphant"')
        ],
        duration: Annotated[str, Field(description='seconds, or minutes as "1:30"')],
        cue: CueName = None,
        takes: Takes = 1,
        seed: Seed = 0,
        tempo: Tempo = None,
        key: Key = None,
        output: Output = None,
    ) -> ScoreAnswer:
        """Compose a cue from words alone, without any picture."""
        async with _Told(ctx) as told:
            return await desk.compose(
                told,
                mood=mood,
                duration=duration,
                cue=cue,
                takes=takes,
                seed=seed,
                tempo=tempo,
                key=key,
                output=output,
            )

    @server.tool(annotations=_WRITES)
    @_guarded
    async def conform(
        ctx: Context[Any, Any],
        take: Annotated[str, Field(description="a take's id, or the path of its folder")],
        file: File,
        record_in: TimecodeIn = None,
        record_out: TimecodeOut = None,
        marker: MarkerName = None,
        rate: Rate = None,
        output: Output = None,
    ) -> ConformAnswer:
        """Fit a take to a timeline that was cut again, changing only what must change."""
        async with _Told(ctx) as told:
            return await desk.conform(
                told,
                take=take,
                file=file,
                record_in=record_in,
                record_out=record_out,
                marker=marker,
                rate=rate,
                output=output,
            )


def _add_taking(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(annotations=_WRITES)
    @_guarded
    async def place(
        takes: Annotated[list[str], Field(description="folders of takes; the first is heard")],
        file: File,
        single: Annotated[bool, Field(description="the mix on one track, not the stems")] = False,
        output: Output = None,
    ) -> ScoreAnswer:
        """Place takes that were made before on a copy of a timeline."""
        return await desk.place(takes, single=single, file=file, output=output)

    @server.tool(annotations=_READS)
    @_guarded
    async def jobs() -> JobsAnswer:
        """List what the daemon is doing and has done."""
        return await desk.jobs()

    @server.tool(annotations=_ENDS)
    @_guarded
    async def cancel(
        job: Annotated[str, Field(description="a job's id, as `jobs` lists it")],
    ) -> JobAnswer:
        """Cancel a job."""
        return await desk.cancel(job)

    @server.tool(annotations=_READS)
    @_guarded
    async def takes(
        words: Annotated[str, Field(description="cue, caption, key or label; empty for all")] = "",
        limit: Annotated[int, Field(ge=1, le=500)] = 20,
    ) -> LibraryAnswer:
        """Search all takes that were ever made."""
        return await desk.takes(words, limit)


class _Told:
    """Progress as notifications: one whenever a percent is gained or the stage changes."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._last = ("", -1)
        self._waiting: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def __aenter__(self) -> _Told:
        self._sender = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if self._sender is None:
            return
        if kind is not None:
            # Nobody wants to hear any more.
            self._sender.cancel()
            return
        self._waiting.put_nowait(None)
        await self._sender

    def __call__(self, stage: str, fraction: float) -> None:
        percent = round(fraction * 100)
        # The protocol wants every notification to be further than the one before.
        if percent > self._last[1]:
            self._last = (stage, percent)
            self._waiting.put_nowait((stage, fraction))

    async def _send(self) -> None:
        while (item := await self._waiting.get()) is not None:
            await self._ctx.report_progress(item[1], 1.0, item[0])


def _guarded(tool: T) -> T:
    """`tool`, whose errors say what to do next and take nothing of what was asked into a log."""

    @functools.wraps(tool)
    async def guarded(*args: Any, **options: Any) -> Any:
        try:
            return await tool(*args, **options)
        except CancelledError as error:
            raise ToolError("Cancelled.") from error
        except MusiSceneError as error:
            raise ToolError(str(error)) from None
        except Exception as error:
            # The boundary to another program: it hears of a bug, but not what the bug says.
            logger.error("a tool failed: %s", type(error).__name__)
            raise ToolError(f"MusiScene failed ({type(error).__name__}).") from None

    return guarded  # type: ignore[return-value]
