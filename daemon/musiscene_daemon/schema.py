"""The job table's columns and indexes, and how an older table becomes a newer one."""

from __future__ import annotations

import sqlite3

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
_LOOKED_UP = """
alter table job add column ended integer not null default 0;
create index job_by_end on job(ended, number);
create index job_by_engine on job(engine, begun);
create index job_by_digest on job(digest) where state = 'done';
"""
_SCHEMAS = (_FIRST_SCHEMA, _TURNS_AND_TIMES, _LOOKED_UP)
"""What to run, one after the other, from a table's version on."""


def bring_up_to_date(table: sqlite3.Connection) -> None:
    """Make the tables where they are not there, or as this version has them.

    Raises:
        sqlite3.Error: a later version wrote them, or they are none of ours.
    """
    version = table.execute("pragma user_version").fetchone()[0]
    if not 0 <= version <= len(_SCHEMAS):
        raise sqlite3.DatabaseError(f"written by another version ({version})")
    for number, schema in enumerate(_SCHEMAS[version:], start=version + 1):
        table.executescript(f"begin;{schema}pragma user_version = {number};commit;")
