"""The index: a SQLite file beside the takes, made again from the folders whenever in doubt.

The folders are the truth; whatever process opens the index first brings it up to date, in steps
small enough that others read on meanwhile and that being killed loses none but the last.
Knows where takes lie, not who may change them.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from musiscene_core.library.folders import (
    TAKES,
    Found,
    SkippedError,
    is_plain,
    read_take,
    shares_of,
    stamp,
    take_names,
)
from musiscene_core.library.marks import Marks
from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord

log = logging.getLogger(__name__)

SCHEMA_VERSION = 2
_SCHEMA = """
create table job(name text primary key, signature integer not null) without rowid;
create table take(
    number    integer primary key,
    place     text not null unique,
    job       text not null,
    stamp     text not null,
    id        text not null,
    cue       text not null,
    engine    text not null,
    created   real not null,
    size      integer not null,
    shown     integer not null default 0
);
create index take_by_id on take(id, created);
create index take_by_job on take(job);
create index take_by_date on take(shown, created, number, id, size);
create table detail(number integer primary key, record blob not null);
create table mark(
    id text primary key, favourite integer not null, label text not null, folded text not null
) without rowid;
create table state(name text primary key, value integer not null) without rowid;
create virtual table words using fts5(text, tokenize = 'unicode61 remove_diacritics 2');
"""
_BATCH_JOBS = 100
_RACY = -1
_RACY_NS = 2_000_000_000
"""A folder may change twice within one tick of its clock, which is 2 s on the coarsest disk."""


class Index:
    """One connection to the index. Close it soon; it is cheap to open."""

    def __init__(self, db: sqlite3.Connection, data_folder: Path) -> None:
        """Use `db`, and make its tables where there are none.

        Raises:
            sqlite3.Error: it is damaged, or cannot be written.
        """
        self._db = db
        self._takes = data_folder / TAKES
        self._moved: set[str] = set()
        self._measured: set[int | None] = set()
        self._marks = Marks(data_folder)
        db.isolation_level = None
        version = db.execute("pragma user_version").fetchone()[0]
        if version == 0:
            with self._writing():
                # Another process may have made them while this one waited.
                if db.execute("pragma user_version").fetchone()[0] == 0:
                    for statement in _SCHEMA.split(";\n"):
                        db.execute(statement)
                    db.execute(f"pragma user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"written by another version ({version})")

    def check(self) -> None:
        """Read the whole file.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        said = self._db.execute("pragma quick_check(1)").fetchone()[0]
        if said != "ok":
            raise sqlite3.DatabaseError(str(said))

    def refresh(self, *, thorough: bool = False) -> list[str]:
        """Take in what changed in the folders.

        Args:
            thorough: look at every take.json, not only at the jobs' folders.

        Returns:
            The places read anew.

        Raises:
            sqlite3.Error: damaged, not writable, or another process writes for long.
        """
        self.refresh_marks()
        present = self._job_folders()
        known = dict(self._db.execute("select name, signature from job"))
        now = time.time_ns()
        changed = [name for name, mtime in present.items() if known.get(name) != mtime]
        if thorough:
            changed = sorted({*changed, *self._restamped()} & present.keys())
        gone = [name for name in known if name not in present]
        read: list[str] = []
        for start in range(0, len(gone), _BATCH_JOBS):
            with self._writing():
                for name in gone[start : start + _BATCH_JOBS]:
                    self._forget(name)
        for start in range(0, len(changed), _BATCH_JOBS):
            with self._writing():
                for name in changed[start : start + _BATCH_JOBS]:
                    racy = abs(now - present[name]) < _RACY_NS
                    # What was wrong with it has been said when it was new.
                    level = logging.DEBUG if known.get(name) == _RACY else logging.WARNING
                    read += self._reread(name, _RACY if racy else present[name], level)
        return read

    def refresh_marks(self) -> None:
        """Take in what users marked.

        Raises:
            sqlite3.Error: as `refresh`.
        """
        signature = self._marks.signature()
        known = self._db.execute("select value from state where name = 'marks'").fetchone()
        if known is not None and known[0] == signature:
            return
        racy = abs(time.time_ns() - signature) < _RACY_NS
        with self._writing():
            self._db.execute("delete from mark")
            self._db.executemany(
                "insert into mark values (?, ?, ?, ?)",
                (
                    (take_id, int(mark.favourite), mark.label, mark.label.casefold())
                    for take_id, mark in self._marks.read().items()
                ),
            )
            self._db.execute(
                "insert or replace into state values ('marks', ?)", (_RACY if racy else signature,)
            )

    def reread(self, places: Sequence[str]) -> None:
        """Read the takes at `places` again: their files were stored otherwise."""
        with self._writing():
            for name in sorted({place.partition("/")[0] for place in places}):
                self._reread(name, _RACY, logging.DEBUG)

    def find(self, query: TakeQuery) -> TakePage:
        """The takes that answer `query`, without looking at the folders."""
        where, values = _conditions(query)
        with self._reading():
            total = self._db.execute(
                f"select count(*) from take left join mark on mark.id = take.id where {where}",
                values,
            ).fetchone()[0]
            takes = self._listed(
                f"{where} order by created desc, take.number desc limit ? offset ?",
                (*values, query.limit, query.offset),
            )
            return TakePage(takes=takes, total=total, total_bytes=self.total_bytes())

    def by_prefix(self, prefix: str) -> tuple[TakeRecord, ...]:
        """At most two takes whose id begins with `prefix`."""
        # Above every hexadecimal digit stands "g".
        return self._listed("shown = 1 and take.id between ? and ? limit 2", (prefix, f"{prefix}g"))

    def places(self, take_id: str) -> list[str]:
        """Where a take lies, the oldest place first."""
        rows = self._db.execute(
            "select place from take where id = ? order by created, number", (take_id,)
        )
        return [row[0] for row in rows]

    def oldest_first(self) -> list[tuple[str, str, float, int]]:
        """(id, place, created, size) of every take that is no favourite."""
        rows = self._db.execute(
            "select take.id, place, created, size from take left join mark on mark.id = take.id"
            " where coalesce(favourite, 0) = 0 order by created, number"
        )
        return list(rows)

    def copied(self) -> list[list[str]]:
        """The places of each take that lies in several, the oldest place first."""
        rows = self._db.execute(
            "select id, place from take where id in"
            " (select id from take group by id having count(*) > 1) order by id, created, number"
        )
        groups: dict[str, list[str]] = {}
        for take_id, place in rows:
            groups.setdefault(take_id, []).append(place)
        return list(groups.values())

    def total_bytes(self) -> int:
        """What all takes occupy on the disk."""
        return int(self._db.execute("select coalesce(sum(size), 0) from take").fetchone()[0])

    def _job_folders(self) -> dict[str, int]:
        """The jobs' folders, each with when it last changed."""
        found: dict[str, int] = {}
        try:
            with os.scandir(self._takes) as entries:
                for entry in entries:
                    if not is_plain(entry.name):
                        log.debug("a folder is left out: its name cannot be written down")
                    elif entry.is_dir(follow_symlinks=False):
                        found[entry.name] = entry.stat(follow_symlinks=False).st_mtime_ns
        except FileNotFoundError:
            pass
        return found

    def _restamped(self) -> list[str]:
        """The jobs with a take whose take.json is another one now, or gone."""
        jobs = []
        for place, job, known in self._db.execute("select place, job, stamp from take"):
            try:
                same = stamp(self._takes / place) == known
            except OSError:
                same = False
            if not same:
                jobs.append(job)
        return jobs

    def _reread(self, job: str, signature: int, level: int) -> list[str]:
        self._forget(job)
        try:
            names = take_names(self._takes / job)
        except FileNotFoundError:
            return []
        except OSError as error:
            log.log(level, "%s is left out: %s", _shown(job), error.strerror)
            names = []
        places = []
        for name in names:
            try:
                found = read_take(self._takes, job, name)
            except SkippedError as reason:
                log.log(level, "%s is left out: %s", _shown(job), reason)
                continue
            self._add(job, found)
            places.append(found.place)
        self._db.execute("insert into job values (?, ?)", (job, signature))
        return places

    def _add(self, job: str, found: Found) -> None:
        record = found.record
        number = self._db.execute(
            "insert into take(place, job, stamp, id, cue, engine, created, size)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(found.place, job, found.stamp, record.id, record.cue.casefold(), record.engine),
                *(record.created, record.size_bytes),
            ),
        ).lastrowid
        self._moved.add(record.id)
        self._measured.add(number)
        self._db.execute("insert into detail values (?, ?)", (number, found.packed))
        self._db.execute("insert into words(rowid, text) values (?, ?)", (number, found.words))

    def _forget(self, job: str) -> None:
        rows = self._db.execute("select number, id from take where job = ?", (job,)).fetchall()
        for number, take_id in rows:
            self._moved.add(take_id)
            self._db.execute("delete from words where rowid = ?", (number,))
            self._db.execute("delete from detail where number = ?", (number,))
        self._db.execute("delete from take where job = ?", (job,))
        self._db.execute("delete from job where name = ?", (job,))

    def _settle(self) -> None:
        """Show each take once, where it lies youngest."""
        self._db.executemany(
            "update take set shown = number = (select number from take as copy"
            " where copy.id = take.id order by created desc, number desc limit 1) where id = ?",
            ((take_id,) for take_id in self._moved),
        )
        for take_id in self._moved:
            self._share(take_id)
        self._moved.clear()
        self._measured.clear()

    def _share(self, take_id: str) -> None:
        """Count each file once among the folders in which a take lies."""
        rows = self._db.execute(
            "select number, place from take where id = ?", (take_id,)
        ).fetchall()
        if len(rows) == 1 and rows[0][0] in self._measured:
            return
        sizes = shares_of([self._takes / place for _, place in rows])
        self._db.executemany(
            "update take set size = ? where number = ?",
            ((size, number) for size, (number, _) in zip(sizes, rows, strict=True)),
        )

    def _listed(self, condition: str, values: Sequence[object]) -> tuple[TakeRecord, ...]:
        rows = self._db.execute(
            "select record, place, size, favourite, label,"
            " (select count(*) from take as copy where copy.id = take.id) from take"
            " join detail on detail.number = take.number left join mark on mark.id = take.id"
            f" where {condition}",
            values,
        )
        return tuple(
            msgspec.structs.replace(
                msgspec.msgpack.decode(record, type=TakeRecord),
                folder=str(self._takes / place),
                size_bytes=size,
                favourite=bool(favourite),
                label=label or "",
                copies=copies,
            )
            for record, place, size, favourite, label, copies in rows
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """All that is asked meanwhile is answered from one state of the index."""
        self._db.execute("begin")
        try:
            yield
        finally:
            if self._db.in_transaction:
                self._db.execute("rollback")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._settle()
            self._db.execute("commit")
        except BaseException:
            self._moved.clear()
            self._measured.clear()
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise


def _conditions(query: TakeQuery) -> tuple[str, list[object]]:
    conditions, values = ["shown = 1"], list[object]()
    for word in query.words.split():
        if not any(letter.isalnum() for letter in word):
            continue
        conditions.append(
            "(take.number in (select rowid from words where words match ?)"
            " or instr(coalesce(folded, ''), ?))"
        )
        quoted = word.replace('"', '""').replace("\0", "")
        values += [f'"{quoted}"*', word.casefold()]
    for wanted, condition, value in (
        (bool(query.cue), "instr(cue, ?)", query.cue.casefold()),
        (bool(query.engine), "engine = ?", query.engine),
        (query.since is not None, "created >= ?", query.since),
        (query.until is not None, "created < ?", query.until),
        (query.favourite, "coalesce(favourite, 0) = ?", 1),
    ):
        if wanted:
            conditions.append(condition)
            values.append(value)
    return " and ".join(conditions), values


def _shown(job: str) -> str:
    """A folder's name without the cue's words, which are nobody's business in a log."""
    return f"take folder ...-{job.rpartition('-')[2][:20]}"
