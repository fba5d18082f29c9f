"""Models: those that were pulled or added, whole or not, and those that lie there by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.errors import InputError
from musiscene_core.models.hashing import problems
from musiscene_core.models.places import hub_cache, models_folder, size_of
from musiscene_core.models.shelf import FileRecord, ShelvedModel, shelf_file, shelved
from musiscene_plugins.doctor.finding import Fact, Finding, broken, fine, note

_GB = 1e9
NAMING = ("MUSISCENE_CAPTIONER", "MUSISCENE_DEMUCS", "MUSISCENE_LLM_FOLDER", "MUSISCENE_MUSICGEN")
"""Variables that name where models lie; what they name is used, whether it is there or not."""
_READ_S = 8.0
"""Spent on reading models, the small ones first; a gigabyte or two a second."""


def models() -> Iterator[Finding]:
    """Every model that is here; held against its hashes as far as time allows, else its sizes."""
    yield from _named()
    try:
        known = shelved()
    except InputError as error:
        yield broken(
            *("models", error.message),
            f"Move {shelf_file()} away; models stay, and `musiscene models add` lists them again.",
        )
        return
    until = time.monotonic() + _READ_S
    for model in sorted(known.values(), key=lambda one: one.bytes):
        yield _model(model, until)
    ours = {Path(model.path) for model in known.values()}
    by_hand = [folder for folder in _folders(models_folder()) if folder not in ours]
    for folder in by_hand:
        size = size_of(folder)
        yield fine(
            f"model {folder.name}",
            f"Put there by hand, {size / _GB:.2f} GB; `musiscene models add` keeps its hashes.",
            bytes=size,
        )
    cached = [folder for folder in _folders(hub_cache()) if folder.name.startswith("models--")]
    if cached:
        yield fine(
            *("hub cache", f"{len(cached)} models are in the cache of Hugging Face's tools."),
            models=len(cached),
        )
    if not known and not by_hand and not cached:
        yield note(
            *("models", "None was pulled: the composer and the small captioner need none."),
            "`musiscene models list` says which there are.",
        )


def _named() -> Iterator[Finding]:
    """What variables name and is not there: nothing stands in for it."""
    for variable in NAMING:
        for named in filter(None, os.environ.get(variable, "").split(os.pathsep)):
            if not Path(named).expanduser().exists():
                yield broken(
                    *(variable, f"It names {named}, where nothing is."),
                    "Put the model there, name where it is, or take the variable away; "
                    "then `musiscene daemon stop`: a daemon keeps what it was started with.",
                )


def _model(model: ShelvedModel, until: float) -> Finding:
    topic, place = f"model {model.name}", Path(model.path)
    facts: dict[str, Fact] = {
        "kind": model.kind,
        "bytes": model.bytes,
        "licence": model.licence,
        "commercial": model.commercial,
        "revision": model.revision,
    }
    facts |= {f"sha256 {file.path}": file.sha256 for file in model.files}
    if not place.exists():
        return broken(
            *(topic, f"It is not at {place} any more."),
            f"Mend it: {model.mending}; `remove` alone takes it off the list.",
            **facts,
        )
    wrong = {file.path: "is gone or changed" for file in model.files if not _as_long(place, file)}
    read = "every byte is as it came"
    if not wrong:
        try:
            wrong = problems(model, _Hurry(until))
        except _OutOfTimeError:
            read = f"as long as when it came; `musiscene models verify {model.name}` reads it all"
    if wrong:
        (first, what), more = next(iter(wrong.items())), len(wrong) - 1
        others = f", and {more} more of {len(model.files)}" if more else ""
        return broken(
            topic, f"{first} {what}{others}.", f"Mend it: {model.mending}.", **facts, read=True
        )
    use = "may be used commercially" if model.commercial else "not for commercial use"
    return fine(
        topic,
        f"{len(model.files)} files, {model.bytes / _GB:.2f} GB, {model.licence or 'no licence'}:"
        f" {use}; {read}.",
        **facts,
        read=read.startswith("every"),
    )


class _OutOfTimeError(Exception):
    pass


class _Hurry:
    """Progress of hashing, given up when time is up: the doctor shall not read 100 GB."""

    def __init__(self, until: float) -> None:
        self._until = until

    def __call__(self, stage: str, fraction: float) -> None:
        if time.monotonic() > self._until:
            raise _OutOfTimeError


def _as_long(place: Path, file: FileRecord) -> bool:
    path = place if place.is_file() else place / file.path
    try:
        return path.stat().st_size == file.bytes
    except OSError:
        return False


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir() and path.name[0] != ".")
    except OSError:
        return []
