"""What MusiScene itself puts into environments, as wheels: the MusiScene that runs, and stand-ins.

What runs here may have come from an index, a checkout or the bundle; the environment gets the same
code, offline too. The bundle carries a wheel, since its modules are no files.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from musiscene_core import __version__
from musiscene_core.environments.pip import named
from musiscene_core.errors import InputError

NAME = "musiscene"
STANDINS = "musiscene-standins"
PACKAGES = (
    *("musiscene_core", "musiscene_daemon", "musiscene_gui", "musiscene_plugins"),
    "musiscene_training",
)
_BUNDLED = "wheels"
_KEPT = ("METADATA", "entry_points.txt")
_WHEEL = "Wheel-Version: 1.0\nGenerator: musiscene\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def own_wheel(folder: Path) -> Path:
    """A wheel of the MusiScene that runs; made in `folder` unless it lies somewhere already.

    Raises:
        InputError: this MusiScene is not installed, but runs from its source.
    """
    carried = sorted((Path(__file__).parents[2] / _BUNDLED).glob(f"{NAME}-*.whl"))
    if getattr(sys, "frozen", False) and carried:
        return carried[-1]
    try:
        about = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(
            "This MusiScene runs from its source, so it cannot be installed elsewhere.",
            hint="Install it first: pip install -e FOLDER.",
        ) from error
    texts = {name: about.read_text(name) or "" for name in _KEPT}
    return _wheel(folder, NAME, __version__, _files(), texts)


def standins_requirement() -> str:
    """The pin of the stand-ins as they are in this version."""
    return f"{STANDINS}=={_standins_version()}"


def own_wheels(requirements: Sequence[str], folder: Path) -> dict[str, Path]:
    """The wheels of ours that are among the requirements, made in `folder`; by package.

    Raises:
        InputError: this MusiScene is not installed, but runs from its source.
    """
    makers = {NAME: own_wheel, STANDINS: _standins_wheel}
    names = {named(requirement) for requirement in requirements}
    return {name: make(folder) for name, make in makers.items() if name in names}


def _standins_wheel(folder: Path) -> Path:
    version = _standins_version()
    about = f"Metadata-Version: 2.1\nName: {STANDINS}\nVersion: {version}\n"
    return _wheel(folder, STANDINS, version, _standins(), {"METADATA": about})


def _standins_version() -> str:
    """Another one whenever the stand-ins are others."""
    digest = hashlib.sha256()
    for name, data in _standins():
        digest.update(name.encode() + b"\0" + data)
    return f"1+{digest.hexdigest()[:8]}"


def _standins() -> Iterator[tuple[str, bytes]]:
    place = Path(__file__).with_name("standins")
    for path in sorted(place.glob("*/**/*.py")):
        # Alike whatever the system ends lines with.
        data = path.read_text(encoding="utf-8").encode()
        yield path.relative_to(place).as_posix(), data


def _wheel(
    folder: Path,
    name: str,
    version: str,
    files: Iterable[tuple[str, bytes]],
    texts: dict[str, str],
) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    path, info = folder / f"{stem}-py3-none-any.whl", f"{stem}.dist-info"
    records = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        contents = [
            (f"{info}/{file}", text.encode()) for file, text in {**texts, "WHEEL": _WHEEL}.items()
        ]
        for file, data in (*files, *contents):
            wheel.writestr(file, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{file},sha256={digest},{len(data)}\n")
        wheel.writestr(f"{info}/RECORD", "".join([*records, f"{info}/RECORD,,\n"]))
    return path


def _files() -> Iterator[tuple[str, bytes]]:
    """Every file of our packages, wherever each of them lies."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        places = (spec.submodule_search_locations if spec is not None else None) or ()
        for place in map(Path, places):
            for path in sorted(place.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield f"{package}/{path.relative_to(place).as_posix()}", path.read_bytes()
