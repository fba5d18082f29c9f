"""`musiscene uninstall`: takes away what MusiScene put on the machine, and never a take.

Away go: the service, our scripts in Resolve's menu, the environments it made, caches, logs and the
runtime folder. The data folder's rest stays: takes, models, settings. The program itself is taken
away by what installed it, which this says.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.environments.building import space_taken
from musiscene_core.environments.places import FOLDER, stamp_of
from musiscene_core.errors import CancelledError, OutputError, RequestError
from musiscene_core.paths import cache_folder, data_folder, log_folder, remove_empty, runtime_folder
from musiscene_core.protocol import stop
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.resolve.menu_script import log_path
from musiscene_plugins.resolve.scripts import remove_scripts, scripts_folder, scripts_in
from musiscene_plugins.services import installing

_INSTALLERS = {
    "uv-receipt.toml": "uv tool uninstall musiscene",
    "pipx_metadata.json": "pipx uninstall musiscene",
}
_EMPTY = ("musiscene", FOLDER)
"""Folders of ours that go once nothing is in them, never the data folder with something in it."""
_BROKEN_OFF = (".new", ".old", ".lock")


def run(arguments: argparse.Namespace) -> int:
    """Take it away, after asking; returns the exit code."""
    service = installing.service(sys.platform, os.environ, Path.home())
    menu = scripts_folder(sys.platform, os.environ, Path.home())
    doomed = list(_doomed())
    files = [*([service.path] if service.path.exists() else []), *scripts_in(menu)]
    console = result_console()
    if not arguments.json:
        for path in (*files, *doomed):
            console.print(f"Goes: {path} ({_size(path) / 1e6:.1f} MB)", markup=False)
        console.print(f"Stays: {data_folder()}, with takes, models and settings", markup=False)
    if not arguments.yes:
        if arguments.json or not sys.stdin.isatty():
            raise RequestError(
                "This takes away what MusiScene made besides takes.",
                hint="Where you want that, run it again with --yes.",
            )
        if console.input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CancelledError("Nothing was changed.")
    stop()
    installing.uninstall(service)
    remove_scripts(menu)
    # Looked for anew: the daemon wrote its last words meanwhile.
    gone = [*files, *doomed]
    for path in _doomed():
        _delete(path)
        remove_empty(path.parent, _EMPTY)
    how = how_to_remove()
    if arguments.json:
        told = {"removed": list(map(str, gone)), "kept": str(data_folder()), "next": how}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        console.print(f"Done. The program itself goes with: {how}", markup=False)
    return 0


def how_to_remove() -> str:
    """What takes the program away, by what the installer left beside it."""
    if getattr(sys, "frozen", False):
        return f"deleting the folder {Path(sys.executable).parent}"
    for mark, command in _INSTALLERS.items():
        if Path(sys.prefix, mark).is_file():
            return command
    return f'"{sys.executable}" -m pip uninstall musiscene'


def _doomed() -> Iterator[Path]:
    """What can be made again, and is ours alone."""
    home = os.environ.get("MUSISCENE_HOME")
    for folder in (cache_folder(), log_folder(), runtime_folder()):
        if folder.is_dir():
            yield folder
    if not home and Path(log_path()).parent.is_dir():
        yield Path(log_path()).parent
    environments = data_folder() / FOLDER
    for path in sorted(environments.iterdir()) if environments.is_dir() else ():
        # One that a user made by hand has no stamp, and stays.
        if stamp_of(path) is not None or (path.name[0] == "." and path.suffix in _BROKEN_OFF):
            yield path


def _delete(path: Path) -> None:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(
            f"{path} cannot be deleted: {error.strerror}.",
            hint="Close what uses it, then run the command again.",
        ) from error


def _size(path: Path) -> int:
    return space_taken(path) if path.is_dir() else path.lstat().st_size
