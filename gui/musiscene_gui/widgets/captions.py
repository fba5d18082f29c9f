"""The captions: the one that steers by default first, the others behind tabs below it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from musiscene_core.request import CaptionStrategy
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.widgets.building import ElidedLabel, icon_button, label, name_button, row

FUSION_HEIGHT, OTHER_HEIGHT = 96, 66
LEAST_HEIGHT = 52
"""What a low window leaves of them: three lines."""
_TABBED: tuple[CaptionStrategy, ...] = (
    "video",
    "scene_imagination",
    "music",
    "music_conditions",
)
_TYPING_MS = 250


class CaptionEdit(QPlainTextEdit):
    """A text whose first Esc only gives the keyboard back, and whose Tab goes on."""

    def __init__(self, height: int) -> None:
        super().__init__()
        self.setMinimumHeight(min(height, LEAST_HEIGHT))
        self.setMaximumHeight(height)
        self.setTabChangesFocus(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Leave at Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
            self.window().setFocus()
            return
        super().keyPressEvent(event)


class CaptionBox(QWidget):
    """One caption with who wrote it, whether it was edited, reset and regenerate.

    Attributes:
        edit: its text.
    """

    def __init__(self, scene: SceneModel, name: CaptionStrategy, height: int) -> None:
        super().__init__()
        self.name = name
        self._scene = scene
        self.title = ElidedLabel("h")
        self.origin, self.edited = label("pill"), label("edited")
        self.reset, self.anew = icon_button("reset"), icon_button("regenerate")
        self.edit = CaptionEdit(height)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._typing.timeout.connect(self.commit)
        self.edit.textChanged.connect(self._typing.start)
        self.reset.clicked.connect(lambda: scene.reset_caption(name))
        self.anew.clicked.connect(lambda: scene.regenerate(name))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = row(self.title, self.origin, self.edited, self.reset, self.anew)
        head.layout().setStretch(0, 1)
        column.addWidget(head)
        column.addWidget(self.edit)
        scene.changed.connect(self.refresh)
        self.word()

    def commit(self) -> None:
        """Hand over what was typed."""
        self._typing.stop()
        self._scene.edit_caption(self.name, self.edit.toPlainText())

    def refresh(self) -> None:
        """Show the caption as it is, leaving the cursor where it is while somebody types."""
        caption, ready = self._scene.caption(self.name), self._scene.brief is not None
        if not self._typing.isActive() and caption.text != self.edit.toPlainText():
            self.edit.blockSignals(True)
            self.edit.setPlainText(caption.text)
            self.edit.blockSignals(False)
        words = {
            "signals": self.tr("measured"),
            "model": self.tr("model"),
            "user": self.tr("yours"),
        }
        self.origin.setText(words[caption.origin])
        self.origin.setVisible(ready and bool(caption.text) and not caption.edited)
        how = (caption.how.writer, *caption.how.notes) if caption.how is not None else ()
        told = (f"{one.stage}: {one.message}" for one in self._scene.stages(self.name))
        tip = "\n".join(filter(None, (*how, *told)))
        self.origin.setToolTip(tip)
        self.edited.setToolTip(tip)
        self.edited.setVisible(caption.edited)
        self.reset.setEnabled(caption.edited)
        self.anew.setEnabled(ready and not self._scene.busy)

    def word(self) -> None:
        """Say everything in the user's language."""
        titles: dict[CaptionStrategy, str] = {
            "fusion": self.tr("What the composer reads"),
            "video": self.tr("What is seen"),
            "scene_imagination": self.tr("What the temp track imagines"),
            "music": self.tr("What the temp track sounds like"),
            "music_conditions": self.tr("Musical directions"),
        }
        self.title.set_whole(titles[self.name])
        self.edit.setAccessibleName(titles[self.name])
        self.edit.setPlaceholderText(self.tr("Spot the range, or write your own words."))
        self.edited.setText(self.tr("edited"))
        name_button(self.reset, self.tr("Back to the words as they were written first"))
        name_button(self.anew, self.tr("Write this caption anew"))
        self.refresh()


class Captions(QWidget):
    """All five captions."""

    def __init__(self, scene: SceneModel) -> None:
        super().__init__()
        self.boxes = {"fusion": CaptionBox(scene, "fusion", FUSION_HEIGHT)}
        self.tabs = QTabBar(drawBase=False, expanding=False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self._stack = QStackedWidget()
        for name in _TABBED:
            self.boxes[name] = CaptionBox(scene, name, OTHER_HEIGHT)
            self.tabs.addTab("")
            self._stack.addWidget(self.boxes[name])
        self.tabs.currentChanged.connect(self._stack.setCurrentIndex)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.boxes["fusion"])
        column.addWidget(self.tabs)
        column.addWidget(self._stack)
        self._scene = scene
        scene.changed.connect(self.refresh)
        self.word()

    def commit(self) -> None:
        """Hand over all that was typed."""
        for box in self.boxes.values():
            box.commit()

    def refresh(self) -> None:
        """Mark the tabs whose captions were edited."""
        for index, name in enumerate(_TABBED):
            mark = " •" if self._scene.caption(name).edited else ""
            self.tabs.setTabText(index, self._words[index] + mark)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
            for box in self.boxes.values():
                box.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Name the tabs."""
        self._words = (
            self.tr("Picture"),
            self.tr("Imagination"),
            self.tr("Music"),
            self.tr("Conditions"),
        )
        self.tabs.setAccessibleName(self.tr("Other captions"))
        self.refresh()
