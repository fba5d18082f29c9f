"""SettingsDialog: language and defaults, and what is installed."""

from __future__ import annotations

import os

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
)

from musiscene_core import __version__
from musiscene_core.errors import OutputError
from musiscene_core.intended_use import intend, intended_use
from musiscene_core.paths import log_folder
from musiscene_core.protocol.connection import DAEMON_VARIABLE
from musiscene_core.request import MAX_TAKES
from musiscene_gui.viewmodels.panel import Panel


class SettingsDialog(QDialog):
    """The settings; each holds from the moment it is changed.

    Attributes:
        setup_asked: the user wants to see what can be set up.
    """

    setup_asked = Signal()

    def __init__(self, panel: Panel, parent=None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.setWindowTitle(self.tr("Settings"))
        self.language = QComboBox()
        for text, code in ((self.tr("As the system"), ""), ("English", "en"), ("Deutsch", "de")):
            self.language.addItem(text, code)
        self.language.setCurrentIndex(self.language.findData(panel.settings.language))
        self.language.activated.connect(self._set_language)
        self.takes = QSpinBox(minimum=1, maximum=MAX_TAKES, value=panel.settings.takes)
        self.takes.valueChanged.connect(self._set_takes)
        self.for_sale = QCheckBox(self.tr("Only what may be sold"))
        self.for_sale.setToolTip(
            self.tr(
                "Engines, models and styles whose licence forbids commercial use, or is not known, "
                "are refused to every program on this machine."
            )
        )
        # Another machine's daemon goes by its own setting.
        self.for_sale.setEnabled(not os.environ.get(DAEMON_VARIABLE))
        self.for_sale.setChecked(intended_use() == "commercial")
        self.for_sale.clicked.connect(self._set_for_sale)
        self.language.setAccessibleName(self.tr("Language"))
        self.takes.setAccessibleName(self.tr("Takes at a time"))
        self.installed = QPlainTextEdit(readOnly=True)
        self.installed.setAccessibleName(self.tr("What is installed"))
        self.installed.setPlainText("\n".join(self._installed()))
        form = QFormLayout()
        form.addRow(self.tr("Language"), self.language)
        form.addRow(self.tr("Takes at a time"), self.takes)
        form.addRow(self.tr("Music"), self.for_sale)
        buttons = QDialogButtonBox()
        self.setup = buttons.addButton(self.tr("Set up…"), QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.accept)
        self.setup.clicked.connect(self.accept)
        self.setup.clicked.connect(self.setup_asked)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.installed, 1)
        column.addWidget(buttons)
        self.resize(460, 380)

    def _installed(self) -> list[str]:
        status = self._panel.connection.status
        lines = [f"MusiScene {__version__}", self.tr("Logs: {0}").format(log_folder())]
        if status is None:
            return [*lines, self.tr("The daemon has not been reached yet.")]
        lines.append(self.tr("Takes: {0}").format(status.data_folder))
        for engine in status.engines:
            lines.append(f"\n{engine.name} {engine.version} · {engine.licence}")
            lines += filter(None, (engine.description, engine.lacks))
        for captioner in status.captioners:
            lines.append(f"\n{captioner.name} {captioner.version} · {captioner.licence}")
            lines += filter(None, (captioner.description, captioner.pace, captioner.needs))
        lines += [f"\n{broken.name}: {broken.reason}" for broken in status.broken_engines]
        return lines

    def _set_for_sale(self, checked: bool) -> None:
        try:
            intend("commercial" if checked else "any")
        except OutputError as error:
            self.for_sale.setToolTip(str(error))
        self.for_sale.setChecked(intended_use() == "commercial")
        self._panel.connection.refresh()

    def _set_language(self) -> None:
        self._panel.settings.language = self.language.currentData()

    def _set_takes(self, takes: int) -> None:
        self._panel.settings.takes = takes
        self._panel.scene.wish(takes=takes)
