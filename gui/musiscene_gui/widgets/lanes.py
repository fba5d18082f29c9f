"""Lanes: a sound's waveform with hits and dialogue; only the playhead is painted while it plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from musiscene_gui.viewmodels.observable import Signal as Observable
from musiscene_gui.widgets import theme

if TYPE_CHECKING:
    from musiscene_gui.audio.overview import Overview

STEM_HEIGHT = 26
MIX_HEIGHT = 24
_FILLED = 0.46
_LIFT = 0.6
_DIALOGUE_HEIGHT = 3
_SILENT = "#5A5A62"
_SHORTEST = 24_000
_ZOOM_STEP = 1.25


class LaneView:
    """Which samples all lanes show.

    Attributes:
        changed: emits nothing, when that is other than before.
    """

    def __init__(self, length: int = 0) -> None:
        self.changed = Observable()
        self.length = length
        self.first, self.after = 0.0, float(length)

    def set_length(self, length: int) -> None:
        """Show all of a cue of that many samples."""
        if length != self.length:
            self.length = length
            self._look(0.0, float(length))

    def zoom(self, factor: float, around: float) -> None:
        """Show `factor` times as much; the sample `around` stays where it is."""
        span = min(max((self.after - self.first) * factor, _SHORTEST), float(self.length))
        share = (around - self.first) / max(1.0, self.after - self.first)
        self._look(around - share * span, span)

    def scroll(self, samples: float) -> None:
        """Show the same length further right, or left."""
        self._look(self.first + samples, self.after - self.first)

    def fit(self) -> None:
        """Show all."""
        self._look(0.0, float(self.length))

    def _look(self, first: float, span: float) -> None:
        span = min(span, float(self.length))
        first = min(max(0.0, first), self.length - span)
        if (first, first + span) != (self.first, self.after):
            self.first, self.after = first, first + span
            self.changed.emit()


class Lane(QWidget):
    """One sound. Clicking or dragging says where to go.

    Attributes:
        sought: emits the sample that the user points at.
    """

    sought = Signal(int)

    def __init__(self, view: LaneView, colour: str, name: str, *, height: int) -> None:
        super().__init__()
        self._view = view
        self._colour = QColor(colour)
        self._overview: Overview | None = None
        self._audible = True
        self._position = 0
        self._dialogue: tuple[tuple[float, float], ...] = ()
        self._hits: tuple[float, ...] = ()
        self._key: object = None
        self._drawn = QPixmap()
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as may be."""
        return QSize(240, self.height())

    def set_overview(self, overview: Overview | None) -> None:
        """Draw this sound."""
        if overview is not self._overview:
            self._overview = overview
            self.update()

    def set_marks(self, dialogue: Sequence[tuple[float, float]], hits: Sequence[float]) -> None:
        """Mark where somebody speaks and where hits are, as shares of the cue."""
        self._dialogue, self._hits = tuple(dialogue), tuple(hits)
        self._key = None
        self.update()

    def set_audible(self, audible: bool) -> None:
        """Draw it grey where it is not heard."""
        if audible != self._audible:
            self._audible = audible
            self.update()

    def set_position(self, sample: int) -> None:
        """Move the playhead; nothing else is painted anew."""
        old, self._position = self._x(self._position), sample
        new = self._x(sample)
        if old != new:
            self.update(QRect(old - 1, 0, 3, self.height()))
            self.update(QRect(new - 1, 0, 3, self.height()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The waveform from the cache, and the playhead over it."""
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        view = (self._view.first, self._view.after, self._view.length)
        key = (size, view, self._audible, id(self._overview))
        if key != self._key:
            self._drawn = self._draw(size, ratio)
            self._key = key
        painter = QPainter(self)
        painter.drawPixmap(QPoint(0, 0), self._drawn)
        painter.setPen(QPen(QColor(theme.PLAYHEAD), 1))
        x = self._x(self._position)
        painter.drawLine(x, 0, x, self.height())
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go there."""
        self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go along."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """With Ctrl zoom, with Shift or sideways scroll; else the takes scroll."""
        turned = event.angleDelta()
        span = self._view.after - self._view.first
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and turned.y():
            around = self._view.first + span * event.position().x() / max(1, self.width())
            self._view.zoom(_ZOOM_STEP ** (-turned.y() / 120), around)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or turned.x():
            self._view.scroll(-(turned.x() or turned.y()) / 120 * span / 10)
        else:
            event.ignore()
            return
        event.accept()

    def _seek(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            event.ignore()
            return
        share = event.position().x() / max(1, self.width())
        at = self._view.first + share * (self._view.after - self._view.first)
        self.sought.emit(round(min(max(0.0, at), max(0, self._view.length - 1))))

    def _x(self, sample: float) -> int:
        span = max(1.0, self._view.after - self._view.first)
        return round((sample - self._view.first) / span * (self.width() - 1))

    def _draw(self, size: QSize, ratio: float) -> QPixmap:
        # Here and not above: the window is there sooner without it.
        import numpy as np

        width, height = max(1, size.width()), max(1, size.height())
        ground, line = QColor(theme.BASE).rgb(), QColor(theme.LINE).rgb()
        colour = (self._colour if self._audible else QColor(_SILENT)).rgb()
        pixels = np.full((height, width), ground, np.uint32)
        middle = height // 2
        pixels[middle] = line
        if self._overview is not None:
            low, high = self._overview.columns(self._view.first, self._view.after, width)
            rows = np.arange(height, dtype=np.float32)[:, None]
            reach = height * _FILLED
            # Drawn straight, what is soft could not be told from silence in so low a lane.
            low, high = -(np.abs(low) ** _LIFT), np.abs(high) ** _LIFT
            # Even silence is a line, as what is there but soft shall be told from nothing.
            top = middle - np.maximum(high * reach, 0.5)
            bottom = middle - np.minimum(low * reach, -0.5)
            pixels[(rows >= top) & (rows <= bottom)] = colour
        stride = width * 4
        image = QImage(pixels.data, width, height, stride, QImage.Format.Format_RGB32)
        drawn = QPixmap.fromImage(image)
        drawn.setDevicePixelRatio(ratio)
        self._mark(drawn)
        return drawn

    def _mark(self, drawn: QPixmap) -> None:
        painter = QPainter(drawn)
        length, height = self._view.length, self.height()
        for start, end in self._dialogue:
            left, right = self._x(start * length), self._x(end * length)
            box = QRectF(left, height - _DIALOGUE_HEIGHT, max(1, right - left), _DIALOGUE_HEIGHT)
            painter.fillRect(box, QColor(theme.HATCH))
            painter.fillRect(box, QBrush(QColor(theme.BASE), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(QColor(255, 255, 255, 110), 1, Qt.PenStyle.DotLine))
        for share in self._hits:
            x = self._x(share * length)
            painter.drawLine(x, 0, x, height)
        painter.end()
