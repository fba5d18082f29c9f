"""MusiScene in Resolve's menu (Workspace > Scripts): scores between the In and Out marks.

`musiscene doctor --scripts` puts it there. Whatever happens, it says so in a
window, on the Console, and in a log that `musiscene doctor --resolve` shows. Runs in whatever
Python Resolve found, so it starts with the standard library alone.
"""

import datetime
import os
import sys
import traceback
from typing import Any


def log_path() -> str:
    """Where this script writes what it did."""
    home = os.environ.get("MUSISCENE_HOME")
    folder = (
        os.path.join(home, "log") if home else os.path.join(os.path.expanduser("~"), ".musiscene")
    )
    return os.path.join(folder, "resolve-menu.log")


def log(text: str) -> None:
    """Append a line to the log; a log that cannot be written must not stop the work."""
    try:
        os.makedirs(os.path.dirname(log_path()), exist_ok=True)
        with open(log_path(), "a", encoding="utf-8") as file:
            file.write(f"{datetime.datetime.now().isoformat(timespec='seconds')} {text}\n")
    except OSError:
        pass


def show(text: str, names: dict[str, Any]) -> None:
    """Say `text` in a window where Resolve lets us, and on the Console in any case."""
    sys.stdout.write(f"MusiScene: {text}\n")
    try:
        manager = names["fusion"].UIManager
        dispatcher = names["bmd"].UIDispatcher(manager)
        label = manager.Label({"Text": text, "WordWrap": True})
        button = manager.Button({"ID": "Close", "Text": "Close"})
        window = dispatcher.AddWindow(
            {"ID": "MusiScene", "WindowTitle": "MusiScene", "Geometry": [200, 200, 480, 160]},
            [manager.VGroup([label, button])],
        )
        window.On.Close.Clicked = lambda event: dispatcher.ExitLoop()
        window.On.MusiScene.Close = lambda event: dispatcher.ExitLoop()
        window.Show()
        dispatcher.RunLoop()
        window.Hide()
    except Exception as error:  # The window is Resolve's: without it, the Console has said it.
        log(f"no window: {error!r}")


def run(names: dict[str, Any]) -> str:
    """Score what is marked; returns what to tell the user."""
    log(f"started by Python {sys.version.split()[0]} at {sys.executable}")
    if names.get("resolve") is None:
        return "Start this from DaVinci Resolve: Workspace > Scripts > MusiScene score."
    try:
        from musiscene_plugins.cli.menu import score_open_timeline
    except ImportError as error:
        return (
            f"MusiScene is not installed for the Python that Resolve uses ({sys.executable}): "
            f"{error}. Install it there with: {sys.executable} -m pip install musiscene"
        )
    return score_open_timeline(names["resolve"])


def main(names: dict[str, Any]) -> None:
    """Run, and never end without a word."""
    try:
        text = run(names)
    except Exception as error:  # The outermost boundary: nothing may vanish in Resolve's menu.
        log(traceback.format_exc())
        text = f"Something went wrong: {error}. The log is {log_path()}."
    log(text)
    show(text, names)


if __name__ == "__main__":
    main(globals())
