"""The jobs on the disk: what was accepted here survives any crash.

SQLite in WAL mode with synchronous=FULL: a commit is on the disk when it returns. Writes of one
batch of requests share a commit. Knows states, not how a job gets from one to another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.errors import OutputError
from musiscene_core.protocol.messages import ENDED, JobError, JobKind, JobState

FILE_NAME = "jobs.sqlite3"
_SCHEMA_VERSION = 1
_SCHEMA = """
create table job(
    number     integer primary key,
    id         text not null unique,
    owner      text not null,
    key        text not null,
    kind       text not null,
    cue        text not null,
    created    real not null,
    digest     blob not null,
    payload    blob not null,
    state      text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempts   integer not null default 0,
    cancelling integer not null default 0,
    error      blob,
    folder     text not null default '',
    takes      blob,
    unique (owner, key)
);
create index job_by_state on job(state, number);
"""
_COLUMNS = (
    "id, owner, key, kind, cue, created, digest, state, attempts, cancelling, error, folder, takes"
)
_ENDED = ", ".join(f"'{state}'" for state in sorted(ENDED))


class StoredJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job's row, but for its payload.

    Attributes:
        id: the daemon's name for it.
        owner: whose it is, as the socket's authorisation names them.
        key: the owner's name for it.
        kind: what it does.
        cue: the cue it is about.
        created: Unix time in seconds.
        digest: SHA-256 of the payload.
        state: where it is in its life.
        attempts: how often it was begun.
        cancelling: whether it was told to stop.
        error: why it failed.
        folder: its result, relative to the data folder.
        takes: subfolders of `folder`.
    """

    id: str
    owner: str
    key: str
    kind: JobKind
    cue: str
    created: float
    digest: bytes
    state: JobState = "queued"
    attempts: int = 0
    cancelling: bool = False
    error: JobError | None = None
    folder: str = ""
    takes: tuple[str, ...] = ()


class Store:
    """The job table. For one thread."""

    def __init__(self, path: Path) -> None:
        """Open the table at `path`, or make it.

        Raises:
            OutputError: it cannot be made, or is no job table of ours.
        """
        self._batching = False
        self._broken = False
        self.writes = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
        except OSError as error:
            raise OutputError.from_os(error, path) from error
        except sqlite3.Error as error:
            raise explained(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise explained(error) from error

    def _prepare(self) -> None:
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        version = self._db.execute("pragma user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(
                f"begin;{_SCHEMA}pragma user_version = {_SCHEMA_VERSION};commit;"
            )
        elif version != _SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"written by another version ({version})")

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Let all writes inside share one commit at the end.

        Raises:
            sqlite3.Error: none of the writes was kept.
        """
        self._batching, self._broken = True, False
        try:
            yield
        finally:
            self._batching = False
            if self._db.in_transaction:
                self._commit()
        if self._broken:
            raise sqlite3.OperationalError("an earlier write of the batch failed")

    def _commit(self) -> None:
        try:
            self._db.execute("commit")
        except sqlite3.Error:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("rollback")

    def _write(self, statement: str, *values: object) -> int:
        """Run a statement; returns how many rows it changed."""
        try:
            if self._batching and not self._db.in_transaction:
                self._db.execute("begin immediate")
            changed = self._db.execute(statement, values).rowcount
        except sqlite3.Error:
            # Some errors roll the whole transaction back, so none of it can be relied on.
            self._broken = True
            self._roll_back()
            raise
        self.writes += 1
        return changed

    def add(self, job: StoredJob, payload: bytes) -> None:
        """Keep a new job."""
        self._write(
            "insert into job(id, owner, key, kind, cue, created, digest, payload, state)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
            *(job.id, job.owner, job.key, job.kind, job.cue, job.created, job.digest, payload),
        )

    def by_id(self, job_id: str) -> StoredJob | None:
        """The job called `job_id`."""
        return self._one("id = ?", job_id)

    def by_key(self, owner: str, key: str) -> StoredJob | None:
        """The job that `owner` calls `key`."""
        return self._one("owner = ? and key = ?", owner, key)

    def next_queued(self) -> StoredJob | None:
        """The job that has waited longest."""
        return self._one("state = 'queued' order by number limit 1")

    def running(self) -> tuple[StoredJob, ...]:
        """The jobs begun and not ended."""
        return self._many("state = 'running' order by number")

    def latest(self, count: int) -> tuple[StoredJob, ...]:
        """The `count` youngest jobs, oldest first."""
        return self._many("1 order by number desc limit ?", count)[::-1]

    def payload(self, job_id: str) -> bytes:
        """What the job was asked; empty once it has ended."""
        row = self._db.execute("select payload from job where id = ?", (job_id,)).fetchone()
        return bytes(row[0]) if row else b""

    def count(self, state: JobState) -> int:
        """How many jobs are in `state`."""
        row = self._db.execute("select count(*) from job where state = ?", (state,)).fetchone()
        return int(row[0])

    def begin(self, job_id: str) -> None:
        """Note that an attempt begins."""
        self._write(
            "update job set state = 'running', attempts = attempts + 1 where id = ?", job_id
        )

    def requeue(self, job_id: str, *, forgive: bool = False) -> None:
        """Put a running job back into its old place in the queue.

        Args:
            job_id: the job.
            forgive: do not count the attempt: its end was not its own fault.
        """
        self._write(
            "update job set state = 'queued', attempts = attempts - ?"
            " where id = ? and state = 'running'",
            *(int(forgive), job_id),
        )

    def mark_cancelling(self, job_id: str) -> None:
        """Note that a running job was told to stop, so that it never begins again."""
        self._write("update job set cancelling = 1 where id = ? and state = 'running'", job_id)

    def end(
        self,
        job_id: str,
        state: JobState,
        *,
        error: JobError | None = None,
        folder: str = "",
        takes: tuple[str, ...] = (),
    ) -> None:
        """Note how a job ended; one that has ended already stays as it is."""
        self._write(
            "update job set state = ?, error = ?, folder = ?, takes = ?, payload = x'',"
            f" cancelling = 0 where id = ? and state not in ({_ENDED})",
            state,
            msgspec.msgpack.encode(error) if error else None,
            folder,
            msgspec.msgpack.encode(takes),
            job_id,
        )

    def forget(self, keep: int) -> None:
        """Forget all but the `keep` youngest jobs that have ended; their results stay."""
        self._write(
            f"delete from job where state in ({_ENDED}) and number <= (select number from job"
            f" where state in ({_ENDED}) order by number desc limit 1 offset ?)",
            keep,
        )

    def _one(self, condition: str, *values: object) -> StoredJob | None:
        found = self._many(condition, *values)
        return found[0] if found else None

    def _many(self, condition: str, *values: object) -> tuple[StoredJob, ...]:
        query = f"select {_COLUMNS} from job where {condition}"
        return tuple(_job(row) for row in self._db.execute(query, values))


def _job(row: tuple[Any, ...]) -> StoredJob:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    error, takes = fields["error"], fields["takes"]
    fields["cancelling"] = bool(fields["cancelling"])
    fields["error"] = msgspec.msgpack.decode(error, type=JobError) if error else None
    fields["takes"] = msgspec.msgpack.decode(takes, type=tuple[str, ...]) if takes else ()
    return msgspec.convert(fields, StoredJob)


def explained(error: sqlite3.Error) -> OutputError:
    """Why the job table cannot be used, for the user."""
    if "full" in str(error):
        return OutputError(
            "The disk is full; the job could not be noted.",
            hint="Free some space, then run the command again.",
        )
    return OutputError(
        f"The list of jobs cannot be used: {error}.",
        hint=f"Free the disk or move {FILE_NAME} out of the data folder, then start again.",
    )
