"""The panel's ground: threads, layouts, icons, and a Qt that keeps its references."""

from __future__ import annotations

import threading
from importlib import resources

import pytest
from PySide6.QtWidgets import QLabel

from musiscene_core.errors import HostError
from musiscene_gui.application import Application
from musiscene_gui.bridge.coalescing import Latest
from musiscene_gui.bridge.desk import Desk
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.window import MainWindow
from tests.support.daemons import Home, request


def test_void_calls_keep_their_reference_to_none(qtbot) -> None:
    """PySide6 6.12.0 aborts here on Python 3.10 and 3.11."""
    label = QLabel()
    qtbot.addWidget(label)
    for number in range(10_000):
        label.setText(str(number))
    assert label.text() == "9999"


def test_work_is_done_in_another_thread_and_told_in_this_one(qtbot) -> None:
    desk: Desk[list[int]] = Desk("test", list)
    heard: list = []
    here = threading.get_ident()

    def work(tool: list[int]) -> int:
        tool.append(threading.get_ident())
        return len(tool)

    for _ in range(2):
        desk.ask(work, lambda result: heard.append((result, threading.get_ident())))
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard == [(1, here), (2, here)]
    assert desk.close()


def test_an_error_of_ours_is_told_and_work_goes_on(qtbot) -> None:
    def fails(_: object) -> None:
        raise HostError("The editor is gone.", hint="Open it.")

    desk: Desk[object] = Desk("test", object)
    heard: list = []
    desk.ask(fails, heard.append, lambda error: heard.append(error.hint))
    desk.ask(lambda _: "went on", heard.append)
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard == ["Open it.", "went on"]
    assert desk.close()


def test_what_is_still_waiting_at_the_end_is_left_undone(qtbot) -> None:
    gate, done = threading.Event(), []
    desk: Desk[object] = Desk("test", object)
    desk.ask(lambda _: gate.wait(10))
    desk.ask(lambda _: done.append("never"))
    threading.Timer(0.1, gate.set).start()
    assert desk.close()
    assert done == []


def test_of_news_about_one_thing_the_last_is_kept() -> None:
    latest: Latest[str, int] = Latest()
    assert latest.put("a", 1)
    assert not latest.put("b", 2)
    assert not latest.put("a", 3)
    assert latest.take() == (2, 3)
    assert latest.take() == ()


@pytest.mark.parametrize(
    ("width", "narrow"), [(1280, False), (900, False), (759, True), (447, True)]
)
def test_the_width_chooses_the_layout(qtbot, themed, width: int, narrow: bool) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    window.fill("takes", QLabel("takes"))
    window.resize(width, 700)
    window.show()
    assert window.is_narrow is narrow
    window.show_page("takes")
    assert window.findChild(QLabel, "").isVisible()


def test_between_the_two_widths_the_layout_stays(qtbot, themed) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    window.resize(1280, 700)
    window.show()
    seen = []
    for width in (800, 700, 800, 950):
        window.resize(width, 700)
        seen.append(window.is_narrow)
    assert seen == [False, True, True, False]


def test_every_icon_draws_something(qapp) -> None:
    names = [file.name[:-4] for file in (resources.files("musiscene_gui") / "icons").iterdir()]
    assert len(names) > 40
    for name in names:
        image = icon(name).pixmap(32, 32).toImage()
        assert any(
            image.pixelColor(x, y).alpha()
            for x in range(image.width())
            for y in range(image.height())
        ), name


def test_the_panel_starts_a_daemon_and_hears_of_its_jobs(
    application: Application, own_home: Home, qtbot
) -> None:
    panel = application.panel
    application.start()
    qtbot.waitUntil(lambda: panel.connection.state == "ready", timeout=30_000)
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    assert "scripted" in [engine.name for engine in panel.connection.engines]
    ended: list = []
    panel.daemon.ask(
        lambda client: client.submit_score(request()),
        lambda job_id: panel.jobs.follow(job_id, ended.append),
    )
    qtbot.waitUntil(lambda: bool(ended), timeout=30_000)
    assert [(job.state, job.takes) for job in ended] == [("done", ("take-1",))]


def test_a_daemon_that_is_killed_at_work_is_started_again_and_the_work_ends_once(
    application: Application, own_home: Home, qtbot
) -> None:
    panel = application.panel
    application.start()
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    ended: list = []
    panel.daemon.ask(
        lambda client: client.submit_score(request(steps=15, step_s=0.1)),
        lambda job_id: panel.jobs.follow(job_id, ended.append),
    )
    qtbot.waitUntil(lambda: bool(panel.jobs.active), timeout=30_000)
    first = own_home.kill()
    assert first
    qtbot.waitUntil(lambda: bool(ended), timeout=60_000)
    assert [job.state for job in ended] == ["done"]
    assert own_home.pid not in (0, first)
    qtbot.waitUntil(lambda: panel.connection.state == "ready", timeout=10_000)
