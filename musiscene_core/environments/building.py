"""Making, checking, mending and removing an environment. What was there stays until it works.

Built beside the one in use, a requirement at a time; what is done is noted, so that a try that was
ended, killed even, is gone on with. Then it is checked, put in place and checked again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.environments import pip
from musiscene_core.environments.interpreters import find_interpreter
from musiscene_core.environments.ourselves import own_wheels
from musiscene_core.environments.pip import Source
from musiscene_core.environments.places import (
    STAMP,
    Stamp,
    folder_of,
    interpreter_of,
    stamp_of,
)
from musiscene_core.environments.recipe import Recipe
from musiscene_core.errors import InputError, OutputError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.paths import data_folder
from musiscene_core.progress import Progress, silent

_NOTES = "building.json"
_CHECKS = 2
"""Steps of the progress that making the environment and checking it count for."""


class _Notes(msgspec.Struct, frozen=True, kw_only=True):
    """How far a try is.

    Attributes:
        digest: of its recipe.
        python: the interpreter it was begun with, and its version.
        done: requirements that are installed.
    """

    digest: str
    python: tuple[str, str]
    done: tuple[str, ...] = ()


def build(
    recipe: Recipe,
    *,
    python: Path | None = None,
    source: Source | None = None,
    progress: Progress = silent,
    data: Path | None = None,
) -> Path:
    """Make the environment, or go on with making it; returns its folder.

    Args:
        recipe: what goes into it.
        python: the interpreter to make it from; None finds one.
        source: where packages come from; None means pip's own settings.
        progress: hears of each step; what it raises ends the try, to be gone on with.
        data: MusiScene's data folder.

    Raises:
        InputError: no interpreter, or a package is not there or damaged, or it does not load.
        OutputError: too little room, or the folder cannot be written.
    """
    place = folder_of(recipe.name, data)
    with _alone(place), _with_ours(recipe, source) as source:
        begun = place.with_name(f".{place.name}.new")
        found, version = find_interpreter(recipe, python)
        notes = _begun(begun, recipe, (str(found), version))
        if not notes.done:
            check_room(recipe, place)
        notes = _filled(begun, recipe, notes, source, progress)
        progress("Checking the environment", 1 - 1 / _steps(recipe))
        try:
            _check(begun, recipe, progress)
        except InputError:
            # The next try installs all of it again: which package is at fault nobody can say.
            write_atomically(begun / _NOTES, to_json(msgspec.structs.replace(notes, done=())))
            raise
        stamp = Stamp(
            recipe=recipe.name,
            digest=recipe.digest,
            engines=recipe.engines,
            python=version,
            inside=recipe.inside,
            variant=recipe.variant,
        )
        write_atomically(begun / STAMP, to_json(stamp))
        (begun / _NOTES).unlink()
        _put_in_place(begun, place, recipe, progress)
    progress("Done", 1.0)
    return place


def problems(
    recipe: Recipe, progress: Progress = silent, data: Path | None = None
) -> dict[str, str]:
    """What is wrong with the environment in use, by requirement or module.

    Raises:
        InputError: there is none, or its interpreter does not run.
    """
    place = folder_of(recipe.name, data)
    python = interpreter_of(place)
    if stamp_of(place) is None or python is None:
        raise InputError(
            f"There is no environment {recipe.name!r}.",
            hint=f"Run `musiscene setup {recipe.name}`.",
        )
    stamp = stamp_of(place)
    if stamp is not None and stamp.digest != recipe.digest:
        return {recipe.name: "was made for another version of MusiScene"}
    return _problems(python, recipe, progress)


def repair(
    recipe: Recipe,
    *,
    python: Path | None = None,
    source: Source | None = None,
    progress: Progress = silent,
    data: Path | None = None,
) -> tuple[str, ...]:
    """Install again what is damaged, or make all of it anew; returns what was mended.

    Raises:
        InputError: a package is not there or damaged, or it still does not load.
        OutputError: too little room, or the folder cannot be written.
    """
    place = folder_of(recipe.name, data)
    try:
        damaged = tuple(problems(recipe, progress, data))
    except InputError:
        damaged = (recipe.name,)
    inside = interpreter_of(place)
    if not damaged:
        return ()
    if inside is None or not set(damaged) <= set(recipe.requirements):
        build(recipe, python=python, source=source, progress=progress, data=data)
        return (recipe.name,)
    with _alone(place), _with_ours(recipe, source) as source:
        for number, requirement in enumerate(damaged):
            stage, done = f"Mending {_named(requirement)}", number / len(damaged)
            pip.install(
                *(inside, requirement, source, place),
                partial(progress, stage, done),
            )
        _check(place, recipe, progress)
    return tuple(map(_named, damaged))


def remove(recipe: Recipe, data: Path | None = None) -> bool:
    """Delete the environment and whatever a try left; returns whether there was any.

    Raises:
        OutputError: it cannot be deleted.
    """
    place = folder_of(recipe.name, data)
    folders = [place, *(place.with_name(f".{place.name}.{end}") for end in ("new", "old"))]
    there = [folder for folder in folders if folder.exists()]
    if there:
        with _alone(place):
            for folder in there:
                _delete(folder)
    return bool(there)


def check_room(recipe: Recipe, place: Path) -> int:
    """Bytes that are free where the environment goes, with what a try that ended has taken there.

    Raises:
        OutputError: too few.
    """
    there = next(folder for folder in place.parents if folder.is_dir())
    begun = place.with_name(f".{place.name}.new")
    free = shutil.disk_usage(there).free + space_taken(begun)
    if free < recipe.disk_bytes:
        raise OutputError(
            f"{recipe.name} needs {recipe.disk_bytes / 1e9:.1f} GB, and {there} has"
            f" {free / 1e9:.1f} GB left.",
            hint="Free some space, or put MusiScene's data elsewhere with MUSISCENE_HOME.",
        )
    return free


def _begun(folder: Path, recipe: Recipe, python: tuple[str, str]) -> _Notes:
    """What the last try noted, where it was one for the same; else the folder is cleared."""
    fresh = _Notes(digest=recipe.digest, python=python)
    try:
        notes = read_json(folder / _NOTES, _Notes)
    except (InputError, OSError, ValueError):
        notes = None
    if notes is not None and (notes.digest, notes.python) == (fresh.digest, python):
        return notes
    if folder.exists():
        _delete(folder)
    return fresh


def _filled(
    folder: Path, recipe: Recipe, notes: _Notes, source: Source, progress: Progress
) -> _Notes:
    if not (folder / _NOTES).is_file():
        made = "Making the environment"
        progress(made, 0.0)
        pip.make_venv(Path(notes.python[0]), folder, lambda: progress(made, 0.0))
        write_atomically(folder / _NOTES, to_json(notes))
    python = interpreter_of(folder)
    if python is None:
        raise OutputError(f"{folder} was changed meanwhile.", hint="Run the command again.")
    count = len(recipe.requirements)
    for number, requirement in enumerate(recipe.requirements, start=1):
        if requirement in notes.done:
            continue
        stage = f"Installing {_named(requirement)} ({number} of {count})"
        fraction = number / _steps(recipe)
        progress(stage, fraction)
        pip.install(
            *(python, requirement, source, folder),
            partial(progress, stage, fraction),
        )
        notes = msgspec.structs.replace(notes, done=(*notes.done, requirement))
        write_atomically(folder / _NOTES, to_json(notes))
    return notes


def _put_in_place(begun: Path, place: Path, recipe: Recipe, progress: Progress) -> None:
    old = place.with_name(f".{place.name}.old")
    try:
        if old.exists():
            # Nothing is in use where the last try ended between the two renames below.
            _delete(old) if place.exists() else old.rename(place)
        if place.exists():
            place.rename(old)
        begun.rename(place)
    except OSError as error:
        if old.exists() and not place.exists():
            old.rename(place)
        raise OutputError(
            f"{place} cannot be replaced: {error.strerror}.",
            hint="End the daemon with `musiscene daemon stop`, then run the command again.",
        ) from error
    try:
        _check(place, recipe, progress)
    except InputError:
        _delete(place)
        if old.exists():
            old.rename(place)
        raise
    if old.exists():
        _delete(old)


def _check(folder: Path, recipe: Recipe, progress: Progress) -> None:
    python = interpreter_of(folder)
    found = _problems(python, recipe, progress) if python else {folder.name: "has no interpreter"}
    if found:
        name, problem = next(iter(found.items()))
        raise InputError(
            f"The environment does not work: {_named(name)} {problem}.",
            hint=f"Run `musiscene setup {recipe.name}` again; what was there before is kept.",
        )


def _problems(python: Path, recipe: Recipe, progress: Progress) -> dict[str, str]:
    def alive() -> None:
        progress("Checking the environment", 1 - 1 / _steps(recipe))

    return pip.verify(python, recipe.requirements, recipe.imports, alive)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Only one process changes an environment at a time."""

    def busy(holder: int) -> OutputError:
        return OutputError(
            f"Another process ({holder}) is at work on {place.name!r}.",
            hint="Wait until it has ended.",
        )

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, place.parent) from error
    with InstanceLock(place.with_name(f".{place.name}.lock")).held(place.parent, busy):
        try:
            yield
        except OSError as error:
            raise OutputError.from_os(error, place) from error


@contextmanager
def _with_ours(recipe: Recipe, source: Source | None) -> Iterator[Source]:
    """Where packages come from, those of MusiScene's own among them where they go in."""
    with tempfile.TemporaryDirectory() as folder:
        ours = own_wheels(recipe.requirements, Path(folder))
        source = source or Source()
        yield replace(source, indexes=recipe.indexes, archives=recipe.archives, ours=ours)


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be deleted: {error.strerror}.",
            hint="End the daemon with `musiscene daemon stop`, then run the command again.",
        ) from error


def _named(requirement: str) -> str:
    return requirement.split(";")[0].split("@")[0].strip().replace("==", " ")


def _steps(recipe: Recipe) -> int:
    return len(recipe.requirements) + _CHECKS


def space_taken(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def where(recipe: Recipe) -> Path:
    """Where the environment goes."""
    return folder_of(recipe.name, data_folder())
