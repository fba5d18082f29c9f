"""JobsView: a row for each job of this panel, with what it is doing, and ways to stop it."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from musiscene_core.protocol import JobInfo
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.widgets.language import tr
from musiscene_gui.widgets.said import said
from musiscene_gui.widgets.text import Elided, icon_button, say

_STEPS = 1_000


class JobRow(QWidget):
    """One job."""

    def __init__(self, jobs: JobsModel, job: JobInfo) -> None:
        super().__init__()
        self._jobs, self._id = jobs, job.id
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(6)
        self.text = Elided()
        self.left = QLabel()
        self.left.setProperty("cls", "dim")
        self.cancel = icon_button(self, "close", self.tr("Cancel this"))
        self.cancel.clicked.connect(lambda: jobs.cancel(self._id))
        head.addWidget(self.text, 1)
        head.addWidget(self.left)
        head.addWidget(self.cancel)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setProperty("cls", "thin")
        column.addLayout(head)
        column.addWidget(self.bar)
        self.show_job(job)

    def show_job(self, job: JobInfo) -> None:
        """Show how it stands."""
        name = f"{_kind(job)} · {job.cue}" if job.cue else _kind(job)
        if job.cancelling:
            state = self.tr("stopping")
        elif job.state == "queued":
            state = self.tr("waiting")
        else:
            state = said(job.stage)
        self.text.setText(f"{job.cue or name}: {state}" if state else name)
        self.bar.setValue(round(job.fraction * _STEPS))
        self.bar.setAccessibleName(self.tr("Progress of {job}").format(job=name))
        self.left.setText(_left(job.eta_s) if job.eta_s is not None else "")
        self.cancel.setEnabled(not job.cancelling)
        say(self.cancel, self.tr("Cancel {job}").format(job=name))


class JobsView(QWidget):
    """The jobs of this panel that have not ended; nothing where there are none."""

    def __init__(self, jobs: JobsModel) -> None:
        super().__init__()
        self._jobs = jobs
        self.rows: dict[str, JobRow] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        column.addLayout(self._list)
        buttons = QHBoxLayout()
        self.others = QLabel()
        self.others.setProperty("cls", "dim")
        self.cancel_queued, self.cancel_all = QPushButton(), QPushButton()
        self.cancel_queued.clicked.connect(lambda: jobs.cancel_mine(waiting=True))
        self.cancel_all.clicked.connect(lambda: jobs.cancel_mine())
        buttons.addWidget(self.others, 1)
        buttons.addWidget(self.cancel_queued)
        buttons.addWidget(self.cancel_all)
        column.addLayout(buttons)
        jobs.changed.connect(self._show)
        jobs.ended.connect(self._show)
        jobs.others_changed.connect(self._show)
        self._word()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()

    def _word(self) -> None:
        self.setAccessibleName(self.tr("Work in progress"))
        self.cancel_queued.setText(self.tr("Cancel waiting"))
        self.cancel_all.setText(self.tr("Cancel all"))
        self.cancel_all.setToolTip(self.tr("Only what this panel asked for"))
        self._show()

    def _show(self, *_: object) -> None:
        active = {job.id: job for job in self._jobs.active}
        for job_id in [each for each in self.rows if each not in active]:
            row = self.rows.pop(job_id)
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        for job_id, job in active.items():
            if job_id in self.rows:
                self.rows[job_id].show_job(job)
            else:
                self.rows[job_id] = JobRow(self._jobs, job)
                self._list.addWidget(self.rows[job_id])
        waiting = [job for job in active.values() if job.state == "queued"]
        self.cancel_queued.setVisible(bool(waiting))
        self.cancel_all.setVisible(len(active) > 1)
        others = len(self._jobs.others)
        self.others.setVisible(bool(others))
        told = (
            self.tr("1 job of another program")
            if others == 1
            else self.tr("{count} jobs of other programs").format(count=others)
        )
        self.others.setText(told)
        self.setVisible(bool(active) or bool(others))


def _kind(job: JobInfo) -> str:
    names = {
        "spot": tr("Watching"),
        "score": tr("Scoring"),
        "compose": tr("Composing"),
        "caption": tr("Writing captions"),
        "conform": tr("Fitting to the new cut"),
    }
    return names.get(job.kind, job.kind)


def _left(seconds: float) -> str:
    if seconds < 1:
        return tr("nearly done")
    if seconds < 90:
        return tr("about {seconds:.0f} s left").format(seconds=seconds)
    return tr("about {minutes:.0f} min left").format(minutes=seconds / 60)
