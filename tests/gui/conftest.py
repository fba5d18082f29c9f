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
from musiscene_core.errors import MusiSceneError
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_gui.application import Application, dress
from musiscene_gui.viewmodels.editor import EditorModel
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.strip import Strip
from tests.support.daemons import ARGUMENTS, Home, home
from tests.support.panel_takes import AtOnce
from tests.support.scenes import brief_of


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    """A MUSISCENE_HOME for one test; its daemon is killed afterwards."""
    with home(tmp_path) as place:
        yield place


@pytest.fixture(scope="session")
def themed(qapp):
    """Qt with the panel's theme, put on once: each time, all widgets there are get it anew."""
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


class NoPictures:
    """Thumbnails where no film is."""

    class arrived:  # noqa: N801 - a signal's name
        connect = staticmethod(lambda _: None)

    def get(self, path: str, seconds: float, meanwhile: object = None) -> None:
        return None


class GoneDaemon:
    """A daemon that is not there."""

    def estimate(self, *_: object, **__: object) -> float:
        raise MusiSceneError("It is not there.")


@pytest.fixture
def strip(qtbot) -> Strip:
    daemon, timeline = AtOnce(GoneDaemon()), TimelineModel()
    jobs = JobsModel(daemon)
    scene = SceneModel(daemon, jobs, timeline, EditorModel(daemon, timeline))
    made = Strip(timeline, scene, NoPictures())
    qtbot.addWidget(made)
    made.resize(1000, made.height())
    made.show()
    return made
