"""What the tools do: the command line's own steps, between folders that the user has opened.

Every path must lie in one of the roots, links followed, and so must the media that a timeline
names. Nothing that is there is overwritten, and the daemon's limits hold as for any program.
Knows nothing of the protocol.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, RequestError
from musiscene_core.library.records import TakeQuery
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.aio import AsyncClient
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.assistants.answers import (
    ConformAnswer,
    JobAnswer,
    JobsAnswer,
    LibraryAnswer,
    LibraryTake,
    ScoreAnswer,
    SpotAnswer,
    of_brief,
    of_job,
    of_take,
    of_takes,
)
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli import compose as composing
from musiscene_plugins.cli.inputs import for_its_use, opened_host, range_choice, request_for
from musiscene_plugins.cli.parser import build_parser
from musiscene_plugins.host import EditorHost, TakeInFolder
from musiscene_plugins.recuts import MadeTake, named_take, recut
from musiscene_plugins.reel.scoring import with_words
from musiscene_plugins.results import (
    check_output,
    check_vacant,
    publish,
    publish_alone,
    sounds_of,
    vacant,
)

_SPOTTING_SHARE = 0.6
_MAX_TAKES = 64


class Desk:
    """The tools' work, for one user, over one conversation with the daemon."""

    def __init__(self, roots: Sequence[Path], client: AsyncClient) -> None:
        """Work in `roots`, which are folders."""
        self._roots = tuple(root.expanduser().resolve() for root in roots)
        self._client = client

    async def spot(self, progress: Progress, **asked: Any) -> SpotAnswer:
        """Watch and listen to a range."""
        _, timeline, _ = await asyncio.to_thread(self._opened, "spot", asked)
        return of_brief(await self._client.spot(timeline, progress))

    async def score(self, progress: Progress, *, words: str, **asked: Any) -> ScoreAnswer:
        """Score a range and place the takes on a copy of the timeline."""
        host, timeline, arguments = await asyncio.to_thread(self._opened, "score", asked)
        request = request_for(arguments, timeline)
        output = self._output(arguments, Path(arguments.file).stem, "-score")
        check_output(output, timeline, request.takes, sounds_of(request))
        await self._client.check(request)
        spotting = Portion(progress, 0.0, _SPOTTING_SHARE)
        brief = await self._client.spot(timeline, spotting)
        request = with_words(request, brief, words)
        made = await self._client.score(request, Portion(progress, _SPOTTING_SHARE, 1.0))
        return await asyncio.to_thread(_placed, host, output, request.brief, _in_folders(made))

    async def compose(self, progress: Progress, **asked: Any) -> ScoreAnswer:
        """Make a cue from words alone."""
        arguments = _arguments("compose", ["--mood", "x", "--duration", "1"], asked)
        request = composing.request_for(arguments)
        output = vacant(self._output(arguments, (request.cue or request.mood)[:40], "-cue"))
        about = TimelineRange(
            cue=request.cue, rate=request.rate, record=FrameRange(0, request.frames)
        )
        check_vacant(output)
        check_output(output, about, request.takes, sounds_of(request))
        await self._client.check(request)
        made = await self._client.compose(request, progress)
        brief = read_json(made[0][1] / "brief.json", SceneBrief)
        takes = await asyncio.to_thread(publish_alone, output, brief, _in_folders(made))
        return of_takes(takes, "")

    async def place(self, takes: Sequence[str], *, single: bool, **asked: Any) -> ScoreAnswer:
        """Place takes that were made before on a copy of a timeline."""
        if not 1 <= len(takes) <= _MAX_TAKES:
            raise RequestError(f"Give 1 to {_MAX_TAKES} takes.", hint="Give folders of takes.")

        def placed() -> ScoreAnswer:
            arguments = _arguments("score", ["x"], asked)
            file = self.inside(arguments.file)
            arguments.file = str(file)
            output = self._output(arguments, "", "", beside=file)
            host = opened_host(arguments, output)
            folders = [self.inside(text) for text in takes]
            found = [TakeInFolder(read_json(at / "take.json", Take), at) for at in folders]
            placement = host.place_takes(found, layout="mix" if single else "stems")
            return of_takes(found, placement.timeline)

        return await asyncio.to_thread(placed)

    async def conform(self, progress: Progress, *, take: str, **asked: Any) -> ConformAnswer:
        """Fit a take to a timeline that changed, at the range asked or where its film went."""
        host, arguments = await asyncio.to_thread(self._host, "score", asked)
        made = await asyncio.to_thread(self._made, take)
        timeline = await asyncio.to_thread(self._range_now, made, host, arguments)
        request = made.request if isinstance(made, MadeTake) else made
        earlier = str(made.folder) if isinstance(made, MadeTake) else ""
        output = self._output(arguments, Path(arguments.file).stem, "-score")
        if isinstance(request, ScoreRequest):
            request = for_its_use(request, arguments)
            check_output(output, timeline, request.takes, sounds_of(request))
        else:
            check_output(output, timeline, 1)
        changes, found = await self._client.conform(request, timeline, progress, earlier=earlier)
        rows = [list(row) for row in changes.table()]
        if not found:
            return ConformAnswer(rows, [], "")
        brief = read_json(found[0][1] / "brief.json", SceneBrief)
        answer = await asyncio.to_thread(_placed, host, output, brief, _in_folders(found))
        return ConformAnswer(rows, answer.takes, answer.timeline)

    async def jobs(self) -> JobsAnswer:
        """What the daemon does and did."""
        return JobsAnswer([of_job(job) for job in await self._client.jobs()])

    async def cancel(self, job: str) -> JobAnswer:
        """Cancel a job."""
        return of_job(await self._client.cancel(job))

    async def takes(self, words: str, limit: int) -> LibraryAnswer:
        """Search the library."""
        page = await self._client.takes(TakeQuery(words=words, limit=limit))
        found = [
            LibraryTake(
                id=take.id,
                cue=take.cue,
                label=take.label or take.name,
                folder=take.folder,
                engine=take.engine,
                key=take.key,
                seconds=take.length_s,
                licence=take.licence,
                favourite=take.favourite,
            )
            for take in page.takes
        ]
        return LibraryAnswer(found, page.total)

    def inside(self, text: str) -> Path:
        """The path that `text` names, which must lie in a root.

        Raises:
            InputError: it lies elsewhere, or is no path.
        """
        try:
            path = Path(text).expanduser().resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError("This is no path.", hint="Give an absolute path.") from error
        if not any(path.is_relative_to(root) for root in self._roots):
            raise InputError(
                f"{path} is in no folder that assistants may use.",
                hint="Whoever starts the server opens one: musiscene mcp --root FOLDER.",
            )
        return path

    def _opened(
        self, command: str, asked: dict[str, Any]
    ) -> tuple[EditorHost, TimelineRange, argparse.Namespace]:
        host, arguments = self._host(command, asked)
        return host, self._allowed(host.read_range(range_choice(arguments))), arguments

    def _host(self, command: str, asked: dict[str, Any]) -> tuple[EditorHost, argparse.Namespace]:
        arguments = _arguments(command, ["x"], asked)
        arguments.file = str(self.inside(arguments.file))
        if getattr(arguments, "sounds", None):
            arguments.sounds = str(self.inside(arguments.sounds))
        output = self._output(arguments, Path(arguments.file).stem, "-score")
        return opened_host(arguments, output), arguments

    def _allowed(self, timeline: TimelineRange) -> TimelineRange:
        """`timeline`, all media of which lie in a root."""
        for path in sorted({clip.media.path for clip in timeline.clips} - {""}):
            self.inside(path)
        return timeline

    def _made(self, take: str) -> MadeTake | ScoreRequest | str:
        """The take of that id, folder or request.json; the id where only the daemon knows it."""
        if "/" in take or "\\" in take or take.endswith(".json"):
            return named_take(str(self.inside(take)))
        try:
            return named_take(take)
        except InputError:
            return take

    def _range_now(
        self, made: MadeTake | ScoreRequest | str, host: EditorHost, arguments: argparse.Namespace
    ) -> TimelineRange:
        choice = range_choice(arguments)
        if not isinstance(made, MadeTake):
            return self._allowed(host.read_range(choice))
        one = recut(made, host, choice)
        if one.timeline is None:
            raise RequestError(
                f"{made.take.cue}: {one.what}.",
                hint="Say where the cue lies now with record_in and record_out, or score it anew.",
            )
        return self._allowed(one.timeline)

    def _output(
        self, arguments: argparse.Namespace, name: str, ending: str, beside: Path | None = None
    ) -> Path:
        """Where results go: as asked, else in the first root."""
        if getattr(arguments, "output", None):
            return self.inside(arguments.output)
        if beside is not None:
            return beside.parent
        return self._roots[0] / f"{file_name(name)}{ending}"


def _arguments(command: str, least: list[str], asked: dict[str, Any]) -> argparse.Namespace:
    """What the command line would make of it, so that its defaults and checks are ours."""
    arguments = build_parser().parse_args([command, *least])
    for name, value in asked.items():
        if value is not None:
            setattr(arguments, name, value)
    return arguments


def _in_folders(made: Sequence[tuple[Take, Path]]) -> list[TakeInFolder]:
    return [TakeInFolder(take, folder) for take, folder in made]


def _placed(
    host: EditorHost, output: Path, brief: SceneBrief, made: Sequence[TakeInFolder]
) -> ScoreAnswer:
    takes = publish(output, brief, made)
    return ScoreAnswer([of_take(put) for put in takes], host.place_takes(takes).timeline)
