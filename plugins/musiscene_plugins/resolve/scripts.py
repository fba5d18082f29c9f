"""Our scripts in Resolve's menu (Workspace > Scripts): where they go, and putting them there.

Resolve lists what lies in the folder Utility of its scripts on every page; a user's own folder
needs no administrator. Source: the scripting README that comes with Resolve.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.paths import remove_empty
from musiscene_plugins.resolve.folders import user_folder

SCRIPTS = {"MusiScene.lua": "bridge.lua", "MusiScene score.py": "menu_script.py"}
"""Names in the menu, and the files that they are copies of."""
_FOLDERS = ("Utility", "Scripts", "Fusion", "DaVinciResolve")
"""Made for our scripts where Resolve had not made them; they go with the last one."""
_OURS = b"MusiScene in"
_HEAD = 200
_PANEL = "PANEL: list[str] = "
_NO_PANEL = f"{_PANEL}[]\n"


def scripts_folder(platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """The user's own folder for scripts that are listed on every page.

    Args:
        platform: as sys.platform says it.
        environment: as os.environ.
        home: the user's home folder.
    """
    return user_folder(platform, environment, home) / "Fusion" / "Scripts" / "Utility"


def put_scripts(folder: Path, panel: Sequence[str] = ()) -> list[Path]:
    """Write our scripts into `folder`, over earlier ones of ours alone; returns where they are.

    Args:
        folder: as `scripts_folder` says, or another that Resolve looks through.
        panel: what opens the panel, for where Resolve's own Python has no MusiScene.

    Raises:
        OutputError: a file of that name is not ours, or `folder` cannot be written.
    """
    paths = [folder / name for name in SCRIPTS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.exists() and not _is_ours(path):
                raise OutputError(
                    f"{path} is there and is not ours.", hint="Move it away, then try again."
                )
        for path, source in zip(paths, SCRIPTS.values(), strict=True):
            text = (Path(__file__).parent / source).read_text(encoding="utf-8")
            written = text.replace(_NO_PANEL, f"{_PANEL}{json.dumps(list(panel))}\n", 1)
            write_atomically(path, written.encode())
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    return paths


def scripts_in(folder: Path) -> list[Path]:
    """Those of our scripts that are in `folder`; others' of the same name are not ours."""
    return [path for path in _named(folder) if _is_ours(path)]


def remove_scripts(folder: Path) -> list[Path]:
    """Take our scripts out of `folder`, and nobody else's; returns those that were there.

    Raises:
        OutputError: one cannot be deleted.
    """
    found = scripts_in(folder)
    try:
        for path in found:
            path.unlink()
        if found:
            remove_empty(folder, _FOLDERS)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    return found


def _named(folder: Path) -> Iterator[Path]:
    for name in SCRIPTS:
        if (folder / name).is_file():
            yield folder / name


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _OURS in file.read(_HEAD)
    except OSError:
        return False
