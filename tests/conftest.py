"""pytest-qt where Qt can be loaded: as a plug-in of its own it would end every test run elsewhere.

A machine without a display's libraries has PySide6 and still cannot import it.
"""

from __future__ import annotations

import os

import platformdirs

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")
# One list of fonts for all tests: making it takes as long as a small test.
os.environ.setdefault("MPLCONFIGDIR", platformdirs.user_cache_dir("matplotlib"))
try:
    import PySide6.QtWidgets
except ImportError:
    pytest_plugins: list[str] = []
else:
    assert PySide6.QtWidgets.QApplication
    pytest_plugins = ["pytestqt.plugin"]
