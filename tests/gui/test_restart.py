"""The panel started again while a job of its own is at work: it is followed, and its takes come."""

from __future__ import annotations

from musiscene_gui.application import Application
from musiscene_gui.bridge.daemon import DaemonBridge
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.widgets.store import KeptSettings
from tests.support.daemons import ARGUMENTS, Home, request
from tests.support.panel_takes import Kept


def test_a_job_outlives_the_panel_and_is_followed_by_the_next_one(
    own_home: Home, themed, qtbot
) -> None:
    first = Application(silent=True, daemon_args=ARGUMENTS)
    first.start()
    first.panel.daemon.ask(
        lambda client: client.submit_score(request(steps=20, step_s=0.1)),
        lambda job_id: first.panel.jobs.follow(job_id, lambda _: None),
    )
    qtbot.waitUntil(lambda: bool(first.panel.jobs.active), timeout=30_000)
    job_id = first.panel.jobs.active[0].id
    first.window.close()
    first.close()
    again = Application(silent=True, daemon_args=ARGUMENTS)
    assert again.panel.jobs.waiting_for == (job_id,)
    ended: list = []
    again.panel.jobs.ended.connect(ended.append)
    again.start()
    qtbot.waitUntil(lambda: bool(ended), timeout=60_000)
    assert (ended[0].id, ended[0].state) == (job_id, "done")
    again.window.close()
    again.close()
    third = Application(silent=True, daemon_args=ARGUMENTS)
    assert third.panel.jobs.waiting_for == ()
    third.close()


def test_a_job_that_the_daemon_no_longer_knows_is_forgotten(own_home: Home, qtbot) -> None:
    store = Kept(jobs="job-of-long-ago")
    bridge = DaemonBridge(daemon_args=ARGUMENTS)
    jobs = JobsModel(bridge, store)
    errors: list = []
    jobs.failed.connect(errors.append)
    jobs.reconcile()
    qtbot.waitUntil(lambda: jobs.waiting_for == (), timeout=30_000)
    assert store["jobs"] == ""
    assert errors == []
    bridge.close()


def test_this_panels_jobs_are_cancelled_and_no_other_programs(
    application: Application, own_home: Home, qtbot
) -> None:
    panel = application.panel
    application.start()
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    with own_home.connect() as other:
        theirs = other.submit_score(request(steps=100, step_s=0.1, cue="theirs"))
        mine: list = []
        for number in range(2):
            panel.daemon.ask(
                lambda client, number=number: client.submit_score(
                    request(steps=100, step_s=0.1, seed=number)
                ),
                lambda job_id: panel.jobs.follow(job_id, mine.append),
            )
        qtbot.waitUntil(lambda: len(panel.jobs.active) == 2, timeout=30_000)
        panel.jobs.cancel_mine()
        qtbot.waitUntil(lambda: len(mine) == 2, timeout=30_000)
        assert [job.state for job in mine] == ["cancelled", "cancelled"]
        assert not other.job(theirs).ended
        other.cancel(theirs)


def test_a_panel_beside_another_leaves_that_ones_jobs_alone_until_it_has_ended(
    own_home: Home, themed
) -> None:
    first, second = KeptSettings(), KeptSettings()
    first.write("jobs", "theirs")
    assert second.read("jobs") == ""
    second.write("jobs", "ours")
    assert first.read("jobs") == "theirs"
    second.close()
    third = KeptSettings()
    assert third.read("jobs") == "ours"
    first.close()
    third.close()
    again = KeptSettings()
    assert sorted(again.read("jobs").split()) == ["ours", "theirs"]
    again.close()
