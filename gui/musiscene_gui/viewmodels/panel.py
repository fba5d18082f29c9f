"""Panel: all view-models together, and how they hear of each other. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol import Client, JobInfo
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.connection import ConnectionModel
from musiscene_gui.viewmodels.editor import EditorModel, EditorSide
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.viewmodels.settings import SettingsModel, Store
from musiscene_gui.viewmodels.timeline import TimelineModel


class Panel:
    """What the panel knows.

    Attributes:
        daemon: asked whatever the daemon can answer.
        jobs: what is being made.
        connection: whether the daemon is there.
        timeline: the open timeline.
        editor: who has it open.
        scene: the range at hand.
        settings: what is remembered.
    """

    def __init__(self, daemon: Asker[Client], editor: Asker[EditorSide], store: Store) -> None:
        self.daemon = daemon
        self.jobs = JobsModel(daemon, store)
        self.connection = ConnectionModel(daemon, self.jobs)
        self.timeline = TimelineModel()
        self.editor = EditorModel(editor, self.timeline)
        self.scene = SceneModel(daemon, self.jobs, self.timeline, self.editor)
        self.settings = SettingsModel(store)
        self.scene.wishes = type(self.scene.wishes)(takes=self.settings.takes)

    def daemon_found(self) -> None:
        """A daemon is there (again)."""
        self.connection.found()
        self.jobs.reconcile()
        self.scene.ask_estimate()

    def daemon_lost(self, error: MusiSceneError) -> None:
        """The daemon is gone."""
        self.connection.lost(error)

    def jobs_changed(self, jobs: Iterable[JobInfo]) -> None:
        """Jobs stand otherwise."""
        self.jobs.hear(jobs)
