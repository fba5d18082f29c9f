from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="Qt's libraries are not on this machine", exc_type=ImportError
)

from musiscene_core.codec import to_json
from musiscene_core.composing.score import score
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_gui.application import Application, dress
from tests.support.daemons import ARGUMENTS, Home, home
from tests.support.scenes import brief_of


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


@pytest.fixture(scope="session")
def composed(tmp_path_factory) -> tuple[Path, Take]:
    """A real take of eight seconds, and its folder."""
    folder = tmp_path_factory.mktemp("composed") / "take-1"
    folder.mkdir()
    request = ScoreRequest(brief=brief_of(8.0, cuts=(3.0, 5.5), valence=0.4, calm=1.0))
    take = score(request, 3, "take-1", folder, silent)
    (folder / "take.json").write_bytes(to_json(take))
    (folder / "request.json").write_bytes(to_json(request))
    (folder / "brief.json").write_bytes(to_json(request.brief))
    return folder, take
