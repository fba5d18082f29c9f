"""What is compiled while a model is read is all that its steps need."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
numba = pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.errors import CancelledError  # noqa: E402
from musiscene_core.neural import recurrent  # noqa: E402
from musiscene_core.neural.kept import bound_to_sources  # noqa: E402
from musiscene_core.neural.linear import Kernel  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_daemon.engines.musicgen import codec_host, host, host_writing, preparing  # noqa: E402
from musiscene_daemon.engines.musicgen.model import LOADING, load  # noqa: E402
from musiscene_daemon.engines.musicgen.preparing import PREPARING, Preparing  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models


LOOPS = (
    host.step,
    host_writing._written,
    recurrent._remember,
    *(getattr(codec_host, f"_{name}") for name in ("paired", "added", "bent", "mixed", "gathered")),
)


@pytest.mark.parametrize(
    "kernel",
    ["int8-numba", pytest.param("float32-numba", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("kind", ["mono", pytest.param("stereo", marks=pytest.mark.slow)])
def test_the_first_music_compiles_nothing_more(tmp_path: Path, kernel: Kernel, kind: str) -> None:
    Preparing(kernel).wait(silent)
    known = [list(loop.signatures) for loop in LOOPS]
    assert all(known)
    ours = load(tiny_musicgen.save(tmp_path, kind), kernel=kernel)
    assert ours.write("a b", 60, [1, 2]).audio.shape[-1] == 60 * 640
    assert [list(loop.signatures) for loop in LOOPS] == known


@pytest.mark.parametrize("compiles", [True, False])
def test_who_waits_is_told_and_may_leave(monkeypatch: pytest.MonkeyPatch, compiles: bool) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def work(kernel: Kernel) -> None:
        if compiles:
            bound_to_sources(numba.njit(lambda x: x + 1))(1)
        begun.set()
        go_on.wait(30)

    monkeypatch.setattr(preparing, "_compile", work)
    one = Preparing("int8-numba")
    heard = []

    def stop(stage: str, fraction: float) -> None:
        heard.append(stage)
        raise CancelledError("The job was cancelled.")

    begun.wait(30)
    with pytest.raises(CancelledError):
        one.wait(stop)
    assert heard == [PREPARING if compiles else LOADING]
    go_on.set()
    one.wait(silent)


def test_kernels_that_compile_no_step_need_no_wait() -> None:
    Preparing("float32").wait(silent)
    Preparing("int8-numba", "cuda").wait(silent)
