"""`musiscene takes`: list, search, mark and delete takes; reading needs no daemon."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from rich.table import Table

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.critic import CRITIQUE_FILE, Critique, read_critique
from musiscene_core.errors import InputError, RequestError
from musiscene_core.library import MAX_PAGE, Catalogue, TakePage, TakeQuery, TakeRecord
from musiscene_core.paths import data_folder
from musiscene_core.protocol import connect
from musiscene_core.request import SIGNALS
from musiscene_plugins.cli.terminal import result_console, shown_progress

_UNIT_S = {"h": 3_600, "d": 86_400, "w": 604_800}
_SHOWN_ID = 8
_ONE_TAKE = ("show", "favourite", "unfavourite", "delete")


def run(arguments: argparse.Namespace) -> int:
    """Do what the first word asks, else search for all of them; returns the exit code."""
    action, *rest = arguments.words or ["list"]
    catalogue = Catalogue(data_folder())
    if action in _ONE_TAKE and len(rest) != 1:
        raise RequestError("Which take?", hint=f"`musiscene takes {action} ID`.")
    if action == "show":
        _show_critique(catalogue.get(rest[0]), arguments)
    elif action == "judge":
        _judge([catalogue.get(one) for one in rest], arguments)
    elif action == "favourite" or action == "unfavourite":
        _show_one(catalogue.set_favourite(rest[0], action == "favourite"), arguments)
    elif action == "label":
        if not rest:
            raise RequestError("Which take?", hint="`musiscene takes label ID WORDS`.")
        _show_one(catalogue.set_label(rest[0], " ".join(rest[1:])), arguments)
    elif action == "delete":
        # Asked here too, so that a mistyped ID starts no daemon.
        take = catalogue.get(rest[0])
        with connect() as client:
            freed = client.delete_take(take.id, even_favourite=arguments.even_favourite)
        _say_deleted(1, freed, arguments)
    elif action == "purge":
        if rest:
            raise RequestError("`takes purge` takes no words: it deletes all but favourites.")
        _purge(catalogue, arguments)
    else:
        words = rest if action == "list" else arguments.words
        page = catalogue.find(_query(" ".join(words), arguments))
        _show(page, arguments)
    return 0


def _judge(takes: Sequence[TakeRecord], arguments: argparse.Namespace) -> None:
    """Rank takes of one scene, and keep what is said beside each as if it had been at once."""
    if len(takes) < 2:
        raise RequestError(
            "One take has none to be better than.", hint="`musiscene takes judge ID ID [ID ...]`."
        )
    folders = [Path(take.folder) for take in takes]
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        judged = client.critique(folders, arguments.critic or SIGNALS, show, on_eta=show.eta)
    for folder, critique in zip(folders, judged, strict=True):
        write_atomically(folder / CRITIQUE_FILE, to_json(critique))
    for _, take in sorted(zip(judged, takes, strict=True), key=lambda pair: pair[0].rank):
        _show_critique(take, arguments)


def _query(words: str, arguments: argparse.Namespace) -> TakeQuery:
    return TakeQuery(
        words=words,
        cue=arguments.cue,
        engine=arguments.engine,
        since=_moment(arguments.since) if arguments.since else None,
        favourite=arguments.favourite,
        limit=arguments.limit,
    )


def _moment(text: str) -> float:
    """Unix time of a date, or of a span such as 3d before now."""
    span = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if span:
        return time.time() - int(span[1]) * _UNIT_S[span[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"{text!r} is not a date.", hint="Write 2026-11-30, or 3d for the last three days."
        ) from None


def _purge(catalogue: Catalogue, arguments: argparse.Namespace) -> None:
    page = catalogue.find(TakeQuery(limit=1))
    kept = catalogue.find(TakeQuery(limit=MAX_PAGE, favourite=True)).total
    if not arguments.yes:
        raise RequestError(
            f"This deletes {page.total - kept} takes and keeps {kept} favourites.",
            hint="Repeat it with --yes to do so.",
        )
    with connect() as client:
        takes, freed = client.purge_takes()
    _say_deleted(takes, freed, arguments)


def _show(page: TakePage, arguments: argparse.Namespace) -> None:
    if arguments.json:
        for take in page.takes:
            _print_json(take)
        return
    console = result_console()
    if not page.takes:
        console.print("No takes.")
        return
    judged = [_critique(take) for take in page.takes]
    # Most takes are made alone, and a terminal has little room.
    critic = ("Critic",) if any(judged) else ()
    headings = ("", "Take", "Cue", "Name", "Engine", "Key", *critic, "Made")
    table = Table(*headings, box=None, pad_edge=False)
    for take, one in zip(page.takes, judged, strict=True):
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(take.created))
        name = take.label or f"{take.name}, seed {take.seed}"
        place = f"{one.rank} of {one.among}" if one is not None else ""
        table.add_row(
            *("★" if take.favourite else "", take.id[:_SHOWN_ID], take.cue, name),
            *(take.engine, take.key, *((place,) if critic else ()), made),
        )
    console.print(table, markup=False)
    shown = f"{len(page.takes)} of " if len(page.takes) < page.total else ""
    console.print(f"{shown}{page.total} takes; the library holds {_size(page.total_bytes)}.")


def _show_one(take: TakeRecord, arguments: argparse.Namespace) -> None:
    if arguments.json:
        _print_json(take)
    else:
        star = "★ " if take.favourite else ""
        result_console().print(
            f"{star}{take.id[:_SHOWN_ID]} {take.cue}: {take.label or take.name}", markup=False
        )


def _show_critique(take: TakeRecord, arguments: argparse.Namespace) -> None:
    """One take, and what the critic said of it."""
    _show_one(take, arguments)
    if arguments.json:
        return
    console, judged = result_console(), _critique(take)
    console.print(f"  {take.folder}", markup=False)
    if judged is None:
        console.print("  No critic judged it: it was made alone, or without one.", markup=False)
        return
    place = f"{judged.rank} of {judged.among} ({judged.score:.2f})"
    console.print(f"  Critic: {place}. {judged.reason}", markup=False)
    for one in judged.criteria:
        console.print(f"    {one.name} {one.score:.2f}: {one.says}", markup=False)
    by = "Judged by what was measured." if judged.listener == SIGNALS else judged.listener
    console.print(f"    {by}", markup=False)
    for said in (*judged.heard, judged.note):
        if said:
            console.print(f"    {said}", markup=False, style="dim")


def _critique(take: TakeRecord) -> Critique | None:
    """What the critic wrote beside the take; a damaged file counts as none."""
    try:
        return read_critique(Path(take.folder))
    except InputError:
        return None


def _say_deleted(takes: int, freed: int, arguments: argparse.Namespace) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps({"deleted": takes, "bytes": freed}) + "\n")
    else:
        result_console().print(f"{takes} takes deleted, {_size(freed)} set free.")


def _print_json(take: TakeRecord) -> None:
    critique = msgspec.to_builtins(_critique(take))
    sys.stdout.write(json.dumps(msgspec.to_builtins(take) | {"critique": critique}) + "\n")


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
