"""Painting the strip's ground: all of it but the playhead, so that it can be kept as a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter, QPen, QPolygonF

from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import Marker
from musiscene_gui.viewmodels.feeling import FeelingLine
from musiscene_gui.viewmodels.hits import Hit
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.strip.crowding import seen_hits
from musiscene_gui.widgets.strip.geometry import Scale
from musiscene_gui.widgets.strip.shots import ShotBox
from musiscene_gui.widgets.take_words import hit_title

_DIAMOND, _CANDIDATE = 6, 4.5
_PICTURE_SHAPE = 16 / 9
_LABEL_FROM_PX = 560
_HEARD_APART_PX = 8
_TOUCHING_PX = 1.0
_PIECE = 16
_LEAST_TITLE_PX = 16
_LEGEND_PX, _LEGEND_TOP = 10, 21
_TITLE_PX = 20
_INK = QColor(10, 10, 12, 190)


@dataclass(frozen=True)
class Words:
    """What the rows are called, and the two lines over the shots."""

    shots: str
    dialogue: str
    temp: str
    cues: str
    music: str
    asked: str
    heard: str
    empty: str


@dataclass(frozen=True)
class Scene:
    """All that is painted.

    Attributes:
        timeline: range, brief and clips.
        shots: see ShotBox.
        hits: hit points in cue frames.
        chosen: index of the hit point that the keyboard moves; -1 for none.
        line: which feeling is shown.
        drawing: whether it is being edited.
        picture: the thumbnail of a shot at a record frame; None where it is not there yet.
        words: in the user's language.
    """

    timeline: TimelineModel
    shots: tuple[ShotBox, ...]
    hits: tuple[Hit, ...]
    chosen: int
    line: FeelingLine
    drawing: bool
    picture: Callable[[ShotBox, int], QImage | None]
    words: Words


def paint_ground(painter: QPainter, width: int, scene: Scene) -> None:
    """Paint everything but the playhead, `width` pixels wide."""
    timeline = scene.timeline
    scale = Scale.of(width, timeline.view)
    font = QFont(painter.font())
    font.setPixelSize(11)
    painter.setFont(font)
    painter.fillRect(QRect(0, 0, width, at.HEIGHT), QColor(theme.PANEL))
    if not timeline.is_open:
        painter.setPen(QColor(theme.DIM))
        inside = QRect(12, 0, width - 24, at.HEIGHT)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(inside, flags, scene.words.empty)
        return
    painter.setClipRect(QRectF(scale.left, 0, scale.right - scale.left, at.HEIGHT))
    _ruler(painter, scale, timeline)
    _shots(painter, scale, scene)
    _dialogue(painter, scale, timeline)
    _temp(painter, scale, timeline)
    _music(painter, scale, timeline)
    _outside(painter, scale, timeline.range)
    _heard(painter, scale, scene)
    _curve(painter, scale, scene)
    _cues(painter, scale, scene, labels=width >= _LABEL_FROM_PX)
    painter.setClipping(False)
    _brackets(painter, scale, timeline.range)
    felt = timeline.brief is not None and bool(timeline.brief.emotion_curve.points)
    _gutter(painter, scene.words, legend=felt)
    if felt:
        _legend(painter, scene)


def paint_playhead(painter: QPainter, x: float) -> None:
    """A line with a head on the ruler."""
    colour = QColor(theme.PLAYHEAD)
    painter.setPen(QPen(colour, 1))
    painter.drawLine(QLineF(x, 0, x, at.HEIGHT))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 7)]))


def _ruler(painter: QPainter, scale: Scale, timeline: TimelineModel) -> None:
    nominal = timeline.rate.nominal
    short = at.ruler_is_short(nominal, scale.pixels_a_frame, timeline.record.length)
    step = at.ruler_step(nominal, scale.pixels_a_frame, 60 if short else 90)
    first = int(scale.start // step) * step
    for frame in range(first, int(scale.end) + 1, step):
        x = scale.x(frame)
        painter.setPen(QColor(theme.LINE))
        painter.drawLine(QLineF(x, 12, x, 20))
        painter.setPen(QColor(theme.DIM))
        text = timeline.timecode(max(0, frame))
        text = text[3:8] if short else text
        if x + 58 < scale.right:
            painter.drawText(QRectF(x + 3, 0, 90, 18), Qt.AlignmentFlag.AlignVCenter, text)


def _shots(painter: QPainter, scale: Scale, scene: Scene) -> None:
    top, height = at.SHOTS
    painted = -1.0
    for shot in scene.shots:
        if not scale.shows(shot.record.start, shot.record.end):
            continue
        left, right = scale.x(shot.record.start), scale.x(shot.record.end)
        if right < painted:
            # Of shots that are narrower than a pixel, one is seen.
            continue
        painted = left + 1
        box = QRectF(left + 0.5, top, max(1.0, right - left - 1), height)
        painter.fillRect(box, QColor("#3C3C46"))
        if box.width() >= 8:
            _tiles(painter, scale, box, shot, scene.picture)
        if box.width() > 22:
            badge = QRectF(box.left(), box.bottom() - 14, 18 if shot.number > 9 else 13, 14)
            painter.fillRect(badge, _INK)
            painter.setPen(QColor(theme.BRIGHT))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(shot.number))


def _tiles(
    painter: QPainter,
    scale: Scale,
    box: QRectF,
    shot: ShotBox,
    picture: Callable[[ShotBox, int], QImage | None],
) -> None:
    """Pictures beside each other, each of the frame that lies under its middle."""
    wide = box.height() * _PICTURE_SHAPE
    count = max(1, math.ceil(box.width() / wide - 0.25))
    for index in range(count):
        tile = QRectF(box.left() + index * wide, box.top(), wide, box.height())
        tile = (
            tile.intersected(box)
            if index < count - 1
            else QRectF(tile.topLeft(), box.bottomRight())
        )
        if tile.right() < scale.left or tile.left() > scale.right:
            continue
        middle = round(scale.position(tile.center().x()))
        image = picture(shot, middle)
        if image is not None and not image.isNull():
            _cover(painter, tile, image)


def _cover(painter: QPainter, box: QRectF, image: QImage) -> None:
    """All of the box, never stretched: what does not fit is cut off evenly."""
    scale = max(box.width() / image.width(), box.height() / image.height())
    width, height = box.width() / scale, box.height() / scale
    source = QRectF((image.width() - width) / 2, (image.height() - height) / 2, width, height)
    painter.drawImage(box, image, source)


def _dialogue(painter: QPainter, scale: Scale, timeline: TimelineModel) -> None:
    top, height = at.DIALOGUE
    spans: list[tuple[float, float]] = []
    brief = timeline.brief
    if brief is not None:
        fps, start = float(timeline.rate.fps), brief.timeline.record.start
        spans = [(start + one.start_s * fps, start + one.end_s * fps) for one in brief.dialogue]
    else:
        clips = (clip.mapping.record for clip in timeline.clips if clip.role == "dialogue")
        spans = [(float(record.start), float(record.end)) for record in clips]
    for begin, end in _joined(scale, spans):
        box = QRectF(begin, top, max(2.0, end - begin), height)
        painter.fillRect(box, QColor("#4A4A55"))
        painter.fillRect(box, QBrush(QColor(theme.HATCH), Qt.BrushStyle.BDiagPattern))


def _joined(scale: Scale, spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The pixels of those record positions that are seen; what touches is one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if not scale.shows(start, end):
            continue
        left, right = max(scale.x(start), scale.left - 8), min(scale.x(end), scale.right + 8)
        if joined and left - joined[-1][1] < _TOUCHING_PX:
            joined[-1] = joined[-1][0], max(joined[-1][1], right)
        else:
            joined.append((left, right))
    return joined


def _temp(painter: QPainter, scale: Scale, timeline: TimelineModel) -> None:
    top, height = at.TEMP
    brief = timeline.brief
    if brief is not None and brief.temp_track.present and brief.temp_track.energy.values:
        energy, fps = brief.temp_track.energy, float(timeline.rate.fps)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, value in enumerate(energy.values):
            frame = brief.timeline.record.start + index * energy.hop_s * fps
            x, following = scale.x(frame), scale.x(frame + energy.hop_s * fps)
            if following < scale.left or x > scale.right:
                continue
            tall = max(1.0, value * height)
            bar = QRectF(x, top + height - tall, max(1.0, following - x), tall)
            painter.fillRect(bar, QColor("#7D6E8F"))
        return
    records = (clip.mapping.record for clip in timeline.clips if clip.role == "temp_track")
    for left, right in _joined(scale, [(record.start, record.end) for record in records]):
        painter.fillRect(QRectF(left, top, right - left, height), QColor("#5A4F68"))


def _music(painter: QPainter, scale: Scale, timeline: TimelineModel) -> None:
    top, height = at.MUSIC
    scores = [(clip.mapping.record, clip.track) for clip in timeline.clips if clip.role == "score"]
    for record, label in (*scores, *timeline.placed):
        if not scale.shows(record.start, record.end):
            continue
        left, right = scale.x(record.start), scale.x(record.end)
        box = QRectF(left, top, right - left, height - 2)
        painter.fillRect(box, QColor(theme.PLACED))
        painter.setPen(QColor(theme.PLACED_TEXT))
        shown = box.intersected(QRectF(scale.left, top, scale.right - scale.left, height))
        inner = shown.adjusted(5, 0, -3, 0)
        text = painter.fontMetrics().elidedText(
            label, Qt.TextElideMode.ElideRight, int(inner.width())
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, text)


def _outside(painter: QPainter, scale: Scale, marked: FrameRange) -> None:
    for left, right in (
        (scale.left, scale.x(marked.start)),
        (scale.x(marked.end), scale.right),
    ):
        if right > left:
            box = QRectF(left, 0, right - left, at.HEIGHT)
            painter.fillRect(box, QColor(*theme.OUTSIDE))


def _curve(painter: QPainter, scale: Scale, scene: Scene) -> None:
    brief = scene.timeline.brief
    if brief is None or not brief.emotion_curve.points:
        return
    curve, fps = brief.emotion_curve, float(scene.timeline.rate.fps)
    start = brief.timeline.record.start
    step = curve.hop_s * fps
    first, last = _in_view(scale, start, step, len(curve.points))
    places = []
    for index in range(first, last):
        frame = min(start + index * step, float(brief.timeline.record.end))
        value = getattr(curve.points[index], scene.line)
        places.append(QPointF(scale.x(frame), at.curve_y(value)))
    if last == len(curve.points):
        places.append(QPointF(scale.x(brief.timeline.record.end), places[-1].y()))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if scene.drawing:
        top, height = at.CURVE
        span = scale.x(brief.timeline.record.end) - scale.x(start)
        painter.fillRect(QRectF(scale.x(start), top, span, height), QColor(10, 10, 12, 120))
    _line(painter, places, QPen(_INK, 4.5))
    _line(painter, places, _asked_pen(scene))
    painter.restore()


def _heard(painter: QPainter, scale: Scale, scene: Scene) -> None:
    """What the music turned out to feel like: dotted, over what was asked for."""
    timeline = scene.timeline
    brief, heard = timeline.brief, timeline.heard.get(scene.line)
    if brief is None or heard is None or not heard.values:
        return
    fps, start = float(timeline.rate.fps), brief.timeline.record.start
    # Several values to one point where they lie too close to be told apart.
    step = heard.hop_s * fps
    each = max(1, math.ceil(_HEARD_APART_PX / (step * scale.pixels_a_frame)))
    begin, end = _in_view(scale, start, step, len(heard.values))
    places = []
    for first in range(begin - begin % each, end, each):
        values = heard.values[first : first + each]
        frame = start + (first + len(values) / 2) * step
        places.append(QPointF(scale.x(frame), at.curve_y(sum(values) / len(values))))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _line(painter, places, QPen(_INK, 4))
    _line(painter, places, _heard_pen())
    painter.restore()


def _in_view(scale: Scale, start: int, step: float, count: int) -> tuple[int, int]:
    """Which of `count` values, `step` frames apart from record frame `start`, are seen."""
    first = max(0, min(count - 1, math.floor((scale.start - start) / step) - 1))
    return first, max(first + 1, min(count, math.ceil((scale.end - start) / step) + 2))


def _line(painter: QPainter, places: list[QPointF], pen: QPen) -> None:
    """A line through all places; in pieces, for one long line with soft edges takes far longer."""
    painter.setPen(pen)
    for first in range(0, max(1, len(places) - 1), _PIECE):
        painter.drawPolyline(QPolygonF(places[first : first + _PIECE + 1]))


def _heard_pen() -> QPen:
    return QPen(QColor(theme.OK), 1.8, Qt.PenStyle.DotLine)


def _asked_pen(scene: Scene) -> QPen:
    edited = scene.timeline.brief is not None and scene.timeline.brief.emotion_curve.edited
    return QPen(QColor(theme.WARN if edited else theme.ACCENT), 2.0)


def _cues(painter: QPainter, scale: Scale, scene: Scene, *, labels: bool) -> None:
    brief = scene.timeline.brief
    start = brief.timeline.record.start if brief is not None else 0
    middle = at.CUES[0] + at.CUES[1] / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    places = seen_hits(scene.hits, start, scale, scene.chosen)
    # What is held is painted last, over candidates that crowd around it.
    for place, (x, index) in sorted(enumerate(places), key=lambda one: _weight(scene, one[1][1])):
        if not scale.left - 2 * _DIAMOND <= x <= scale.right + 2 * _DIAMOND:
            continue
        hit = scene.hits[index]
        side = (_DIAMOND if hit.held else _CANDIDATE) + (1.5 if index == scene.chosen else 0)
        shape = [(x, middle - side), (x + side, middle), (x, middle + side), (x - side, middle)]
        colour = QColor(theme.CUE if hit.held else theme.CANDIDATE)
        painter.setPen(QPen(QColor(theme.BRIGHT) if index == scene.chosen else colour, 1.4))
        painter.setBrush(colour if hit.held else QColor(theme.PANEL))
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in shape]))
        following = places[place + 1][0] - 8 if place + 1 < len(places) else scale.right
        following = min(following, scale.right)
        room = following - x - 12
        # The beginning of a word says nothing: a hit is named where its name fits.
        title = hit_title(hit.label) if labels and room >= _LEAST_TITLE_PX else ""
        if title and painter.fontMetrics().horizontalAdvance(title) <= room:
            painter.setPen(QColor(theme.TEXT if hit.held else theme.DIM))
            painter.drawText(QPointF(x + 10, middle + 4), title)
    if not scene.hits:
        _markers(painter, scale, scene.timeline.markers)
    painter.restore()


def _markers(painter: QPainter, scale: Scale, markers: Sequence[Marker]) -> None:
    """A line each, named where the name ends before the next one."""
    top, height = at.CUES
    painter.setPen(QColor(theme.DIM))
    places = sorted((scale.x(marker.record.start), marker.name) for marker in markers)
    for index, (x, name) in enumerate(places):
        following = places[index + 1][0] if index + 1 < len(places) else math.inf
        if scale.left <= x <= scale.right:
            painter.drawLine(QLineF(x, top + 2, x, top + height - 2))
            if painter.fontMetrics().horizontalAdvance(name) <= following - x - 6:
                painter.drawText(QPointF(x + 4, top + height / 2 + 4), name)


def _weight(scene: Scene, index: int) -> tuple[bool, bool]:
    return index == scene.chosen, scene.hits[index].held


def _brackets(painter: QPainter, scale: Scale, marked: FrameRange) -> None:
    painter.setPen(QPen(QColor(theme.ACCENT), 2))
    for frame, way in ((marked.start, 7), (marked.end, -7)):
        x = scale.x(frame)
        if scale.left - 1 <= x <= scale.right + 1:
            painter.drawLine(QLineF(x, 1, x, at.HEIGHT - 2))
            painter.drawLine(QLineF(x, 1, x + way, 1))
            painter.drawLine(QLineF(x, at.HEIGHT - 2, x + way, at.HEIGHT - 2))


def _gutter(painter: QPainter, words: Words, *, legend: bool) -> None:
    painter.setPen(QColor(theme.DIM))
    shots = (at.SHOTS[0], _TITLE_PX) if legend else at.SHOTS
    rows = (
        (words.shots, shots),
        (words.dialogue, at.DIALOGUE),
        (words.temp, at.TEMP),
        (words.cues, at.CUES),
        (words.music, at.MUSIC),
    )
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    for text, (top, height) in rows:
        room = theme.GUTTER - 8
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(6, top - 2, room, height + 4), flags, shown)


def _legend(painter: QPainter, scene: Scene) -> None:
    """Beside the shots: which line was asked for, and which was heard."""
    lines = [(scene.words.asked, _asked_pen(scene))]
    if scene.line in scene.timeline.heard:
        lines.append((scene.words.heard, _heard_pen()))
    font = QFont(painter.font())
    font.setPixelSize(_LEGEND_PX)
    painter.save()
    painter.setFont(font)
    for place, (text, pen) in enumerate(lines):
        middle = at.SHOTS[0] + _LEGEND_TOP + place * (_LEGEND_PX + 2)
        painter.setPen(pen)
        painter.drawLine(QLineF(6, middle, 18, middle))
        room = theme.GUTTER - 24
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setPen(QColor(theme.DIM))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(22, middle - 7, room, 14), flags, shown)
    painter.restore()
