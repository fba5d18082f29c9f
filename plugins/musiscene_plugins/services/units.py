"""What tells the system to keep the daemon running: the text of a unit, a property list, a task.

Values to text; knows nothing of where it goes. A service stays while idle, so that the first
request finds its models in memory. Sources: systemd.service(5), launchd.plist(5), the Task
Scheduler schema 1.2.
"""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from musiscene_core.protocol.launcher import ALREADY_RUNNING

NAME = "musiscened"
LABEL = "org.musiscene.daemon"
_ABOUT = "MusiScene: spots and scores film scenes in the background"
_TASKS = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_PAUSE_S = 5
_LEAVE_S = 15


def systemd_unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """A unit for `systemctl --user`.

    Args:
        command: what starts the daemon.
        environment: variables that it must have.
    """
    variables = "".join(
        f"Environment={_quoted(f'{name}={value}', command=False)}\n"
        for name, value in environment.items()
    )
    return (
        f"[Unit]\nDescription={_ABOUT}\n\n"
        f"[Service]\nType=exec\nExecStart={' '.join(map(_quoted, command))}\n{variables}"
        # One that runs already, started by a client, is as good.
        f"SuccessExitStatus={ALREADY_RUNNING}\n"
        f"Restart=on-failure\nRestartSec={_PAUSE_S}\nTimeoutStopSec={_LEAVE_S}\n"
        "UMask=0077\nNoNewPrivileges=yes\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def launchd_plist(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """A property list for ~/Library/LaunchAgents."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": dict(environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False, "Crashed": True},
            "ThrottleInterval": _PAUSE_S,
            "ExitTimeOut": _LEAVE_S,
            "ProcessType": "Adaptive",
            "Umask": 0o077,
        }
    )


def windows_task(command: Sequence[str], user: str) -> bytes:
    """A task for `schtasks /Create /XML`, in UTF-16 as it wants.

    A task has no environment of its own: the daemon has the user's.

    Args:
        command: what starts the daemon.
        user: whose session it belongs to, with its domain.
    """
    ElementTree.register_namespace("", _TASKS)
    task = _element(None, "Task", version="1.2")
    about = _element(task, "RegistrationInfo")
    _element(about, "Description", _ABOUT)
    trigger = _element(_element(task, "Triggers"), "LogonTrigger")
    _element(trigger, "Enabled", "true")
    _element(trigger, "UserId", user)
    who = _element(_element(task, "Principals"), "Principal", id="Author")
    _element(who, "UserId", user)
    _element(who, "LogonType", "InteractiveToken")
    _element(who, "RunLevel", "LeastPrivilege")
    settings = _element(task, "Settings")
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
    ):
        _element(settings, name, value)
    again = _element(settings, "RestartOnFailure")
    _element(again, "Interval", "PT1M")
    _element(again, "Count", "3")
    # No limit; the usual one ends a task after three days.
    _element(settings, "ExecutionTimeLimit", "PT0S")
    action = _element(_element(task, "Actions", Context="Author"), "Exec")
    program, *arguments = command
    _element(action, "Command", program)
    _element(action, "Arguments", " ".join(map(_windows_quoted, arguments)))
    return bytes(ElementTree.tostring(task, encoding="utf-16", xml_declaration=True))


def _quoted(word: str, *, command: bool = True) -> str:
    """One word as systemd reads it: no specifier, no variable, no escape of it is its own.

    Raises:
        ValueError: it has a line break or another control character.
    """
    if any(ord(letter) < 32 for letter in word):
        raise ValueError("a control character cannot stand in a unit")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if command else escaped}"'


def _windows_quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _element(
    parent: ElementTree.Element | None, name: str, text: str = "", **attributes: str
) -> ElementTree.Element:
    tag = f"{{{_TASKS}}}{name}"
    made = (
        ElementTree.Element(tag, attributes)
        if parent is None
        else ElementTree.SubElement(parent, tag, attributes)
    )
    if text:
        made.text = text
    return made
