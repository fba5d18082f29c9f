"""Small helpers to put widgets together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from musiscene_gui.widgets.icons import icon


def label(cls: str = "", text: str = "") -> QLabel:
    """A label in one of the theme's classes; its text is never read as HTML."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("cls", cls)
    return made


def icon_button(name: str) -> QToolButton:
    """A small button with an icon; give it a tool tip and an accessible name."""
    made = QToolButton()
    made.setProperty("cls", "icon")
    made.setIcon(icon(name))
    made.setIconSize(QSize(14, 14))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def name_button(button: QWidget, text: str, keys: str = "") -> None:
    """Say what a button without words does."""
    button.setToolTip(f"{text}  ({keys})" if keys else text)
    button.setAccessibleName(text)


def row(*widgets: QWidget | None, spacing: int = 6) -> QWidget:
    """Widgets beside each other; None is the space that grows."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return made


def show_row(title: QLabel, widget: QWidget, *, shown: bool) -> None:
    """Show a widget and its title, or neither."""
    title.setVisible(shown)
    widget.setVisible(shown)


def refill(box: QComboBox, entries: Sequence[tuple[str, str]]) -> None:
    """Offer other texts, each with its data; what was chosen stays so where it is offered."""
    kept = box.currentData()
    box.blockSignals(True)
    box.clear()
    for text, data in entries:
        box.addItem(text, data)
    box.setCurrentIndex(max(0, box.findData(kept)))
    box.blockSignals(False)


def set_class(widget: QWidget, cls: str) -> None:
    """Give a widget another of the theme's classes."""
    if widget.property("cls") != cls:
        widget.setProperty("cls", cls)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """A label that shortens its text to the room there is, and tells all of it in its tool tip."""

    def __init__(self, cls: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("cls", cls)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""

    def set_whole(self, text: str) -> None:
        """Show `text`, or as much of it as there is room for."""
        self._whole = text
        self._fit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Any width will do."""
        return QSize(20, super().minimumSizeHint().height())

    def resizeEvent(self, event) -> None:  # noqa: N802 - Qt's name
        """Fit again."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, max(10, self.width())
        )
        self.setText(shown)
        self.setToolTip(self._whole)
        self.setAccessibleName(self._whole)
