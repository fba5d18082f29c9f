"""What is kept: takes, environments and the log, each looked at without changing anything."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.environments.places import FOLDER, stamp_of
from musiscene_core.environments.recipes import RECIPES, recipe_as
from musiscene_core.library.catalogue import INDEX_NAME
from musiscene_core.library.folders import TAKES, SkippedError, read_take, take_names
from musiscene_core.paths import data_folder, log_folder
from musiscene_core.provenance.ledger import LEDGER_FILE, read_lines
from musiscene_plugins.doctor.finding import Fact, Finding, broken, fine, note

LOG = "musiscened.log"
_LOOKED_S = 3.0
_JOBS = "jobs.sqlite3"
_LOG_BYTES = 256 << 10
_TOLD = 3
_BAD = re.compile(r"^\S+ \S+ (ERROR|CRITICAL) |\"level\": ?\"(error|critical)\"")


def takes() -> Iterator[Finding]:
    """Whether every take that was made can be read."""
    folder = data_folder() / TAKES
    read, wrong, more = 0, 0, False
    until = time.monotonic() + _LOOKED_S
    try:
        jobs = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except FileNotFoundError:
        yield fine("takes", "None have been made yet.", takes=0)
        return
    except OSError as error:
        yield broken(
            *("takes", f"{folder} cannot be read: {error.strerror}."),
            "Mend the folder's rights, or look whether its disk is there.",
        )
        return
    for job in jobs:
        more = time.monotonic() > until
        if more:
            break
        for name in _names(folder / job):
            try:
                read_take(folder, job, name)
                read += 1
            except SkippedError:
                wrong += 1
    text = f"{read} takes in {len(jobs)} folders" + (", and more not looked at" if more else "")
    facts: dict[str, Fact] = {"takes": read, "unreadable": wrong, "folder": str(folder)}
    if wrong:
        yield note(
            *("takes", f"{text}; {wrong} folders beside them cannot be read as takes."),
            "They are left alone; `musiscene takes` lists the others.",
            **facts,
        )
    else:
        yield fine("takes", f"{text}.", **facts)


def _names(folder: Path) -> list[str]:
    try:
        return take_names(folder)
    except OSError:
        return []


def tables() -> Iterator[Finding]:
    """Whether the list of jobs and the index of takes are whole."""
    for topic, name, fix in (
        (
            "list of jobs",
            _JOBS,
            "`musiscene daemon stop`, move it away, and start again: takes stay, what was waiting"
            " does not.",
        ),
        ("index of takes", INDEX_NAME, "Delete it: it is made again from the takes."),
    ):
        path = data_folder() / name
        if not path.exists():
            continue
        try:
            # Without a log beside it nobody writes it, and looking must leave none behind.
            still = "" if path.with_name(f"{name}-wal").exists() else "&immutable=1"
            table = sqlite3.connect(f"{path.as_uri()}?mode=ro{still}", uri=True, timeout=2.0)
            try:
                said = str(table.execute("pragma quick_check(1)").fetchone()[0])
            finally:
                table.close()
        except sqlite3.OperationalError as error:
            yield note(topic, f"It cannot be looked at now: {error}.", "Try again later.")
            continue
        except sqlite3.DatabaseError as error:
            said = str(error)
        if said == "ok":
            yield fine(topic, "It is whole.", bytes=path.stat().st_size)
        else:
            yield broken(topic, f"{path} is damaged: {said}.", fix)


def ledger() -> Iterator[Finding]:
    """Whether the ledger of takes is as it was written, as far as it is read in a few seconds."""
    topic, count, last = "ledger", 0, ""
    until = time.monotonic() + _LOOKED_S
    for line in read_lines(data_folder() / LEDGER_FILE):
        if line.problem:
            yield broken(
                *(topic, f"The ledger of takes was tampered with, or damaged: {line.problem}"),
                "Restore ledger.jsonl from a backup; takes say of themselves how they were made.",
                line=line.number,
            )
            return
        count, last = line.number, line.hash
        if time.monotonic() > until:
            yield fine(
                topic, f"Its first {count} lines hold; `musiscene provenance check` goes on."
            )
            return
    if count:
        yield fine(topic, f"It holds: {count} takes.", lines=count, last=last)


def environments() -> Iterator[Finding]:
    """Whether each environment is of this version."""
    folder = data_folder() / FOLDER
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return
    for name in names:
        if name.startswith("."):
            if name.endswith(".new"):
                what = name.strip(".").removesuffix(".new")
                yield note(
                    *(f"environment {what}", "Making it was broken off."),
                    f"`musiscene setup {what}` goes on; `--remove` takes it away.",
                )
            continue
        stamp = stamp_of(folder / name)
        recipe = recipe_as(stamp) if stamp is not None else None
        if stamp is None or stamp.recipe not in RECIPES:
            continue
        if recipe is None or stamp.digest != recipe.digest:
            yield note(
                *(f"environment {name}", "It was made for another version of MusiScene."),
                f"`musiscene setup {name}` makes it anew; the old one stays until then.",
            )
        else:
            yield fine(f"environment {name}", f"Made with Python {stamp.python}.")


def log() -> Iterator[Finding]:
    """The last errors that the daemon wrote down."""
    lines = log_lines(log_folder() / LOG)
    if lines is None:
        yield fine("log", "The daemon has written none yet.")
        return
    bad = [line for line in lines if _BAD.search(line)]
    if not bad:
        yield fine("log", f"No errors in the last {len(lines)} lines.", lines=len(lines))
        return
    shown = " | ".join(bad[-_TOLD:])
    count = "1 error" if len(bad) == 1 else f"{len(bad)} errors"
    yield note(
        *("log", f"{count} in the last {len(lines)} lines, the latest: {shown}"),
        "Where they are about what you did just now, send a report: `musiscene doctor --bundle`.",
        errors=len(bad),
    )


def log_lines(path: Path) -> list[str] | None:
    """The last lines of a log; None where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    lines = text.splitlines()
    # The first one may have lost its beginning.
    return lines[1:] if size > _LOG_BYTES else lines
