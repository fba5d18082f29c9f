"""The MusiScene that runs here as a wheel, to be installed into an environment of models.

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
from collections.abc import Iterator
from pathlib import Path

from musiscene_core import __version__
from musiscene_core.errors import InputError

NAME = "musiscene"
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
    path = folder / f"{NAME}-{__version__}-py3-none-any.whl"
    info = f"{NAME}-{__version__}.dist-info"
    records = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        texts = {name: about.read_text(name) or "" for name in _KEPT} | {"WHEEL": _WHEEL}
        contents = [(f"{info}/{name}", text.encode()) for name, text in texts.items()]
        for name, data in (*_files(), *contents):
            wheel.writestr(name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{name},sha256={digest},{len(data)}\n")
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
