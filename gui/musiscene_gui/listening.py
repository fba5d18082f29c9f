"""Listening: takes, playback and history as a whole, with their threads and widgets."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.library import Catalogue
from musiscene_core.paths import cache_folder, data_folder
from musiscene_core.protocol import Client, JobInfo
from musiscene_gui.bridge.desk import Desk
from musiscene_gui.bridge.pictures import Pictures
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.history import HistoryModel
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.overviews import OverviewsModel
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import Placer, TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.history_view import HistoryView
from musiscene_gui.widgets.jobs_view import JobsView
from musiscene_gui.widgets.preview import Preview
from musiscene_gui.widgets.takes_column import TakesColumn


class Listening:
    """What is listened to and what was made before. Close it at the end.

    Attributes:
        failed: emits an error that the user should see.
        takes, playback, history: the view-models.
        column, history_view, jobs_view: the widgets for the window's slots.
    """

    def __init__(
        self,
        timeline: TimelineModel,
        jobs: JobsModel,
        daemon: Asker[Client],
        *,
        placer: Placer | None = None,
        silent: bool = False,
    ) -> None:
        """Make all of it; nothing is read yet.

        Args:
            timeline: its playhead goes along with the sound.
            jobs: takes appear when one of them has ended.
            daemon: deletes takes.
            placer: lays takes on the editor's timeline; may be set later on `takes`.
            silent: never use a loudspeaker.
        """
        self.failed = Signal()
        library: Path = data_folder()
        self._files: Desk[Catalogue] = Desk("takes-files", lambda: Catalogue(library))
        # Decoding a film's sound takes seconds, for which no take shall wait.
        self._decoding: Desk[Catalogue] = Desk("takes-sound", lambda: Catalogue(library))
        self._pictures = Pictures()
        self.takes = TakesModel(self._files, placer, drawing=self._decoding)
        self.playback = PlaybackModel(
            self.takes, timeline, self._files, decoding=self._decoding, silent=silent
        )
        self.history = HistoryModel(self._files, daemon)
        overviews = OverviewsModel(self._files, cache_folder() / "overviews")
        preview = Preview(timeline, self.playback, self._pictures)
        self.column = TakesColumn(self.takes, self.playback, overviews, timeline, preview)
        self.history_view = HistoryView(self.history)
        self.jobs_view = JobsView(jobs)
        self.column.add_above(self.jobs_view)
        self.history.opened.connect(self.takes.show)
        self.history.purged.connect(lambda *_: self.takes.close_missing())
        self.takes.marked.connect(self.history.refresh)
        jobs.ended.connect(self._have)
        jobs.others_made.connect(self.history.refresh)
        for model in (self.takes, self.playback, self.history):
            model.failed.connect(self.failed.emit)

    def start(self) -> None:
        """Read the history."""
        self.history.refresh()

    def refresh(self) -> None:
        """Look again at what other programs may have changed."""
        self.history.refresh()
        self.takes.close_missing()

    def close(self) -> None:
        """End the threads and let go of all files."""
        self.playback.pause()
        self._pictures.close()
        self._files.close()
        self._decoding.close()
        self.playback.close()

    def _have(self, job: JobInfo) -> None:
        """Lay out what a job has made."""
        if job.state == "done" and job.takes:
            self.takes.add([Path(job.folder) / name for name in job.takes])
            self.history.refresh()
