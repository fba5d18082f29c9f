"""How long jobs take, learnt from those that were done; clocks that jump disturb nothing."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import zmq

from musiscene_core.errors import RequestError
from musiscene_daemon.crew import Crew
from musiscene_daemon.estimates import Estimator, fit
from musiscene_daemon.forecast import MAX_PLANNED, remaining
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.retention import DAY_S, KEPT_ALWAYS, BriefKeeper
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store, StoredJob
from musiscene_daemon.takes import TakeLibrary
from musiscene_daemon.worker_link import JobFinished, JobProgressed
from tests.support.daemons import Home, request, scene
from tests.support.turns import turn


def test_nothing_is_foretold_from_two_jobs() -> None:
    assert fit([(10.0, 3.0), (20.0, 5.0)]) is None


def test_constant_and_slope_are_found_among_noise_and_outliers() -> None:
    chance = random.Random(3)
    pairs = [
        (length, 2.0 + 0.3 * length + chance.uniform(-0.1, 0.1))
        for length in (chance.uniform(5, 120) for _ in range(20))
    ]
    # A first job that loaded a model, one beside a render, one that found everything cached.
    pairs += [(10.0, 60.0), (100.0, 200.0), (90.0, 3.0)]
    line = fit(pairs)
    assert line is not None
    assert line.constant == pytest.approx(2.0, abs=0.2)
    assert line.slope == pytest.approx(0.3, abs=0.01)
    assert line.at(60.0) == pytest.approx(20.0, abs=0.3)


def test_a_line_never_foretells_less_than_nothing() -> None:
    falling = fit([(10.0, 9.0), (20.0, 8.0), (30.0, 7.0)])
    steep = fit([(10.0, 1.0), (20.0, 11.0), (30.0, 21.0)])
    assert falling is not None
    assert falling.at(1000.0) == pytest.approx(8.0)
    assert steep is not None
    assert steep.at(1.0) == pytest.approx(0.55)


def test_from_one_length_no_far_other_is_foretold() -> None:
    line = fit([(10.0, 5.0), (10.0, 5.2), (10.0, 9.0)])
    assert line is not None
    assert line.at(10.0) == pytest.approx(5.2)
    assert line.at(20.0) == pytest.approx(10.4)
    assert line.at(21.0) is None
    assert line.at(4.0) is None


def test_a_steady_job_counts_down_to_nothing_whatever_was_foretold() -> None:
    for predicted in (5.0, 10.0, 20.0, None):
        told = [remaining(predicted, step / 10, step / 100) for step in range(101)]
        known = [seconds for seconds in told if seconds is not None]
        assert known[-1] == 0.0
        assert min(known) >= 0.0
        assert all(later <= sooner + 0.03 for sooner, later in pairwise(known))
        assert remaining(predicted, 5.0, 0.5) == pytest.approx(
            {5.0: 2.75, 10.0: 5.0, 20.0: 10.0, None: 5.0}[predicted]
        )
    assert remaining(None, 3.0, 0.05) is None
    assert remaining(10.0, 0.0, 0.0) == 10.0
    assert remaining(10.0, 50.0, 0.0) == pytest.approx(5.0)


class StillCrew(Crew):
    """A crew whose worker is said to be there; what it does, the test says."""

    def tick(self, now: float) -> float | None:
        self.members["main"].ready = True
        return None


class Bench:
    """The job table and the rules, with both clocks in the test's hand."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.wall_s = 1.7e9
        self.now = 1000.0
        self.settings = Settings(data_folder=folder / "data", log_folder=folder, **settings)
        self.context = zmq.Context()
        self.crew = StillCrew(self.context, folder)
        self.store = Store(folder / "jobs.sqlite3")
        self.library = TakeLibrary(self.settings.data_folder)
        self.jobs = Jobs(
            self.store, self.library, self.crew, self.settings, clock=lambda: self.wall_s
        )

    def submit(self, key: str, seconds: int = 10, takes: int = 1) -> str:
        wish = request(seconds=seconds, takes=takes)
        return self.jobs.submit(wish, owner="ana", key=key)[0]

    def pass_by(self, seconds: float) -> None:
        """Time with a worker that shows life each second."""
        for _ in range(int(seconds)):
            self.now += 1.0
            turn(self.jobs, self.store, self.now)
        self.now += seconds - int(seconds)

    def finish(self, job_id: str, after_s: float) -> None:
        turn(self.jobs, self.store, self.now)
        job = self.jobs.info(job_id)
        assert job.state == "running"
        partial = self.library.partial(job_id, job.attempts)
        (partial / "take-1").mkdir(parents=True)
        self.pass_by(after_s)
        self.jobs.hear("main", JobFinished(job_id, ("take-1",)), self.now)
        turn(self.jobs, self.store, self.now)
        assert self.jobs.info(job_id).state == "done"

    def close(self) -> None:
        self.jobs.stop()
        self.crew.stop()
        self.store.close()
        self.context.term()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_estimates_are_learnt_and_grow_better_with_jobs(bench: Bench) -> None:
    def foretold() -> float | None:
        return bench.jobs.estimate("score", "scripted", 20.0, 2)

    # Two seconds and a tenth for each second of music, but the first loads a model.
    bench.finish(bench.submit("a", seconds=10), 30.0)
    bench.finish(bench.submit("b", seconds=20), 4.0)
    assert foretold() is None
    bench.finish(bench.submit("c", seconds=15), 3.5)
    first = foretold()
    for key, length in (("d", 8), ("e", 12), ("f", 18), ("g", 5)):
        bench.finish(bench.submit(key, seconds=length), 2.0 + length / 10)
    second = foretold()
    assert first is not None
    assert second == pytest.approx(6.0, abs=0.1)
    assert abs(first - 6.0) > abs(second - 6.0)
    assert bench.jobs.estimate("score", "another", 20.0, 2) is None
    assert bench.jobs.estimate("spot", "", 20.0, 1) is None
    # Another daemon on the same table knows as much.
    assert Estimator(bench.store.past).seconds("score", "scripted", 20.0, 2) == second
    for length, takes in ((0.0, 1), (float("nan"), 1), (float("inf"), 1), (5.0, 0), (5.0, 99)):
        with pytest.raises(RequestError):
            bench.jobs.estimate("score", "scripted", length, takes)


def test_waiting_jobs_are_told_with_what_is_before_them(bench: Bench) -> None:
    for key in "abc":
        bench.finish(bench.submit(key, seconds=10), 5.0)
    running, second, third = (bench.submit(key, seconds=10) for key in "def")
    other = bench.jobs.submit(scene(10), owner="ana", key="spot")[0]
    last = bench.submit("g", seconds=10)
    turn(bench.jobs, bench.store, bench.now)
    assert bench.jobs.info(running).eta_s == pytest.approx(5.0)
    bench.pass_by(2.0)
    bench.jobs.hear("main", JobProgressed(running, "Playing", 0.4), bench.now)
    told = [bench.jobs.info(job_id).eta_s for job_id in (running, second, third)]
    assert told == pytest.approx([3.0, 8.0, 13.0])
    # How long spotting takes nobody knows yet, nor therefore what comes after it.
    assert [bench.jobs.info(job_id).eta_s for job_id in (other, last)] == [None, None]
    assert bench.jobs.cancel_all("queued", bench.now, owner="ana") == 4
    assert bench.jobs.info(second).eta_s is None


def test_a_long_queue_is_not_foretold(bench: Bench) -> None:
    for number in range(5):
        bench.store.learn(stored("x"), 5.0 + number)
    for number in range(MAX_PLANNED + 1):
        bench.store.add(stored(f"{number}"), b"")
    assert bench.jobs.info("0").eta_s is None
    bench.store.end(f"{MAX_PLANNED}", "cancelled")
    assert bench.jobs.info("0").eta_s == pytest.approx(7.0)


def stored(name: str, **fields: object) -> StoredJob:
    job = StoredJob(
        id=name, owner="ana", key=name, kind="score", cue="", created=1.0, digest=b"", wanted=1
    )
    return msgspec.structs.replace(job, engine="scripted", length_s=10.0, **fields)


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_a_clock_that_jumps_a_day_disturbs_nothing(bench: Bench, jump_s: float) -> None:
    for key in "abc":
        bench.finish(bench.submit(key, seconds=10), 5.0)
    first = bench.submit("d", seconds=10)
    turn(bench.jobs, bench.store, bench.now)
    bench.wall_s += jump_s
    second = bench.submit("e", seconds=10)
    assert bench.jobs.info(first).eta_s == pytest.approx(5.0)
    assert bench.jobs.info(second).eta_s == pytest.approx(10.0)
    bench.finish(first, 5.0)
    bench.finish(second, 5.0)
    assert [took for _, took in bench.store.past("score", "scripted", 9)] == [5.0] * 5
    assert [job.state for job in bench.jobs.latest()] == ["done"] * 5
    assert bench.jobs.submit(request(seconds=10), owner="ana", key="a")[1] is False


def test_a_job_through_which_the_machine_slept_teaches_nothing(bench: Bench) -> None:
    job_id = bench.submit("a")
    turn(bench.jobs, bench.store, bench.now)
    bench.now += DAY_S
    bench.finish(job_id, 1.0)
    assert bench.store.past("score", "scripted", 9) == []


def test_old_jobs_are_forgotten_but_the_latest_never(bench: Bench) -> None:
    count = KEPT_ALWAYS + 5
    for number in range(count):
        bench.store.add(stored(f"{number}", created=bench.wall_s + number), b"")
        bench.store.end(f"{number}", "done")
    bench.store.add(stored("waits", created=0.0), b"")
    bench.wall_s += 89 * DAY_S
    bench.jobs.resume()
    assert len(bench.jobs.latest()) == count + 1
    bench.wall_s += 2 * DAY_S
    bench.jobs.resume()
    assert len(bench.jobs.latest()) == KEPT_ALWAYS + 1
    assert bench.jobs.info("waits").state == "queued"


def brief(folder: Path, name: str, size: int, changed: float) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    (place / "brief.json").write_bytes(b"x" * size)
    os.utime(place, (changed, changed))
    return place


def test_the_oldest_briefs_make_room_and_none_of_today(tmp_path: Path) -> None:
    now = time.time()
    old = [brief(tmp_path, f"old-{n}", 1000, now - 30 * DAY_S + n) for n in range(6)]
    kept = [brief(tmp_path, f"mid-{n}", 10, now - 9 * DAY_S + n) for n in range(KEPT_ALWAYS - 3)]
    young = [brief(tmp_path, f"new-{n}", 1000, now - 60 + n) for n in range(3)]
    keeper = BriefKeeper(tmp_path, max_bytes=5200)
    keeper.trim(now)
    assert [place.exists() for place in old] == [False, False, False, False, True, True]
    assert all(place.exists() for place in (*kept, *young))
    assert [keeper.gone.get() for _ in range(4)] == ["0", "1", "2", "3"]
    crowded = [brief(tmp_path, f"today-{n}", 1000, now + n) for n in range(KEPT_ALWAYS + 5)]
    keeper.trim(now)
    assert all(place.exists() for place in (*crowded, *young))
    assert not any(place.exists() for place in (*old, *kept))
    keeper.trim(now - DAY_S / 2)
    assert all(place.exists() for place in crowded)


def test_a_job_whose_brief_made_room_is_forgotten(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_briefs_bytes=100)
    try:
        for number in range(KEPT_ALWAYS + 1):
            name = f"{number:012x}"
            bench.store.add(stored(name, kind="spot", created=bench.wall_s), b"")
            bench.store.end(name, "done", folder=f"briefs/1m1-{name}")
            place = brief(
                tmp_path / "data/briefs", f"1m1-{name}", 50, bench.wall_s - 9 * DAY_S + number
            )
            assert place.is_dir()
        bench.jobs.resume()
        deadline = time.monotonic() + 5
        while len(bench.jobs.latest()) > KEPT_ALWAYS and time.monotonic() < deadline:
            turn(bench.jobs, bench.store, bench.now)
        ids = [job.id for job in bench.jobs.latest()]
        assert ids == [f"{number:012x}" for number in range(1, KEPT_ALWAYS + 1)]
    finally:
        bench.close()


def test_a_current_job_of_unknown_pace_says_nothing_at_first(bench: Bench) -> None:
    job_id = bench.submit("a")
    turn(bench.jobs, bench.store, bench.now)
    bench.pass_by(1.0)
    assert bench.jobs.info(job_id).eta_s is None
    bench.jobs.hear("main", JobProgressed(job_id, "Playing", 0.25), bench.now)
    assert bench.jobs.info(job_id).eta_s == pytest.approx(3.0)


def test_a_client_hears_of_the_time_before_and_during_a_job(own_home: Home) -> None:
    with own_home.connect() as client:
        assert client.estimate("score", 2.0, engine="scripted") is None
        for seed in range(3):
            client.score(request(seed=seed, steps=4, step_s=0.05))
        foretold = client.estimate("score", 2.0, engine="scripted")
        assert foretold is not None
        assert 0.15 < foretold < 1.0
        heard: list[float | None] = []
        client.score(request(seed=9, steps=4, step_s=0.05), on_eta=heard.append)
        known = [seconds for seconds in heard if seconds is not None]
        assert len(known) >= 3
        assert min(known) >= 0.0
        assert known[-1] < known[0] <= foretold + 0.5
        with pytest.raises(RequestError):
            client.estimate("score", -1.0, engine="scripted")
