"""Application: the panel as a running program: view-models, threads and window put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog

from musiscene_core import __version__
from musiscene_gui.bridge.commands import Commands
from musiscene_gui.bridge.daemon import DaemonBridge
from musiscene_gui.bridge.desk import Desk
from musiscene_gui.bridge.host_process import COMMAND, HostProcess
from musiscene_gui.bridge.thumbnails import Thumbnails
from musiscene_gui.listening import Listening
from musiscene_gui.viewmodels.heard import HeardModel
from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.viewmodels.placing import EditorPlacer
from musiscene_gui.viewmodels.setup import SetupModel
from musiscene_gui.viewmodels.take_files import TakeFiles
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.header import Header
from musiscene_gui.widgets.language import use_language
from musiscene_gui.widgets.notices import Notices
from musiscene_gui.widgets.scene_column import SceneColumn
from musiscene_gui.widgets.settings_dialog import SettingsDialog
from musiscene_gui.widgets.setup_page import SetupDialog, SetupPage
from musiscene_gui.widgets.store import KeptSettings
from musiscene_gui.widgets.strip import StripPanel
from musiscene_gui.widgets.window import MainWindow


class Application(QObject):
    """Everything. Close it at the end.

    Attributes:
        panel: the view-models.
        window: the window, its parts in header, notices, strip, scene and listening.
    """

    def __init__(
        self,
        *,
        host_command: Sequence[str] = COMMAND,
        silent: bool = False,
        language: str = "",
        **daemon: Any,
    ) -> None:
        """Make all of it, without asking anything of the daemon yet.

        Args:
            host_command: starts an editor host.
            silent: never use a loudspeaker.
            language: in place of the user's setting.
            daemon: options for `musiscene_core.protocol.connect`.
        """
        super().__init__()
        self.bridge = DaemonBridge(**daemon)
        self.host = HostProcess(host_command)
        self.editor_desk: Desk[HostProcess] = Desk(
            "editor", lambda: self.host, lambda host: host.stop()
        )
        self.thumbnails = Thumbnails()
        self.kept = KeptSettings()
        self.panel = Panel(self.bridge, self.editor_desk, self.kept)
        use_language(language or self.panel.settings.language)
        self._language = self.panel.settings.language
        self.bridge.found.connect(self.panel.daemon_found)
        self.bridge.lost.connect(self.panel.daemon_lost)
        self.bridge.jobs_changed.connect(self.panel.jobs_changed)
        self.panel.settings.changed.connect(self._settings_changed)
        self.window = MainWindow()
        self.header = Header(self.panel)
        self.notices = Notices(self.panel)
        self.strip = StripPanel(self.panel, self.thumbnails)
        self.scene = SceneColumn(self.panel)
        self.window.fill("header", self.header)
        self.window.fill("notices", self.notices)
        self.window.fill("strip", self.strip)
        self.window.fill("scene", self.scene)
        self.files: Desk[object] = Desk("files", object)
        self.listening = Listening(
            self.panel.timeline,
            self.panel.jobs,
            self.bridge,
            placer=EditorPlacer(self.panel.editor, self.panel.timeline),
            silent=silent,
        )
        self.heard = HeardModel(self.files, self.listening.takes, self.panel.timeline)
        self.commands = Commands()
        self.setup = SetupModel(self.panel.connection, self.commands, self.kept)
        self.setup_page = SetupPage(self.setup)
        self.listening.column.add_above(self.setup_page)
        self.window.fill("takes", self.listening.column)
        self.window.fill("history", self.listening.history_view)
        self._connect()
        self._shortcuts()
        self._show_setup_page()
        self.listening.takes.changed.connect(self._show_setup_page)
        self.panel.timeline.changed.connect(self._show_setup_page)
        self.window.setAcceptDrops(True)
        self.window.installEventFilter(self)

    def start(self) -> None:
        """Show the window and begin to look for the daemon."""
        if self.kept.geometry.isEmpty() or not self.window.restoreGeometry(self.kept.geometry):
            self.window.resize(1280, 800)
        self.window.show()
        # No button is to be pressed by a Space that nobody meant for it.
        self.window.centralWidget().setFocus()
        self.bridge.start()
        self.panel.connection.start()
        self.listening.start()

    def open_file(self, path: str) -> None:
        """Open a movie or timeline."""
        self.panel.settings.opened(str(Path(path).absolute()))
        self.panel.editor.open_file(Path(path))

    def close(self) -> None:
        """Keep the settings and end the threads. Jobs go on."""
        self.kept.geometry = self.window.saveGeometry()
        self.listening.close()
        self.commands.close()
        self.host.stop()
        self.files.close()
        self.editor_desk.close()
        self.thumbnails.close()
        self.bridge.close()
        self.kept.close()

    def choose_file(self) -> None:
        """Ask for a film or timeline, and open it."""
        folder = (
            str(Path(self.panel.settings.recent[0]).parent) if self.panel.settings.recent else ""
        )
        path, _ = QFileDialog.getOpenFileName(
            self.window, self.tr("Open a film or timeline"), folder
        )
        if path:
            self.open_file(path)

    def show_settings(self) -> None:
        """Open the settings."""
        dialog = SettingsDialog(self.panel, self.window)
        dialog.setup_asked.connect(self.show_setup)
        dialog.exec()

    def show_setup(self) -> None:
        """Open what can be set up."""
        SetupDialog(self.setup, self.window).open()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Open what is dropped on the window; look again at the takes when it is come back to."""
        if event.type() == QEvent.Type.WindowActivate:
            # Another panel or the command line may have renamed, marked or deleted some.
            self.listening.refresh()
        if event.type() == QEvent.Type.DragEnter and event.mimeData().hasUrls():
            event.acceptProposedAction()
            return True
        if event.type() == QEvent.Type.Drop and event.mimeData().hasUrls():
            local = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
            if local:
                self.open_file(local[0])
            return True
        return super().eventFilter(watched, event)

    def _connect(self) -> None:
        self.header.open_asked.connect(self.choose_file)
        self.header.resolve_asked.connect(self._open_resolve)
        self.header.settings_asked.connect(self.show_settings)
        self.notices.welcome.open.clicked.connect(self.choose_file)
        self.notices.welcome.resolve.clicked.connect(lambda: self._open_resolve(False))
        self.notices.welcome.setup.clicked.connect(self.show_setup)
        self.setup.film_ready.connect(self.open_file)

        listening = self.listening
        listening.failed.connect(self.panel.scene.show_error)
        listening.takes.placing_begun.connect(self.panel.scene.dismiss_told)
        listening.takes.captions_wanted.connect(self._captions_wanted)
        self.panel.scene.takes_made.connect(self._takes_made)

    def _takes_made(self, _: tuple[Path, ...]) -> None:
        # Whoever has scored a scene knows where to begin.
        self.panel.settings.welcomed = True
        self.notices.refresh()
        self.window.show_page("takes")

    def _captions_wanted(self, files: TakeFiles) -> None:
        if files.brief is not None:
            seed = files.take.provenance.seed
            self.panel.scene.adopt(files.brief, files.request, seed)
            self.window.show_page("scene")

    def _open_resolve(self, bridge: bool) -> None:
        self.panel.editor.open_resolve(bridge=bridge)

    def _shortcuts(self) -> None:
        timeline = self.panel.timeline
        acts = {
            "Ctrl+O": self.choose_file,
            "F5": self.panel.editor.reload,
            "Ctrl+,": self.show_settings,
            "Ctrl+Return": self._score,
            "Ctrl+Enter": self._score,
            "Esc": self.panel.scene.cancel,
            "I": timeline.set_in,
            "O": timeline.set_out,
            "Ctrl+Z": self.listening.takes.undo_place,
            "Ctrl+Q": self.window.close,
            "Ctrl+1": lambda: self.window.show_page("scene"),
            "Ctrl+2": lambda: self.window.show_page("takes"),
            "Ctrl+3": lambda: self.window.show_page("history"),
        }
        for keys, act in acts.items():
            shortcut = QShortcut(QKeySequence(keys), self.window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(act)

    def _score(self) -> None:
        if not self.panel.scene.busy:
            self.scene.score_or_cancel()

    def _show_setup_page(self) -> None:
        """On the first start, where takes will be once there are some."""
        busy = self.panel.timeline.is_open or bool(self.listening.takes.cards)
        self.setup_page.setVisible(not self.panel.settings.welcomed and not busy)

    def _settings_changed(self) -> None:
        self._show_setup_page()
        if self.panel.settings.language != self._language:
            self._language = self.panel.settings.language
            use_language(self._language)


def prepared_qt(arguments: Sequence[str]) -> QApplication:
    """Qt with our theme."""
    qt = QApplication(list(arguments))
    qt.setApplicationName("musiscene-panel")
    qt.setOrganizationName("musiscene")
    qt.setApplicationVersion(__version__)
    dress(qt)
    return qt


def dress(qt: QApplication) -> None:
    """Put our theme on."""
    qt.setStyle("Fusion")
    qt.setPalette(theme.palette())
    qt.setStyleSheet(theme.style_sheet())
