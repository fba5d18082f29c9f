from __future__ import annotations

from musiscene_core.protocol import JobInfo
from musiscene_gui.viewmodels.jobs import JobsModel


class NobodyAsks:
    def ask(self, work, done=None, failed=None):
        pass


def job(number: int, state: str = "done") -> JobInfo:
    takes = ("take-1",) if state == "done" else ()
    return JobInfo(id=f"{number}", kind="score", cue="1m1", state=state, created=1.0, takes=takes)


def test_takes_that_other_programs_made_are_told_once_for_all_that_is_heard() -> None:
    jobs, told = JobsModel(NobodyAsks()), []
    jobs.others_made.connect(lambda: told.append(True))
    jobs.hear([job(1, "running"), job(2, "failed")])
    assert told == []
    jobs.hear([job(1), job(3)])
    assert told == [True]
    jobs.follow("4", lambda _: None)
    jobs.hear([job(4)])
    assert told == [True]


def test_a_job_heard_of_before_it_was_known_to_be_ours_is_told_when_it_is_followed() -> None:
    jobs, told = JobsModel(NobodyAsks()), []
    jobs.changed.connect(told.append)
    jobs.hear([job(1, "queued")])
    assert (told, jobs.others) == ([], (job(1, "queued"),))
    jobs.follow("1", lambda _: None)
    assert (told, jobs.active, jobs.others) == ([job(1, "queued")], (job(1, "queued"),), ())
