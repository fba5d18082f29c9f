"""Strip: the timeline under the pointer and the keyboard.

Pointer: drag the ruler to go there, the brackets to set In and Out, a diamond to move a hit point;
click a diamond to hold or release it; while drawing, drag over the shots to shape the feeling.
The wheel scrolls, with Ctrl it zooms.
Keys: arrows step, with Shift a second; I and O; + - 0 zoom; M adds a hit point; [ and ] choose one,
Return holds or releases it, Alt with arrows moves it; D draws, Up and Down then shape the feeling,
Esc ends that. Page Up and Down go a view back and on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from musiscene_gui.bridge.thumbnails import Thumbnails
from musiscene_gui.viewmodels.feeling import FeelingLine
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.strip.accessible import announce, parts_of, speak_of_strips
from musiscene_gui.widgets.strip.crowding import seen_hits
from musiscene_gui.widgets.strip.geometry import Scale
from musiscene_gui.widgets.strip.painting import Scene, Words, paint_ground, paint_playhead
from musiscene_gui.widgets.strip.shots import ShotBox, shot_boxes
from musiscene_gui.widgets.strip.telling import feeling_at, told_at, told_while_held

_Held = Literal["", "playhead", "in", "out", "hit", "curve"]
_HEAD_PX = 7
_NUDGE = 0.1
_CLICK_PX = 3


class Strip(QWidget):
    """The timeline.

    Attributes:
        timeline, scene: what it shows.
        shots: what its first row shows.
        drawing: whether dragging over the shots shapes the feeling.
        chosen: index of the hit point that the keyboard is at; -1 for none.
        ground_paintings: how often all of it was painted: for measuring.
        drawing_changed: emits whether it is drawn in now.
    """

    drawing_changed = Signal(bool)

    def __init__(self, timeline: TimelineModel, scene: SceneModel, thumbnails: Thumbnails) -> None:
        super().__init__()
        speak_of_strips()
        self.drawing = False
        self.chosen = -1
        self.line: FeelingLine = "arousal"
        self.ground_paintings = 0
        self.timeline, self.scene, self._thumbnails = timeline, scene, thumbnails
        self._ground: QPixmap | None = None
        self.shots: tuple[ShotBox, ...] = ()
        self._held: _Held = ""
        self._moved = False
        self._pressed = QPointF()
        self._drawn_from = (0.0, 0.0)
        self._shown_playhead = 0.0
        self.setFixedHeight(at.HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        timeline.changed.connect(self._anew)
        timeline.view_changed.connect(self._repaint)
        timeline.range_changed.connect(self._repaint)
        timeline.playhead_changed.connect(self._playhead_moved)
        scene.hits_changed.connect(self._hits_changed)
        thumbnails.arrived.connect(self._repaint)
        self._word()
        self._anew()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room."""
        return QSize(800, at.HEIGHT)

    def set_drawing(self, drawing: bool) -> None:
        """Shape the feeling by dragging, or no longer."""
        if drawing != self.drawing:
            self.drawing = drawing
            self.drawing_changed.emit(drawing)
            self._repaint()

    def set_line(self, line: FeelingLine) -> None:
        """Show and shape the other feeling."""
        self.line = line
        self._repaint()

    def scale(self) -> Scale:
        """Where record frames are, now."""
        return Scale.of(self.width(), self.timeline.view)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The kept ground, and the playhead over it."""
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        if self._ground is None or self._ground.size() != size:
            self._ground = QPixmap(size)
            self._ground.setDevicePixelRatio(ratio)
            ground = QPainter(self._ground)
            try:
                paint_ground(ground, self.width(), self._all())
            finally:
                # A pixmap that goes while it is painted on takes the whole program along.
                ground.end()
            self.ground_paintings += 1
        painter = QPainter(self)
        dirty = event.rect()
        source = QRect(dirty.topLeft() * ratio, dirty.size() * ratio)
        painter.drawPixmap(dirty, self._ground, source)
        if self.timeline.is_open:
            self._shown_playhead = self.scale().x(self.timeline.playhead)
            if self._shown_playhead >= self.scale().left - 1:
                paint_playhead(painter, self._shown_playhead)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self.palette().highlight().color())
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Keys that mean something here come here first; what lies under the pointer is told."""
        if event.type() == QEvent.Type.ShortcutOverride and self._means_something(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip:
            assert isinstance(event, QHelpEvent)
            QToolTip.showText(event.globalPos(), told_at(self, event.pos()), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of what is under the pointer."""
        if event.button() != Qt.MouseButton.LeftButton or not self.timeline.is_open:
            return
        self._pressed, self._moved = event.position(), False
        self._held = self._under(event.position())
        if self._held == "hit":
            self.chosen = self._hit_at(event.position())
            self._repaint()
        elif self._held == "curve":
            self._drawn_from = self._feeling_at(event.position())
            self.scene.draw_curve(self.line, self._drawn_from, self._drawn_from)
        elif self._held == "playhead":
            self.timeline.set_playhead(self._frame_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move what is held; else show what could be."""
        place = event.position()
        if not self._held:
            under = self._under(place)
            shapes = {
                "in": Qt.CursorShape.SizeHorCursor,
                "out": Qt.CursorShape.SizeHorCursor,
                "hit": Qt.CursorShape.PointingHandCursor,
                "curve": Qt.CursorShape.CrossCursor,
            }
            self.setCursor(shapes.get(under, Qt.CursorShape.ArrowCursor))
            return
        if (place - self._pressed).manhattanLength() > _CLICK_PX:
            self._moved = True
        frame = self._frame_at(place)
        if self._held == "playhead":
            self.timeline.set_playhead(frame)
        elif self._held == "in":
            self.timeline.set_in(min(frame, self.timeline.range.end - 1))
        elif self._held == "out":
            self.timeline.set_out(max(frame, self.timeline.range.start + 1))
        elif self._held == "hit" and self._moved:
            self._move_chosen(frame)
        elif self._held == "curve":
            here = self._feeling_at(place)
            self.scene.draw_curve(self.line, self._drawn_from, here)
            self._drawn_from = here
        if self._moved and self._held:
            told = told_while_held(self, self._held, frame)
            QToolTip.showText(event.globalPosition().toPoint(), told, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go; a click on a hit point holds or releases it."""
        if self._held == "hit" and not self._moved:
            self.scene.toggle_hit(self.chosen)
        if self._moved:
            QToolTip.hideText()
        self._held = ""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl zoom around the pointer."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            around = self.scale().position(event.position().x())
            self.timeline.zoom(1.25 ** (-turned / 120), around)
        else:
            start, end = self.timeline.view
            self.timeline.scroll(-turned / 120 * (end - start) / 10)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """See the module's head."""
        act = self._action_of(event) if self.timeline.is_open else None
        if act is None:
            super().keyPressEvent(event)
            return
        act()
        self.timeline.reveal(self.timeline.playhead)
        event.accept()

    def focusInEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Show that the keyboard is here."""
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Show that it is not."""
        self.update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._word()
            self._repaint()
        super().changeEvent(event)

    def _action_of(self, event: QKeyEvent) -> Callable[[], object] | None:
        key, timeline = event.key(), self.timeline
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = timeline.rate.nominal if shift else 1
        keys = Qt.Key
        if alt and key in (keys.Key_Left, keys.Key_Right):
            return lambda: self._nudge_hit(step if key == keys.Key_Right else -step)
        if self.drawing and key in (keys.Key_Up, keys.Key_Down):
            return lambda: self._nudge_curve(_NUDGE if key == keys.Key_Up else -_NUDGE)
        acts: dict[int, Callable[[], object]] = {
            keys.Key_Left: lambda: timeline.step(-step),
            keys.Key_Right: lambda: timeline.step(step),
            keys.Key_Home: lambda: timeline.set_playhead(timeline.range.start),
            keys.Key_End: lambda: timeline.set_playhead(timeline.range.end - 1),
            keys.Key_I: timeline.set_in,
            keys.Key_O: timeline.set_out,
            keys.Key_Plus: timeline.zoom_in,
            keys.Key_Equal: timeline.zoom_in,
            keys.Key_Minus: timeline.zoom_out,
            keys.Key_0: timeline.zoom_to_fit,
            keys.Key_M: lambda: self.scene.add_hit(timeline.playhead),
            keys.Key_BracketLeft: lambda: self._choose(-1),
            keys.Key_BracketRight: lambda: self._choose(1),
            keys.Key_D: lambda: self.set_drawing(not self.drawing),
            keys.Key_PageUp: lambda: timeline.step(-self._page()),
            keys.Key_PageDown: lambda: timeline.step(self._page()),
        }
        if self.drawing:
            acts[keys.Key_Escape] = lambda: self.set_drawing(False)
        if self.chosen >= 0:
            acts[keys.Key_Return] = self._toggle_chosen
        return acts.get(key)

    def _means_something(self, event: QEvent) -> bool:
        """Whether a key is the strip's; I and O mean the same everywhere."""
        assert isinstance(event, QKeyEvent)
        if event.key() in (Qt.Key.Key_I, Qt.Key.Key_O):
            return False
        plain = not event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier
            | Qt.KeyboardModifier.AltModifier
            | Qt.KeyboardModifier.KeypadModifier
        )
        return plain and self.timeline.is_open and self._action_of(event) is not None

    def _page(self) -> int:
        start, end = self.timeline.view
        return max(1, round(end - start))

    def _choose(self, way: int) -> None:
        order = sorted(range(len(self.scene.hits)), key=lambda i: self.scene.hits[i].frame)
        if order:
            place = order.index(self.chosen) + way if self.chosen in order else min(0, way)
            self.chosen = order[place % len(order)]
            self._repaint()
            announce(self, self._said_of_chosen)

    def _toggle_chosen(self) -> None:
        self.scene.toggle_hit(self.chosen)
        announce(self, self._said_of_chosen)

    def _said_of_chosen(self) -> str:
        return next((part.name for part in parts_of(self) if part.hit == self.chosen), "")

    def _nudge_hit(self, frames: int) -> None:
        if self.chosen >= 0:
            self.scene.move_hit(self.chosen, self.scene.hits[self.chosen].frame + frames)

    def _nudge_curve(self, change: float) -> None:
        brief = self.scene.brief
        if brief is None or self.timeline.playhead not in brief.timeline.record:
            return
        at_s = float(
            self.timeline.rate.seconds(self.timeline.playhead - brief.timeline.record.start)
        )
        value = getattr(brief.emotion_curve.at(at_s), self.line) + change
        half = brief.emotion_curve.hop_s / 2
        self.scene.draw_curve(self.line, (at_s - half, value), (at_s + half, value))
        announce(self, lambda: feeling_at(self, self.timeline.playhead))

    def _move_chosen(self, record_frame: int) -> None:
        brief = self.scene.brief
        if brief is not None and self.chosen >= 0:
            self.scene.move_hit(self.chosen, record_frame - brief.timeline.record.start)

    def _under(self, place: QPointF) -> _Held:
        scale, marked = self.scale(), self.timeline.range
        if not self.timeline.is_open or place.x() < scale.left - at.GRIP_PX:
            return ""
        if self._hit_at(place) >= 0:
            return "hit"
        if place.y() > at.RULER[1] or not self.drawing:
            near: list[tuple[float, _Held]] = [
                (abs(place.x() - scale.x(marked.start)), "in"),
                (abs(place.x() - scale.x(marked.end)), "out"),
            ]
            distance, side = min(near)
            if distance <= at.GRIP_PX:
                return side
        top, height = at.CURVE
        if self.drawing and self.scene.brief is not None and top <= place.y() <= top + height:
            return "curve"
        return "playhead"

    def _hit_at(self, place: QPointF) -> int:
        top, height = at.CUES
        if not top <= place.y() <= top + height:
            return -1
        brief = self.scene.brief
        start = brief.timeline.record.start if brief is not None else 0
        shown = seen_hits(self.scene.hits, start, self.scale(), self.chosen)
        near = [(abs(x - place.x()), index) for x, index in shown]
        distance, index = min(near, default=(99.0, -1))
        return index if distance <= at.GRIP_PX + 2 else -1

    def _frame_at(self, place: QPointF) -> int:
        return self.scale().frame(place.x())

    def _feeling_at(self, place: QPointF) -> tuple[float, float]:
        brief = self.scene.brief
        assert brief is not None
        frames = self.scale().position(place.x()) - brief.timeline.record.start
        return frames / float(self.timeline.rate.fps), at.curve_value(place.y())

    def _all(self) -> Scene:
        hits = self.scene.hits if self.scene.brief is not None else ()
        return Scene(
            timeline=self.timeline,
            shots=self.shots,
            hits=hits,
            chosen=self.chosen,
            line=self.line,
            drawing=self.drawing,
            picture=self._picture,
            words=self._words,
        )

    def _picture(self, shot: ShotBox, frame: int) -> QImage | None:
        if shot.clip is None:
            return None
        # Whole quarters of a second, so that zooming does not ask for every frame there is.
        step = max(1, self.timeline.rate.nominal // 4)
        frame = min(max(frame // step * step, shot.record.start), shot.record.end - 1)
        if frame not in shot.clip.mapping.record:
            frame = shot.middle
        at_s = shot.clip.mapping.source_seconds
        return self._thumbnails.get(
            shot.clip.media.path,
            at_s(frame),
            meanwhile=(at_s(shot.record.start), at_s(shot.record.end)),
        )

    def _anew(self) -> None:
        self.shots = shot_boxes(self.timeline)
        self._repaint()

    def _hits_changed(self) -> None:
        if self.chosen >= len(self.scene.hits):
            self.chosen = -1
        self._repaint()

    def _repaint(self) -> None:
        self._ground = None
        self.update()

    def _playhead_moved(self) -> None:
        for x in (self._shown_playhead, self.scale().x(self.timeline.playhead)):
            self.update(QRect(int(x) - _HEAD_PX, 0, 2 * _HEAD_PX + 1, at.HEIGHT))

    def _word(self) -> None:
        self.setAccessibleName(self.tr("Timeline"))
        self.setAccessibleDescription(
            self.tr("Shots, dialogue, hit points and music, with In, Out and playhead")
        )
        self._words = Words(
            shots=self.tr("Shots"),
            dialogue=self.tr("Dialogue"),
            temp=self.tr("Temp"),
            cues=self.tr("Hits"),
            music=self.tr("Music"),
            asked=self.tr("asked"),
            heard=self.tr("heard"),
            empty=self.tr("Open a film or a timeline to begin: drop it here, or press Ctrl+O."),
        )
