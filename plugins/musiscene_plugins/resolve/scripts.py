"""Our scripts in Resolve's menu (Workspace > Scripts): where they go, and putting them there.

Resolve lists what lies in the folder Utility of its scripts on every page; a user's own folder
needs no administrator. Source: the scripting README that comes with Resolve.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_plugins.resolve.folders import user_folder

SCRIPTS = {"MusiScene.lua": "bridge.lua", "MusiScene score.py": "menu_script.py"}
"""Names in the menu, and the files that they are copies of."""
_OURS = b"MusiScene in"
_HEAD = 200


def scripts_folder(platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """The user's own folder for scripts that are listed on every page.

    Args:
        platform: as sys.platform says it.
        environment: as os.environ.
        home: the user's home folder.
    """
    return user_folder(platform, environment, home) / "Fusion" / "Scripts" / "Utility"


def put_scripts(folder: Path) -> list[Path]:
    """Write our scripts into `folder`, over earlier ones of ours alone; returns where they are.

    Raises:
        OutputError: a file of that name is not ours, or `folder` cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in SCRIPTS:
            path = folder / name
            if path.exists() and _OURS not in path.read_bytes()[:_HEAD]:
                raise OutputError(
                    f"{path} is there and is not ours.", hint="Move it away, then try again."
                )
        for name, source in SCRIPTS.items():
            path = folder / name
            write_atomically(path, (Path(__file__).parent / source).read_bytes())
            written.append(path)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    return written
