"""Text that never is clipped: labels that shorten with an ellipsis and say all in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QStyleOption, QToolButton, QWidget

from musiscene_gui.widgets.icons import icon


class Elided(QLabel):
    """A line of text, shortened where there is no room for it."""

    def __init__(self, text: str = "", cls: str = "") -> None:
        super().__init__(text)
        self.setProperty("cls", cls)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for a letter or two."""
        return QSize(18, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The text, or its beginning."""
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        box = self.contentsRect()
        mode = Qt.TextElideMode.ElideRight
        shown = self.fontMetrics().elidedText(self.text(), mode, box.width())
        if not self.toolTip() or self.property("own_tip"):
            self.setProperty("own_tip", True)
            full = self.text() if shown != self.text() else ""
            if full != self.toolTip():
                self.setToolTip(full)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.end()


def icon_button(parent: QWidget, name: str, text: str, *, key: str = "") -> QToolButton:
    """A button that shows an icon and says `text` to those who hover or do not see."""
    button = QToolButton(parent)
    button.setIcon(icon(name))
    button.setProperty("cls", "icon")
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    say(button, text, key)
    return button


def say(button: QToolButton, text: str, key: str = "") -> None:
    """Have a button say what it does, and with which key that goes too."""
    button.setToolTip(f"{text}  ({key})" if key else text)
    button.setAccessibleName(text)
