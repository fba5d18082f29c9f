"""Takes, playback and history over a real daemon, real threads and real files."""

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="Qt's libraries are missing", exc_type=ImportError)

from musiscene_core.library import Catalogue
from musiscene_core.paths import data_folder
from musiscene_core.request import ScoreRequest
from tests.support.daemons import request
from tests.support.panel_widgets import unnamed
from tests.support.scenes import brief_of


def score(application, wish):
    """Have it made, followed as the Score button does."""
    ids = []

    def follow(job_id):
        ids.append(job_id)
        application.panel.jobs.follow(job_id, lambda _: None)

    application.bridge.ask(lambda client: client.submit_score(wish), follow)
    return ids


def test_what_was_scored_is_laid_out_heard_and_in_the_history(application, own_home, qtbot):
    listening = application.listening
    errors = []
    listening.failed.connect(errors.append)
    listening.playback._silent = True
    application.start()
    score(application, ScoreRequest(brief=brief_of(4.0, cuts=(2.0,)), takes=2))
    qtbot.waitUntil(lambda: len(listening.takes.cards) == 2, timeout=90_000)
    qtbot.waitUntil(lambda: len(listening.playback.faders("A")) == 5, timeout=20_000)
    listening.playback.play()
    qtbot.waitUntil(lambda: listening.playback.position > 20_000, timeout=20_000)
    listening.playback.pause()
    qtbot.waitUntil(lambda: listening.history.total == 2, timeout=20_000)
    assert [len(group.takes) for group in listening.history.groups] == [2]
    listening.takes.set_favourite("A", True)
    qtbot.waitUntil(
        lambda: sum(t.favourite for t in Catalogue(data_folder()).find().takes) == 1, timeout=20_000
    )
    listening.history.purge()
    qtbot.waitUntil(lambda: listening.history.total == 1, timeout=20_000)
    qtbot.waitUntil(lambda: [card.letter for card in listening.takes.cards] == ["A"])
    assert errors == []


def test_no_take_is_lost_when_the_daemon_is_killed(application, own_home, qtbot):
    listening, jobs = application.listening, application.panel.jobs
    application.start()
    qtbot.waitUntil(lambda: application.panel.connection.state == "ready", timeout=30_000)
    ids = score(application, request(seconds=2, steps=40, step_s=0.05))
    qtbot.waitUntil(
        lambda: bool(ids) and bool(jobs.active) and jobs.active[0].fraction > 0.1, timeout=30_000
    )
    row = listening.jobs_view.rows[ids[0]]
    assert row.bar.value() > 0
    assert unnamed(listening.jobs_view) == []
    own_home.kill()
    qtbot.waitUntil(lambda: len(listening.takes.cards) == 1, timeout=60_000)
    assert listening.takes.cards[0].files.folder.is_dir()
    assert listening.jobs_view.rows == {}


def test_one_job_is_cancelled_by_its_button_and_the_other_ends(application, own_home, qtbot):
    listening, jobs = application.listening, application.panel.jobs
    application.start()
    qtbot.waitUntil(lambda: application.panel.connection.state == "ready", timeout=30_000)
    score(application, request(seconds=2, steps=40, step_s=0.05, cue="first"))
    ids = score(application, request(seconds=2, cue="second"))
    ended = []
    jobs.ended.connect(lambda job: ended.append((job.cue, job.state)))
    qtbot.waitUntil(lambda: bool(ids) and ids[0] in listening.jobs_view.rows, timeout=30_000)
    assert "second" in listening.jobs_view.rows[ids[0]].text.text()
    listening.jobs_view.rows[ids[0]].cancel.click()
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=60_000)
    assert sorted(ended) == [("first", "done"), ("second", "cancelled")]
