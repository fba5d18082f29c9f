"""The `musiscene-panel` command: opens the window, with a film or timeline where one is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QApplication

from musiscene_core import __version__
from musiscene_gui.bridge.daemon import DaemonBridge
from musiscene_gui.listening import Listening
from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.window import MainWindow


class Application:
    """The panel as a running program: its view-models, threads and window. Close it at the end."""

    def __init__(self, **daemon: Any) -> None:
        """Make all of it, without asking anything of the daemon yet.

        Args:
            daemon: options for `musiscene_core.protocol.connect`.
        """
        self.bridge = DaemonBridge(**daemon)
        self.panel = Panel(self.bridge)
        self.bridge.found.connect(self.panel.daemon_found)
        self.bridge.lost.connect(self.panel.daemon_lost)
        self.bridge.jobs_changed.connect(self.panel.jobs_changed)
        self.window = MainWindow()
        self.listening = Listening(self.panel.timeline, self.panel.jobs, self.bridge)
        self.window.fill("takes", self.listening.column)
        self.window.fill("history", self.listening.history_view)

    def start(self) -> None:
        """Show the window and begin to look for the daemon."""
        self.window.resize(1280, 800)
        self.window.show()
        self.bridge.start()
        self.panel.connection.start()
        self.listening.start()

    def close(self) -> None:
        """End the threads. Jobs go on."""
        self.listening.close()
        self.bridge.close()


def prepared_qt(arguments: Sequence[str]) -> QApplication:
    """Qt with our theme."""
    qt = QApplication(list(arguments))
    qt.setApplicationName("musiscene-panel")
    qt.setOrganizationName("musiscene")
    qt.setApplicationVersion(__version__)
    qt.setStyle("Fusion")
    qt.setPalette(theme.palette())
    qt.setStyleSheet(theme.style_sheet())
    return qt


def main(argv: Sequence[str] | None = None) -> int:
    """Run the panel; returns the exit code."""
    parser = argparse.ArgumentParser(prog="musiscene-panel", description=__doc__)
    parser.add_argument("file", metavar="FILE", nargs="?", help="a movie or timeline to open")
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args(argv)
    qt = prepared_qt(sys.argv[:1])
    application = Application()
    application.start()
    try:
        return qt.exec()
    finally:
        application.close()


if __name__ == "__main__":
    sys.exit(main())
