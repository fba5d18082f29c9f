"""KeptSettings: Qt's settings as a Store, in a file of our own folder on every platform.

Several panels share the file. What one of them follows is kept under a number of its own, which a
lock holds as long as it runs; a panel that starts takes over what those that ended have left.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from musiscene_core.instance_lock import InstanceLock
from musiscene_core.paths import data_folder

FILE_NAME = "panel.ini"
_OWN = "jobs"
_OWN_KEY = re.compile(rf"{_OWN}(?:-(\d+))?")
_MOST_PANELS = 32
"""Where so many are taken, the folder knows no locks."""


class KeptSettings:
    """Texts and the window's geometry, in panel.ini. Close it at the end."""

    def __init__(self) -> None:
        self._kept = QSettings(str(data_folder() / FILE_NAME), QSettings.Format.IniFormat)
        self._number, self._lock = 0, InstanceLock(_lock_path(0))
        for number in range(_MOST_PANELS):
            lock = InstanceLock(_lock_path(number))
            if _acquired(lock):
                self._number, self._lock = number, lock
                self._take_over()
                break

    def read(self, name: str) -> str:
        """What was written last; empty where nothing was."""
        value = self._kept.value(self._key(name), "")
        return value if isinstance(value, str) else ""

    def write(self, name: str, text: str) -> None:
        """Keep a text."""
        self._kept.setValue(self._key(name), text)

    def close(self) -> None:
        """Write all down, and leave what this panel follows to the next one."""
        self._kept.sync()
        self._lock.release()

    @property
    def geometry(self) -> QByteArray:
        """Of the window; empty before the first end."""
        value = self._kept.value("geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._kept.setValue("geometry", geometry)
        self._kept.sync()

    def _key(self, name: str) -> str:
        return f"{name}-{self._number}" if name == _OWN and self._number else name

    def _take_over(self) -> None:
        """What panels that run no longer were waiting for."""
        left: list[str] = []
        for key in self._kept.allKeys():
            found = _OWN_KEY.fullmatch(key)
            number = int(found[1] or 0) if found else self._number
            if number == self._number:
                continue
            lock = InstanceLock(_lock_path(number))
            if _acquired(lock):
                left += str(self._kept.value(key, "")).split()
                self._kept.remove(key)
                self._kept.sync()
                lock.release()
        if left:
            self.write(_OWN, " ".join([*left, self.read(_OWN)]).strip())
            self._kept.sync()


def _lock_path(number: int) -> Path:
    return data_folder() / f"panel-{number}.lock"


def _acquired(lock: InstanceLock) -> bool:
    with suppress(OSError):
        data_folder().mkdir(parents=True, exist_ok=True)
        return lock.acquire()
    return False
