from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="Qt's libraries are not on this machine", exc_type=ImportError
)

from musiscene_gui.application import Application, dress
from tests.support.daemons import ARGUMENTS, Home, home


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    """A MUSISCENE_HOME for one test; its daemon is killed afterwards."""
    with home(tmp_path) as place:
        yield place


@pytest.fixture
def themed(qapp):
    """Qt with the panel's theme."""
    dress(qapp)
    return qapp


@pytest.fixture
def application(own_home: Home, themed) -> Iterator[Application]:
    """The whole panel over a real daemon, whose engine does as its caption says."""
    made = Application(silent=True, daemon_args=ARGUMENTS)
    yield made
    made.window.close()
    made.close()
