"""Listeners and their ratings, in SQLite: saved at each change, whoever else is writing.

Every call opens its own connection, so that any thread and any process may make it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError, OutputError
from musiscene_training.survey.plan import Survey, order

RATINGS_FILE = "ratings.sqlite"
# Without letters and digits that look alike.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_BUSY_S = 20.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS listener (
    number INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, seed INTEGER NOT NULL,
    began TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '', remark TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS version (
    token TEXT PRIMARY KEY, listener INTEGER NOT NULL REFERENCES listener,
    page INTEGER NOT NULL, place INTEGER NOT NULL, scene TEXT NOT NULL, system TEXT NOT NULL,
    heard_s REAL NOT NULL DEFAULT 0, UNIQUE (listener, page, place));
CREATE TABLE IF NOT EXISTS rating (
    token TEXT NOT NULL REFERENCES version, question TEXT NOT NULL, value INTEGER NOT NULL,
    changes INTEGER NOT NULL DEFAULT 0, rated TEXT NOT NULL, PRIMARY KEY (token, question));
"""


class Listener(msgspec.Struct, frozen=True):
    """Someone who takes part; `finished` is "" until all is rated and handed in."""

    number: int
    code: str
    finished: str
    remark: str


class Version(msgspec.Struct, frozen=True):
    """What a listener may rate: an opaque token, and what it stands for."""

    token: str
    listener: int
    page: int
    place: int
    scene: str
    system: str


class Rated(msgspec.Struct, frozen=True):
    """An answer with all that is known of it."""

    listener: int
    finished: bool
    scene: str
    system: str
    question: str
    value: int
    page: int
    place: int
    heard_s: float
    changes: int
    rated: str


class Store:
    """The ratings of one survey."""

    def __init__(self, folder: Path) -> None:
        """Open the ratings in `folder`, or begin them.

        Raises:
            InputError: the file there is damaged.
            OutputError: it cannot be written.
        """
        self._path = folder / RATINGS_FILE
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that is on the disk once the block ends."""
        try:
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level="IMMEDIATE")
            with closing(connection):
                # A rating that the page calls saved survives a power cut.
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                with connection:
                    yield connection
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"{self._path} cannot be written: {error}.",
                hint="Free space on its disk, and see that you may write there.",
            ) from error
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self._path} is damaged: {error}.",
                hint="Move it away to begin anew; what is in it may still be saved with sqlite3.",
            ) from error

    def kept(self, name: str, fresh: str) -> str:
        """The text kept under `name`; `fresh` is kept the first time."""
        with self._open() as connection:
            connection.execute("INSERT OR IGNORE INTO kept VALUES (?, ?)", (name, fresh))
            query = "SELECT value FROM kept WHERE name = ?"
            return str(connection.execute(query, (name,)).fetchone()[0])

    def begin(self, survey: Survey) -> Listener:
        """A new listener, whose whole order is drawn and kept."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            query = "SELECT COALESCE(MAX(number), 0) + 1 FROM listener"
            number = int(connection.execute(query).fetchone()[0])
            connection.execute(
                "INSERT INTO listener (number, code, seed, began) VALUES (?, ?, ?, ?)",
                (number, code, survey.seed, _now()),
            )
            connection.executemany(
                "INSERT INTO version (token, listener, page, place, scene, system)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (secrets.token_urlsafe(12), number, page, place, shown.scene, system)
                    for page, shown in enumerate(order(survey, number), 1)
                    for place, system in enumerate(shown.systems, 1)
                ],
            )
        return Listener(number, code, "", "")

    def listener(self, code: str) -> Listener | None:
        """Whose code it is."""
        query = "SELECT number, code, finished, remark FROM listener WHERE code = ?"
        with self._open() as connection:
            row = connection.execute(query, (code,)).fetchone()
        return Listener(*row) if row else None

    def versions(self, listener: int) -> list[Version]:
        """All that `listener` is to rate, in order."""
        query = (
            "SELECT token, listener, page, place, scene, system FROM version"
            " WHERE listener = ? ORDER BY page, place"
        )
        with self._open() as connection:
            return [Version(*row) for row in connection.execute(query, (listener,))]

    def version(self, token: str) -> Version | None:
        """What a token stands for."""
        query = "SELECT token, listener, page, place, scene, system FROM version WHERE token = ?"
        with self._open() as connection:
            row = connection.execute(query, (token,)).fetchone()
        return Version(*row) if row else None

    def answers(self, listener: int) -> Mapping[tuple[str, str], int]:
        """What `listener` has rated so far, by token and question."""
        query = (
            "SELECT token, question, value FROM rating JOIN version USING (token)"
            " WHERE listener = ?"
        )
        with self._open() as connection:
            rows = connection.execute(query, (listener,)).fetchall()
        return {(token, question): value for token, question, value in rows}

    def rate(self, token: str, question: str, value: int) -> None:
        """Save an answer, or change it."""
        with self._open() as connection:
            connection.execute(
                "INSERT INTO rating (token, question, value, rated) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (token, question) DO UPDATE SET"
                " changes = changes + (value != excluded.value),"
                " value = excluded.value, rated = excluded.rated",
                (token, question, value, _now()),
            )

    def hear(self, token: str, seconds: float) -> None:
        """Add to how long a version was listened to."""
        with self._open() as connection:
            connection.execute(
                "UPDATE version SET heard_s = heard_s + ? WHERE token = ?", (seconds, token)
            )

    def finish(self, listener: int, remark: str) -> None:
        """Keep that all was handed in (when first it was), with what was remarked."""
        with self._open() as connection:
            connection.execute(
                "UPDATE listener SET remark = ?,"
                " finished = CASE finished WHEN '' THEN ? ELSE finished END WHERE number = ?",
                (remark, _now(), listener),
            )

    def rated(self) -> list[Rated]:
        """Every answer of everybody."""
        query = (
            "SELECT listener, finished != '', scene, system, question, value, page, place,"
            " heard_s, changes, rated FROM rating JOIN version USING (token)"
            " JOIN listener ON listener.number = version.listener"
            " ORDER BY listener, page, place, question"
        )
        with self._open() as connection:
            rows = connection.execute(query).fetchall()
        return [Rated(row[0], bool(row[1]), *row[2:]) for row in rows]

    def listeners(self) -> list[Listener]:
        """Everybody who began."""
        query = "SELECT number, code, finished, remark FROM listener ORDER BY number"
        with self._open() as connection:
            return [Listener(*row) for row in connection.execute(query)]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
