"""Reaching a running DaVinci Resolve Studio from outside.

Where Resolve keeps its scripting library differs by platform; RESOLVE_SCRIPT_API and
RESOLVE_SCRIPT_LIB say it where they are set. Source: the scripting README that comes with
Resolve. The only place that imports DaVinciResolveScript.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiscene_core.errors import HostError

MODULE = "DaVinciResolveScript"
_SWITCH_ON = (
    "In Resolve, set Preferences > System > General > External scripting using to Local, "
    "then restart it."
)
_FREE = (
    "The free edition takes no commands from outside: click Workspace > Scripts > MusiScene in "
    "it and use --bridge, or score an exported .otio file."
)


def script_folders(platform: str, environment: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """(folder of the Python module, library) that may be there, the likeliest first.

    Args:
        platform: as sys.platform says it.
        environment: as os.environ.
    """
    if platform == "darwin":
        support = Path("/Library/Application Support/Blackmagic Design/DaVinci Resolve")
        app = Path("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents")
        usual = [(support / "Developer/Scripting", app / "Libraries/Fusion/fusionscript.so")]
    elif platform == "win32":
        data = Path(environment.get("PROGRAMDATA", r"C:\ProgramData"))
        programs = Path(environment.get("PROGRAMFILES", r"C:\Program Files"))
        home = Path("Blackmagic Design") / "DaVinci Resolve"
        usual = [
            (
                data / home / "Support" / "Developer" / "Scripting",
                programs / home / "fusionscript.dll",
            )
        ]
    else:
        homes = [Path("/opt/resolve"), Path("/home/resolve")]
        usual = [(h / "Developer/Scripting", h / "libs/Fusion/fusionscript.so") for h in homes]
    folder = environment.get("RESOLVE_SCRIPT_API")
    library = environment.get("RESOLVE_SCRIPT_LIB")
    if folder or library:
        first = (Path(folder) if folder else usual[0][0], Path(library or usual[0][1]))
        usual = [first, *usual]
    return [(api / "Modules", library) for api, library in usual]


def running_resolve() -> Any:
    """The `resolve` object of the running DaVinci Resolve Studio.

    Raises:
        HostError: not installed, not running, scripting is off, the free edition, or this Python
            cannot load its library.
    """
    module = _script_module()
    try:
        resolve = module.scriptapp("Resolve")
    except Exception as error:
        # A process boundary: native code that raises what it likes.
        raise HostError(f"DaVinci Resolve refuses scripts: {error}.", hint=_SWITCH_ON) from error
    if resolve is None:
        raise HostError(
            "DaVinci Resolve does not answer: it is not running, external scripting is off, or "
            "it is the free edition.",
            hint=f"Start Resolve Studio with your project. {_SWITCH_ON} {_FREE}",
        )
    return resolve


def _script_module() -> Any:
    if MODULE in sys.modules:
        return sys.modules[MODULE]
    present = [
        (folder, library)
        for folder, library in script_folders(sys.platform, os.environ)
        if (folder / f"{MODULE}.py").is_file()
    ]
    if not present:
        raise HostError(
            "DaVinci Resolve's scripting module is not on this machine.",
            hint="Install DaVinci Resolve Studio, or set RESOLVE_SCRIPT_API to its folder "
            "Developer/Scripting.",
        )
    folder, library = present[0]
    if not library.is_file():
        raise HostError(
            f"DaVinci Resolve's library {library} is missing.",
            hint="Reinstall Resolve, or set RESOLVE_SCRIPT_LIB to its fusionscript library.",
        )
    os.environ.setdefault("RESOLVE_SCRIPT_LIB", str(library))
    sys.path.append(str(folder))
    try:
        return importlib.import_module(MODULE)
    except (ImportError, OSError, SyntaxError) as error:
        version = ".".join(str(part) for part in sys.version_info[:2])
        raise HostError(
            f"This Python ({version}, {'64' if sys.maxsize > 2**32 else '32'} bit) cannot load "
            f"DaVinci Resolve's library: {error}.",
            hint="Run MusiScene with a 64-bit Python of another version, such as 3.11.",
        ) from error
    finally:
        sys.path.remove(str(folder))
