"""JobsModel: what is being made, for whom, and how to stop it.

Hears of every job of this user; `mine` are those that this panel sent, also before it was started
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from musiscene_core.errors import MusiSceneError, UnknownJobError, from_code
from musiscene_core.protocol import Client, JobInfo
from musiscene_gui.viewmodels.asking import Asker, ignored
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.settings import Store

OnEnd = Callable[[JobInfo], object]
_KEPT, _MOST_KEPT = "jobs", 64


class JobsModel:
    """Jobs as they stand.

    Attributes:
        changed: emits a JobInfo whenever one of this panel's jobs stands otherwise.
        ended: emits a JobInfo once, when one of this panel's jobs has ended.
        others_changed: emits nothing, when jobs of other programs stand otherwise.
        others_made: emits nothing, when another program's job has ended with takes.
        failed: emits the error when a question about jobs failed.
    """

    def __init__(self, daemon: Asker[Client], store: Store | None = None) -> None:
        self.changed, self.ended = Signal(), Signal()
        self.others_changed, self.others_made = Signal(), Signal()
        self.failed = Signal()
        self._daemon = daemon
        self._jobs: dict[str, JobInfo] = {}
        self._store = store
        kept = store.read(_KEPT).split() if store is not None else []
        self._mine: dict[str, OnEnd] = dict.fromkeys(kept[-_MOST_KEPT:], ignored)

    @property
    def active(self) -> tuple[JobInfo, ...]:
        """Jobs of this panel that have not ended, the oldest first."""
        return tuple(job for job in self._jobs.values() if job.id in self._mine and not job.ended)

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Ids of the jobs of this panel whose end was not heard of."""
        return tuple(self._mine)

    @property
    def others(self) -> tuple[JobInfo, ...]:
        """Jobs of other programs that have not ended."""
        return tuple(
            job for job in self._jobs.values() if job.id not in self._mine and not job.ended
        )

    def get(self, job_id: str) -> JobInfo | None:
        """One job as it was last heard of."""
        return self._jobs.get(job_id)

    def follow(self, job_id: str, on_end: OnEnd) -> None:
        """Take a job for this panel's own and have `on_end` hear how it ended, once."""
        self._mine[job_id] = on_end
        self._keep()
        # What was heard before anybody knew whose it is, is news now.
        known = self._jobs.pop(job_id, None)
        if known is not None:
            self._hear(known)
        else:
            # It may have ended before the news of it could be told apart.
            self._ask_about(job_id)

    def hear(self, jobs: Iterable[JobInfo]) -> None:
        """Take in how jobs stand."""
        made = False
        for job in jobs:
            made |= bool(job.takes) and job.state == "done" and job.id not in self._mine
            self._hear(job)
        if made:
            self.others_made.emit()

    def cancel(self, job_id: str) -> None:
        """Cancel one job."""
        self._daemon.ask(lambda client: client.cancel(job_id), self._hear, self.failed.emit)

    def cancel_mine(self, *, waiting: bool = False) -> None:
        """Cancel this panel's jobs, or those of them that wait; never another program's."""
        # One by one: what the panel sent before it was started again is of another session.
        for job in self.active:
            if not waiting or job.state == "queued":
                self.cancel(job.id)

    def reconcile(self) -> None:
        """Ask how all of this panel's jobs stand: after the daemon was gone, nothing is known."""
        for job_id in self.waiting_for:
            self._ask_about(job_id)

    def _ask_about(self, job_id: str) -> None:
        def failed(error: MusiSceneError) -> None:
            if not isinstance(error, UnknownJobError):
                self.failed.emit(error)
            elif self._mine.get(job_id) is ignored:
                del self._mine[job_id]  # the daemon has forgotten it since
                self._keep()

        self._daemon.ask(lambda client: client.job(job_id), self._hear, failed)

    def _keep(self) -> None:
        if self._store is not None:
            self._store.write(_KEPT, " ".join(self._mine))

    def _hear(self, job: JobInfo) -> None:
        before = self._jobs.get(job.id)
        if before is not None and before.ended and not job.ended:
            return  # an answer that was overtaken by later news
        self._jobs[job.id] = job
        on_end = self._mine.get(job.id)
        if on_end is None:
            if job.ended:
                del self._jobs[job.id]
            self.others_changed.emit()
            return
        if job != before or job.ended:
            self.changed.emit(job)
        if job.ended:
            del self._mine[job.id]
            self._keep()
            on_end(job)
            self.ended.emit(job)


def error_of(job: JobInfo) -> MusiSceneError | None:
    """Why a job failed, as the error it was; None where it did not."""
    if job.error is None:
        return None
    return from_code(job.error.code, job.error.message, job.error.hint)
