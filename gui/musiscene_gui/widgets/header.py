"""The header: what is open and where, whether the daemon is there, and the doors to the rest."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.building import icon_button, name_button, set_class
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.said import said_of

_SHORT_BELOW = 700
_GAP, _LEAST_PILL = 4, 24


class Header(QWidget):
    """Pills and buttons.

    Attributes:
        open_asked, resolve_asked, settings_asked: the user wants to open a file, the editor (over
            the script of the free edition where true), or the settings.
    """

    open_asked = Signal()
    resolve_asked = Signal(bool)
    settings_asked = Signal()

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self.editor, self.daemon = QToolButton(), QToolButton()
        self.open = QToolButton()
        self.reload, self.settings = icon_button("reload"), icon_button("settings")
        for pill in (self.editor, self.daemon):
            pill.setToolButtonStyle(pill.toolButtonStyle().ToolButtonTextBesideIcon)
        self.open.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.open.clicked.connect(self.open_asked)
        self._menu = QMenu(self.open)
        self._file, self._resolve, self._bridge = (self._menu.addAction("") for _ in range(3))
        self._file.triggered.connect(self.open_asked)
        self._resolve.triggered.connect(lambda: self.resolve_asked.emit(False))
        self._bridge.triggered.connect(lambda: self.resolve_asked.emit(True))
        self.open.setMenu(self._menu)
        self.reload.clicked.connect(panel.editor.reload)
        self.settings.clicked.connect(self.settings_asked)
        self.editor.clicked.connect(self._editor_clicked)
        self.daemon.clicked.connect(panel.connection.start)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(_GAP)
        for widget in (self.editor, self.daemon):
            line.addWidget(widget)
        line.addStretch(1)
        for widget in (self.open, self.reload, self.settings):
            line.addWidget(widget)
        self.setFixedHeight(theme.HEADER_HEIGHT)
        panel.editor.changed.connect(self.refresh)
        panel.connection.changed.connect(self.refresh)
        self.word()

    def resizeEvent(self, event) -> None:  # noqa: N802 - Qt's name
        """Say less where there is little room."""
        super().resizeEvent(event)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        self.open.setText(self.tr("Open"))
        self.open.setToolTip(self.tr("Open a film or timeline") + "  (Ctrl+O)")
        self._file.setText(self.tr("Film or timeline file…"))
        self._resolve.setText(self.tr("DaVinci Resolve Studio"))
        self._bridge.setText(self.tr("DaVinci Resolve, free edition (by its script)"))
        name_button(self.reload, self.tr("Read the timeline again"), "F5")
        name_button(self.settings, self.tr("Settings"), "Ctrl+,")
        self.refresh()

    def refresh(self) -> None:
        """Show everything as it is."""
        short = self.width() < _SHORT_BELOW
        text, cls, tip = self._daemon_said(short=short)
        _show(self.daemon, text, cls, tip)
        text, cls, tip = self._editor_said(short=short)
        _show(self.editor, text, cls, tip)
        others = (self.daemon, self.open, self.reload, self.settings)
        room = self.width() - sum(one.sizeHint().width() + _GAP for one in others)
        over = self.editor.sizeHint().width() + _GAP - room
        if over > 0:
            metrics = self.editor.fontMetrics()
            room = max(_LEAST_PILL, metrics.horizontalAdvance(text) - over)
            self.editor.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))
            self.editor.setToolTip(tip or text)
        self.reload.setEnabled(self._panel.editor.state in ("open", "failed"))

    def _editor_said(self, *, short: bool) -> tuple[str, str, str]:
        editor = self._panel.editor
        if editor.state == "none":
            return self.tr("Nothing open"), "dim", self.tr("Open a film or timeline")
        if editor.state == "opening":
            return self.tr("Opening…"), "warn", ""
        if editor.state == "failed" or editor.opened is None:
            return (
                self.tr("Not opened"),
                "error",
                said_of(editor.error) if editor.error is not None else "",
            )
        about, info = editor.opened.description, editor.opened.editor
        editions = {
            "studio": self.tr("Studio"),
            "free": self.tr("free edition"),
            "file": self.tr("file"),
        }
        where = " ".join(filter(None, (info.name if editor.live else "", info.version)))
        where = " ".join(filter(None, (where, editions[info.edition])))
        rate = self.tr("{0} fps").format(about.rate.name)
        whole = f"{where} · {about.name} · {rate}"
        tip = "\n".join((whole, *about.warnings))
        name = about.name if len(about.name) < 22 else about.name[:20] + "…"
        return (name if short else whole), ("warn" if about.warnings else "ok"), tip

    def _daemon_said(self, *, short: bool) -> tuple[str, str, str]:
        connection = self._panel.connection
        said = {
            "looking": (self.tr("Looking for the daemon"), self.tr("Daemon…"), "warn"),
            "starting": (self.tr("Daemon starting"), self.tr("Daemon…"), "warn"),
            "ready": (self.tr("Daemon ready"), self.tr("Daemon"), "ok"),
            "resting": (self.tr("Daemon rests until asked"), self.tr("Daemon"), "dim"),
            "failed": (self.tr("Daemon not reached"), self.tr("Daemon"), "error"),
        }
        whole, brief, cls = said[connection.state]
        tip = said_of(connection.error) if connection.error is not None else ""
        if connection.state == "ready" and connection.status is not None:
            models = ", ".join(model.name for model in connection.status.models)
            whole = " · ".join(filter(None, (whole, models)))
            tip = self.tr("Engines: {0}").format(
                ", ".join(engine.name for engine in connection.engines)
            )
        return (brief if short else whole), cls, tip

    def _editor_clicked(self) -> None:
        if self._panel.editor.state == "none":
            self.open_asked.emit()
        else:
            self._panel.editor.reload()


_MARKS = {"ok": ("dot", theme.OK), "warn": ("ring", theme.WARN), "dim": ("ring", theme.DIM)}


def _show(pill: QToolButton, text: str, cls: str, tip: str) -> None:
    pill.setText(text)
    pill.setIcon(icon(*_MARKS.get(cls, ("warning", theme.ERROR))))
    pill.setToolTip(tip or text)
    pill.setAccessibleName(text)
    set_class(pill, f"pill-{cls}")
