"""The strip for those who do not see it: what lies on it as children that have names and places.

Assistive technology reads In, Out, shots, dialogue, hit points and placed music one by one, and
the playhead as the strip's value.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface, QWindow
from PySide6.QtWidgets import QAccessibleWidget

from musiscene_core.ranges import FrameRange
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.language import tr
from musiscene_gui.widgets.strip import geometry as at
from musiscene_gui.widgets.take_words import hit_title

if TYPE_CHECKING:
    from musiscene_gui.widgets.strip.strip import Strip

_TAKEN_HOLD_PX = 2 * at.GRIP_PX


@dataclass(frozen=True)
class Part:
    """One thing on the strip.

    Attributes:
        name: what is read out.
        record: record frames; one frame long for a moment.
        row: top and height in pixels.
        hit: index of a hit point; -1 for all else.
        held: whether the music must meet it.
    """

    name: str
    record: FrameRange
    row: tuple[int, int]
    hit: int = -1
    held: bool = False


def parts_of(strip: Strip) -> tuple[Part, ...]:
    """All that lies on the strip, in the order of its rows."""
    timeline, scene = strip.timeline, strip.scene
    if not timeline.is_open:
        return ()
    code, marked = timeline.timecode, timeline.range
    moment = lambda frame: FrameRange(frame, frame + 1)  # noqa: E731
    found = [
        Part(tr("In at {0}").format(code(marked.start)), moment(marked.start), at.RULER),
        Part(tr("Out at {0}").format(code(marked.end)), moment(marked.end), at.RULER),
    ]
    for shot in strip.shots:
        name = tr("Shot {0}, {1} to {2}")
        name = name.format(shot.number, code(shot.record.start), code(shot.record.end))
        found.append(Part(name, shot.record, at.SHOTS))
    brief = timeline.brief
    if brief is not None:
        start, fps = brief.timeline.record.start, float(timeline.rate.fps)
        for speech in brief.dialogue:
            first = start + round(speech.start_s * fps)
            record = FrameRange(first, max(first + 1, start + round(speech.end_s * fps)))
            name = tr("Dialogue, {0} to {1}").format(code(record.start), code(record.end))
            found.append(Part(name, record, at.DIALOGUE))
        if brief.temp_track.present:
            found.append(_temp(strip, brief.timeline.record))
        for index in sorted(range(len(scene.hits)), key=lambda i: scene.hits[i].frame):
            hit = scene.hits[index]
            words = [tr("Hit point at {0}").format(code(start + hit.frame)), hit_title(hit.label)]
            words.append(tr("held") if hit.held else tr("left to the engine"))
            name = ", ".join(filter(None, words))
            found.append(Part(name, moment(start + hit.frame), at.CUES, index, hit.held))
    else:
        for clip in timeline.clips:
            record = clip.mapping.record
            if clip.role == "dialogue":
                name = tr("Dialogue, {0} to {1}").format(code(record.start), code(record.end))
                found.append(Part(name, record, at.DIALOGUE))
            elif clip.role == "temp_track":
                found.append(_temp(strip, record))
    if not scene.hits:
        found += [
            Part(
                tr("Marker at {0}: {1}").format(code(mark.record.start), mark.name),
                moment(mark.record.start),
                at.CUES,
            )
            for mark in timeline.markers
        ]
    scores = [(clip.mapping.record, clip.track) for clip in timeline.clips if clip.role == "score"]
    for record, label in (*scores, *timeline.placed):
        name = tr("Music: {0}, {1} to {2}").format(label, code(record.start), code(record.end))
        found.append(Part(name, record, at.MUSIC))
    return tuple(found)


def _temp(strip: Strip, record: FrameRange) -> Part:
    code = strip.timeline.timecode
    name = tr("Temp track, {0} to {1}").format(code(record.start), code(record.end))
    return Part(name, record, at.TEMP)


def area_of(strip: Strip, part: Part) -> QRect:
    """Where a part is on the strip; empty where it is not seen."""
    scale, (top, height) = strip.scale(), part.row
    left, right = round(scale.x(part.record.start)), round(scale.x(part.record.end))
    if part.record.length == 1:
        left, right = left - _TAKEN_HOLD_PX // 2, left + _TAKEN_HOLD_PX // 2
    left, right = max(theme.GUTTER, left), min(strip.width(), right)
    return QRect(left, top, right - left, height) if right > left else QRect()


class PartInterface(QAccessibleInterface):
    """One part, by its place among the parts; no longer valid where there are fewer."""

    def __init__(self, strip: StripInterface, index: int) -> None:
        super().__init__()
        self._strip, self._index = strip, index

    @property
    def part(self) -> Part | None:
        """What it stands for now."""
        parts = self._strip.parts()
        return parts[self._index] if self._index < len(parts) else None

    def isValid(self) -> bool:  # noqa: N802 - Qt's name
        """Whether it stands for anything."""
        return self.part is not None

    def object(self) -> QObject | None:
        """It is no object of its own."""
        return None

    def window(self) -> QWindow | None:
        """The strip's."""
        return self._strip.window()

    def parent(self) -> QAccessibleInterface:
        """The strip."""
        return self._strip

    def child(self, index: int) -> QAccessibleInterface | None:
        """It has none."""
        return None

    def childCount(self) -> int:  # noqa: N802 - Qt's name
        """It has none."""
        return 0

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # noqa: N802 - Qt's name
        """It has none."""
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:  # noqa: N802 - Qt's name
        """It has none."""
        return -1

    def focusChild(self) -> QAccessibleInterface | None:  # noqa: N802 - Qt's name
        """It has none."""
        return None

    def relations(self, match: QAccessible.RelationFlag) -> list:
        """None."""
        return []

    def interface_cast(self, kind: QAccessible.InterfaceType) -> int | None:
        """It can be read only; the strip's keys change it."""
        return None

    def text(self, kind: QAccessible.Text) -> str:
        """Its name."""
        part = self.part
        return part.name if part is not None and kind == QAccessible.Text.Name else ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:  # noqa: N802 - Qt's name
        """It is not renamed here."""

    def rect(self) -> QRect:
        """Where it is on the screen."""
        part = self.part
        return self._strip.place_of(part) if part is not None else QRect()

    def role(self) -> QAccessible.Role:
        """A mark that can be held, or an entry."""
        part = self.part
        is_hit = part is not None and part.hit >= 0
        return QAccessible.Role.CheckBox if is_hit else QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        """Held, and at the keyboard."""
        state = QAccessible.State()
        part = self.part
        if part is None:
            state.invalid = True
        elif part.hit >= 0:
            state.checkable = True
            state.checked = part.held
            state.focused = self._strip.chosen == part.hit
        return state


class StripInterface(QAccessibleWidget):
    """The strip itself."""

    def __init__(self, strip: Strip) -> None:
        super().__init__(strip, QAccessible.Role.List)
        self._strip = weakref.ref(strip)
        # Kept, and handed out again: Qt remembers an interface as long as this program runs.
        self._children: list[PartInterface] = []

    @property
    def chosen(self) -> int:
        """The hit point that the keyboard is at."""
        strip = self._strip()
        return strip.chosen if strip is not None else -1

    def parts(self) -> tuple[Part, ...]:
        """What lies on it now."""
        strip = self._strip()
        return parts_of(strip) if strip is not None else ()

    def place_of(self, part: Part) -> QRect:
        """Where a part is on the screen."""
        strip = self._strip()
        if strip is None:
            return QRect()
        area = area_of(strip, part)
        if area.isEmpty():
            return area
        return QRect(strip.mapToGlobal(area.topLeft()), area.size())

    def childCount(self) -> int:  # noqa: N802 - Qt's name
        """How much lies on it."""
        return len(self.parts())

    def child(self, index: int) -> QAccessibleInterface | None:
        """One thing on it."""
        if not 0 <= index < self.childCount():
            return None
        while len(self._children) <= index:
            self._children.append(PartInterface(self, len(self._children)))
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:  # noqa: N802 - Qt's name
        """The place of one thing."""
        return self._children.index(child) if child in self._children else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # noqa: N802 - Qt's name
        """What is at a point of the screen."""
        for index, part in reversed(list(enumerate(self.parts()))):
            if self.place_of(part).contains(x, y):
                return self.child(index)
        return None

    def focusChild(self) -> QAccessibleInterface | None:  # noqa: N802 - Qt's name
        """The hit point that the keyboard is at."""
        chosen = self.chosen
        for index, part in enumerate(self.parts()):
            if part.hit >= 0 and part.hit == chosen:
                return self.child(index)
        return None

    def text(self, kind: QAccessible.Text) -> str:
        """Where the playhead is and how it feels there, as its value; else as the widget says."""
        strip = self._strip()
        if kind == QAccessible.Text.Value and strip is not None:
            timeline = strip.timeline
            if not timeline.is_open:
                return ""
            from musiscene_gui.widgets.strip.telling import feeling_at

            said = tr("Playhead at {0}").format(timeline.timecode(timeline.playhead))
            return ". ".join(filter(None, (said, feeling_at(strip, timeline.playhead))))
        return str(super().text(kind))


def announce(strip: Strip, words: Callable[[], str]) -> None:
    """Have `words` read out, where anybody listens."""
    if QAccessible.isActive():
        from PySide6.QtGui import QAccessibleAnnouncementEvent

        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(strip, words()))


@lru_cache(maxsize=1)
def speak_of_strips() -> None:
    """Have Qt ask here for what a strip says."""
    kept: list[StripInterface] = []

    def made(_: str, thing: QObject) -> QAccessibleInterface | None:
        from musiscene_gui.widgets.strip.strip import Strip

        if not isinstance(thing, Strip):
            return None
        # Qt holds it without a reference of Python's.
        kept.append(StripInterface(thing))
        return kept[-1]

    QAccessible.installFactory(made)
