from contextlib import contextmanager, nullcontext

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="Qt's libraries are missing", exc_type=ImportError)

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from musiscene_core.codec import to_json
from musiscene_core.composing.notation.lead_sheet import as_png
from musiscene_core.fitting.report import HitMoved, RenderReport
from musiscene_core.library import Catalogue
from musiscene_core.ranges import FrameRange
from musiscene_core.take import RENDER_FILE
from musiscene_core.timecode import FrameRate
from musiscene_gui.viewmodels.overviews import OverviewsModel
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import Placed, TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets import take_words, theme
from musiscene_gui.widgets.compare import marked
from musiscene_gui.widgets.lanes import LaneView
from musiscene_gui.widgets.lead_sheet import LeadSheetDialog
from musiscene_gui.widgets.takes_column import TakesColumn
from tests.support.panel_takes import AtOnce, copies
from tests.support.panel_widgets import Longer, clipped, unnamed


class Timeline:
    def place(self, files, policy, done, failed):
        done(Placed("A3–A7", policy))

    def unplace(self, placed, done, failed):
        done(None)


@pytest.fixture
def column(qtbot, qapp, themed, composed, tmp_path):
    files = AtOnce(Catalogue(tmp_path))
    takes = TakesModel(files, Timeline())
    timeline = TimelineModel()
    timeline.open("scene", FrameRate(24), FrameRange(0, 192), (), ())
    playback = PlaybackModel(takes, timeline, files, silent=True)
    made = TakesColumn(takes, playback, OverviewsModel(files, tmp_path / "cache"), timeline)
    made.takes, made.playback, made.timeline = takes, playback, timeline
    qtbot.addWidget(made)
    made.resize(880, 620)
    made.show()
    takes.show(copies(composed, tmp_path))
    qapp.processEvents()
    yield made
    playback.close()


def press(widget, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(widget, key, modifier)
    QApplication.processEvents()


def test_the_selected_take_opens_to_its_stems_and_the_others_show_their_mix(column):
    assert [len(column.cards[letter].lanes) for letter in "ABC"] == [5, 1, 1]
    assert [lane.height() for lane in column.cards["A"].lanes] == [26] * 5
    assert [lane.height() for lane in column.cards["B"].lanes] == [24]
    column.takes.select("B")
    assert [len(column.cards[letter].lanes) for letter in "ABC"] == [1, 5, 1]


def test_how_stems_were_made_is_said_above_them(column, composed, tmp_path):
    said = "Taken apart by rules, no model."
    report = RenderReport(
        windows=(), hits=(), stretches=(), begin_s=0.0, accent_s=None, separation=said
    )
    folders = copies(composed, tmp_path / "generated", count=1)
    (folders[0] / RENDER_FILE).write_bytes(to_json(report))
    column.takes.show(folders)
    QApplication.processEvents()
    letter = column.takes.cards[-1].letter
    column.takes.select(letter)
    card = column.cards[letter]
    texts = [label.text() for label in card.findChildren(QLabel) if not label.isHidden()]
    assert f"Stems: {said}" in texts


def test_what_was_done_for_each_hit_of_generated_music_is_told(column, composed, tmp_path):
    base = {"after_ms": 0.0, "after_frames": 0.0, "label": "cut", "before_ms": 0.0}
    met = HitMoved(
        frame=96,
        met=True,
        before_frames=2.8,
        percent=-1.2,
        place="bar line",
        struck_frames=0.2,
        **base,
    )
    unmet = HitMoved(frame=140, met=False, before_frames=0.0, percent=0.0, place=None, **base)
    report = RenderReport(windows=(), hits=(met, unmet), stretches=(), begin_s=0.0, accent_s=None)
    folders = copies(composed, tmp_path / "moved", count=1)
    (folders[0] / RENDER_FILE).write_bytes(to_json(report))
    column.takes.show(folders)
    told = take_words.hits_in_full(column.takes.cards[-1].files)
    assert told.splitlines()[-2:] == [
        "cut: bar line, was +2.8 frames off; music before it stretched by -1.2 %;"
        " heard +0.2 frames off",
        "cut: not met, neither a beat nor an attack is clear",
    ]


def test_all_lanes_share_one_gutter(column):
    QApplication.processEvents()
    lefts = {
        lane.mapTo(column, QPoint(0, 0)).x()
        for card in column.cards.values()
        for lane in card.lanes
    }
    assert len(lefts) == 1


def test_waveforms_are_drawn_in_the_colour_of_their_stem(column):
    row = column.cards["A"].rows[0]
    image = row.lane.grab().toImage()
    seen = {image.pixelColor(x, 13).name() for x in range(image.width())}
    assert QColor(theme.STEMS["harmony"]).name() in seen
    QTest.mouseClick(row.mute, Qt.MouseButton.LeftButton)
    image = row.lane.grab().toImage()
    seen = {image.pixelColor(x, 13).name() for x in range(image.width())}
    assert QColor(theme.STEMS["harmony"]).name() not in seen


def test_while_it_plays_no_waveform_is_drawn_again(column, monkeypatch):
    column.grab()
    lane = column.cards["A"].rows[0].lane
    drawn = []
    monkeypatch.setattr(type(lane), "_draw", lambda self, *a: drawn.append(self))
    for sample in range(0, 300_000, 10_000):
        column.playback.seek(sample)
        QApplication.processEvents()
    assert drawn == []


def test_a_click_on_a_lane_goes_there(column):
    lane = column.cards["C"].lanes[0]
    QTest.mouseClick(lane, Qt.MouseButton.LeftButton, pos=QPoint(lane.width() // 2, 5))
    assert column.takes.selected.letter == "C"
    assert column.playback.position == pytest.approx(column.playback.length / 2, abs=1_000)
    assert column.timeline.playhead == column.playback.frame()


def test_solo_and_mute_and_level_reach_the_model(column):
    row = column.cards["A"].rows[1]
    QTest.mouseClick(row.solo, Qt.MouseButton.LeftButton)
    row.level.setFocus()
    press(row.level, Qt.Key.Key_PageDown)
    fader = column.playback.faders("A")[1]
    assert (fader.solo, fader.level_db) == (True, -6.0)
    assert "-6" in row.level.toolTip()


def test_a_stem_is_dragged_out_as_its_file(column):
    handle = column.cards["A"].rows[0].handle
    drag = handle.make_drag()
    (url,) = drag.mimeData().urls()
    stem = column.takes.card("A").files.take.stems[0]
    assert url.toLocalFile() == str(column.takes.card("A").files.folder / stem.path)
    handle.setFocus()
    press(handle, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().mimeData().urls() == [url]


def test_keys_play_step_and_choose(column, qtbot):
    column.setFocus()
    press(column, Qt.Key.Key_Space)
    assert column.playback.playing
    press(column, Qt.Key.Key_K)
    assert not column.playback.playing
    column.playback.seek(0)
    press(column, Qt.Key.Key_Period)
    press(column, Qt.Key.Key_Right)
    assert column.playback.frame() == 2
    press(column, Qt.Key.Key_2)
    assert column.takes.selected.letter == "B"
    press(column, Qt.Key.Key_0)
    assert not column.playback.music
    assert column.transport.none.isChecked()
    press(column, Qt.Key.Key_3)
    assert column.playback.music
    assert column.takes.selected.letter == "C"
    press(column, Qt.Key.Key_P)
    assert column.takes.card("C").placed.where == "A3–A7"


def test_placing_shows_where_and_how_to_undo(column):
    card = column.cards["A"]
    assert not card._undo.isVisible()
    actions = card.place_menu().actions()
    actions[1].trigger()
    assert column.takes.card("A").placed.undo == "replace"
    assert card._placed.text() == "A3–A7"
    QTest.mouseClick(card._undo, Qt.MouseButton.LeftButton)
    assert column.takes.card("A").placed is None
    assert not card._undo.isVisible()


def test_a_take_is_renamed_by_key_and_escape_leaves_it(column):
    card = column.cards["A"]
    press(card, Qt.Key.Key_F2)
    QTest.keyClicks(card._name, "Warmer")
    press(card._name, Qt.Key.Key_Escape)
    assert card._title.text() == "take-1"
    card.rename()
    card._name.clear()
    QTest.keyClicks(card._name, "Warmer")
    press(card._name, Qt.Key.Key_Return)
    assert card._title.text() == "Warmer"
    assert column.takes.card("A").title == "Warmer"


def test_typing_a_name_triggers_no_shortcut(column):
    card = column.cards["A"]
    card.rename()
    QTest.keyClicks(card._name, "JKLP 2")
    assert card._name.text() == "JKLP 2"
    assert column.takes.selected.letter == "A"
    assert column.takes.card("A").placed is None
    assert not column.playback.playing


def test_everything_with_the_focus_says_what_it_is(column):
    assert unnamed(column) == []


@contextmanager
def language(qapp, translator):
    qapp.installTranslator(translator)
    qapp.processEvents()
    try:
        yield
    finally:
        qapp.removeTranslator(translator)
        qapp.processEvents()


@pytest.mark.parametrize("width", [431, 643, 892, 1264])
@pytest.mark.parametrize("long", [False, True])
def test_no_text_is_clipped(column, qapp, width, long):
    column.takes.place("A")
    with language(qapp, Longer()) if long else nullcontext():
        column.resize(width, 620)
        qapp.processEvents()
        column.grab()
        assert clipped(column) == []
        assert column.width() == width


def test_another_language_is_taken_on(column, qapp):
    with language(qapp, Longer()):
        assert "ö" in column.transport.loop.text()
        assert "ö" in column.cards["A"]._place.text()
    assert column.transport.loop.text() == "Loop range"


def test_captions_are_compared_word_by_word(column):
    assert marked("slow strings rise", "slow horns rise") == (
        f'slow <u style="color:{theme.BRIGHT}">strings</u> rise',
        f'slow <u style="color:{theme.BRIGHT}">horns</u> rise',
    )
    assert marked("<b>", "") == (f'<u style="color:{theme.BRIGHT}">&lt;b&gt;</u>', "")
    wanted = []
    column.takes.captions_wanted.connect(wanted.append)
    dialog = column.compare("B")
    left, right = dialog.texts(0), dialog.texts(1)
    assert any("<u" in text and "4" in text for text in left)
    assert len(left) == len(right)
    assert unnamed(dialog) == []
    dialog.close()


def test_a_lead_sheet_is_seen_and_a_broken_page_said(qtbot):
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">'
        '<rect x="20" y="20" width="160" height="60" fill="black"/></svg>'
    )
    dialog = LeadSheetDialog("Warmer", [as_png(drawn), b"no picture", b""])
    qtbot.addWidget(dialog)
    dialog.show()
    assert [page.readable for page in dialog.pages] == [True, False, False]
    image = dialog.pages[0].grab().toImage()
    assert image.pixelColor(image.rect().center()).lightness() < 30


def test_the_lead_sheet_of_a_take_is_drawn_from_its_score(column):
    errors = []
    column.takes.failed.connect(errors.append)
    column.lead_sheet("A")
    assert errors == []
    assert column.sheet.pages[0].readable
    image = column.sheet.pages[0].grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    ink = sum(byte < 128 for byte in image.constBits().tobytes())
    assert ink > 0.003 * image.width() * image.height(), "the page is blank"
    column.sheet.close()
    (column.takes.card("A").files.folder / "cue.musicxml").write_bytes(b"<score")
    column.lead_sheet("A")
    assert len(errors) == 1


def test_zooming_keeps_the_place_and_stays_inside():
    view = LaneView(480_000)
    view.zoom(0.5, 120_000)
    assert (view.first, view.after) == (60_000, 300_000)
    view.scroll(1e9)
    assert view.after == 480_000
    view.zoom(1e-9, 400_000)
    assert view.after - view.first == 24_000
    view.fit()
    assert (view.first, view.after) == (0, 480_000)
