"""Notices: what went wrong, in a line, with what mends it; and what the first start offers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from musiscene_core.errors import MusiSceneError
from musiscene_core.request import SIGNALS
from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.building import ElidedLabel, icon_button, name_button
from musiscene_gui.widgets.flow import FlowLayout
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.said import said_of


class ErrorBar(QFrame):
    """One error: a line, a button that mends it, Copy, and a cross."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("cls", "error")
        mark = QLabel()
        mark.setPixmap(icon("warning", theme.ERROR).pixmap(16, 16))
        self.message = ElidedLabel()
        self.mend, self.copy = QPushButton(), QPushButton()
        self.close_button = icon_button("close")
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 4, 6, 4)
        line.addWidget(mark)
        line.addWidget(self.message, 1)
        for button in (self.mend, self.copy, self.close_button):
            line.addWidget(button)
        self._error: MusiSceneError | None = None
        self._mend: Callable[[], object] = lambda: None
        self._dismiss: Callable[[], object] = lambda: None
        self.mend.clicked.connect(lambda: self._mend())
        self.close_button.clicked.connect(lambda: self._dismiss())
        self.copy.clicked.connect(self._copy)
        self.hide()

    def show_error(
        self,
        error: MusiSceneError | None,
        mend: tuple[str, Callable[[], object]] | None = None,
        dismiss: Callable[[], object] = lambda: None,
    ) -> None:
        """Show an error, or none; `mend` is what the button says and does."""
        self._error, self._dismiss = error, dismiss
        self.setVisible(error is not None)
        if error is None:
            return
        self.message.set_whole(said_of(error))
        self.mend.setVisible(mend is not None)
        if mend is not None:
            self.mend.setText(mend[0])
            self._mend = mend[1]
        self.copy.setText(self.tr("Copy"))
        self.copy.setToolTip(self.tr("Copy the message, to ask somebody"))
        name_button(self.close_button, self.tr("Dismiss"))

    def _copy(self) -> None:
        if self._error is not None:
            text = f"[{self._error.code}] {self._error}"
            QGuiApplication.clipboard().setText(text)


class Welcome(QFrame):
    """The first start: where to begin; what there is to set up has a page of its own."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("cls", "notice")
        self.title = ElidedLabel("h")
        self.open, self.resolve, self.setup = QPushButton(), QPushButton(), QPushButton()
        self.close_button = icon_button("close")
        self.close_button.clicked.connect(self.closed)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.close_button)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for button in (self.open, self.resolve, self.setup):
            flow.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 3, 4, 6)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(buttons)

    def word(self) -> None:
        """Say everything in the user's language."""
        self.title.set_whole(
            self.tr("Welcome: open a film or timeline, mark In and Out, have the scene scored.")
        )
        self.open.setText(self.tr("Open a film"))
        self.resolve.setText(self.tr("Connect to Resolve"))
        self.setup.setText(self.tr("Set up…"))
        name_button(self.close_button, self.tr("Close"))


class Notices(QWidget):
    """The slot between header and strip.

    Attributes:
        errors: bars for the editor, the daemon and the work.
        welcome: see Welcome.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self.errors = {name: ErrorBar() for name in ("editor", "daemon", "work")}
        self.welcome = Welcome()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.welcome)
        for bar in self.errors.values():
            column.addWidget(bar)
        self._hushed: MusiSceneError | None = None
        self.welcome.closed.connect(self._welcomed)
        for signal in (panel.editor.changed, panel.connection.changed, panel.scene.changed):
            signal.connect(self.refresh)
        self.word()

    def refresh(self) -> None:
        """Show everything as it is."""
        editor, connection, scene = self._panel.editor, self._panel.connection, self._panel.scene
        again = (self.tr("Try again"), editor.reload)
        self._show("editor", editor.error, again)
        error = connection.error if connection.state == "failed" else None
        self._show("daemon", error, (self.tr("Start the daemon"), connection.start))
        mends: dict[str, tuple[str, Callable[[], object]]] = {
            "again": (self.tr("Try again"), scene.again),
            "reload": (self.tr("Reload"), self._reload),
            "daemon": (self.tr("Start and try again"), scene.again),
            "engine": (self.tr("Use the composer"), self._use_composer),
            "captioner": (self.tr("Use measures alone"), self._use_measures),
        }
        self.errors["work"].show_error(scene.error, mends.get(scene.fix), scene.dismiss)
        # With a film open the room is needed for it.
        self.welcome.setVisible(not self._panel.settings.welcomed and editor.state != "open")
        shown = [*self.errors.values(), self.welcome]
        self.setVisible(any(not bar.isHidden() for bar in shown))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        self.welcome.word()
        self.refresh()

    def _show(
        self, name: str, error: MusiSceneError | None, mend: tuple[str, Callable[[], object]]
    ) -> None:
        bar = self.errors[name]
        bar.show_error(None if error is self._hushed else error, mend, lambda: self._hush(error))

    def _hush(self, error: MusiSceneError | None) -> None:
        self._hushed = error
        self.refresh()

    def _reload(self) -> None:
        self._panel.scene.dismiss()
        self._panel.editor.reload()

    def _use_composer(self) -> None:
        self._panel.scene.dismiss()
        self._panel.scene.wish(engine="composer")

    def _use_measures(self) -> None:
        self._panel.scene.wish(captioner=SIGNALS, adapters=())
        self._panel.scene.again()

    def _welcomed(self) -> None:
        self._panel.settings.welcomed = True
        self.refresh()
