"""Finding an interpreter that an environment can be made from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.environments.recipe import Recipe
from musiscene_core.errors import InputError

_ASK = "import sys, venv, ensurepip; print(*sys.version_info[:3], sep='.')"
_LIMIT_S = 30


def find_interpreter(recipe: Recipe, named: Path | None = None) -> tuple[Path, str]:
    """An interpreter for the recipe, with its version; the `named` one or none.

    Raises:
        InputError: there is none, or the named one does not do.
    """
    wanted = " or ".join(f"3.{minor}" for minor in recipe.pythons)
    for candidate in [named] if named else _candidates(recipe):
        version = version_of(candidate)
        if version and version.startswith(tuple(f"3.{minor}." for minor in recipe.pythons)):
            return candidate, version
        if named:
            found = f"is Python {version}" if version else "is no Python that can make environments"
            raise InputError(
                f"{named} {found}; {recipe.name} needs Python {wanted}.",
                hint="On Debian and Ubuntu, environments take the package python3-venv.",
            )
    raise InputError(
        f"{recipe.name} needs Python {wanted}, and none was found.",
        hint=f"Install it (`uv python install 3.{recipe.pythons[0]}` is one way), or name one with"
        " --python.",
    )


def version_of(python: Path) -> str:
    """The version of an interpreter that can make environments; empty where it is none."""
    try:
        asked = subprocess.run(
            [str(python), "-E", "-c", _ASK], capture_output=True, timeout=_LIMIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.decode(errors="replace").strip()


def _candidates(recipe: Recipe) -> Iterator[Path]:
    for minor in recipe.pythons:
        # In the bundle that is no Python, but one of our programs.
        if sys.version_info[:2] == (3, minor) and not getattr(sys, "frozen", False):
            yield Path(sys.executable)
        if found := shutil.which(f"python3.{minor}"):
            yield Path(found)
        for launcher in (["py", f"-3.{minor}"], ["uv", "python", "find", f"3.{minor}"]):
            yield from _launched(launcher)


def _launched(launcher: list[str]) -> Iterator[Path]:
    """What Windows' launcher, or uv, knows."""
    program = shutil.which(launcher[0])
    if program is None:
        return
    tell = [] if launcher[0] == "uv" else ["-c", "import sys; print(sys.executable)"]
    try:
        told = subprocess.run(
            [program, *launcher[1:], *tell], capture_output=True, timeout=_LIMIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return
    yield Path(told.stdout.decode(errors="replace").strip())
