"""Client: the daemon's work as calls that return our nouns and raise our errors.

Survives a daemon that dies (conversation.py). One client per thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.brief import SceneBrief
from musiscene_core.captioning.heard import CAPTIONS_NAME, SoundCaptions
from musiscene_core.captioning.request import ListenRequest
from musiscene_core.codec import read_json
from musiscene_core.errors import (
    CancelledError,
    JobFailedError,
    MusiSceneError,
    from_code,
)
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.conversation import OnEta, OnWriting
from musiscene_core.protocol.messages import (
    Accepted,
)
from musiscene_core.protocol.questions import Questions
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import (
    JobInfo,
    Priority,
)
from musiscene_core.protocol.submissions import (
    SubmitCaption,
    SubmitCompose,
    SubmitConform,
    SubmitListen,
    SubmitScore,
    SubmitSpot,
)
from musiscene_core.request import SIGNALS, CaptionRequest, ComposeRequest, ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange

if TYPE_CHECKING:
    from musiscene_core.conforming.changes import Changes
    from musiscene_core.critic.critique import Critique


class Client(Questions):
    """A conversation with the daemon. Made by `connect`; close it, or use it in a `with`."""

    def submit_spot(
        self,
        timeline: TimelineRange,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a range to spot; returns the job's id once it can no longer be lost.

        Args:
            timeline: the range.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.
        """
        wish = SubmitSpot(timeline, key or _new_key(), priority, self.session)
        return self._talk.call(wish, Accepted).job_id

    def submit_score(
        self,
        request: ScoreRequest,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a request to score; returns the job's id once it can no longer be lost.

        Args:
            request: what is wanted.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.

        Raises:
            EngineError: there is no such engine.
            RequestError: the engine cannot do what is asked.
        """
        wish = SubmitScore(request, key or _new_key(), priority, self.session)
        return self._talk.call(wish, Accepted).job_id

    def submit_compose(
        self,
        request: ComposeRequest,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a request for a cue without picture; all else is as in `submit_score`."""
        wish = SubmitCompose(request, key or _new_key(), priority, self.session)
        return self._talk.call(wish, Accepted).job_id

    def submit_caption(
        self,
        request: CaptionRequest,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a brief whose captions shall be written anew; returns the job's id.

        Args:
            request: the brief, and which of its captions.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.
        """
        wish = SubmitCaption(request, key or _new_key(), priority, self.session)
        return self._talk.call(wish, Accepted).job_id

    def submit_listen(
        self,
        request: ListenRequest,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over sound that shall be put into words; returns the job's id.

        Args:
            request: the sound, and what to ask of it.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.

        Raises:
            EngineError: there is no such captioner.
            RequestError: the captioner cannot do what is asked.
        """
        wish = SubmitListen(request, key or _new_key(), priority, self.session)
        return self._talk.call(wish, Accepted).job_id

    def submit_conform(
        self,
        made: ScoreRequest | str,
        timeline: TimelineRange,
        key: str | None = None,
        *,
        earlier: str = "",
        priority: Priority = "interactive",
    ) -> str:
        """Hand over music whose range has changed; returns the job's id.

        Args:
            made: what the music was made from, or the id of the take, or its beginning.
            timeline: the range as it is now.
            earlier: with what it was made from, the folder of the take, of which stays what can.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.

        Raises:
            InputError: there is no such take.
            EngineError: the engine that made it is gone.
            RequestError: the engine cannot do the new range, or the take says not how it was made.
        """
        wish = SubmitConform(
            timeline=timeline,
            take_id=made if isinstance(made, str) else "",
            request=made if isinstance(made, ScoreRequest) else None,
            earlier=earlier,
            key=key or _new_key(),
            priority=priority,
            session=self.session,
        )
        return self._talk.call(wish, Accepted).job_id

    def wait(
        self,
        job_id: str,
        on_progress: Progress = silent,
        timeout: float | None = None,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> JobResult:
        """Wait for a job to end.

        Args:
            job_id: the job.
            on_progress: hears of each stage; what it raises ends the wait, not the job.
            timeout: seconds; None waits for ever.
            on_eta: hears how many seconds are left, before each sign of progress.
            on_writing: hears of the texts that the job writes, as far as they are.

        Raises:
            CancelledError: the job was cancelled.
            DaemonError: the daemon is gone or silent, or `timeout` passed.
            MusiSceneError: the job failed, with its own error.
        """
        job = self._talk.ended(job_id, on_progress, timeout, on_eta, on_writing)
        if job.state == "done":
            takes = tuple(str(Path(job.folder, take)) for take in job.takes)
            return JobResult(job_id=job.id, folder=job.folder, takes=takes)
        if job.state == "cancelled":
            raise CancelledError("The job was cancelled.")
        if job.error is None:
            raise JobFailedError("The job failed.", hint="The daemon's log may say why.")
        raise from_code(job.error.code, job.error.message, job.error.hint)

    def spot(
        self,
        timeline: TimelineRange,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> SceneBrief:
        """Spot a range and read the brief. Interrupted, it cancels the job."""
        result = self._finish(lambda key: self.submit_spot(timeline, key), on_progress, on_eta)
        return read_json(Path(result.folder, "brief.json"), SceneBrief)

    def score(
        self,
        request: ScoreRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> list[tuple[Take, Path]]:
        """Score a request; each take with its folder in the library. Interrupted, it cancels."""
        result = self._finish(lambda key: self.submit_score(request, key), on_progress, on_eta)
        return _takes(result)

    def compose(
        self,
        request: ComposeRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> list[tuple[Take, Path]]:
        """Make a cue without picture; each take with its folder. Interrupted, it cancels."""
        result = self._finish(lambda key: self.submit_compose(request, key), on_progress, on_eta)
        return _takes(result)

    def caption(
        self,
        request: CaptionRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> SceneBrief:
        """Have captions written anew and read the brief. Interrupted, it cancels the job."""
        result = self._finish(
            lambda key: self.submit_caption(request, key), on_progress, on_eta, on_writing
        )
        return read_json(Path(result.folder, "brief.json"), SceneBrief)

    def listen(
        self,
        request: ListenRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
        on_writing: OnWriting | None = None,
    ) -> SoundCaptions:
        """Have sound put into words. Interrupted, it cancels the job."""
        result = self._finish(
            lambda key: self.submit_listen(request, key), on_progress, on_eta, on_writing
        )
        return read_json(Path(result.folder, CAPTIONS_NAME), SoundCaptions)

    def critique(
        self,
        takes: Sequence[Path],
        captioner: str = SIGNALS,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> tuple[Critique, ...]:
        """Have takes of one scene judged by the brief of the first; their critiques in their order.

        Args:
            takes: their folders.
            captioner: who puts them into words.
            on_progress: hears of each stage of each take.
            on_eta: hears how many seconds the stage will still take.

        Raises:
            InputError: a take cannot be read.
            EngineError: there is no such captioner.
        """
        # Here and below, not above: whoever opens a window needs neither yet.
        from musiscene_core.critic.asking import critiques

        return critiques(
            takes, captioner, lambda wish: self.listen(wish, on_progress, on_eta=on_eta)
        )

    def conform(
        self,
        made: ScoreRequest | str,
        timeline: TimelineRange,
        on_progress: Progress = silent,
        *,
        earlier: str = "",
        on_eta: OnEta | None = None,
    ) -> tuple[Changes, list[tuple[Take, Path]]]:
        """Fit music to a range that changed. Interrupted, it cancels the job.

        Returns:
            How the range changed, and the new takes; none where the music need not change.
        """
        result = self._finish(
            lambda key: self.submit_conform(made, timeline, key, earlier=earlier),
            on_progress,
            on_eta,
        )
        folder = Path(result.takes[0] if result.takes else result.folder)
        from musiscene_core.conforming.changes import Changes

        return read_json(folder / "changes.json", Changes), _takes(result)

    def watch(
        self, timeout_s: float | None = None, *, wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[JobInfo]:
        """Every change of every job, as it happens; first the jobs that have not ended yet.

        Changes may be lost under load; what is told last of a job is how it stands.

        Args:
            timeout_s: end after so long without a change; None goes on for ever.
            wanted: asked now and then; end once it is false.
        """
        return self._talk.changes(timeout_s, wanted)

    def _finish(
        self,
        submit: Callable[[str], str],
        on_progress: Progress,
        on_eta: OnEta | None,
        on_writing: OnWriting | None = None,
    ) -> JobResult:
        key = _new_key()
        try:
            return self.wait(submit(key), on_progress, on_eta=on_eta, on_writing=on_writing)
        except (KeyboardInterrupt, CancelledError):
            # The key finds the job again, even where the interrupt came before its id did.
            with suppress(MusiSceneError):
                self.cancel(submit(key))
            raise


def _takes(result: JobResult) -> list[tuple[Take, Path]]:
    folders = [Path(folder) for folder in result.takes]
    return [(read_json(folder / "take.json", Take), folder) for folder in folders]


def _new_key() -> str:
    return uuid.uuid4().hex
