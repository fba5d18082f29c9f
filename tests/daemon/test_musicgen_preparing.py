"""What is compiled while a model is read is all that its steps need."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.errors import CancelledError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_daemon.engines.musicgen import host, preparing  # noqa: E402
from musiscene_daemon.engines.musicgen.model import load  # noqa: E402
from musiscene_daemon.engines.musicgen.preparing import PREPARING, Preparing  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models


def test_the_first_music_compiles_nothing_more(tmp_path: Path) -> None:
    Preparing("int8-numba").wait(silent)
    known = list(host._step.signatures)
    assert known
    load(tiny_musicgen.save(tmp_path), kernel="int8-numba").write("a b", 3, [1, 2])
    assert list(host._step.signatures) == known


def test_who_waits_is_told_and_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(preparing, "_step", lambda kernel: go_on.wait(30))
    one = Preparing("int8-numba")
    heard = []

    def stop(stage: str, fraction: float) -> None:
        heard.append(stage)
        raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        one.wait(stop)
    assert heard == [PREPARING]
    go_on.set()
    one.wait(silent)


def test_kernels_that_compile_no_step_need_no_wait() -> None:
    Preparing("float32").wait(silent)
    Preparing("int8-numba", "cuda").wait(silent)
