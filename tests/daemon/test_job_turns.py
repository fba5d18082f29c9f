"""Whose turn it is: fair between clients, interactive first, batch never starved."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from musiscene_core.protocol.state import Priority
from musiscene_daemon.fairness import MAX_OVERTAKES, History, Waiting, in_turn
from musiscene_daemon.store import Store, StoredJob
from tests.support.daemons import Home, request, wait_until

NOTHING = History(0, 0, {})


def lines(*jobs: str) -> list[Waiting]:
    """Jobs such as "ana:panel" (owner:session), in the order they came; "!" means batch."""
    return [
        Waiting(
            number=number,
            id=f"{name.strip('!')}-{number}",
            owner=name.strip("!").split(":")[0],
            session=name.strip("!").split(":")[1],
            priority="batch" if name.startswith("!") else "interactive",
        )
        for number, name in enumerate(jobs, start=1)
    ]


def order(waiting: list[Waiting], history: History = NOTHING) -> list[int]:
    return [job.number for job in in_turn(waiting, history)]


def test_one_client_is_first_come_first_served() -> None:
    assert order(lines(*["ana:a"] * 5)) == [1, 2, 3, 4, 5]


def test_a_client_with_many_jobs_does_not_keep_one_with_few_waiting() -> None:
    assert order(lines("ana:a", "ana:a", "ana:a", "ana:a", "ben:b", "ben:b")) == [1, 5, 2, 6, 3, 4]


def test_owners_share_before_their_sessions_do() -> None:
    waiting = lines("ana:a", "ana:b", "ana:c", "ben:x", "ben:x", "ben:x")
    assert order(waiting) == [1, 4, 2, 5, 3, 6]


def test_who_was_served_last_comes_last() -> None:
    waiting = lines("ana:a", "ben:b", "cy:c")
    history = History(9, 0, {("ana", "a"): 9, ("cy", "c"): 4})
    assert order(waiting, history) == [2, 3, 1]


def test_interactive_overtakes_batch_a_few_times_and_no_more() -> None:
    waiting = lines(*["!ana:a"] * 3, *["ana:b"] * 10)
    turns = order(waiting)
    batch = [place for place, number in enumerate(turns) if number <= 3]
    assert batch == [4, 4 + 5, 12]
    assert MAX_OVERTAKES == 4


def test_a_batch_job_that_just_came_does_not_go_first() -> None:
    old = lines("ana:a", "ana:a")
    new = Waiting(number=3, id="c", owner="ana", session="b", priority="batch", arrived=100)
    assert order([*old, new], History(100, 0, {("ana", "a"): 100})) == [1, 2, 3]
    assert order([*old, new], History(104, 0, {("ana", "a"): 104}))[0] == 3


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "jobs.sqlite3")
    yield store
    store.close()


def add(
    store: Store, name: str, owner: str = "ana", session: str = "", priority: Priority = "batch"
) -> None:
    store.add(
        StoredJob(
            id=name,
            owner=owner,
            key=name,
            kind="score",
            cue="1m1",
            created=1.0,
            digest=b"",
            session=session,
            priority=priority,
        ),
        b"",
    )


def begin_next(store: Store) -> str:
    job = store.next_queued()
    assert job is not None
    store.begin(job.id)
    store.end(job.id, "done")
    return job.id


def test_the_table_and_the_rule_agree_job_after_job(store: Store) -> None:
    names = itertools.count(1)
    for owner, session, priority, count in (
        ("ana", "a", "interactive", 7),
        ("ana", "b", "interactive", 2),
        ("ben", "c", "interactive", 4),
        ("ben", "c", "batch", 2),
        ("cy", "d", "batch", 3),
    ):
        for _ in range(count):
            add(store, f"{next(names)}", owner, session, priority)
    foretold = [job.id for job in store.queue()]
    assert [begin_next(store) for _ in foretold] == foretold
    assert store.next_queued() is None


def test_turns_survive_another_opening(tmp_path: Path) -> None:
    def opened() -> Store:
        return Store(tmp_path / "jobs.sqlite3")

    store = opened()
    for name in ("a1", "a2", "a3", "b1", "b2"):
        add(store, name, session=name[0])
    begun = []
    for _ in range(5):
        begun.append(begin_next(store))
        store.close()
        store = opened()
    store.close()
    assert begun == ["a1", "b1", "a2", "b2", "a3"]


def test_a_job_put_back_gives_its_turn_back(store: Store) -> None:
    for name in ("a1", "b1", "a2"):
        add(store, name, session=name[0])
    first = store.next_queued()
    assert first is not None
    store.begin(first.id)
    store.requeue(first.id)
    assert [begin_next(store) for _ in range(3)] == ["a1", "b1", "a2"]


def test_a_table_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    Store(path).close()
    table = sqlite3.connect(path)
    indexes = ("turn", "client", "engine", "digest", "end")
    columns = ("session", "priority", "engine", "length_s", "wanted", "arrived", "begun", "ended")
    table.executescript(
        "drop table past;"
        + "".join(f"drop index job_by_{name};" for name in indexes)
        + "".join(f"alter table job drop column {name};" for name in columns)
        + "insert into job(id, owner, key, kind, cue, created, digest, payload, state)"
        " values ('old', 'ana', 'k', 'score', '1m1', 1.0, x'', x'01', 'queued');"
        "pragma user_version = 1;"
    )
    table.close()
    store = Store(path)
    job = store.next_queued()
    assert job is not None
    assert (job.id, job.priority, job.session, job.length_s) == ("old", "interactive", "", 0.0)
    assert store.payload("old") == b"\x01"
    assert begin_next(store) == "old"
    store.close()


def begun_in_order(home: Home, ids: list[str]) -> list[str]:
    table = sqlite3.connect(home.folder / "data/jobs.sqlite3")
    try:
        rows = table.execute("select id from job where begun > 0 order by begun").fetchall()
    finally:
        table.close()
    return [row[0] for row in rows if row[0] in ids]


def test_programs_take_turns_also_after_the_daemons_death(own_home: Home, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with own_home.connect() as greedy, own_home.connect() as modest:
        blocker = greedy.submit_score(request(until=str(gate), seed=1))
        wait_until(lambda: greedy.job(blocker).state == "running")
        many = [greedy.submit_score(request(seed=10 + n, steps=0)) for n in range(5)]
        late = [greedy.submit_score(request(seed=40, steps=0), priority="batch")]
        few = [modest.submit_score(request(seed=20 + n, steps=0)) for n in range(2)]
        own_home.kill()
        gate.touch()
        for job_id in (blocker, *many, *few, *late):
            greedy.wait(job_id, timeout=20)
        told = {job.id: job.priority for job in greedy.jobs()}
    # The blocker gave its turn back, and batch waits until four have begun since it was accepted.
    expected = [blocker, few[0], many[0], few[1], many[1], *late, *many[2:]]
    assert begun_in_order(own_home, expected) == expected
    assert (told[late[0]], told[many[0]]) == ("batch", "interactive")
