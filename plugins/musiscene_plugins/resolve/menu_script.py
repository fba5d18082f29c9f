"""MusiScene in Resolve's menu (Workspace > Scripts): scores between the In and Out marks.

`musiscene setup resolve` puts it there, and writes into it where the panel is: what it falls back
on where Resolve's Python has no MusiScene. Whatever happens, it says so in a
window, on the Console, and in a log that `musiscene doctor --resolve` shows. Runs in whatever
Python Resolve found, so it starts with the standard library alone.
"""

import datetime
import os
import subprocess
import sys
import threading
import traceback
from typing import Any

PANEL: list[str] = []
"""What opens the panel; written in when the script is put into the menu."""
STUDIO = "Studio"


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
        if opened := open_panel(names["resolve"]):
            return opened
        return (
            f"MusiScene is not installed for the Python that Resolve uses ({sys.executable}): "
            f"{error}. Install it there with: {sys.executable} -m pip install musiscene"
        )
    return score_open_timeline(names["resolve"])


def open_panel(resolve: Any) -> str:
    """Open the panel on this timeline; returns what to tell, or nothing where it cannot be.

    The free edition lets no program in, so that it has no use of a panel of another Python.
    """
    if not PANEL or STUDIO not in str(resolve.GetProductName()):
        return ""
    # Resolve sets these for its own Python; the panel's would take its library for its own.
    hidden = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    try:
        panel = subprocess.Popen(
            [*PANEL, "--resolve"], env=kept, start_new_session=os.name == "posix"
        )
    except OSError as error:
        log(f"no panel: {error!r}")
        return ""
    # Resolve outlives it: without this it would stay as a zombie.
    threading.Thread(target=panel.wait, daemon=True).start()
    return "The MusiScene panel opens with this timeline."


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
