"""Compiled functions that are kept on disk know when a source of what they call has changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.neural.kept import digest

_INNER = """import numba
from musiscene_core.neural.kept import bound_to_sources
inner = bound_to_sources(numba.njit(lambda x: x + {}, cache=True))
"""
_OUTER = """import numba
from musiscene_core.neural.kept import bound_to_sources, compiled_anew
from inner import inner
outer = bound_to_sources(numba.njit(lambda x: inner(x), cache=True))
print(outer(1), compiled_anew())
"""


def _run(folder: Path) -> list[str]:
    command = [sys.executable, "outer.py"]
    paths = f"{folder}:{Path(__file__).parents[2]}"
    env = {"PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder / "kept"), "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.split()


def test_a_function_is_compiled_anew_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text(_INNER.format(1))
    (tmp_path / "outer.py").write_text(_OUTER)
    assert _run(tmp_path) == ["2", "2"]
    assert _run(tmp_path) == ["2", "0"]
    (tmp_path / "inner.py").write_text(_INNER.format(2))
    found, compiled = _run(tmp_path)
    assert found == "3"
    assert int(compiled) >= 1


def test_a_digest_goes_by_names_and_contents(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder, name, content in zip(
        folders, ("x.py", "x.py", "y.py"), ("1", "2", "1"), strict=True
    ):
        folder.mkdir()
        (folder / name).write_text(content)
    assert len({digest(folder) for folder in folders}) == 3
