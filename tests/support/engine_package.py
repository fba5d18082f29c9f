"""The engine package of the engine-writer's guide, installed as its users would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.daemons import ROOT

PACKAGE = ROOT / "tests/engine_package"


def installed(target: Path) -> Path:
    """The package as pip installs it, into the folder `target`."""
    how = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", *how, str(PACKAGE)]
    subprocess.run(command, check=True, timeout=120)
    return target
