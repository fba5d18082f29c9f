"""The strip for those who do not see it, read as assistive technology reads it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget

from musiscene_core.errors import MusiSceneError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_gui.viewmodels.editor import EditorModel
from musiscene_gui.viewmodels.hits import candidates
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.strip import Strip
from tests.support.panel_takes import AtOnce
from tests.support.scenes import brief_of

NAME = QAccessible.Text.Name


class NoPictures:
    """Thumbnails where no film is."""

    class arrived:  # noqa: N801 - a signal's name
        connect = staticmethod(lambda _: None)

    def get(self, path: str, seconds: float) -> None:
        return None


class Gone:
    """A daemon that is not there."""

    def estimate(self, *_: object, **__: object) -> float:
        raise MusiSceneError("It is not there.")


@pytest.fixture
def strip(qtbot) -> Strip:
    daemon, timeline = AtOnce(Gone()), TimelineModel()
    jobs = JobsModel(daemon)
    scene = SceneModel(daemon, jobs, timeline, EditorModel(daemon, timeline))
    made = Strip(timeline, scene, NoPictures())
    qtbot.addWidget(made)
    made.resize(1000, made.height())
    made.show()
    return made


def names(strip: Strip) -> list[str]:
    said = QAccessible.queryAccessibleInterface(strip)
    return [said.child(index).text(NAME) for index in range(said.childCount())]


def opened(strip: Strip) -> None:
    brief = brief_of(8.0, cuts=(3.0, 5.5))
    strip.timeline.open("reel", FrameRate(24), brief.timeline.record, (), ())
    strip.scene.hits = candidates(brief)
    strip.timeline.set_brief(brief)


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
    assert said.text(QAccessible.Text.Value) == f"Playhead at {code(start + 30)}"
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
