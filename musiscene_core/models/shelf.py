"""The models on this machine that we know of: pulled or added, with the hash of each file.

<data folder>/models/models.json     the list; hashes as of when a model came
<data folder>/models/<name>/         a pulled model; added ones lie where they always lay
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.models.places import models_folder
from musiscene_core.models.registry import ModelKind

log = logging.getLogger(__name__)

_FILE = "models.json"
_LOCK = ".models.lock"
_WAIT_S = 10.0


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a model.

    Attributes:
        path: relative to the model's folder, with slashes.
        bytes: its length.
        sha256: of its content when it came.
    """

    path: str
    bytes: int
    sha256: str


class ShelvedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is here.

    Attributes:
        name: what users call it.
        kind: what it is for.
        path: absolute: its folder, or the one file that it is.
        origin: "pulled": downloaded by us, and ours to delete; "added": the user's own.
        licence: SPDX name, or the model's own; empty where unknown.
        commercial: whether that licence lets music made with it be sold.
        files: what it consists of.
        repo: where it was pulled from; empty for one that was added.
        revision: the commit there.
        since: Unix time at which it came.
    """

    name: str
    kind: ModelKind
    path: str
    origin: Literal["pulled", "added"]
    licence: str
    commercial: bool
    files: tuple[FileRecord, ...]
    repo: str = ""
    revision: str = ""
    since: float = 0.0

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def mending(self) -> str:
        """What brings damaged files back."""
        if self.origin == "pulled":
            return (
                f"`musiscene models remove {self.name}`, then `musiscene models pull {self.name}`"
            )
        return f"get the files again, then `musiscene models add {self.path}`"


class _Shelf(msgspec.Struct, frozen=True, kw_only=True):
    models: tuple[ShelvedModel, ...] = ()
    schema_version: int = 1


def shelf_file() -> Path:
    """Where the list is kept; it changes whenever a model comes or goes."""
    return models_folder() / _FILE


def signature() -> tuple[int, ...]:
    """Changes when models come or go, also those that a user puts among them by hand."""
    seen: list[int] = []
    for path in (models_folder(), shelf_file()):
        try:
            found = path.stat()
        except OSError:
            continue
        seen += (found.st_ino, found.st_mtime_ns)
    return tuple(seen)


def shelved() -> dict[str, ShelvedModel]:
    """All that are here, by name.

    Raises:
        InputError: the list is damaged.
    """
    path = shelf_file()
    if not path.exists():
        return {}
    return {model.name: model for model in read_json(path, _Shelf).models}


def folders(*kinds: ModelKind) -> dict[str, Path]:
    """Where models of these kinds lie, by name; for those who look for weights.

    A damaged list is as good as none here: what lies in the usual folders is found all the same.
    """
    try:
        known = shelved()
    except InputError as error:
        log.warning("the list of models cannot be read: %s", error)
        return {}
    return {name: Path(one.path) for name, one in known.items() if one.kind in kinds}


def lying_at(path: Path) -> ShelvedModel | None:
    """What is known of the model at `path`; None where nothing is."""
    wanted = path.expanduser().absolute().resolve()
    here = folders_by_name().values()
    return next((one for one in here if Path(one.path).resolve() == wanted), None)


def folders_by_name() -> dict[str, ShelvedModel]:
    """As `shelved`, by the names of their folders, as briefs tell of them; none if damaged."""
    try:
        return {Path(one.path).name: one for one in shelved().values()}
    except InputError as error:
        log.warning("the list of models cannot be read: %s", error)
        return {}


def get(name: str) -> ShelvedModel:
    """The model called `name`.

    Raises:
        RequestError: it is not here.
        InputError: the list is damaged.
    """
    known = shelved()
    if name not in known:
        raise RequestError(
            f"No model called {name[:80]!r} was pulled or added.",
            hint=f"Those here: {', '.join(known) or 'none'}.",
        )
    return known[name]


def put(model: ShelvedModel) -> None:
    """Take `model` onto the list, in place of one of its name.

    Raises:
        InputError: the list is damaged.
        OutputError: it cannot be written.
    """
    _change(lambda known: known | {model.name: model})


def drop(name: str) -> None:
    """Take a model off the list.

    Raises:
        InputError: the list is damaged.
        OutputError: it cannot be written.
    """
    _change(lambda known: {key: one for key, one in known.items() if key != name})


def _change(
    change: Callable[[dict[str, ShelvedModel]], dict[str, ShelvedModel]],
) -> None:
    with locked(_LOCK, _WAIT_S):
        models = change(shelved())
        write_atomically(shelf_file(), to_json(_Shelf(models=tuple(models.values()))))


@contextmanager
def locked(name: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock among the models: one command at a time.

    Raises:
        RequestError: another holds it.
        OutputError: the folder cannot be written.
    """
    # Here and not above: the protocol's package looks models up, so that neither could be first.
    from musiscene_core.instance_lock import InstanceLock

    path = models_folder() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    with InstanceLock(path).held(path, _at_work, wait_s):
        yield


def _at_work(_: int) -> RequestError:
    return RequestError(
        "Another `musiscene models` is at work on this.", hint="Wait until it has ended."
    )
