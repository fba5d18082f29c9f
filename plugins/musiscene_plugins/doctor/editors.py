"""DaVinci Resolve: whether it is installed, its menu has our scripts, and which edition answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from musiscene_plugins.doctor.asking import Answer, ask
from musiscene_plugins.doctor.finding import Finding, broken, fine, note
from musiscene_plugins.resolve.connecting import MODULE, script_folders
from musiscene_plugins.resolve.folders import user_folder
from musiscene_plugins.resolve.menu_script import log_path
from musiscene_plugins.resolve.scripts import SCRIPTS, scripts_folder, scripts_in

_PROBE = "musiscene_plugins.doctor.resolve_probe"
_LIMIT_S = 15.0
_LOG_BYTES = 64 << 10


def resolve() -> Iterator[Finding]:
    """What stands between MusiScene and Resolve."""
    places = script_folders(sys.platform, os.environ)
    module = next((folder for folder, _ in places if (folder / f"{MODULE}.py").is_file()), None)
    library = next((path for _, path in places if path.is_file()), None)
    user = user_folder(sys.platform, os.environ, Path.home())
    if module is None and library is None and not user.is_dir():
        yield note(
            "DaVinci Resolve",
            "It is not on this machine; timelines are exchanged with any editor as files.",
        )
        return
    yield _menu()
    if module is None or library is None:
        missing = "scripting module" if module is None else "fusionscript library"
        yield broken(
            *("DaVinci Resolve", f"It is installed, but its {missing} is not where it belongs."),
            "Install Resolve again, or set RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB.",
        )
        return
    yield _reached(scripts=bool(scripts_in(scripts_folder(sys.platform, os.environ, Path.home()))))


def _reached(*, scripts: bool) -> Finding:
    """Which edition answers, and by which way."""
    topic = "DaVinci Resolve"
    directly = ask([sys.executable, "-m", _PROBE, "direct"], _LIMIT_S)
    told = _read(directly)
    if "name" in told:
        return _answers(told, "from outside")
    if directly.code is None or not told:
        return broken(
            topic,
            f"It does not answer: {directly.problem}.",
            "Look whether it shows a dialog, or restart it.",
        )
    if scripts:
        over = _read(ask([sys.executable, "-m", _PROBE, "bridge"], _LIMIT_S))
        if "name" in over:
            return _answers(over, "over the script that runs in it")
    return note(topic, str(told.get("error", "")), str(told.get("hint", "")))


def _answers(told: dict[str, Any], how: str) -> Finding:
    name, version, edition = (str(told.get(key, "")) for key in ("name", "version", "edition"))
    return fine(
        "DaVinci Resolve",
        f"{name} {version} ({edition} edition) answers {how}.",
        version=version,
        edition=edition,
    )


def _menu() -> Finding:
    folder = scripts_folder(sys.platform, os.environ, Path.home())
    found = scripts_in(folder)
    last = _last_failure()
    if len(found) < len(SCRIPTS):
        return note(
            *("Resolve's menu", f"{len(found)} of our {len(SCRIPTS)} scripts are in its menu."),
            "`musiscene setup resolve` puts them there.",
            scripts=len(found),
        )
    if last:
        return note(
            *("Resolve's menu", f"Our scripts are there; the last one to run said: {last}"),
            "Follow what it says.",
            scripts=len(found),
        )
    return fine("Resolve's menu", f"Our scripts are in {folder}.", scripts=len(found))


def _last_failure() -> str:
    """The last line of the menu script's log, where it tells of a failure."""
    try:
        with open(log_path(), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    last = lines[-1].partition(" ")[2] if lines else ""
    return last if "wrong" in last or "not installed" in last else ""


def _read(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.said)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
