"""Scores the cues of a reel through the daemon, several in its queue at once, and places them.

    read ranges -> (per cue: kept, or spot -> words, themes -> score -> publish) -> place all

Goes on where it was: what a state file says is done and unchanged is kept, and a job's key is made
of what it is about, so that one handed over by an earlier run is found again. A cue that fails
stops no other. Cancelled, it cancels every job it waits for.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from musiscene_core.brief import Caption, SceneBrief
from musiscene_core.codec import digest, read_json
from musiscene_core.errors import InputError, MusiSceneError
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.aio import AsyncClient
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import JobInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.host import (
    EditorHost,
    LiveHost,
    PlaceLayout,
    PlacePolicy,
    RangeChoice,
    TakeInFolder,
)
from musiscene_plugins.reel.cues import ReelCue
from musiscene_plugins.reel.placing import StandingReel, place_reel
from musiscene_plugins.reel.state import (
    CueRecord,
    ReelState,
    changed,
    dependencies,
    read_state,
    state_path,
    theme_digest,
    write_state,
)
from musiscene_plugins.reel.themes import ReelThemes
from musiscene_plugins.results import check_output, publish, sounds_of

AT_ONCE = 8
"""Cues under way at a time: enough to keep every worker busy, few enough for the daemon's queue."""
_SPOTTING_SHARE = 0.6
_NOT_WISHES = ("brief", "caption_strategy", "themes", "theme_book", "schema_version")

CueState = Literal["made", "kept", "failed"]


@dataclass(frozen=True)
class CueOutcome:
    """What became of a cue.

    Attributes:
        cue: which.
        state: made, kept from an earlier run, or failed.
        takes: its takes in the user's folder; none where it failed.
        changed: why it was made anew, where it had been made before.
        error: why it failed.
    """

    cue: ReelCue
    state: CueState
    takes: tuple[TakeInFolder, ...] = ()
    changed: tuple[str, ...] = ()
    error: MusiSceneError | None = None


@dataclass(frozen=True)
class ReelResult:
    """What became of a reel.

    Attributes:
        outcomes: each cue in order of time.
        timeline: the one with the music on it; empty where there is none.
        left: earlier music that someone has worked on and that stayed, a sentence each.
    """

    outcomes: tuple[CueOutcome, ...]
    timeline: str
    left: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[CueOutcome, ...]:
        """The cues without music."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "failed")


class ReelProgress(Protocol):
    """Hears how far the cues are."""

    def at(self, cue: str, stage: str, fraction: float) -> None:
        """Tell that `cue` is at `stage`, `fraction` of it all done."""

    def ended(self, outcome: CueOutcome) -> None:
        """Tell that a cue is done with."""


@dataclass(frozen=True)
class ReelWish:
    """What is wanted of a reel.

    Attributes:
        host: its timeline.
        name: what its files are called.
        cues: in order of time.
        request: the request for a range, its brief still blank.
        themes: the film's themes.
        output: where the music goes.
        layout: a track a stem, or one for the mix.
        policy: what happens to music placed there earlier; None: a file's stays, in an editor
            what was made for the same cue goes.
        live: the same timeline where it is open in an editor; None for a file.
    """

    host: EditorHost
    name: str
    cues: tuple[ReelCue, ...]
    request: Callable[[TimelineRange], ScoreRequest]
    themes: ReelThemes
    output: Path
    layout: PlaceLayout = "stems"
    policy: PlacePolicy | None = None
    live: LiveHost | None = None


@dataclass
class _Cue:
    """A cue under way."""

    cue: ReelCue
    request: ScoreRequest
    themed: asyncio.Event = field(default_factory=asyncio.Event)


def score_reel(wish: ReelWish, progress: ReelProgress) -> ReelResult:
    """Make what `wish` asks for and place it.

    Raises:
        InputError: the state file is damaged.
        OutputError: nothing can be written to the output, or the timeline cannot.
        DaemonError: there is no daemon.
        KeyboardInterrupt: every job of ours is cancelled.
    """
    run = _Run(wish, read_state(state_path(wish.output, wish.name)), progress)
    outcomes = asyncio.run(run.outcomes())
    # Here, where the host was opened: an editor's objects are not for other threads.
    placed = place_reel(wish.host, wish.live, run.state, _standing(wish, outcomes))
    if placed.state != run.state:
        write_state(state_path(wish.output, wish.name), placed.state)
    return ReelResult(outcomes, placed.timeline, placed.left)


def _standing(wish: ReelWish, outcomes: Sequence[CueOutcome]) -> StandingReel:
    return StandingReel(
        output=wish.output,
        takes=tuple(outcome.takes for outcome in outcomes if outcome.takes),
        layout=wish.layout,
        policy=wish.policy,
    )


class _Run:
    def __init__(self, wish: ReelWish, state: ReelState, progress: ReelProgress) -> None:
        self._wish = wish
        self.state = state
        self._progress = progress
        self._began = time.time()
        self._open: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def outcomes(self) -> tuple[CueOutcome, ...]:
        """What becomes of every cue, all of them made but none placed."""
        ready: list[_Cue | CueOutcome] = [self._prepared(cue) for cue in self._wish.cues]
        async with AsyncClient() as client:
            engines = {engine.name: engine.version for engine in await client.engines()}
            tasks = []
            before: asyncio.Event | None = None
            for item in ready:
                if isinstance(item, _Cue):
                    version = engines.get(item.request.engine, "")
                    tasks.append(self._cue(client, item, before, version))
                    before = item.themed
                else:
                    self._progress.ended(item)
            try:
                done = iter(await asyncio.gather(*tasks))
            except asyncio.CancelledError:
                for job_id in sorted(self._open):
                    with suppress(MusiSceneError):
                        await client.cancel(job_id)
                raise
        return tuple(item if isinstance(item, CueOutcome) else next(done) for item in ready)

    def _prepared(self, cue: ReelCue) -> _Cue | CueOutcome:
        choice = RangeChoice(
            record_in=str(cue.record.start), record_out=str(cue.record.end), cue=cue.name
        )
        try:
            timeline = self._wish.host.read_range(choice)
            request = self._wish.request(timeline)
        except InputError as error:
            return CueOutcome(cue, "failed", error=error)
        check_output(self._wish.output, timeline, request.takes, sounds_of(request))
        return _Cue(cue, request)

    async def _cue(
        self, client: AsyncClient, item: _Cue, before: asyncio.Event | None, version: str
    ) -> CueOutcome:
        try:
            async with self._slots:
                outcome = await self._made(client, item, before, version)
        except MusiSceneError as error:
            outcome = CueOutcome(item.cue, "failed", error=error)
        finally:
            item.themed.set()
        self._progress.ended(outcome)
        return outcome

    async def _made(
        self, client: AsyncClient, item: _Cue, before: asyncio.Event | None, version: str
    ) -> CueOutcome:
        cue, themes = item.cue, self._wish.themes
        wishes = {
            name: getattr(item.request, name)
            for name in item.request.__struct_fields__
            if name not in _NOT_WISHES
        }
        depends = dependencies(item.request.brief.timeline, cue.note, wishes, version)
        uses = themes.uses(cue.name)
        known = self.state.cues.get(cue.name, CueRecord())
        why = changed(known, depends | {"themes": theme_digest(uses, themes.book)})
        kept = self._takes(known)
        if kept and not why:
            self._note(cue, known.depends, kept)
            return CueOutcome(cue, "kept", kept)
        await client.check(item.request)
        brief = await self._spotted(client, item, Portion(self._at(cue), 0.0, _SPOTTING_SHARE))
        if before is not None:
            # A new theme takes its mood from the first cue that uses it, whichever ends first.
            await before.wait()
        request = themes.into(with_words(item.request, brief, cue.note.words), cue.name)
        item.themed.set()
        result = await self._job(
            client,
            lambda key: client.submit_score(request, key, priority="batch"),
            f"score-{digest(request)[:40]}",
            Portion(self._at(cue), _SPOTTING_SHARE, 1.0),
        )
        folders = [Path(folder) for folder in result.takes]
        made = [TakeInFolder(read_json(path / "take.json", Take), path) for path in folders]
        takes = await asyncio.to_thread(publish, self._wish.output, request.brief, made)
        self._note(cue, depends | {"themes": theme_digest(uses, themes.book)}, takes)
        return CueOutcome(cue, "made", tuple(takes), why if known.takes else ())

    async def _spotted(self, client: AsyncClient, item: _Cue, progress: Progress) -> SceneBrief:
        timeline = item.request.brief.timeline
        media = dependencies(timeline, item.cue.note, {}, "")["media"]
        result = await self._job(
            client,
            lambda key: client.submit_spot(timeline, key, priority="batch"),
            f"spot-{digest((timeline, media))[:40]}",
            progress,
        )
        return read_json(Path(result.folder, "brief.json"), SceneBrief)

    async def _job(
        self,
        client: AsyncClient,
        submit: Callable[[str], Awaitable[str]],
        about: str,
        progress: Progress,
    ) -> JobResult:
        """The result of the job about this, which an earlier run may have handed over."""
        for attempt in itertools.count():
            job_id = await submit(f"reel-{about}-{attempt}")
            job = await client.job(job_id)
            if not (job.created < self._began and _useless(job)):
                break
        self._open.add(job_id)
        result = await client.wait(job_id, progress)
        self._open.discard(job_id)
        return result

    def _at(self, cue: ReelCue) -> Progress:
        return lambda stage, fraction: self._progress.at(cue.name, stage, fraction)

    def _takes(self, known: CueRecord) -> tuple[TakeInFolder, ...]:
        """The takes of an earlier run; none where one of them is gone or damaged."""
        folders = [self._wish.output / name for name in known.takes]
        try:
            takes = [TakeInFolder(read_json(at / "take.json", Take), at) for at in folders]
        except InputError:
            return ()
        there = all((put.folder / name).is_file() for put in takes for name in _sounds(put.take))
        return tuple(takes) if there else ()

    def _note(self, cue: ReelCue, depends: dict[str, str], takes: Sequence[TakeInFolder]) -> None:
        names = tuple(self._relative(put) for put in takes)
        record = CueRecord(depends=depends, takes=names, usage=cue.note.usage)
        if self.state.cues.get(cue.name) != record:
            cues = self.state.cues | {cue.name: record}
            self._write(msgspec.structs.replace(self.state, cues=cues))

    def _write(self, state: ReelState) -> None:
        self.state = state
        write_state(state_path(self._wish.output, self._wish.name), state)

    def _relative(self, put: TakeInFolder) -> str:
        return put.folder.relative_to(self._wish.output).as_posix()


def with_words(request: ScoreRequest, brief: SceneBrief, words: str) -> ScoreRequest:
    """`request` for `brief`, steered by a user's words where there are any."""
    if not words:
        return msgspec.structs.replace(request, brief=brief)
    captions = msgspec.structs.replace(
        brief.captions, music_conditions=Caption(words, "user", edited=True)
    )
    brief = msgspec.structs.replace(brief, captions=captions)
    return msgspec.structs.replace(request, brief=brief, caption_strategy="music_conditions")


def _useless(job: JobInfo) -> bool:
    """Whether an earlier run's job has nothing to give any more."""
    if job.state == "done":
        return not Path(job.folder).is_dir()
    return job.cancelling or job.state in ("failed", "cancelled")


def _sounds(take: Take) -> tuple[str, ...]:
    return (take.mix, *(stem.path for stem in take.stems))
