"""MainWindow: where everything has its place, wide beside each other or narrow behind tabs.

    wide (from 900 px)        narrow (below 760 px; between, it stays as it was)
    header                    header
    strip                     strip
    scene | takes             tabs: scene, takes, history
    history

Widgets are put into slots by name, and move with them from one layout to the other.
"""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from musiscene_gui.widgets import theme

SlotName = Literal["header", "notices", "strip", "scene", "takes", "history"]
_TABBED: tuple[SlotName, ...] = ("scene", "takes", "history")


class MainWindow(QMainWindow):
    """The panel's window.

    Attributes:
        is_narrow: which of the two layouts it has.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_narrow = False
        self._slots: dict[str, QWidget] = {name: _slot(name) for name in get_args(SlotName)}
        root = QWidget(objectName="root")
        self._column = QVBoxLayout(root)
        self._column.setContentsMargins(8, 6, 8, 6)
        self._column.setSpacing(6)
        self._tabs = QTabBar(drawBase=False, expanding=True)
        self._pages = QStackedWidget()
        self._tabs.currentChanged.connect(self._pages.setCurrentIndex)
        self._beside = QWidget()
        beside = QHBoxLayout(self._beside)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(8)
        for name in ("header", "notices", "strip"):
            self._column.addWidget(self._slots[name])
        self._column.addWidget(self._tabs)
        self._column.addWidget(self._pages, 1)
        self._column.addWidget(self._beside, 1)
        self._column.addWidget(self._slots["history"])
        for _ in _TABBED:
            self._tabs.addTab("")
        self.setCentralWidget(root)
        self.setMinimumWidth(420)
        self._word()
        self._lay_out(narrow=False)

    def fill(self, name: SlotName, widget: QWidget) -> None:
        """Put `widget` into the slot `name`, in place of what is in it."""
        layout = self._slots[name].layout()
        while (item := layout.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        layout.addWidget(widget)

    def show_page(self, name: SlotName) -> None:
        """Bring scene, takes or history to the front where they share a place."""
        if self.is_narrow and name in _TABBED:
            self._tabs.setCurrentIndex(_TABBED.index(name))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Change the layout where the width asks for the other one."""
        super().resizeEvent(event)
        width = event.size().width()
        if not self.is_narrow and width < theme.NARROW_BELOW:
            self._lay_out(narrow=True)
        elif self.is_narrow and width >= theme.WIDE_FROM:
            self._lay_out(narrow=False)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()

    def _word(self) -> None:
        self.setWindowTitle(self.tr("MusiScene"))
        words = (self.tr("Scene"), self.tr("Takes"), self.tr("History"))
        for index, text in enumerate(words):
            self._tabs.setTabText(index, text)
        self._tabs.setAccessibleName(self.tr("Parts of the panel"))

    def _lay_out(self, *, narrow: bool) -> None:
        self.is_narrow = narrow
        self._tabs.setVisible(narrow)
        self._pages.setVisible(narrow)
        self._beside.setVisible(not narrow)
        scene, takes, history = (self._slots[name] for name in _TABBED)
        if narrow:
            scene.setMinimumWidth(0)
            scene.setMaximumWidth(16_777_215)
            history.setMaximumHeight(16_777_215)
            for page in (scene, takes, history):
                self._pages.addWidget(page)
            self._pages.setCurrentIndex(self._tabs.currentIndex())
        else:
            scene.setFixedWidth(theme.SCENE_WIDTH)
            history.setMaximumHeight(theme.HISTORY_HEIGHT + 28)
            self._beside.layout().addWidget(scene)
            self._beside.layout().addWidget(takes, 1)
            self._column.addWidget(history)
        for page in (scene, takes, history):
            page.setVisible(not narrow or page is self._pages.currentWidget())


def _slot(name: str) -> QWidget:
    made = QWidget(objectName=f"slot-{name}")
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    return made
