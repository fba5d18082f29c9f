"""StemRow: one stem of a take: its name to be dragged out, solo, mute, level, waveform."""

from __future__ import annotations

import atexit
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDrag,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from musiscene_gui.viewmodels.playback import LOUDEST_DB, SOFTEST_DB, StemFader
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.lanes import Lane
from musiscene_gui.widgets.text import Elided

NAME_WIDTH = 84
BUTTON = 22
LEVEL_WIDTH = 50
GUTTER = NAME_WIDTH + 2 * BUTTON + LEVEL_WIDTH + 4 * 4


class FileHandle(Elided):
    """A name that stands for a file: to be dragged into any application, or copied."""

    def __init__(self, text: str, path: Path, colour: str) -> None:
        super().__init__(text)
        self._path, self._colour = path, colour
        self._pressed: QPoint | None = None
        self.setFixedWidth(NAME_WIDTH)
        self.setContentsMargins(12, 0, 2, 0)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("File of {stem}").format(stem=text))
        self.setToolTip(
            self.tr("{stem}: drag it into any application, or copy it (Ctrl+C)").format(stem=text)
        )

    def mime(self) -> QMimeData:
        """The file, as other applications take it."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self._path))])
        return data

    def paintEvent(self, event) -> None:  # noqa: N802 - Qt's name
        """A swatch of the stem's colour beside its name."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.fillRect(1, self.height() // 2 - 5, 6, 10, QColor(self._colour))
        if self.hasFocus():
            painter.setPen(QColor(theme.ACCENT))
            painter.drawRect(0, 0, self.width() - 1, self.height() - 1)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A drag may begin."""
        self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """It begins."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        moved = (event.position().toPoint() - self._pressed).manhattanLength()
        if moved >= QApplication.startDragDistance():
            self._pressed = None
            self.make_drag().exec(Qt.DropAction.CopyAction)

    def make_drag(self) -> QDrag:
        """The drag that takes the file elsewhere."""
        drag = QDrag(self)
        drag.setMimeData(self.mime())
        drag.setPixmap(_ghost(self._path.name, self))
        return drag

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl+C copies the file."""
        if event.key() == Qt.Key.Key_C and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            copy_to_clipboard(self.mime())
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """The same by menu."""
        menu = QMenu(self)
        copy = menu.addAction(self.tr("Copy file"))
        copy.triggered.connect(lambda: copy_to_clipboard(self.mime()))
        menu.exec(event.globalPos())


class StemRow(QWidget):
    """A stem's controls and lane.

    Attributes:
        fader_moved: emits (name, what moved: "level_db", "muted" or "solo", its value).
    """

    fader_moved = Signal(str, str, object)

    def __init__(self, fader: StemFader, title: str, path: Path, colour: str, lane: Lane) -> None:
        super().__init__()
        self._name = fader.name
        self.lane = lane
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.handle = FileHandle(title, path, colour)
        self.solo = self._switch("S", self.tr("Solo {stem}").format(stem=title), "solo")
        self.mute = self._switch("M", self.tr("Mute {stem}").format(stem=title), "muted")
        self.level = QSlider(Qt.Orientation.Horizontal)
        self.level.setFixedWidth(LEVEL_WIDTH)
        self.level.setRange(round(SOFTEST_DB), round(LOUDEST_DB))
        self.level.setPageStep(6)
        self.level.setAccessibleName(self.tr("Level of {stem}").format(stem=title))
        self.level.valueChanged.connect(self._level)
        for widget in (self.handle, self.solo, self.mute, self.level):
            row.addWidget(widget)
        row.addWidget(lane, 1)
        self.show_fader(fader, audible=True)

    def show_fader(self, fader: StemFader, *, audible: bool) -> None:
        """Show where the fader stands."""
        for widget, value in ((self.solo, fader.solo), (self.mute, fader.muted)):
            widget.blockSignals(True)
            widget.setChecked(value)
            widget.blockSignals(False)
        self.level.blockSignals(True)
        self.level.setValue(round(fader.level_db))
        self.level.blockSignals(False)
        self.level.setToolTip(self.tr("{level:+d} dB").format(level=round(fader.level_db)))
        self.lane.set_audible(audible)

    def _switch(self, letter: str, text: str, what: str) -> QToolButton:
        button = QToolButton()
        button.setText(letter)
        button.setCheckable(True)
        button.setProperty("cls", "ms")
        button.setFixedSize(QSize(BUTTON, BUTTON))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.toggled.connect(lambda on: self.fader_moved.emit(self._name, what, on))
        return button

    def _level(self, value: int) -> None:
        self.fader_moved.emit(self._name, "level_db", float(value))


def copy_to_clipboard(data: QMimeData) -> None:
    """Have others paste `data`, as long as this program runs."""
    urls = data.urls()
    QApplication.clipboard().setMimeData(data)
    atexit.register(_let_go_of_clipboard, urls)


def _let_go_of_clipboard(urls: list[QUrl]) -> None:
    """Qt crashes when it ends later than Python and finds an object of Python's there."""
    if QApplication.instance() is None:
        return
    clipboard = QApplication.clipboard()
    # What others have copied meanwhile stays.
    if clipboard.mimeData() is not None and clipboard.mimeData().urls() == urls:
        clipboard.clear()


def _ghost(text: str, widget: QWidget) -> QPixmap:
    metrics = widget.fontMetrics()
    ratio = widget.devicePixelRatioF()
    size = QSize(metrics.horizontalAdvance(text) + 16, metrics.height() + 8)
    drawn = QPixmap(size * ratio)
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(QColor(theme.HIGHLIGHT))
    painter = QPainter(drawn)
    painter.setFont(widget.font())
    painter.setPen(QColor(theme.BRIGHT))
    painter.drawText(8, metrics.ascent() + 4, text)
    painter.end()
    return drawn
