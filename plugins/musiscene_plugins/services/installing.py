"""Putting the daemon's service in place, and taking it away: one file, and a word to the system.

Where the system's manager cannot be told, as over a connection without a session, the file is in
place all the same and works from the next login on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.paths import data_folder, remove_empty
from musiscene_core.protocol.launcher import DAEMON_MODULE, stop
from musiscene_plugins.services import units

_LIMIT_S = 30.0
_OWNER_ONLY = 0o600
_KEPT = ("PATH", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "LANG")
_PREFIX = "MUSISCENE_"
_OF_A_COMMAND = ("MUSISCENE_DAEMON", "MUSISCENE_PROGRESS", "MUSISCENE_IDLE_S")
_TASK = "MusiScene daemon"
_FOLDERS = ("user", "systemd", "LaunchAgents", "service")
"""Made for the service's file where there were none; they go with it."""


@dataclass(frozen=True)
class Service:
    """A service as one system knows it.

    Attributes:
        path: its file.
        content: of that file.
        begin: commands after the file is there, in turn; the last one starts it.
        end: commands before the file is taken away.
        forget: a command after that; empty where none is needed.
        follows_file: whether the system reads the file itself at the next login.
    """

    path: Path
    content: bytes
    begin: tuple[tuple[str, ...], ...]
    end: tuple[tuple[str, ...], ...]
    forget: tuple[str, ...] = ()
    follows_file: bool = True


def daemon_command() -> list[str]:
    """What starts the daemon that this installation has, to stay while idle."""
    program = Path(sys.executable)
    # Windows would show a console for as long as it runs.
    windowless = program.with_name("pythonw.exe")
    chosen = windowless if sys.platform == "win32" and windowless.is_file() else program
    return [str(chosen), "-m", DAEMON_MODULE, "--idle-s", "inf"]


def kept_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of this command that the service must have too."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if (name in _KEPT or name.startswith(_PREFIX)) and name not in _OF_A_COMMAND and value
    }


def service(platform: str, environment: Mapping[str, str], home: Path) -> Service:
    """The service for a system.

    Args:
        platform: as sys.platform says it.
        environment: as os.environ.
        home: the user's home folder.

    Raises:
        RequestError: a variable or path cannot be written down for it.
    """
    command, kept = daemon_command(), kept_environment(environment)
    if platform == "darwin":
        path = home / "Library/LaunchAgents" / f"{units.LABEL}.plist"
        domain = f"gui/{os.getuid()}"
        return Service(
            *(path, units.launchd_plist(command, kept)),
            begin=(("launchctl", "bootstrap", domain, str(path)),),
            end=(("launchctl", "bootout", f"{domain}/{units.LABEL}"),),
        )
    if platform == "win32":
        user = "\\".join(
            filter(None, (environment.get("USERDOMAIN"), environment.get("USERNAME", "")))
        )
        path = data_folder() / "service" / "musiscened.xml"
        return Service(
            *(path, units.windows_task(command, user)),
            begin=(
                ("schtasks", "/Create", "/F", "/TN", _TASK, "/XML", str(path)),
                ("schtasks", "/Run", "/TN", _TASK),
            ),
            end=(
                ("schtasks", "/End", "/TN", _TASK),
                ("schtasks", "/Delete", "/F", "/TN", _TASK),
            ),
            follows_file=False,
        )
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    unit = f"{units.NAME}.service"
    try:
        content = units.systemd_unit(command, kept).encode()
    except ValueError as error:
        raise RequestError(
            f"The service cannot be written: {error}.",
            hint="Look for a line break in PATH or in a variable that begins with MUSISCENE_.",
        ) from error
    return Service(
        *(config / "systemd/user" / unit, content),
        begin=(
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", unit),
            ("systemctl", "--user", "restart", unit),
        ),
        end=(("systemctl", "--user", "disable", "--now", unit),),
        forget=("systemctl", "--user", "daemon-reload"),
    )


def install(made: Service) -> str:
    """Put the service in place and start it; returns what the system's manager refused, or "".

    A daemon that runs already is ended first: what it had accepted goes on in the new one.

    Raises:
        OutputError: its file cannot be written.
        DaemonError: the daemon that runs does not leave.
    """
    write_atomically(made.path, made.content, mode=_OWNER_ONLY)
    *prepare, start = made.begin
    for words in prepare:
        if refused := _told(words):
            return refused
    stop()
    return _told(start)


def uninstall(made: Service) -> bool:
    """End the service and take it away; returns whether it was there.

    Raises:
        OutputError: its file cannot be deleted.
    """
    there = made.path.exists()
    if not there and made.follows_file:
        return False
    told = [_told(words) for words in made.end]
    try:
        made.path.unlink(missing_ok=True)
        remove_empty(made.path.parent, _FOLDERS)
    except OSError as error:
        raise OutputError.from_os(error, made.path) from error
    if made.forget:
        _told(made.forget)
    return there or not all(told)


def _told(words: Sequence[str]) -> str:
    """Tell the system's manager; returns why it refuses, or nothing."""
    with tempfile.TemporaryFile() as said:
        try:
            code = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=_LIMIT_S
            ).returncode
        except OSError as error:
            return f"{words[0]}: {error.strerror}"
        except subprocess.TimeoutExpired:
            return f"{words[0]} has not answered for {_LIMIT_S:g} s"
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if code == 0:
        return ""
    return lines[-1] if lines else f"{words[0]} ended with {code}"
