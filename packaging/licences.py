"""Writes docs/packages.md: under what terms everything that MusiScene installs may be used.

    python packaging/licences.py            writes the page; run it where every extra is installed
    python packaging/licences.py --check    ends with 1 if the default install has what it must not

Read from the metadata of what is installed. No package of the default install may be under the
GPL or AGPL alone, or under terms nobody could find; the LGPL is allowed: it is loaded, not copied.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "packages.md"
OURS = "musiscene"
FOR_DEVELOPERS = ("test", "docs", "dev")
UNKNOWN = "unknown"

# Free texts and classifiers as SPDX would say it; the first that is found counts.
_WORDS = (
    (r"affero|\bAGPL", "AGPL"),
    (r"lesser general public|\bLGPL", "LGPL"),
    (r"general public license|\bGPL", "GPL"),
    (r"mozilla public|\bMPL", "MPL-2.0"),
    (r"apache", "Apache-2.0"),
    (r"\bISC\b", "ISC"),
    (r"python software foundation|\bPSF|matplotlib versions", "PSF-2.0"),
    (r"permission is hereby granted, free of charge|\bMIT\b", "MIT"),
    (r"\bBSD\b|redistribution and use in source and binary forms", "BSD"),
)
_TEXT_LIMIT = 2000


def installed_with(extras: Iterable[str] = ()) -> dict[str, Distribution | None]:
    """What `pip install musiscene[extras]` brings to this Python; None for what is not here."""
    found: dict[str, Distribution | None] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [(OURS, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        if name == OURS:
            lines = _ours()[extra]
        else:
            try:
                found[name] = package = distribution(name)
            except PackageNotFoundError:
                found[name] = None
                continue
            lines = package.requires or []
        for line in lines:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                called = canonicalize_name(needed.name)
                waiting += [(called, one) for one in ("", *needed.extras)]
    return found


@cache
def _ours() -> dict[str, list[str]]:
    """What pyproject.toml asks for, by extra; "" is the default. An old install may say less."""
    project = ProjectMetadata(str(ROOT), PluginManager()).core
    extras = {name: list(lines) for name, lines in project.optional_dependencies.items()}
    return {"": list(project.dependencies), **extras}


def extras() -> list[str]:
    """The extras that users install."""
    return [name for name in _ours() if name and name not in FOR_DEVELOPERS]


def licence_of(package: Distribution) -> str:
    """Its licence as an SPDX expression, or as near to one as its metadata say."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    stated = str(metadata.get("License") or "").strip()
    if re.fullmatch(r"[\w.+-]+( (AND|OR|WITH) [\w.+-]+)+", stated):
        return stated
    classifiers = [
        line for line in metadata.get_all("Classifier") or () if line.startswith("License ::")
    ]
    for text in (*classifiers, stated, *_licence_files(package)):
        named = _named(text)
        if named != UNKNOWN:
            return named
    return UNKNOWN


def _licence_files(package: Distribution) -> list[str]:
    texts = []
    for file in package.files or ():
        if re.match(r"(?i)licen[cs]e|copying", file.name) and ".dist-info" in str(file):
            path = Path(str(file.locate()))
            texts.append(path.read_text("utf-8", "replace")[:_TEXT_LIMIT] if path.is_file() else "")
    return texts


def _named(text: str) -> str:
    # Free texts wrap where they like.
    text = " ".join(text.split())
    spdx = re.fullmatch(r"(BSD-\d-Clause|MIT-CMU|Apache-2\.0|MPL-2\.0)", text)
    if spdx:
        return spdx[0]
    return next((name for words, name in _WORDS if re.search(words, text, re.I)), UNKNOWN)


def is_allowed(expression: str) -> bool:
    """Whether one may choose terms of an SPDX expression that are neither GPL, AGPL nor unknown."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    allowed = _either(tokens)
    return allowed and not tokens


def _either(tokens: list[str]) -> bool:
    chosen = _both(tokens)
    while tokens and tokens[0].upper() == "OR":
        tokens.pop(0)
        # Read on, whatever the first one was.
        chosen = _both(tokens) or chosen
    return chosen


def _both(tokens: list[str]) -> bool:
    held = _one(tokens)
    while tokens and tokens[0].upper() == "AND":
        tokens.pop(0)
        held = _one(tokens) and held
    return held


def _one(tokens: list[str]) -> bool:
    if not tokens:
        return False
    token = tokens.pop(0)
    if token == "(":
        inner = _either(tokens)
        return bool(tokens) and tokens.pop(0) == ")" and inner
    exception = ""
    if tokens and tokens[0].upper() == "WITH":
        tokens.pop(0)
        exception = tokens.pop(0) if tokens else ""
    if token.upper().startswith("GPL"):
        return exception.startswith("GCC-exception")
    return token != UNKNOWN and not token.upper().startswith("AGPL")


def refused(packages: Mapping[str, Distribution | None]) -> dict[str, str]:
    """What must not be there, with its licence."""
    named = {name: licence_of(package) for name, package in packages.items() if package}
    return {name: licence for name, licence in named.items() if not is_allowed(licence)}


def rows() -> list[tuple[str, str, str]]:
    """Every package, its licence, and what brings it: "default" or the extras."""
    default = installed_with()
    by_extra = {extra: installed_with([extra]) for extra in extras()}
    packages = {**default}
    for brought in by_extra.values():
        packages.update(brought)
    missing = sorted(name for name, package in packages.items() if package is None)
    if missing:
        raise SystemExit(f"The page was not written; not installed here: {', '.join(missing)}")
    return [
        (
            name,
            licence_of(package),
            "default"
            if name in default
            else ", ".join(extra for extra in extras() if name in by_extra[extra]),
        )
        for name, package in sorted(packages.items())
        if package is not None
    ]


def document() -> str:
    """The page."""
    lines = ["| package | licence | comes with |", "|---|---|---|"]
    lines += [f"| {name} | {licence} | {brought} |" for name, licence, brought in rows()]
    before, _, rest = TARGET.read_text(encoding="utf-8").partition(_BEGIN)
    return before + _BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + _END + rest.partition(_END)[2]


_BEGIN, _END = "<!-- packages: by packaging/licences.py -->", "<!-- end of packages -->"


def main(arguments: list[str]) -> int:
    """Check, or write the page; returns the exit code."""
    wrong = refused(installed_with())
    for name, licence in wrong.items():
        print(f"{name}: {licence}", file=sys.stderr)
    if "--check" not in arguments:
        TARGET.write_text(document(), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
