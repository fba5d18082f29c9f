import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="Qt's libraries are missing", exc_type=ImportError)

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from musiscene_core.errors import DaemonError
from musiscene_core.library import Catalogue
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_gui.bridge.pictures import Pictures, clip_at
from musiscene_gui.viewmodels.history import HistoryModel
from musiscene_gui.widgets.history_view import HistoryView
from tests.support.make_media import make_movie, number_in
from tests.support.panel_takes import AtOnce, copies
from tests.support.panel_widgets import Longer, clipped, unnamed
from tests.support.take_library import make_take


class NoDaemon:
    def ask(self, work, done=None, failed=None):
        failed(DaemonError("The daemon is off.", hint="Start it."))


@pytest.fixture
def history(qtbot, composed, tmp_path):
    copies(composed, tmp_path, 3)
    make_take(tmp_path, "b-1", cue="2m3 Harbour", caption="a lonely horn over grey water", age_s=99)
    model = HistoryModel(AtOnce(Catalogue(tmp_path)), NoDaemon())
    view = HistoryView(model)
    qtbot.addWidget(view)
    view.model = model
    view.resize(1264, 110)
    view.show()
    model.refresh()
    return view


def rows(view):
    return [view.tree.topLevelItem(row).text(1) for row in range(view.tree.topLevelItemCount())]


def test_groups_are_listed_with_what_they_take(history):
    assert rows(history) == ["scene · A scene.", "2m3 Harbour · a lonely horn over grey water"]
    first = history.tree.topLevelItem(0)
    assert first.childCount() == 3
    assert first.text(2) == "3 takes"
    assert "4 takes" in history._size.text()
    assert unnamed(history) == []


def test_typing_searches_and_an_empty_answer_says_so(history, qtbot):
    QTest.keyClicks(history.search, "horn")
    qtbot.waitUntil(lambda: len(rows(history)) == 1)
    assert rows(history)[0].startswith("2m3 Harbour")
    QTest.keyClicks(history.search, "xyz")
    qtbot.waitUntil(lambda: rows(history) == ["Nothing found."])


def test_return_opens_a_group_and_one_take_of_it(history):
    opened = []
    history.model.opened.connect(opened.append)
    history.tree.setCurrentItem(history.tree.topLevelItem(0))
    QTest.keyClick(history.tree, Qt.Key.Key_Return)
    history.tree.setCurrentItem(history.tree.topLevelItem(0).child(1))
    QTest.keyClick(history.tree, Qt.Key.Key_Return)
    assert [len(folders) for folders in opened] == [3, 1]


def test_a_take_is_kept_by_its_menu_and_shown_as_such(history):
    item = history.tree.topLevelItem(1)
    history.menu(item).actions()[1].trigger()
    assert not history.tree.topLevelItem(1).icon(2).isNull()
    history.favourites.click()
    assert rows(history) == ["2m3 Harbour · a lonely horn over grey water"]


def test_clearing_asks_first_and_says_that_the_daemon_is_off(history):
    errors = []
    history.model.failed.connect(errors.append)
    box = history.ask_purge()
    assert errors == []
    next(b for b in box.buttons() if b.text() == "Delete").click()
    assert [error.hint for error in errors] == ["Start it."]
    assert len(rows(history)) == 2


@pytest.mark.parametrize("width", [431, 1015, 1264])
def test_no_text_of_the_history_is_clipped(history, qapp, width):
    translator = Longer()
    qapp.installTranslator(translator)
    try:
        qapp.processEvents()
        history.resize(width, 300)
        qapp.processEvents()
        history.grab()
        assert clipped(history) == []
        assert history.width() == width
    finally:
        qapp.removeTranslator(translator)


def clip(path, start=100, length=48, track=0):
    mapping = SourceMapping(FrameRange(start, start + length), FrameRate(24), 0, FrameRate(24))
    return TimelineClip(
        name="shot", media=MediaReference(path=str(path)), mapping=mapping, track_index=track
    )


def test_the_topmost_picture_is_seen(tmp_path):
    low, high = clip("a.mp4"), clip("b.mp4", 110, 5, track=1)
    assert clip_at((low, high), 112) is high
    assert clip_at((low, high), 116) is low
    assert clip_at((low, high), 99) is None


def pixels(image):
    """A QImage as blue, green, red [H, W, 3]."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3)


def test_the_frame_under_the_playhead_is_shown_and_the_next_ones_follow(qtbot, tmp_path):
    make_movie(tmp_path / "film.mp4", frames=48, rate=FrameRate(24).fps)
    pictures = Pictures()
    shown = {}
    pictures.shown.connect(lambda frame, image: shown.__setitem__(frame, image))
    pictures.set_clips((clip(tmp_path / "film.mp4"),))
    for frame in (110, 111, 130, 101):
        pictures.ask(frame)
        qtbot.waitUntil(lambda frame=frame: frame in shown, timeout=20_000)
        assert number_in(pixels(shown[frame])) == frame - 100
    pictures.ask(99)
    assert shown[99].isNull()
    pictures.close()


def test_a_film_that_cannot_be_read_is_said_once(qtbot, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no film")
    pictures = Pictures()
    errors = []
    pictures.failed.connect(errors.append)
    pictures.set_clips((clip(tmp_path / "film.mp4"),))
    pictures.ask(110)
    qtbot.waitUntil(lambda: bool(errors), timeout=20_000)
    pictures.ask(111)
    qtbot.wait(200)
    assert len(errors) == 1
    pictures.close()
