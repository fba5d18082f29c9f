"""The strip for those who do not see it, read as assistive technology reads it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget

from musiscene_core.ranges import FrameRange
from musiscene_gui.widgets.strip import Strip
from tests.support.panel_widgets import opened

NAME = QAccessible.Text.Name


def names(strip: Strip) -> list[str]:
    said = QAccessible.queryAccessibleInterface(strip)
    return [said.child(index).text(NAME) for index in range(said.childCount())]


def test_an_empty_strip_has_a_name_and_nothing_on_it(strip: Strip) -> None:
    said = QAccessible.queryAccessibleInterface(strip)
    assert said.text(NAME) == "Timeline"
    assert said.role() == QAccessible.Role.List
    assert said.childCount() == 0
    assert said.child(0) is None


def test_what_lies_on_it_is_read_out_with_its_place_and_state(strip: Strip) -> None:
    opened(strip)
    start = strip.timeline.record.start
    code = strip.timeline.timecode
    strip.scene.add_hit(start + 100)
    strip.timeline.set_placed([(FrameRange(start, start + 48), "take-1")])
    strip.timeline.set_playhead(start + 30)
    said = QAccessible.queryAccessibleInterface(strip)
    told = f"Playhead at {code(start + 30)}. Strength: +0.00 asked"
    assert said.text(QAccessible.Text.Value) == told
    told = names(strip)
    assert told[0] == f"In at {code(start)}"
    assert f"Shot 2, {code(start + 72)} to {code(start + 132)}" in told
    assert f"Hit point at {code(start + 100)}, held" in told
    assert told[-1] == f"Music: take-1, {code(start)} to {code(start + 48)}"
    mark = said.child(told.index(f"Hit point at {code(start + 100)}, held"))
    assert mark.role() == QAccessible.Role.CheckBox
    assert mark.state().checked
    middle = mark.rect().center()
    assert strip.mapFromGlobal(middle).x() == pytest.approx(strip.scale().x(start + 100), abs=2)
    assert said.childAt(middle.x(), middle.y()).text(NAME) == mark.text(NAME)
    assert said.indexOfChild(mark) == told.index(mark.text(NAME))


def test_the_chosen_hit_has_the_focus_and_one_that_is_gone_is_no_longer_valid(
    strip: Strip,
) -> None:
    opened(strip)
    start = strip.timeline.record.start
    strip.scene.add_hit(start + 100)
    strip.chosen = len(strip.scene.hits) - 1
    said = QAccessible.queryAccessibleInterface(strip)
    focused = said.focusChild()
    assert focused.text(NAME).startswith("Hit point at")
    assert focused.state().focused
    last = said.child(said.childCount() - 1)
    assert last.isValid()
    strip.scene.toggle_hit(strip.chosen)
    assert not last.isValid()
    assert last.text(NAME) == ""


def test_other_widgets_keep_what_they_say(strip: Strip, qtbot) -> None:
    other = QWidget()
    qtbot.addWidget(other)
    other.setAccessibleName("other")
    assert QAccessible.queryAccessibleInterface(other).text(NAME) == "other"
