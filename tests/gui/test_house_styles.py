"""House styles and other captioners steer the scoring: over a real daemon and a tiny captioner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.media import write_wav
from musiscene_core.sampling import USUAL, Sampling
from musiscene_gui.application import Application
from musiscene_gui.viewmodels.wishes import request_for
from tests.support.daemons import Home, request
from tests.support.scripted_captioner import SPEC
from tests.support.songs import song
from tests.support.timelines import clip, saved, small_movie, timeline, track

LONG_MS = 120_000
HOUSE = (("house", 0.5),)


@pytest.fixture
def panel(own_home: Home, themed) -> Iterator[Application]:
    made = Application(silent=True, daemon_args=("--engines-from", SPEC))
    made.start()
    yield made
    made.window.close()
    made.close()


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    """Eight seconds of picture over a temp track."""
    folder = tmp_path / "cut"
    folder.mkdir()
    movie = str(small_movie(folder / "shot.mp4"))
    music = folder / "temp music.wav"
    write_wav(music, (song(form="A", bars=4).audio * (1 << 22)).astype(np.int32))
    item = timeline(
        track("V1", "Video", *(clip(name, 48, 24, url=movie) for name in "abcd")),
        track("Temp", "Audio", clip("t", 192, 24, url=str(music))),
        start=86_400,
    )
    return saved(item, folder / "reel.otio")


def test_captions_are_written_in_the_house_style_before_the_scoring_but_for_edited_ones(
    panel: Application, reel: Path, qtbot
) -> None:
    scene, connection = panel.panel.scene, panel.panel.connection
    panel.open_file(str(reel))
    qtbot.waitUntil(lambda: panel.panel.editor.state == "open", timeout=LONG_MS)
    qtbot.waitUntil(lambda: bool(connection.engines), timeout=LONG_MS)
    scene.spot()
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert scene.brief.temp_track.present
    assert scene.caption("music").how.writer == "signals"
    scene.regenerate("music")
    qtbot.waitUntil(lambda: not scene.busy, timeout=LONG_MS)
    assert scene.caption("music").how.writer == "nano"
    grid = panel.scene.wishes
    assert grid.captioner.currentData() == "nano"
    assert not grid.captioner.isHidden()
    assert grid.house.isHidden() or grid._house_row.isHidden()
    grid.captioner.setCurrentIndex(grid.captioner.findData("scripted-ear"))
    grid.captioner.activated.emit(grid.captioner.currentIndex())
    assert not grid._house_row.isHidden()
    grid.house.setCurrentIndex(grid.house.findData("house"))
    grid.weight.setValue(0.5)
    grid.house.activated.emit(grid.house.currentIndex())
    assert scene.wishes.voice == ("scripted-ear", HOUSE)
    scene.edit_caption("fusion", "Solo piano.")
    scene.wish(takes=1)
    panel.scene.score_or_cancel()
    takes = panel.listening.takes
    qtbot.waitUntil(lambda: bool(takes.cards) or scene.error is not None, timeout=LONG_MS)
    assert scene.error is None
    brief = takes.cards[0].files.request.brief
    assert brief.captions.fusion.text == "Solo piano."
    assert brief.captions.music.how.writer == "scripted-ear"
    assert brief.captions.music.how.adapters == HOUSE
    assert "it peaks at" in panel.scene.captions.boxes["music"].edit.toPlainText()
    assert scene.caption("music").how.adapters == HOUSE


def test_a_style_is_chosen_among_the_engines_own(panel: Application, reel: Path, qtbot) -> None:
    qtbot.waitUntil(lambda: bool(panel.panel.connection.engines), timeout=LONG_MS)
    grid, scene = panel.scene.wishes, panel.panel.scene
    assert not grid.idiom.isHidden()
    assert grid.idiom.findData("intimate piano") > 0
    grid.idiom.setCurrentIndex(grid.idiom.findData("intimate piano"))
    grid.idiom.activated.emit(grid.idiom.currentIndex())
    assert scene.wishes.idiom == "intimate piano"
    grid.engine.setCurrentIndex(grid.engine.findData("musicgen"))
    scene.wish(engine="musicgen")
    assert grid.idiom.isHidden()


def test_sketch_melody_and_sampling_are_wished_of_an_engine_that_heeds_them(
    panel: Application, qtbot
) -> None:
    qtbot.waitUntil(lambda: bool(panel.panel.connection.engines), timeout=LONG_MS)
    rows, scene = panel.scene.wishes.generating, panel.panel.scene
    scene.wish(engine="composer")
    assert rows.sketch.isHidden()
    assert rows.guidance.isHidden()
    scene.wish(engine="musicgen")
    assert not rows.sketch.isHidden()
    stems = panel.scene.wishes.stems
    stems.setCurrentIndex(stems.findData("generated"))
    stems.activated.emit(stems.currentIndex())
    rows.sketch.setCurrentIndex(rows.sketch.findData("layer"))
    rows.sketch.activated.emit(rows.sketch.currentIndex())
    rows.melody.setCurrentIndex(rows.melody.findData("temp"))
    rows.melody.activated.emit(rows.melody.currentIndex())
    rows.guidance.setValue(4.5)
    rows.temperature.setValue(0.9)
    rows.top_k.setValue(100)
    rows.top_p.setValue(0.95)
    drawn = Sampling(guidance=4.5, temperature=0.9, top_k=100, top_p=0.95)
    wish = request_for(scene.wishes, request().brief, None)
    assert (wish.sketch, wish.melody, wish.sampling) == ("layer", "temp", drawn)
    assert wish.stems == "generated"
    # The composer would refuse them, so that they do not go along to it.
    scene.wish(engine="composer")
    wish = request_for(scene.wishes, request().brief, None)
    assert (wish.sketch, wish.melody, wish.sampling) == ("guide", "sketch", USUAL)
    assert wish.stems == "roles"
    assert not stems.model().item(stems.findData("generated")).isEnabled()
