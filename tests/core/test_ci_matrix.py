"""The public forge's matrix: every system and Python we promise, and the README's own command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def jobs() -> dict[str, dict]:
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]


def test_it_covers_what_we_promise(jobs: dict[str, dict]) -> None:
    matrix = jobs["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    lowest = re.search(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())
    assert lowest is not None
    assert matrix["python"][0] == lowest[1] == "3.10"
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert any(step.get("run") == ".ci/run" for step in jobs["checks"]["steps"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("system", "python", "inside"),
    [("Linux", "python3 ", ".venv/bin/"), ("Windows", "python ", ".venv/Scripts/")],
)
def test_it_runs_the_readmes_command(
    jobs: dict[str, dict], system: str, python: str, inside: str
) -> None:
    (step,) = [one for one in jobs["test"]["steps"] if "README" in one.get("name", "")]
    shown = step["run"].replace('bash -euo pipefail -c "$command"', 'echo "$command"')
    assert shown != step["run"]
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shown],
        cwd=ROOT,
        env={**os.environ, "RUNNER_OS": system},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith(f"{python}-m venv .venv && {inside}pip install -c packaging/")
    assert f"{inside}python -m pytest -n auto" in said
    (packages,) = [one for one in jobs["test"]["steps"] if "apt-get" in one.get("run", "")]
    listed = subprocess.run(
        ["bash", "-c", packages["run"].splitlines()[0] + "; echo $packages"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"melt", "xvfb"} <= set(listed)
