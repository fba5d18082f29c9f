"""Commands run in an environment: pip above all. Each ends with us, whatever ends us."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from musiscene_core.errors import InputError, OutputError

_POLL_S = 0.1
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
_TIED = (
    "import sys, runpy\n"
    "if sys.platform == 'linux':\n"
    "    import ctypes; ctypes.CDLL(None).prctl(1, 9)\n"
    "sys.argv[:] = sys.argv[1:]\n"
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
)
"""Runs a module that the system kills when its parent dies: a pip that went on alone would write
beside the one of the next try."""
_VERIFY = Path(__file__).with_name("inside.py")
_OFFLINE = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Max retries exceeded",
)
_AGAIN = "Run the command again: it goes on where it stopped."


@dataclass(frozen=True)
class Source:
    """Where packages come from.

    Attributes:
        mirror: address of a package index, instead of pip's own.
        folder: a folder with all packages, instead of any index.
        indexes: where single packages come from, by their names; a folder goes before it.
        archives: addresses of the source of packages that no index has; a folder goes before it.
        ours: wheels of MusiScene's own, which no index need have, by their packages' names.
    """

    mirror: str = ""
    folder: Path | None = None
    indexes: Mapping[str, str] = field(default_factory=dict)
    archives: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, Path] = field(default_factory=dict)

    def options(self, requirement: str) -> list[str]:
        """The same in pip's words, for one package."""
        name = named(requirement)
        if name in self.ours:
            return ["--no-index", "--find-links", str(self.ours[name].parent)]
        if self.folder is not None:
            return ["--no-index", "--find-links", str(self.folder)]
        index = self.indexes.get(name, self.mirror)
        return ["--index-url", index] if index else []

    def wanted(self, requirement: str) -> str:
        """What pip is to install for it: the package, or its source by address."""
        name = named(requirement)
        if self.folder is not None or name not in self.archives:
            return requirement
        return f"{name} @ {self.archives[name]}"


def named(requirement: str) -> str:
    """The name of the package that is required."""
    return re.split(r"[\s=<>;@\[]", requirement, maxsplit=1)[0]


def make_venv(python: Path, folder: Path, alive: Callable[[], None]) -> None:
    """Make a virtual environment in `folder`.

    Raises:
        InputError: the interpreter cannot.
        OutputError: the disk is full, or `folder` may not be written.
    """
    code, words = _run([str(python), "-E", "-c", _TIED, "venv", str(folder)], alive)
    if code:
        _refuse_for_the_disk(words, folder)
        raise InputError(
            f"{python} cannot make an environment: {_last(words)}",
            hint="On Debian and Ubuntu that takes the package python3-venv; or name another"
            " interpreter with --python.",
        )


def install(
    python: Path, requirement: str, source: Source, folder: Path, alive: Callable[[], None]
) -> None:
    """Install one requirement, and nothing that it asks for.

    Whatever lies there of it, as after a try that was ended, is written over.

    Raises:
        InputError: it is not there, is damaged, or cannot be built.
        OutputError: the disk is full, or `folder` may not be written.
    """
    command = [str(python), "-E", "-s", "-c", _TIED, "pip", "install", "--no-deps"]
    command += ["--ignore-installed", "--no-build-isolation", "--no-input", "--no-color"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", "--progress-bar=off"]
    wanted = source.wanted(requirement)
    code, words = _run([*command, *source.options(requirement), wanted], alive)
    if not code:
        return
    _refuse_for_the_disk(words, folder)
    name = requirement.split(";")[0].split("@")[0].strip()
    if wanted != requirement:
        raise InputError(
            f"{name} could not be fetched from {source.archives[named(name)]}: {_last(words)}",
            hint="Check the connection, or put its wheel, made elsewhere, into a folder and name"
            f" that with --packages. {_AGAIN}",
        )
    if any(sign in words for sign in _OFFLINE):
        raise InputError(
            f"{name} could not be fetched: the package index is out of reach.",
            hint=f"Check the connection, or name another index with --mirror. {_AGAIN}",
        )
    if "not a trusted or secure host" in words:
        raise InputError(
            f"{source.mirror} is not secure, so pip takes nothing from it.",
            hint=f"Name one that begins with https. {_AGAIN}",
        )
    if "No matching distribution" in words:
        where = source.folder or source.indexes.get(name.split("==")[0]) or source.mirror
        where = where or "the package index"
        raise InputError(f"{name} is not in {where}.", hint=f"Name another with --mirror. {_AGAIN}")
    raise InputError(f"{name} could not be installed: {_last(words)}", hint=_AGAIN)


def verify(
    python: Path, requirements: Sequence[str], imports: Sequence[str], alive: Callable[[], None]
) -> dict[str, str]:
    """What is wrong with an environment: by requirement, or by module that does not load.

    Raises:
        InputError: its interpreter does not run.
    """
    with tempfile.TemporaryDirectory() as place:
        asked, told = Path(place, "asked"), Path(place, "told")
        asked.write_text(json.dumps({"requirements": requirements, "imports": imports}))
        # Isolated, so that no module beside ours is taken for one of the environment's.
        code, words = _run([str(python), "-I", str(_VERIFY), str(asked), str(told)], alive)
        if code or not told.is_file():
            raise InputError(f"The environment's interpreter does not run: {_last(words)}")
        found: Any = json.loads(told.read_text())
    return {str(name): str(problem) for name, problem in found.items()}


def _run(command: Sequence[str], alive: Callable[[], None]) -> tuple[int, str]:
    """Run a command; returns its exit code and what it said. Kills it where `alive` raises."""
    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    with tempfile.TemporaryFile() as words:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        except OSError as error:
            return 1, error.strerror or type(error).__name__
        try:
            while process.poll() is None:
                alive()
                try:
                    process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        words.seek(0)
        return process.returncode, words.read().decode(errors="replace")


def _refuse_for_the_disk(words: str, folder: Path) -> None:
    if "No space left on device" in words or "Errno 28" in words:
        raise OutputError("The disk is full.", hint=f"Free some space. {_AGAIN}")
    if "Permission denied" in words or "Errno 13" in words or "Read-only file system" in words:
        raise OutputError(
            f"{folder} cannot be written: no permission.",
            hint="Put MusiScene's data elsewhere with MUSISCENE_HOME, or mend the folder's rights.",
        )


def _last(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it said nothing"])[-1][:300]
