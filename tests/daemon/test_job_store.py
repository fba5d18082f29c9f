"""The job table and the library, without a daemon."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from musiscene_core.errors import OutputError
from musiscene_core.protocol import JobError
from musiscene_daemon.store import Store, StoredJob
from musiscene_daemon.takes import TakeLibrary, slug
from tests.support.daemons import wait_until


def job(name: str, key: str | None = None) -> StoredJob:
    return StoredJob(
        id=name, owner="local", key=key or name, kind="score", cue="1m1", created=1.5, digest=b"d"
    )


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "jobs.sqlite3")
    yield store
    store.close()


def test_commits_survive_power_loss_by_the_databases_own_promise(store: Store) -> None:
    read = store._db.execute
    assert read("pragma journal_mode").fetchone() == ("wal",)
    assert read("pragma synchronous").fetchone() == (2,)


def test_a_job_is_read_back_as_it_was_after_another_opening(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    store = Store(path)
    store.add(job("a"), b"payload")
    store.begin("a")
    store.mark_cancelling("a")
    store.close()
    store = Store(path)
    kept = store.by_id("a")
    assert kept is not None
    assert (kept.state, kept.attempts, kept.cancelling, kept.created) == ("running", 1, True, 1.5)
    assert store.payload("a") == b"payload"
    error = JobError("input", "no", "yes")
    store.end("a", "failed", error=error, takes=("take-1",))
    ended = store.by_key("local", "a")
    assert ended is not None
    assert (ended.state, ended.error, ended.takes) == ("failed", error, ("take-1",))
    assert store.payload("a") == b""
    store.close()


def test_what_has_ended_stays_ended(store: Store) -> None:
    store.add(job("a"), b"")
    store.end("a", "cancelled")
    store.end("a", "done", folder="takes/a")
    store.requeue("a")
    kept = store.by_id("a")
    assert kept is not None
    assert (kept.state, kept.folder) == ("cancelled", "")


def test_the_oldest_waits_no_longer_than_needed(store: Store) -> None:
    for name in "abc":
        store.add(job(name), b"")
    store.begin("a")
    assert [found.id for found in (store.next_queued(),) if found] == ["b"]
    store.requeue("a")
    assert [found.id for found in (store.next_queued(),) if found] == ["a"]
    assert (store.count("queued"), store.count("running")) == (3, 0)
    assert store.by_id("a").attempts == 1
    store.begin("a")
    store.requeue("a", forgive=True)
    assert store.by_id("a").attempts == 1


def test_a_batch_is_kept_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    with store.batch():
        store.add(job("a"), b"")
        store.add(job("b"), b"")
        other = sqlite3.connect(tmp_path / "jobs.sqlite3")
        assert other.execute("select count(*) from job").fetchone() == (0,)
    assert other.execute("select count(*) from job").fetchone() == (2,)
    other.close()

    def doomed() -> None:
        with store.batch():
            store.add(job("c"), b"")
            with pytest.raises(sqlite3.IntegrityError):
                store.add(job("d", key="a"), b"")

    with pytest.raises(sqlite3.OperationalError):
        doomed()
    assert store.by_id("c") is None
    store.add(job("e"), b"")
    assert store.by_id("e") is not None


def test_ended_jobs_are_forgotten_from_the_oldest_and_others_never(store: Store) -> None:
    for name in "abcdef":
        store.add(job(name), b"")
    for name in "abde":
        store.end(name, "done")
    store.forget(2)
    assert [kept.id for kept in store.latest(10)] == ["c", "d", "e", "f"]
    assert [kept.id for kept in store.latest(2)] == ["e", "f"]
    store.forget(2)
    assert len(store.latest(10)) == 4


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    Store(path).close()
    table = sqlite3.connect(path)
    table.execute("pragma user_version = 9")
    table.close()
    with pytest.raises(OutputError, match=r"written by another version \(9\)"):
        Store(path)


def test_publishing_twice_is_publishing_once(tmp_path: Path) -> None:
    library = TakeLibrary(tmp_path)
    place = library.place("score", "2m3: Über den Dächern", "abc")
    assert place == "takes/2m3-Uber-den-Dachern-abc"
    for attempt in (1, 2):
        partial = library.partial("abc", attempt)
        for number in (1, 2, 10):
            (partial / f"take-{number}").mkdir(parents=True)
            (partial / f"take-{number}/take.json").write_text(str(attempt))
        library.publish(partial, place)
    wait_until(lambda: library.leftovers() == [])
    assert library.takes(place) == ("take-1", "take-2", "take-10")
    assert (tmp_path / place / "take-1/take.json").read_text() == "1"


def test_what_cannot_be_published_is_an_error_and_stays_where_it_was(tmp_path: Path) -> None:
    library = TakeLibrary(tmp_path)
    partial = library.partial("abc", 1)
    partial.mkdir()
    (tmp_path / "takes/x-abc").write_text("a file")
    with pytest.raises(OutputError):
        library.publish(partial, "takes/x-abc")
    assert library.leftovers() == [partial]


@pytest.mark.parametrize(
    ("cue", "name"),
    [
        ("1m1", "1m1"),
        ("../../etc", "etc"),
        ("a/b\\c:d*e", "a-b-c-d-e"),
        ("戦い", "cue"),
        ("", "cue"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_cues_name_is_a_safe_folder_name(cue: str, name: str) -> None:
    assert slug(cue) == name


def test_the_last_to_end_are_remembered_not_the_last_to_come(store: Store) -> None:
    for name in ("long", "a", "b", "c"):
        store.add(job(name), b"work")
    for name in ("a", "b", "c", "long"):
        store.end(name, "done")
    store.forget(2)
    assert [one.id for one in store.latest(10)] == ["long", "c"]
