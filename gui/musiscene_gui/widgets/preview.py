"""Preview: the picture under the playhead, beside the takes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from musiscene_core.errors import MusiSceneError
from musiscene_gui.bridge.pictures import Pictures, clip_at
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.said import said

HEIGHT = 150


class Preview(QWidget):
    """Shows the frame at the playhead; hidden while the timeline has no picture."""

    def __init__(
        self, timeline: TimelineModel, playback: PlaybackModel, pictures: Pictures
    ) -> None:
        super().__init__()
        self._timeline, self._playback, self._pictures = timeline, playback, pictures
        self._image = QImage()
        self._said = ""
        self.frame = -1
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        pictures.shown.connect(self._show)
        pictures.failed.connect(self._fail)
        timeline.changed.connect(self._open)
        timeline.playhead_changed.connect(self._ask)
        self._word()
        self._open()

    @property
    def image(self) -> QImage:
        """What is seen; null where nothing is."""
        return self._image

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Sixteen to nine."""
        return QSize(HEIGHT * 16 // 9, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows step by frames, with Shift by ten."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() not in steps:
            super().keyPressEvent(event)
            return
        many = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self._playback.pause()
        self._timeline.step(steps[event.key()] * many)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The frame in the middle, in its own shape."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.BASE))
        if self._image.isNull():
            painter.setPen(QColor(theme.DIM))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._said)
        else:
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left = (self.width() - size.width()) / 2
            top = (self.height() - size.height()) / 2
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
        if self.hasFocus():
            painter.setPen(QColor(theme.ACCENT))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()

    def _word(self) -> None:
        self.setAccessibleName(self.tr("Picture at the playhead"))
        self.setToolTip(self.tr("Left and right step by frames"))

    def _open(self) -> None:
        self._pictures.set_clips(self._timeline.clips)
        pictures = [clip for clip in self._timeline.clips if clip.role == "picture"]
        self.setVisible(bool(pictures))
        self._ask()

    def _ask(self) -> None:
        if not self.isHidden():
            self._pictures.ask(self._timeline.playhead)

    def _show(self, frame: int, image: QImage) -> None:
        self.frame, self._image = frame, image
        if image.isNull():
            there = clip_at(self._timeline.clips, frame)
            self._said = "" if there else self.tr("No picture here")
        self.update()

    def _fail(self, error: MusiSceneError) -> None:
        self._image, self._said = QImage(), said(error.message)
        self.update()
