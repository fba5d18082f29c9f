"""Pulling, adding and removing models: whole or not at all, and never a user's own file touched."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.licences import allows_commercial_use
from musiscene_core.models import hub, shelf
from musiscene_core.models.detecting import detect
from musiscene_core.models.hashing import records
from musiscene_core.models.places import models_folder, title
from musiscene_core.models.registry import RegisteredModel, registry
from musiscene_core.models.shelf import FileRecord, ShelvedModel
from musiscene_core.progress import Progress

log = logging.getLogger(__name__)

_PARTIAL = ".pulling"
_SPARE_BYTES = 1 << 30


def parts_of(model: RegisteredModel) -> tuple[RegisteredModel, ...]:
    """What has to be pulled for `model`: what it needs, then itself where it is on the hub."""
    needed = tuple(registry()[name] for name in model.needs)
    return (*needed, model) if model.repo else needed


def missing_parts(model: RegisteredModel) -> tuple[RegisteredModel, ...]:
    """Those of `parts_of` that are not here.

    Raises:
        InputError: the list of models is damaged.
    """
    here = shelf.shelved()
    return tuple(
        part
        for part in parts_of(model)
        if part.name not in here or not Path(here[part.name].path).exists()
    )


def pull(model: RegisteredModel, remote: hub.Remote, progress: Progress) -> ShelvedModel:
    """Download `model` to its folder; goes on where an earlier try ended.

    Args:
        model: which.
        remote: what `hub.look` said of it.
        progress: hears of it.

    Raises:
        RequestError: something else lies in its place, or another command pulls it.
        InputError: the hub is out of reach or refuses.
        ModelError: what arrived is damaged.
        OutputError: no space or no permission.
    """
    target = models_folder() / model.folder
    partial = models_folder() / _PARTIAL / model.folder
    with shelf.locked(f".{model.folder}.lock"):
        if target.exists():
            raise RequestError(
                f"{target} is there already, and was not pulled.",
                hint=f"`musiscene models add {target}` keeps track of it; or move it away.",
            )
        _check_room(remote, partial)
        files = hub.download(model, remote, partial, progress)
        made = _kept(model, partial, target, files, remote)
    progress("Done", 1.0)
    return made


def keep_made(model: RegisteredModel, partial: Path, progress: Progress) -> ShelvedModel:
    """Put what was made in `partial` from pulled parts into its place, as if it were pulled.

    Raises:
        RequestError: something else lies in its place.
        ModelError: it cannot be read.
        OutputError: no permission.
    """
    target = models_folder() / model.folder
    files = records(
        partial, sorted(path for path in partial.rglob("*") if path.is_file()), progress
    )
    if target.exists():
        raise RequestError(f"{target} is there already.", hint="Move it away, then run this again.")
    return _kept(model, partial, target, files)


def _kept(
    model: RegisteredModel,
    partial: Path,
    target: Path,
    files: tuple[FileRecord, ...],
    remote: hub.Remote | None = None,
) -> ShelvedModel:
    """`model` on the list and in its place.

    On the list first: what lies in its place is then never taken for what a user put there, and
    what ends in between is on the list as missing, so that the next pull goes on.
    """
    said = remote.licence if remote is not None else ""
    stricter = bool(said) and model.commercial and not allows_commercial_use(said)
    made = ShelvedModel(
        name=model.name,
        kind=model.kind,
        path=str(target),
        origin="pulled",
        licence=f"{model.licence}; its card names {said}" if stricter else model.licence,
        commercial=model.commercial and not stricter,
        files=files,
        repo=remote.repo if remote is not None else "",
        revision=remote.revision if remote is not None else "",
        since=time.time(),
    )
    shelf.put(made)
    try:
        _publish(partial, target)
    except BaseException:
        shelf.drop(made.name)
        raise
    return made


def making_folder(model: RegisteredModel) -> Path:
    """Where a model that is made of others is made, before it goes to its place."""
    return models_folder() / _PARTIAL / f"{model.folder}.made"


def add(
    path: Path,
    progress: Progress,
    *,
    licence: str | None = None,
    commercial: bool | None = None,
    asked: Callable[[], str] = lambda: "",
) -> ShelvedModel:
    """Take a model that lies on this machine onto the list, with the hash of every file.

    Args:
        path: its folder or file; it stays where it is.
        progress: hears of the hashing.
        licence: of its weights; None takes that of the registered model of its name, else what
            `asked` says.
        commercial: whether it allows commercial use; None goes by the licence's name.
        asked: gives the licence, where nobody knows it.

    Raises:
        ModelError: no model that MusiScene uses, or unreadable.
        RequestError: another model has its name.
        OutputError: the list cannot be written.
    """
    # Not resolved: in the hub's cache what a link is called is all that tells.
    where = Path(os.path.abspath(path.expanduser()))
    name = title(where) if where.is_dir() else where.stem
    if not name.isprintable():
        raise RequestError(
            "A model's name holds what cannot be printed.", hint=f"Rename {str(where)!r} first."
        )
    found = detect(where, name)
    known = shelf.shelved().get(name)
    if known is not None and Path(known.path) != where:
        raise RequestError(
            f"A model called {name!r} is here already, at {known.path}.",
            hint=f"Rename {where}, or `musiscene models remove {name}` first.",
        )
    if known is not None and known.origin == "pulled":
        raise RequestError(f"{name} was pulled, and is on the list.")
    named = licence
    if named is None:
        named = found.like.licence if found.like is not None else asked()
    if commercial is None:
        same = found.like is not None and named == found.like.licence
        allowed = found.like.commercial if same and found.like else allows_commercial_use(named)
    else:
        allowed = commercial
    model = ShelvedModel(
        name=name,
        kind=found.kind,
        path=str(where),
        origin="added",
        licence=named.strip(),
        commercial=allowed,
        files=records(where.parent if where.is_file() else where, found.files, progress),
        since=time.time(),
    )
    shelf.put(model)
    return model


def remove(name: str) -> ShelvedModel:
    """Forget a model; delete it only where we downloaded it, and only what we downloaded.

    Raises:
        RequestError: it is not here.
        OutputError: a file cannot be deleted.
    """
    model = shelf.get(name)
    shelf.drop(name)
    if model.origin == "pulled":
        folder = Path(model.path)
        inside = models_folder().resolve()
        if not folder.resolve().is_relative_to(inside) or folder.resolve() == inside:
            raise InputError(
                f"{folder} does not lie among the models, so nothing was deleted.",
                hint="Delete it by hand if it is wanted no more.",
            )
        _delete(folder, model)
    return model


def forget_partial(model: RegisteredModel) -> bool:
    """Delete what an unfinished pull left; returns whether there was anything.

    Raises:
        OutputError: it cannot be deleted.
    """
    partial = models_folder() / _PARTIAL / model.folder
    if not partial.exists():
        return False
    try:
        shutil.rmtree(partial)
    except OSError as error:
        raise OutputError.from_os(error, partial) from error
    return True


def _delete(folder: Path, model: ShelvedModel) -> None:
    """Delete what came with the model; what somebody put beside it stays, and its folder then."""
    try:
        for file in model.files:
            (folder / file.path).unlink(missing_ok=True)
        inner = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
        for place in (*inner, folder):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error


def _check_room(remote: hub.Remote, partial: Path) -> None:
    try:
        partial.mkdir(parents=True, exist_ok=True)
        here = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        free = shutil.disk_usage(partial).free
    except OSError as error:
        raise OutputError.from_os(error, partial) from error
    needed = remote.bytes - here
    if needed > 0 and free < needed + _SPARE_BYTES:
        raise OutputError(
            f"The disk has {free / 1e9:.2f} GB free; {needed / 1e9:.2f} GB are to come, and "
            f"{_SPARE_BYTES / 1e9:.0f} GB shall stay free.",
            hint="Free some space, or put MusiScene's data elsewhere with MUSISCENE_HOME.",
        )


def _publish(partial: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(partial, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
