"""SetupPage: what can be set up, a row each with a button; what is being set up, with progress."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from musiscene_gui.viewmodels.setup import STEPS, SetupModel, Step, StepName
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.building import label
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.notices import ErrorBar

_MARKS = {
    "ready": ("check", theme.OK),
    "failed": ("warning", theme.ERROR),
    "running": ("ring", theme.ACCENT),
}
_STEPS = 1_000


class StepRow(QWidget):
    """One step."""

    def __init__(self, setup: SetupModel, name: StepName) -> None:
        super().__init__()
        self.name = name
        self._setup = setup
        self.mark, self.title, self.detail = label(), label("h"), label("dim")
        self.detail.setWordWrap(True)
        self.button = QPushButton()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.error = ErrorBar()
        self.button.clicked.connect(self._clicked)
        words = QVBoxLayout()
        words.setSpacing(1)
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        words.addWidget(self.title)
        words.addWidget(self.detail)
        words.addWidget(self.bar)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.mark)
        line.addLayout(words, 1)
        line.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(line)
        column.addWidget(self.error)

    def show_step(self, step: Step) -> None:
        """Show how it stands."""
        title, need, act = self._words()[step.name]
        self.title.setText(title)
        name, colour = _MARKS.get(step.state, ("ring", theme.DIM))
        self.mark.setPixmap(icon(name, colour).pixmap(16, 16))
        states = {
            "ready": self.tr("ready"),
            "running": self.tr("at work"),
            "failed": self.tr("failed"),
        }
        self.mark.setAccessibleName(states.get(step.state, self.tr("not set up")))
        told = step.detail if step.state in ("byhand", "running") and step.detail else need
        self.detail.setText(self.tr("Ready.") if step.state == "ready" else told)
        self.detail.setToolTip(step.detail or told)
        running = step.state == "running"
        again = self.tr("Go on") if step.state == "failed" else act
        if step.name == "demo" and step.state == "ready":
            again = self.tr("Open it")
        self.button.setText(self.tr("Stop") if running else again)
        self.button.setAccessibleName(f"{title}: {self.button.text()}")
        offered = step.state in ("missing", "failed", "running")
        self.button.setVisible(offered or (step.name == "demo" and step.state == "ready"))
        self.bar.setVisible(running)
        self.bar.setAccessibleName(self.tr("Progress of {job}").format(job=title))
        # Without an end in sight it only moves.
        self.bar.setRange(0, 0 if step.fraction is None else _STEPS)
        if step.fraction is not None:
            self.bar.setValue(round(step.fraction * _STEPS))
        self.error.show_error(step.error, dismiss=lambda: self.error.show_error(None))

    def _clicked(self) -> None:
        if self._setup.step(self.name).state == "running":
            self._setup.stop(self.name)
        else:
            self._setup.begin(self.name)

    def _words(self) -> dict[StepName, tuple[str, str, str]]:
        """Title, what it is good for, and what its button says."""
        install, fetch = self.tr("Install"), self.tr("Accept and fetch")
        return {
            "daemon": (
                self.tr("The daemon"),
                self.tr("Watches, listens and composes in the background."),
                self.tr("Start"),
            ),
            "resolve": (
                self.tr("DaVinci Resolve"),
                self.tr("Puts MusiScene into Resolve's menu: Workspace > Scripts."),
                install,
            ),
            "demo": (
                self.tr("A film to try"),
                self.tr("Half a minute with dialogue and a temp track."),
                self.tr("Open it"),
            ),
            "captions": (
                self.tr("Captions that listen"),
                self.tr(
                    "A model that puts the temp track into words. 32 GB, CC-BY-NC-4.0 and "
                    "LLaMA-2's licence: not for commercial use."
                ),
                fetch,
            ),
            "musicgen": (
                self.tr("MusicGen"),
                self.tr(
                    "A model that makes recorded music; best with a GPU. 2.4 GB, CC-BY-NC-4.0: not "
                    "for commercial use."
                ),
                fetch,
            ),
            "audiocraft": (
                self.tr("Audiocraft"),
                self.tr("Further models, in an environment of their own."),
                install,
            ),
            "gpu": (
                self.tr("Graphics card"),
                self.tr("What models need to work on an NVIDIA card."),
                install,
            ),
        }


class SetupPage(QFrame):
    """All steps."""

    def __init__(self, setup: SetupModel) -> None:
        super().__init__()
        self.setProperty("cls", "card")
        self._setup = setup
        self.title = label("h")
        self.title.setWordWrap(True)
        self.rows = {name: StepRow(setup, name) for name in STEPS}
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.title)
        for row in self.rows.values():
            column.addWidget(row)
        column.addStretch(1)
        setup.changed.connect(self.refresh)
        self.word()

    def showEvent(self, event) -> None:  # noqa: N802 - Qt's name
        """See what is there."""
        super().showEvent(event)
        self._setup.look()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        self.title.setText(self.tr("What can be set up; all of it may be left out"))
        self.refresh()

    def refresh(self) -> None:
        """Show how everything stands."""
        for name, row in self.rows.items():
            row.show_step(self._setup.step(name))


class SetupDialog(QDialog):
    """The same, whenever it is wanted."""

    def __init__(self, setup: SetupModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Set up"))
        self.page = SetupPage(setup)
        scroll = QScrollArea()
        scroll.setAccessibleName(self.windowTitle())
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.page)
        buttons = QDialogButtonBox()
        close = buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(scroll, 1)
        column.addWidget(buttons)
        self.resize(640, 420)
