"""KeptSettings: Qt's settings as a Store, in a file of our own folder on every platform."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings

from musiscene_core.paths import data_folder

FILE_NAME = "panel.ini"


class KeptSettings:
    """Texts and the window's geometry, in panel.ini."""

    def __init__(self) -> None:
        self._kept = QSettings(str(data_folder() / FILE_NAME), QSettings.Format.IniFormat)

    def read(self, name: str) -> str:
        """What was written last; empty where nothing was."""
        value = self._kept.value(name, "")
        return value if isinstance(value, str) else ""

    def write(self, name: str, text: str) -> None:
        """Keep a text."""
        self._kept.setValue(name, text)

    @property
    def geometry(self) -> QByteArray:
        """Of the window; empty before the first end."""
        value = self._kept.value("geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._kept.setValue("geometry", geometry)
        self._kept.sync()
