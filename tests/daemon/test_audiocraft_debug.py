"""audiocraft itself, where its environment is installed: its debug model through the child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import musiscene_daemon.engines.audiocraft.engine as engine_module
from musiscene_core.environments.places import folder_of, interpreter_of
from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.progress import silent
from musiscene_daemon.engines.apart.process import ChildProcess
from musiscene_daemon.engines.audiocraft import sounds
from tests.support import audiocraft_debug

pytestmark = pytest.mark.audiocraft
SCRIPT = Path(engine_module.__file__).with_name("audiocraft_child.py")


@pytest.fixture(scope="module")
def child() -> Iterator[ChildProcess]:
    python = interpreter_of(folder_of("audiocraft"))
    if python is None:
        pytest.skip("run `musiscene setup audiocraft` first")
    command = [python, "-s", "-E", audiocraft_debug.__file__, SCRIPT]
    made = ChildProcess(command, silent, mend="")
    yield made
    made.close()


def test_its_debug_model_plays_as_long_as_asked_and_the_same_again(
    child: ChildProcess, tmp_path: Path
) -> None:
    assert child.about.versions["audiocraft"].startswith("1.4.0")
    given = {"kind": "style", "model": "debug", "device": "cpu"}
    assert child.ask("load", given, tmp_path, silent) == {"window_s": 30.0, "rate": 32_000}
    wish = {"prompt": "a calm sea", "seconds": 2.0, "seed": 3}
    first, rate = sounds.take_back(tmp_path, child.ask("generate", wish, tmp_path, silent))
    again, _ = sounds.take_back(tmp_path, child.ask("generate", wish, tmp_path, silent))
    assert (first.shape, rate) == ((1, 64_000), 32_000)
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)


def test_it_stops_when_told(child: ChildProcess, tmp_path: Path) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == "Generating":
            raise CancelledError("Enough.")

    with pytest.raises(CancelledError):
        child.ask("generate", {"prompt": "x", "seconds": 30.0, "seed": 1}, tmp_path, cancel)


def test_weights_that_are_not_there_are_refused_without_a_download(
    child: ChildProcess, tmp_path: Path
) -> None:
    given = {"kind": "magnet", "model": str(tmp_path), "device": "cpu"}
    with pytest.raises(EngineError, match="cannot be loaded"):
        child.ask("load", given, tmp_path, silent)
