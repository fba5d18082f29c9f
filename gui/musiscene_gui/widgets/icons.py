"""Icons: SVG files of this package, drawn in a colour of the theme at any size and pixel ratio."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from musiscene_gui.widgets import theme

_DRAWN_IN = b"currentColor"


@lru_cache(maxsize=128)
def icon(name: str, colour: str = theme.TEXT) -> QIcon:
    """The icon `name` ("play", "score" ...: a file in icons/) in one colour.

    Raises:
        FileNotFoundError: there is none.
    """
    file = resources.files("musiscene_gui") / "icons" / f"{name}.svg"
    return QIcon(_Svg(file.read_bytes().replace(_DRAWN_IN, colour.encode())))


class _Svg(QIconEngine):
    """Draws one SVG anew for each size that is asked for; half as bright where disabled."""

    def __init__(self, svg: bytes) -> None:
        super().__init__()
        self._svg = svg
        self._renderer = QSvgRenderer(QByteArray(svg))

    def paint(self, painter: QPainter, rect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw it into `rect`."""
        painter.save()
        if mode == QIcon.Mode.Disabled:
            painter.setOpacity(0.4)
        side = min(rect.width(), rect.height())
        left = rect.x() + (rect.width() - side) / 2
        top = rect.y() + (rect.height() - side) / 2
        self._renderer.render(painter, QRectF(left, top, side, side))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """It on a clear ground."""
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, made.rect(), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        """Another one of the same."""
        return _Svg(self._svg)
