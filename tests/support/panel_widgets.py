"""Questions to ask of widgets: is any text clipped, can a blind user tell what has the focus."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTranslator
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget

from musiscene_core.timecode import FrameRate
from musiscene_gui.viewmodels.hits import candidates
from musiscene_gui.widgets.strip import Strip
from musiscene_gui.widgets.text import Elided
from tests.support.scenes import brief_of


class Longer(QTranslator):
    """A language whose words are as long as German's: half as long again."""

    def translate(self, context, text, note=None, number=-1) -> str:
        return text + "ö" * max(2, len(text) // 2) if text.strip("{}: ·.…") else text

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False


def clipped(root: QWidget) -> list[str]:
    """The texts of `root` that have less room than they need."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, Elided):
            continue
        if (isinstance(widget, QLabel) and not widget.wordWrap()) or isinstance(
            widget, QAbstractButton
        ):
            text = widget.text()
        else:
            continue
        if text and widget.width() < widget.minimumSizeHint().width():
            found.append(f"{text} ({widget.width()} < {widget.minimumSizeHint().width()})")
        right = widget.mapTo(root, widget.rect().bottomRight()).x()
        if text and right > root.width():
            found.append(f"{text} ends at {right} of {root.width()}")
    return found


def unnamed(root: QWidget) -> list[str]:
    """What can have the keyboard's focus but does not say what it is."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
            continue
        if widget.focusProxy() is not None or widget.objectName().startswith("qt_"):
            continue
        said = widget.accessibleName() or (
            widget.text() if isinstance(widget, QAbstractButton) else ""
        )
        if not said and not isinstance(widget.parent(), QComboBox):
            found.append(type(widget).__name__)
    return found


def opened(strip: Strip) -> None:
    """Show a spotted reel of eight seconds on it."""
    brief = brief_of(8.0, cuts=(3.0, 5.5))
    strip.timeline.open("reel", FrameRate(24), brief.timeline.record, (), ())
    strip.scene.hits = candidates(brief)
    strip.timeline.set_brief(brief)
