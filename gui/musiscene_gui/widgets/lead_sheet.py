"""LeadSheetDialog: a take's lead sheet, page by page, as paper."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QLabel, QScrollArea, QVBoxLayout, QWidget

_MARGIN = 8


class SheetPage(QWidget):
    """One page; empty where it is no picture."""

    def __init__(self, png: bytes) -> None:
        super().__init__()
        self._image = QImage.fromData(png)

    @property
    def readable(self) -> bool:
        """Whether there is anything to see."""
        return not self._image.isNull()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of the page's own shape."""
        return QSize(600, self.heightForWidth(600))

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """It has."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Of the page's own shape."""
        size = self._image.size()
        if size.width() < 1 or size.height() < 1:
            return 40
        return max(40, round((width - 2 * _MARGIN) * size.height() / size.width()) + 2 * _MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Black on white."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("white"))
        box = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, self._image)
        painter.end()


class LeadSheetDialog(QDialog):
    """All pages below each other."""

    def __init__(self, title: str, pages: Sequence[bytes], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Lead sheet · {title}").format(title=title))
        self.resize(680, 760)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setSpacing(8)
        self.pages = [SheetPage(png) for png in pages]
        for number, page in enumerate(self.pages, start=1):
            page.setAccessibleName(self.tr("Page {number}").format(number=number))
            if page.readable:
                column.addWidget(page)
            else:
                text = self.tr("Page {number} cannot be read.").format(number=number)
                column.addWidget(QLabel(text), 0, Qt.AlignmentFlag.AlignTop)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        scroll.setAccessibleName(self.tr("Lead sheet"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
