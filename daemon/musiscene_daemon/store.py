"""The jobs on the disk: what was accepted here survives any crash.

SQLite in WAL mode with synchronous=FULL: a commit is on the disk when it returns. Writes of one
batch share a commit. Knows states, not how a job gets from one to another.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

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
from musiscene_daemon.schema import bring_up_to_date

FILE_NAME = "jobs.sqlite3"
_KEPT_PAST = 256
_WAITING = "number, id, owner, session, priority, arrived, kind, engine, length_s, wanted"
_COLUMNS = (
    "id, owner, key, kind, cue, created, digest, state, attempts, cancelling, error, folder, takes,"
    " session, priority, engine, length_s, wanted"
)
_ENDED = ", ".join(f"'{state}'" for state in sorted(ENDED))
_BUSY_S = 0.5
"""How long another program that holds the table may keep this thread waiting."""
_NEXT_END = "(select coalesce(max(ended), 0) + 1 from job)"
_FORGET = (
    f"delete from job where state in ({_ENDED}) and (ended, number) <= (select ended, number"
    f" from job where state in ({_ENDED}) order by ended desc, number desc limit 1 offset ?)"
)


Engines: TypeAlias = Collection[str] | None
"""Only jobs for these; None means for any."""


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
    """The job table. For one thread at a time.

    Attributes:
        writes: counts them; while it stays, so does what is read here.
    """

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
            # Commits are made on another thread, while this one keeps away.
            self._db = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
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
        bring_up_to_date(self._db)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def open_batch(self) -> None:
        """From now on writes wait for `commit`, all together."""
        self._batching, self._broken = True, False

    @property
    def uncommitted(self) -> bool:
        """Whether the batch has written anything, be it in vain."""
        return self._broken or self._db.in_transaction

    def commit(self) -> None:
        """End the batch: what it wrote is on the disk.

        Raises:
            sqlite3.Error: none of it was kept.
        """
        self._batching = False
        try:
            if self._broken:
                raise sqlite3.OperationalError("an earlier write of the batch failed")
            if self._db.in_transaction:
                self._db.execute("commit")
        except sqlite3.Error:
            # What was read meanwhile is not so.
            self.writes += 1
            raise
        finally:
            self._roll_back()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Let all writes inside share one commit at the end; those before an error are kept.

        Raises:
            sqlite3.Error: none of the writes was kept.
        """
        self.open_batch()
        try:
            yield
        finally:
            self.commit()

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

    def next_queued(self, engines: Engines = None) -> StoredJob | None:
        """The job whose turn it is among those for `engines`."""
        # The first of each client and priority is enough; min() picks the row it is in.
        columns = _WAITING.replace("number", "min(number)", 1)
        heads = self._waiting(columns, engines, "group by owner, session, priority")
        job = next(self._in_turn(heads, engines), None)
        return self.by_id(job.id) if job is not None else None

    def queue(self, engines: Engines = None) -> tuple[Waiting, ...]:
        """All jobs that wait for `engines`, each when its turn comes."""
        return tuple(self._in_turn(self._waiting(_WAITING, engines, "order by number"), engines))

    def engines(self) -> tuple[str, ...]:
        """Every engine that a job names."""
        return tuple(row[0] for row in self._db.execute("select distinct engine from job"))

    def _in_turn(self, waiting: tuple[Waiting, ...], engines: Engines) -> Iterator[Waiting]:
        among, names = _among(engines)
        rows = self._db.execute(
            f"select begun, owner, session, priority from job where begun > 0{among}", names
        ).fetchall()
        # Jobs for other engines run elsewhere, and take no turn from these.
        order = sorted(row[0] for row in rows)
        served: dict[tuple[str, str], int] = {}
        batch = 0
        for number, owner, session, priority in rows:
            begun = bisect_right(order, number)
            served[owner, session] = max(begun, served.get((owner, session), 0))
            batch = max(begun, batch) if priority == "batch" else batch
        here = (
            msgspec.structs.replace(job, arrived=bisect_right(order, job.arrived))
            for job in waiting
        )
        return in_turn(here, History(len(order), batch, served))

    def running(self) -> tuple[StoredJob, ...]:
        """The jobs begun and not ended."""
        return self._many("state = 'running' order by number")

    def latest(self, count: int, owner: str | None = None) -> tuple[StoredJob, ...]:
        """The `count` youngest jobs, of `owner` where given, oldest first."""
        which = "(? is null or owner = ?) order by number desc limit ?"
        return self._many(which, owner, owner, count)[::-1]

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
            f" cancelling = 0, ended = {_NEXT_END} where id = ? and state not in ({_ENDED})",
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
        engines: Engines = None,
        error: JobError | None = None,
    ) -> tuple[str, ...]:
        """End every job that waits, of `owner`, `session` and `engines` where given.

        Returns:
            Their ids.
        """
        among, names = _among(engines)
        which = "state = 'queued' and (? is null or owner = ?) and (? is null or session = ?)"
        which += among
        values = (owner, owner, session, session, *names)
        rows = self._db.execute(f"select id from job where {which}", values).fetchall()
        if rows:
            said = msgspec.msgpack.encode(error) if error else None
            self._write(
                f"update job set state = ?, error = ?, payload = x'', ended = {_NEXT_END}"
                f" where {which}",
                *(state, said, *values),
            )
        return tuple(row[0] for row in rows)

    def like(self, job: StoredJob, count: int) -> tuple[str, ...]:
        """Where the results of the latest jobs of the same content lie."""
        rows = self._db.execute(
            "select folder from job where digest = ? and state = 'done' and kind = ?"
            " and folder != '' order by number desc limit ?",
            (job.digest, job.kind, count),
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
        """Forget ended jobs created before `than`, Unix time, but for the `keep` last to end."""
        self._write(f"{_FORGET} and created < ?", *(keep, than))

    def forget(self, keep: int) -> None:
        """Forget all but the `keep` last jobs to end; their results stay."""
        self._write(_FORGET, keep)

    def _waiting(self, columns: str, engines: Engines, rest: str) -> tuple[Waiting, ...]:
        among, engine_names = _among(engines)
        query = f"select {columns} from job where state = 'queued'{among} {rest}"
        rows = self._db.execute(query, engine_names)
        names = Waiting.__struct_fields__
        return tuple(Waiting(**dict(zip(names, row, strict=True))) for row in rows)

    def _one(self, condition: str, *values: object) -> StoredJob | None:
        found = self._many(condition, *values)
        return found[0] if found else None

    def _many(self, condition: str, *values: object) -> tuple[StoredJob, ...]:
        query = f"select {_COLUMNS} from job where {condition}"
        return tuple(_job(row) for row in self._db.execute(query, values))


def _among(engines: Engines) -> tuple[str, tuple[str, ...]]:
    """A condition, to be added to others, and its values."""
    if engines is None:
        return "", ()
    return f" and engine in ({', '.join('?' * len(engines))})", tuple(engines)


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
            hint="Free some space, then try again.",
        )
    return OutputError(
        f"The list of jobs cannot be used: {error}.",
        hint=f"Free the disk or move {FILE_NAME} out of the data folder, then start again.",
    )
