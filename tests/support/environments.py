"""Real virtual environments with scripted engines that exist nowhere else."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

from musiscene_daemon.environments import FOLDER
from tests.support.daemons import Home

_ENGINE = """
from tests.support.scripted_engine import ScriptedEngine

class {kind}(ScriptedEngine):
    name = "{name}"
"""


def make_environment(
    home: Home, name: str, *engines: str, with_musiscene: bool = True, python: bool = True
) -> Path:
    """A virtual environment in the daemon's data folder, with `engines` installed in it."""
    folder = home.folder / "data" / FOLDER / name
    folder.mkdir(parents=True)
    if not python:
        return folder
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    (packages,) = folder.glob("[Ll]ib/**/site-packages")
    if with_musiscene:
        paths = [path for path in sys.path if path and Path(path).is_dir()]
        (packages / "checkout.pth").write_text("\n".join(paths), encoding="utf-8")
    for engine in engines:
        module = f"engine_{name}_{engine}"
        source = _ENGINE.format(kind=engine.capitalize(), name=engine)
        (packages / f"{module}.py").write_text(source, encoding="utf-8")
        about = packages / f"{module}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Name: {module}\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(
            f"[musiscene.engines]\n{engine} = {module}:{engine.capitalize()}\n", encoding="utf-8"
        )
    return folder
