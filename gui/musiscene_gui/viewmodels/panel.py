"""Panel: all view-models together, and how they hear of each other. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol import Client, JobInfo
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.connection import ConnectionModel
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.timeline import TimelineModel


class Panel:
    """What the panel knows.

    Attributes:
        daemon: asked whatever the daemon can answer.
        jobs: what is being made.
        connection: whether the daemon is there.
        timeline: the open timeline.
    """

    def __init__(self, daemon: Asker[Client]) -> None:
        self.daemon = daemon
        self.jobs = JobsModel(daemon)
        self.connection = ConnectionModel(daemon, self.jobs)
        self.timeline = TimelineModel()

    def daemon_found(self) -> None:
        """A daemon is there (again)."""
        self.connection.found()
        self.jobs.reconcile()

    def daemon_lost(self, error: MusiSceneError) -> None:
        """The daemon is gone."""
        self.connection.lost(error)

    def jobs_changed(self, jobs: Iterable[JobInfo]) -> None:
        """Jobs stand otherwise."""
        self.jobs.hear(jobs)
