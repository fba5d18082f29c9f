"""The strip's tools: what keys and drags do, as buttons in its corner and a menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollBar, QVBoxLayout, QWidget

from musiscene_gui.bridge.thumbnails import Thumbnails
from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.building import icon_button, name_button
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.strip.strip import Strip

_BAR_PX = 5


class StripPanel(QWidget):
    """The strip with its tools.

    Attributes:
        strip: the timeline.
        draw, add, fit: the buttons.
    """

    def __init__(self, panel: Panel, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._panel = panel
        self.strip = Strip(panel.timeline, panel.scene, thumbnails)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.strip)
        self._corner = QWidget(self.strip)
        line = QHBoxLayout(self._corner)
        line.setContentsMargins(3, 1, 0, 0)
        line.setSpacing(1)
        self.draw, self.add, self.fit = (icon_button(n) for n in ("curve", "diamond", "zoom-fit"))
        for button in (self.draw, self.add, self.fit):
            button.setProperty("cls", "tiny")
            button.setIconSize(QSize(12, 12))
            button.setFixedSize(18, 18)
            line.addWidget(button)
        self._corner.setFixedWidth(theme.GUTTER - 2)
        self.draw.setCheckable(True)
        self.draw.toggled.connect(self.strip.set_drawing)
        self.strip.drawing_changed.connect(self.draw.setChecked)
        self.add.clicked.connect(lambda: panel.scene.add_hit(panel.timeline.playhead))
        self.fit.clicked.connect(panel.timeline.zoom_to_fit)
        panel.timeline.changed.connect(self._refresh)
        self._bar = QScrollBar(Qt.Orientation.Horizontal, self.strip)
        self._bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._bar.valueChanged.connect(self._scrolled)
        panel.timeline.view_changed.connect(self._show_view)
        self._word()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the scroll bar under the rows."""
        super().resizeEvent(event)
        wide = self.strip.width() - theme.GUTTER - theme.RIGHT_MARGIN
        self._bar.setGeometry(theme.GUTTER, at.HEIGHT - _BAR_PX, max(1, wide), _BAR_PX)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Everything that can be done here."""
        self.menu().exec(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done here, now."""
        timeline, scene, strip = self._panel.timeline, self._panel.scene, self.strip
        menu = QMenu(self)
        menu.addAction(self.tr("Set In") + "\tI", timeline.set_in)
        menu.addAction(self.tr("Set Out") + "\tO", timeline.set_out)
        menu.addAction(self.tr("Zoom in") + "\t+", timeline.zoom_in)
        menu.addAction(self.tr("Zoom out") + "\t-", timeline.zoom_out)
        menu.addAction(self.tr("Zoom to In and Out"), timeline.zoom_to_range)
        menu.addAction(self.tr("Zoom to all") + "\t0", timeline.zoom_to_fit)
        menu.addSeparator()
        spotted = scene.brief is not None
        add = menu.addAction(
            self.tr("Add a hit point at the playhead") + "\tM",
            lambda: scene.add_hit(timeline.playhead),
        )
        draw = menu.addAction(
            self.tr("Draw the feeling over the shots") + "\tD",
            lambda: strip.set_drawing(not strip.drawing),
        )
        draw.setCheckable(True)
        draw.setChecked(strip.drawing)
        for action in (add, draw):
            action.setEnabled(spotted)
        for text, line in (
            (self.tr("Show how strong it feels"), "arousal"),
            (self.tr("Show how pleasant it feels"), "valence"),
        ):
            action = menu.addAction(text, lambda line=line: strip.set_line(line))
            action.setCheckable(True)
            action.setChecked(strip.line == line)
            action.setEnabled(spotted)
        reset = menu.addAction(self.tr("Feeling as it was spotted"), scene.reset_curve)
        reset.setEnabled(spotted and scene.brief.emotion_curve.edited)
        return menu

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._word()
        super().changeEvent(event)

    def _refresh(self) -> None:
        spotted = self._panel.scene.brief is not None
        self._corner.setVisible(self._panel.timeline.is_open)
        self._show_view()
        self.draw.setEnabled(spotted)
        self.add.setEnabled(spotted)

    def _show_view(self) -> None:
        """Say how much of the timeline is seen, where that is not all."""
        start, end = self._panel.timeline.view
        record = self._panel.timeline.record
        self._bar.blockSignals(True)
        self._bar.setRange(record.start, max(record.start, round(record.end - (end - start))))
        self._bar.setPageStep(max(1, round(end - start)))
        self._bar.setValue(round(start))
        self._bar.blockSignals(False)
        self._bar.setVisible(self._bar.maximum() > self._bar.minimum())

    def _scrolled(self, start: int) -> None:
        self._panel.timeline.scroll(start - self._panel.timeline.view[0])

    def _word(self) -> None:
        name_button(self.draw, self.tr("Draw the feeling over the shots"), "D")
        name_button(self.add, self.tr("Add a hit point at the playhead"), "M")
        name_button(self.fit, self.tr("See the whole timeline"), "0")
        self._bar.setAccessibleName(self.tr("Part of the timeline that is seen"))
