"""Where Resolve keeps what is a user's own, on each system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def user_folder(platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """The user's own folder of Resolve, with its `Fusion` in it; it may not be there.

    Args:
        platform: as sys.platform says it.
        environment: as os.environ.
        home: the user's home folder.
    """
    if platform == "darwin":
        return home / "Library/Application Support/Blackmagic Design/DaVinci Resolve"
    if platform == "win32":
        roaming = Path(environment.get("APPDATA", str(home / "AppData" / "Roaming")))
        return roaming / "Blackmagic Design" / "DaVinci Resolve" / "Support"
    return home / ".local/share/DaVinciResolve"
