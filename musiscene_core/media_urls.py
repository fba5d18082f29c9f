"""A media reference's target_url as a path on this machine.

Editors write plain paths, file:// URLs (percent-encoded or not), Windows paths and paths relative
to the timeline. What is not a file (http and the like) has no path.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

_WINDOWS = re.compile(r"^/?[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+:")


def path_of_url(url: str, folder: Path) -> str:
    """The absolute path that `url` means for a timeline whose relative paths start at `folder`.

    Empty where the URL names no file here.
    """
    text = url.strip()
    if not text or "\0" in text:
        return ""
    if text[:5].lower() == "file:":
        text = _path_of_file_url(text)
    elif _SCHEME.match(text) and not _WINDOWS.match(text):
        return ""
    elif "%" in text and not _exists(folder / text):
        decoded = unquote(text)
        text = decoded if _exists(folder / decoded) else text
    if _WINDOWS.match(text):
        return text.lstrip("/")
    if text.startswith("\\\\"):
        return text
    return str(_normal(folder / text.replace("\\", "/") if "/" not in text else folder / text))


def is_relative_url(url: str) -> bool:
    """Whether `url` is a path relative to the timeline's folder."""
    text = url.strip()
    absolute = text.startswith(("/", "\\")) or _WINDOWS.match(text) or _SCHEME.match(text)
    return bool(text) and not absolute


def escapes(url: str) -> bool:
    """Whether a relative `url` climbs out of the folder it is relative to."""
    depth = 0
    for part in PurePosixPath(unquote(url).replace("\\", "/")).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _path_of_file_url(url: str) -> str:
    parts = urlsplit(url)
    # "#" and "?" are ordinary in file names, and some editors leave them bare.
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    path = unquote(parts.path + query + fragment)
    if parts.netloc in ("", "localhost"):
        return path
    if _WINDOWS.match(parts.netloc + path):
        return parts.netloc + path
    return f"//{parts.netloc}{path}"


def _normal(path: Path) -> Path:
    return Path(*(part for part in path.absolute().parts if part != "."))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
