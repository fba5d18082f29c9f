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
from musiscene_core.protocol.state import (
    ENDED,
    JobError,
    JobKind,
    JobState,
    Priority,
)
from musiscene_daemon.fairness import History, Waiting, in_turn

FILE_NAME = "jobs.sqlite3"
_FIRST_SCHEMA = """
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
_TURNS_AND_TIMES = """
alter table job add column session  text not null default '';
alter table job add column priority text not null default 'interactive';
alter table job add column engine   text not null default '';
alter table job add column length_s real not null default 0;
alter table job add column wanted   integer not null default 0;
alter table job add column arrived  integer not null default 0;
alter table job add column begun    integer not null default 0;
create index job_by_turn on job(begun);
create index job_by_client on job(owner, session) where state = 'queued';
create table past(
    number   integer primary key,
    kind     text not null,
    engine   text not null,
    length_s real not null,
    takes    integer not null,
    seconds  real not null
);
create index past_by_kind on past(kind, engine, number);
"""
_SCHEMAS = (_FIRST_SCHEMA, _TURNS_AND_TIMES)
"""What to run, one after the other, from a table's version on."""
_KEPT_PAST = 256
_WAITING = "number, id, owner, session, priority, arrived, kind, engine, length_s, wanted"
_COLUMNS = (
    "id, owner, key, kind, cue, created, digest, state, attempts, cancelling, error, folder, takes,"
    " session, priority, engine, length_s, wanted"
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
        session: which of the owner's programs sent it.
        priority: whether somebody waits for it.
        engine: who scores; empty for spotting.
        length_s: of its range.
        wanted: how many takes; 0 for spotting.
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
    session: str = ""
    priority: Priority = "interactive"
    engine: str = ""
    length_s: float = 0.0
    wanted: int = 0


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
        if not 0 <= version <= len(_SCHEMAS):
            raise sqlite3.DatabaseError(f"written by another version ({version})")
        for number, schema in enumerate(_SCHEMAS[version:], start=version + 1):
            self._db.executescript(f"begin;{schema}pragma user_version = {number};commit;")

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
            "insert into job(id, owner, key, kind, cue, created, digest, payload, state,"
            " session, priority, engine, length_s, wanted, arrived)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?,"
            " (select coalesce(max(begun), 0) from job))",
            *(job.id, job.owner, job.key, job.kind, job.cue, job.created, job.digest, payload),
            *(job.session, job.priority, job.engine, job.length_s, job.wanted),
        )

    def by_id(self, job_id: str) -> StoredJob | None:
        """The job called `job_id`."""
        return self._one("id = ?", job_id)

    def by_key(self, owner: str, key: str) -> StoredJob | None:
        """The job that `owner` calls `key`."""
        return self._one("owner = ? and key = ?", owner, key)

    def next_queued(self) -> StoredJob | None:
        """The job whose turn it is."""
        # The first of each client and priority is enough; min() picks the row it is in.
        heads = self._waiting(
            _WAITING.replace("number", "min(number)", 1), "group by owner, session, priority"
        )
        job = next(in_turn(heads, self.history()), None)
        return self.by_id(job.id) if job is not None else None

    def queue(self) -> tuple[Waiting, ...]:
        """All jobs that wait, in the order they came."""
        return self._waiting(_WAITING, "order by number")

    def history(self) -> History:
        """What has begun so far."""
        rows = self._db.execute(
            "select owner, session, priority, max(begun) from job where begun > 0"
            " group by owner, session, priority"
        )
        served: dict[tuple[str, str], int] = {}
        batch = 0
        for owner, session, priority, begun in rows:
            served[owner, session] = max(begun, served.get((owner, session), 0))
            batch = max(begun, batch) if priority == "batch" else batch
        return History(max(served.values(), default=0), batch, served)

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

    def count_waiting(self, owner: str, session: str) -> int:
        """How many jobs of one of the owner's programs wait."""
        row = self._db.execute(
            "select count(*) from job where state = 'queued' and owner = ? and session = ?",
            (owner, session),
        ).fetchone()
        return int(row[0])

    def begin(self, job_id: str) -> None:
        """Note that an attempt begins."""
        self._write(
            "update job set state = 'running', attempts = attempts + 1,"
            " begun = (select coalesce(max(begun), 0) + 1 from job) where id = ?",
            job_id,
        )

    def requeue(self, job_id: str, *, forgive: bool = False) -> None:
        """Put a running job back into its old place in the queue, and give its turn back.

        Args:
            job_id: the job.
            forgive: do not count the attempt: its end was not its own fault.
        """
        self._write(
            "update job set state = 'queued', begun = 0, attempts = attempts - ?"
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

    def end_waiting(
        self,
        state: JobState,
        *,
        owner: str | None = None,
        session: str | None = None,
        error: JobError | None = None,
    ) -> tuple[str, ...]:
        """End every job that waits, of `owner` and `session` where given; returns their ids."""
        which = "state = 'queued' and (? is null or owner = ?) and (? is null or session = ?)"
        values = (owner, owner, session, session)
        rows = self._db.execute(f"select id from job where {which}", values).fetchall()
        if rows:
            said = msgspec.msgpack.encode(error) if error else None
            self._write(
                f"update job set state = ?, error = ?, payload = x'' where {which}",
                *(state, said, *values),
            )
        return tuple(row[0] for row in rows)

    def learn(self, job: StoredJob, seconds: float) -> None:
        """Note how long a job took that was done."""
        self._write(
            "insert into past(kind, engine, length_s, takes, seconds) values (?, ?, ?, ?, ?)",
            *(job.kind, job.engine, job.length_s, max(1, job.wanted), seconds),
        )
        self._write(
            "delete from past where kind = ? and engine = ? and number <= (select number from past"
            " where kind = ? and engine = ? order by number desc limit 1 offset ?)",
            *(job.kind, job.engine, job.kind, job.engine, _KEPT_PAST),
        )

    def past(self, kind: JobKind, engine: str, count: int) -> list[tuple[float, float]]:
        """(seconds of music, seconds it took) of the `count` latest jobs that were done."""
        return self._db.execute(
            "select length_s * takes, seconds from past where kind = ? and engine = ?"
            " order by number desc limit ?",
            (kind, engine, count),
        ).fetchall()

    def forget_job(self, job_id: str) -> None:
        """Forget one job that has ended."""
        self._write(f"delete from job where id = ? and state in ({_ENDED})", job_id)

    def forget_older(self, than: float, keep: int) -> None:
        """Forget ended jobs created before `than`, Unix time, but for the `keep` youngest."""
        self._write(
            f"delete from job where state in ({_ENDED}) and created < ? and number <="
            f" (select number from job where state in ({_ENDED})"
            " order by number desc limit 1 offset ?)",
            *(than, keep),
        )

    def forget(self, keep: int) -> None:
        """Forget all but the `keep` youngest jobs that have ended; their results stay."""
        self._write(
            f"delete from job where state in ({_ENDED}) and number <= (select number from job"
            f" where state in ({_ENDED}) order by number desc limit 1 offset ?)",
            keep,
        )

    def _waiting(self, columns: str, rest: str) -> tuple[Waiting, ...]:
        rows = self._db.execute(f"select {columns} from job where state = 'queued' {rest}")
        names = Waiting.__struct_fields__
        return tuple(Waiting(**dict(zip(names, row, strict=True))) for row in rows)

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
