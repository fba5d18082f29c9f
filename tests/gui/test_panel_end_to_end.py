"""The panel over a real daemon, the real composer and a real editor host: film in, music placed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt

from musiscene_core.ranges import FrameRange
from musiscene_gui.application import Application
from musiscene_gui.widgets.strip import geometry
from tests.support.daemons import Home
from tests.support.shared_media import shared_media
from tests.support.timelines import clip, saved, small_movie, timeline, track

LONG_MS = 120_000


@pytest.fixture
def panel(own_home: Home, themed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """The whole panel with the engines that are installed."""
    made = Application(silent=True)
    made.start()
    yield made
    made.window.close()
    made.close()


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    """A timeline of two shots, 48 frames, from 01:00:00:00."""
    folder = tmp_path / "cut"
    folder.mkdir()
    movie = str(small_movie(folder / "shot.mp4"))
    item = timeline(
        track("V1", "Video", clip("a", 24, 24, url=movie), clip("b", 24, 24, start=20, url=movie)),
        start=86_400,
    )
    return saved(item, folder / "reel.otio")


def spotted(application: Application, file: Path, qtbot) -> None:
    panel = application.panel
    application.open_file(str(file))
    qtbot.waitUntil(lambda: panel.editor.state == "open", timeout=LONG_MS)
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=LONG_MS)
    application.scene.spot.click()
    qtbot.waitUntil(lambda: panel.scene.is_current and not panel.scene.busy, timeout=LONG_MS)
    assert panel.scene.error is None


def test_a_timeline_is_spotted_edited_scored_placed_and_cleared_again(
    panel: Application, reel: Path, qtbot
) -> None:
    spotted(panel, reel, qtbot)
    model, scene = panel.panel, panel.panel.scene
    before = {path: path.read_bytes() for path in reel.parent.iterdir()}
    edit = panel.scene.captions.boxes["fusion"].edit
    edit.setPlainText("Solo piano, 80 BPM, D minor.")
    scene.wish(takes=1)
    scene.add_hit(86_412)
    scene.draw_curve("arousal", (0.0, 1.0), (2.0, 1.0))
    panel.scene.score_or_cancel()
    qtbot.waitUntil(lambda: bool(panel.listening.takes.cards), timeout=LONG_MS)
    card = panel.listening.takes.cards[0]
    request = card.files.request
    assert request is not None
    assert request.brief.captions.fusion.text == "Solo piano, 80 BPM, D minor."
    assert request.brief.captions.fusion.edited
    assert request.brief.emotion_curve.edited
    assert request.hits == (12,)
    assert [hit.frame for hit in card.files.take.hits] == [12]
    # Scored once more, it is other music; the take's own seed can be had again.
    assert (request.seed, scene.wishes.seed, panel.scene.wishes.seed.text()) == (0, 1, "1")
    scene.wish(strategy="video")
    scene.edit_caption("fusion", "Another.")
    scene.toggle_hit(len(scene.hits) - 1)
    panel.listening.takes.reuse_captions(card.letter)
    assert (scene.wishes.seed, scene.wishes.strategy) == (0, "fusion")
    assert scene.caption("fusion").text == "Solo piano, 80 BPM, D minor."
    assert [hit.frame for hit in scene.hits if hit.held] == [12]
    panel.listening.takes.select(card.letter)
    qtbot.waitUntil(lambda: "arousal" in model.timeline.heard, timeout=LONG_MS)
    panel.listening.takes.place(card.letter, "new")
    qtbot.waitUntil(lambda: bool(model.timeline.placed), timeout=LONG_MS)
    assert model.timeline.placed[0][0] == FrameRange(86_400, 86_448)
    copy = Path(model.editor.placements[0].placement.timeline)
    assert copy.is_file()
    assert copy != reel
    panel.listening.takes.undo_place(card.letter)
    qtbot.waitUntil(lambda: not model.timeline.placed, timeout=LONG_MS)
    assert {path: path.read_bytes() for path in reel.parent.iterdir()} == before


def test_what_was_being_spotted_is_not_shown_on_another_film_that_is_opened_meanwhile(
    panel: Application, reel: Path, qtbot
) -> None:
    model = panel.panel
    panel.open_file(str(reel))
    qtbot.waitUntil(lambda: model.editor.state == "open", timeout=LONG_MS)
    other = reel.with_name("other.otio")
    other.write_bytes(reel.read_bytes().replace(b'"reel"', b'"other"'))
    panel.scene.spot.click()
    panel.open_file(str(other))
    qtbot.waitUntil(lambda: model.editor.path == other and not model.scene.busy, timeout=LONG_MS)
    assert (model.timeline.brief, model.scene.error) == (None, None)
    panel.scene.spot.click()
    qtbot.waitUntil(lambda: model.scene.is_current and not model.scene.busy, timeout=LONG_MS)


def test_a_caption_is_edited_reset_and_written_anew_alone(
    panel: Application, reel: Path, qtbot
) -> None:
    spotted(panel, reel, qtbot)
    scene, boxes = panel.panel.scene, panel.scene.captions.boxes
    first = scene.caption("fusion").text
    boxes["fusion"].edit.setPlainText("Mine.")
    boxes["video"].edit.setPlainText("A door.")
    panel.scene.captions.commit()
    assert (scene.caption("fusion").edited, boxes["fusion"].edited.isHidden()) == (True, False)
    # A pill says which step behind a caption was passed over, and what would enable it.
    assert "vision: No model describes frames" in boxes["video"].edited.toolTip()
    assert "watching use --vision" in boxes["video"].edited.toolTip()
    boxes["fusion"].reset.click()
    assert (scene.caption("fusion").text, scene.caption("fusion").edited) == (first, False)
    assert boxes["fusion"].edit.toPlainText() == first
    boxes["fusion"].edit.setPlainText("Mine again.")
    panel.scene.captions.commit()
    boxes["fusion"].anew.click()
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert scene.error is None
    assert scene.caption("fusion").text != "Mine again."
    assert scene.caption("video").text == "A door."


def test_what_was_written_before_spotting_and_then_edited_outlives_another_spotting(
    panel: Application, reel: Path, qtbot
) -> None:
    scene, timeline = panel.panel.scene, panel.panel.timeline
    panel.scene.captions.boxes["fusion"].edit.setPlainText("Solo piano.")
    spotted(panel, reel, qtbot)
    assert (scene.caption("fusion").text, scene.caption("fusion").edited) == ("Solo piano.", True)
    scene.add_hit(86_412)
    scene.draw_curve("arousal", (0.0, 1.0), (2.0, 1.0))
    panel.scene.wishes.length.setValue(1.5)
    assert timeline.range == FrameRange(86_400, 86_436)
    timeline.set_in(86_402)
    assert not scene.is_current
    spotted(panel, reel, qtbot)
    assert scene.caption("fusion").text == "Solo piano."
    assert [hit.frame for hit in scene.hits if hit.held] == [10]
    assert {point.arousal for point in scene.brief.emotion_curve.points} == {1.0}
    panel.scene.captions.boxes["fusion"].reset.click()
    assert scene.caption("fusion").text not in ("", "Solo piano.")


def test_the_strip_is_worked_by_pointer_and_keys(panel: Application, reel: Path, qtbot) -> None:
    spotted(panel, reel, qtbot)
    strip, model = panel.strip.strip, panel.panel
    row = geometry.MUSIC[0] + 5
    x = lambda frame: round(strip.scale().x(frame))  # noqa: E731
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(strip, left, pos=QPoint(x(86_400), row))
    qtbot.mouseMove(strip, QPoint(x(86_406), row))
    qtbot.mouseRelease(strip, left, pos=QPoint(x(86_406), row))
    assert model.timeline.range == FrameRange(86_406, 86_448)
    qtbot.mouseClick(strip, left, pos=QPoint(x(86_420), 5))
    assert model.timeline.playhead == 86_420
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_O)
    assert model.timeline.range.end == 86_421
    model.timeline.set_range(FrameRange(86_400, 86_448))
    qtbot.keyClick(strip, Qt.Key.Key_M)
    index = len(model.scene.hits) - 1
    assert (model.scene.hits[index].frame, model.scene.hits[index].held) == (20, True)
    cues = geometry.CUES[0] + 9
    qtbot.mousePress(strip, left, pos=QPoint(x(86_420), cues))
    qtbot.mouseMove(strip, QPoint(x(86_430), cues))
    qtbot.mouseRelease(strip, left, pos=QPoint(x(86_430), cues))
    assert model.scene.hits[index].frame == 30
    qtbot.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert model.scene.hits[index].frame == 29
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert len(model.scene.hits) == index
    qtbot.keyClick(strip, Qt.Key.Key_D)
    assert panel.strip.draw.isChecked()
    top = geometry.CURVE[0]
    qtbot.mousePress(strip, left, pos=QPoint(x(86_402), top))
    qtbot.mouseMove(strip, QPoint(x(86_446), top))
    qtbot.mouseRelease(strip, left, pos=QPoint(x(86_446), top))
    curve = model.scene.brief.emotion_curve
    assert curve.edited
    assert max(point.arousal for point in curve.points) == pytest.approx(1.0)


def test_a_playhead_step_paints_no_ground_anew(panel: Application, reel: Path, qtbot) -> None:
    spotted(panel, reel, qtbot)
    strip = panel.strip.strip
    qtbot.waitUntil(lambda: panel.thumbnails._desk.waiting == 0, timeout=LONG_MS)
    qtbot.wait(100)
    before = strip.ground_paintings
    for _ in range(20):
        panel.panel.timeline.step(1)
        qtbot.wait(2)
    assert strip.ground_paintings == before


def test_scoring_is_cancelled_and_the_daemon_killed_meanwhile_loses_nothing(
    panel: Application, own_home: Home, reel: Path, qtbot
) -> None:
    spotted(panel, reel, qtbot)
    scene = panel.panel.scene
    scene.wish(takes=16)
    scene.score()
    qtbot.waitUntil(lambda: bool(scene.job_id), timeout=LONG_MS)
    panel.scene.score_or_cancel()
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert scene.error is None
    scene.wish(takes=2)
    scene.score()
    qtbot.waitUntil(lambda: bool(scene.job_id), timeout=LONG_MS)
    own_home.kill()
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert scene.error is None
    qtbot.waitUntil(lambda: len(panel.listening.takes.cards) == 2, timeout=LONG_MS)


def test_a_file_that_is_not_there_is_a_line_with_a_button(
    panel: Application, tmp_path: Path, qtbot
) -> None:
    panel.open_file(str(tmp_path / "lost.otio"))
    qtbot.waitUntil(lambda: panel.panel.editor.state == "failed", timeout=LONG_MS)
    bar = panel.notices.errors["editor"]
    assert not bar.isHidden()
    assert "lost.otio" in bar.message.toolTip()
    bar.copy.click()
    bar.close_button.click()
    assert bar.isHidden()


def test_the_real_reel_from_opening_to_undo_with_the_daemon_killed_on_the_way(
    panel: Application, own_home: Home, tmp_path: Path, qtbot
) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    film = folder / "reel_24.mp4"
    film.write_bytes(shared_media("reel_24.mp4").read_bytes())
    item = timeline(track("V1", "Video", clip("reel", 780, 24, url=str(film))), start=86_400)
    otio = saved(item, folder / "reel.otio")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    spotted(panel, otio, qtbot)
    model, scene = panel.panel, panel.panel.scene
    assert len(scene.brief.shots) == 12
    panel.scene.captions.boxes["fusion"].edit.setPlainText("Solo piano, 80 BPM, D minor.")
    scene.wish(takes=1, seed=4)
    panel.scene.score_or_cancel()
    qtbot.waitUntil(lambda: bool(scene.job_id), timeout=LONG_MS)
    scene.cancel()
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert (scene.error, panel.listening.takes.cards) == (None, ())
    panel.scene.score_or_cancel()
    qtbot.waitUntil(lambda: bool(scene.job_id), timeout=LONG_MS)
    assert own_home.kill()
    qtbot.waitUntil(lambda: bool(panel.listening.takes.cards), timeout=LONG_MS)
    card = panel.listening.takes.cards[0]
    assert card.files.take.length_samples == 780 * 2000
    assert card.files.request.brief.captions.fusion.text == "Solo piano, 80 BPM, D minor."
    playback = panel.listening.playback
    qtbot.waitUntil(lambda: playback.length > 0, timeout=LONG_MS)
    playback.play()
    qtbot.waitUntil(lambda: model.timeline.playhead > 86_412, timeout=LONG_MS)
    assert playback.backend == "Null"
    playback.play_backwards()
    turned = model.timeline.playhead
    qtbot.waitUntil(lambda: model.timeline.playhead < turned - 4, timeout=LONG_MS)
    playback.pause()
    panel.listening.takes.place(card.letter, "new")
    qtbot.waitUntil(lambda: bool(model.timeline.placed), timeout=LONG_MS)
    copy = Path(model.editor.placements[0].placement.timeline)
    assert "take-1" in copy.read_text()
    takes = panel.listening.takes
    takes.place(card.letter, "new")
    qtbot.waitUntil(lambda: len(takes.cards[0].placements) == 2, timeout=LONG_MS)
    for left in (1, 0):
        takes.undo_place()
        qtbot.waitUntil(lambda left=left: len(model.timeline.placed) == left, timeout=LONG_MS)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
