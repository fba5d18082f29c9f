"""Versions: MusiScene's own, Python's, and those of the libraries that it installs."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from musiscene_core import __version__
from musiscene_plugins.doctor.finding import Fact, Finding, broken, fine, note

_OURS = "musiscene"
_OLDEST = (3, 10)


def frozen() -> bool:
    """Whether this is the bundle, which has a Python of its own in it."""
    return bool(getattr(sys, "frozen", False))


def versions() -> Iterator[Finding]:
    """What runs here."""
    python = platform.python_version()
    how = "the bundle" if frozen() else "a Python environment"
    yield fine(
        "musiscene",
        f"MusiScene {__version__}, in {how}.",
        version=__version__,
        frozen=frozen(),
        place=sys.prefix,
    )
    # In words of its own each: a bundle hides long ones, which may be keys.
    system = f"{platform.system()} {platform.release()} on {platform.machine()}"
    facts: dict[str, Fact] = {"python": python, "system": system}
    if sys.version_info[:2] < _OLDEST or sys.maxsize <= 2**32:
        yield broken(
            *("python", f"Python {python} cannot run MusiScene."),
            "Install a 64-bit Python 3.10 or newer, and MusiScene in it.",
            **facts,
        )
    else:
        yield fine("python", f"Python {python}, {system}.", **facts)
    yield from libraries()


def libraries() -> Iterator[Finding]:
    """Whether everything that MusiScene needs is here, in versions that it works with."""
    try:
        wanted = importlib.metadata.requires(_OURS) or []
        installed = importlib.metadata.version(_OURS)
    except importlib.metadata.PackageNotFoundError:
        yield note(
            "libraries", "This MusiScene runs from its source: what it needs is not known.", ""
        )
        return
    if installed != __version__:
        yield broken(
            "libraries",
            f"The code is version {__version__}, its installation says {installed}: an upgrade was"
            " broken off.",
            "Install MusiScene again.",
        )
    found: dict[str, Fact] = {}
    wrong = []
    for text in wanted:
        requirement = _needed(text)
        if requirement is None:
            continue
        name = requirement.name
        found[name] = version = _version(name)
        if version is None:
            wrong.append(f"{name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{name} {version} is not {requirement.specifier}")
    if wrong:
        yield broken(
            "libraries",
            f"Of {len(found)} libraries, {len(wrong)} will not do: {'; '.join(wrong)}.",
            "Install MusiScene again; `pip install --force-reinstall musiscene` is one way.",
            **found,
        )
    else:
        yield fine("libraries", f"All {len(found)} libraries are here.", **found)


def _needed(text: str) -> Requirement | None:
    """A requirement of every installation; None for one of an extra, or of another system."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    return requirement


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
