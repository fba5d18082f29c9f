"""What the strip says in words of what lies under the pointer, and of what is being moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from musiscene_gui.widgets.language import tr
from musiscene_gui.widgets.numbers import decimal
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.strip.accessible import area_of, parts_of

if TYPE_CHECKING:
    from musiscene_gui.widgets.strip.strip import Strip


def told_at(strip: Strip, place: QPoint) -> str:
    """What lies at a point of the strip; empty where nothing does."""
    here = [part.name for part in parts_of(strip) if area_of(strip, part).contains(place)]
    top, height = at.CURVE
    lines = here[-1:]
    if top <= place.y() < top + height:
        lines.append(feeling_at(strip, strip.scale().frame(place.x())))
    return "\n".join(filter(None, lines))


def told_while_held(strip: Strip, held: str, frame: int) -> str:
    """Where what is being moved now is, or how it feels at the record frame where it is drawn."""
    timeline, scene = strip.timeline, strip.scene
    if held == "in":
        return tr("In at {0}").format(timeline.timecode(timeline.range.start))
    if held == "out":
        return tr("Out at {0}").format(timeline.timecode(timeline.range.end))
    if held == "hit":
        return next((part.name for part in parts_of(strip) if part.hit == strip.chosen), "")
    if held == "curve" and scene.brief is not None:
        return feeling_at(strip, frame)
    return timeline.timecode(timeline.playhead)


def feeling_at(strip: Strip, frame: int) -> str:
    """The feeling that is shown at a record frame, as asked for and as heard; empty where none."""
    timeline, brief = strip.timeline, strip.scene.brief
    if brief is None or frame not in brief.timeline.record or not brief.emotion_curve.points:
        return ""
    at_s = float(timeline.rate.seconds(frame - brief.timeline.record.start))
    asked = decimal(getattr(brief.emotion_curve.at(at_s), strip.line), 2, sign=True)
    heard = timeline.heard.get(strip.line)
    name = tr("Strength") if strip.line == "arousal" else tr("Pleasantness")
    if heard is None or not heard.values:
        return tr("{name}: {asked} asked").format(name=name, asked=asked)
    words = tr("{name}: {asked} asked, {heard} heard")
    return words.format(name=name, asked=asked, heard=decimal(heard.at(at_s), 2, sign=True))
