"""No text has less room than it needs: the whole window in three widths, in longer words, at 2x."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QScrollArea

from musiscene_core.errors import DaemonError, EngineError, HostError
from musiscene_core.paths import data_folder
from musiscene_core.protocol import JobInfo
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_gui.application import Application
from musiscene_gui.viewmodels.hits import candidates
from musiscene_gui.viewmodels.takes import Placed
from musiscene_gui.widgets.language import use_language
from musiscene_gui.widgets.settings_dialog import SettingsDialog
from musiscene_gui.widgets.setup_page import SetupDialog
from tests.support.daemons import Home
from tests.support.panel_takes import copies
from tests.support.panel_widgets import Longer, clipped, unnamed
from tests.support.scenes import brief_of

WIDTHS = (447, 1031, 1280)


@pytest.fixture(scope="module", params=["en", "de", "longer"])
def language(request) -> Iterator[str]:
    yield request.param
    use_language("en")


@pytest.fixture
def full(
    application: Application, composed: tuple[Path, Take], own_home: Home, language: str, qtbot
) -> Iterator[Application]:
    """A panel in which everything is shown at once that can be."""
    use_language("en" if language == "longer" else language)
    longer = Longer()
    if language == "longer":
        QCoreApplication.installTranslator(longer)
    panel = application.panel
    brief = brief_of(8.0, cuts=(3.0, 5.5))
    panel.timeline.open("A timeline with a long name", FrameRate(24), brief.timeline.record, (), ())
    panel.scene.hits = candidates(brief)
    panel.timeline.set_brief(brief)
    panel.scene.edit_caption("video", "A door.")
    panel.editor.error = HostError("The editor has gone away.", hint="Reload the timeline.")
    panel.connection.state = "failed"
    panel.connection.error = DaemonError("It is not running.", hint="Start it.")
    takes = application.listening.takes
    takes.show(copies(composed, data_folder(), 3))
    qtbot.waitUntil(lambda: len(takes.cards) == 3, timeout=30_000)
    takes._change("A", placements=(Placed("A3-A8"),))
    job = JobInfo(id="1", kind="score", state="running", cue="1m1 The Chase", created=0.0, eta_s=99)
    panel.jobs.follow("1", lambda _: None)
    panel.jobs.hear([job])
    panel.scene.show_error(EngineError("There is no engine called 'x'."), "engine")
    application.window.show()
    yield application
    QCoreApplication.removeTranslator(longer)


def test_every_text_has_the_room_it_needs(full: Application, language: str, qtbot) -> None:
    window = full.window
    for width, page in product(WIDTHS, ("scene", "takes", "history")):
        window.resize(width, 900)
        window.show_page(page)
        qtbot.wait(30)
        assert window.width() == width
        assert clipped(window) == [], (width, page)
        assert [too_wide(area) for area in window.findChildren(QScrollArea) if too_wide(area)] == []
        assert unnamed(window) == []
    for dialog in (SetupDialog(full.setup, window), SettingsDialog(full.panel, window)):
        for width in WIDTHS[:2] if language != "longer" else (640,):
            dialog.resize(width, 500)
            dialog.show()
            qtbot.wait(30)
            assert clipped(dialog) == [], width
            assert unnamed(dialog) == []
        dialog.close()


def too_wide(area: QScrollArea) -> str:
    """Why a column that does not scroll sideways has its edge cut off; empty where it has not."""
    inner = area.widget()
    if not area.isVisible() or inner is None:
        return ""
    needs, has = inner.minimumSizeHint().width(), area.viewport().width()
    return f"{area.accessibleName()} needs {needs} of {has}" if needs > has else ""


@pytest.mark.slow
@pytest.mark.skipif("QT_SCALE_FACTOR" in os.environ, reason="this is the run at 2x")
def test_the_same_holds_at_two_pixels_each(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", __file__, "-p", "no:cacheprovider"]
    again = subprocess.run(
        [*command, "-k", "room_it_needs and not longer"],
        env={**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert again.returncode == 0, again.stdout[-3000:]
