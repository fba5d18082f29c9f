"""Runs inside an environment and tells what is wrong with it. Needs Python 3.9 and pip alone.

inside.py ASKED TOLD    both JSON: requirements and imports; problems by name
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import importlib.metadata
import json
import sys
from pathlib import Path


def problem_of(text: str) -> str:
    """What is wrong with an installed requirement; empty where nothing is."""
    from pip._vendor.packaging.requirements import Requirement

    wanted = Requirement(text)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return ""
    try:
        found = importlib.metadata.distribution(wanted.name)
        version = found.version
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"
    if wanted.specifier and not wanted.specifier.contains(version, prereleases=True):
        return f"is version {version}"
    # Read here, not as found.files: from Python 3.12 on that leaves out what is missing.
    record = found.read_text("RECORD")
    if not record:
        return "has no list of its files"
    for row in filter(None, csv.reader(record.splitlines())):
        # A line that was cut short has no digest; what it names must be there all the same.
        file, noted = (*row, "", "")[:2]
        path = Path(str(found.locate_file(file)))
        if not path.is_file():
            if path.suffix != ".pyc":
                return f"lacks {file}"
            continue
        kind, _, value = noted.partition("=")
        if value:
            digest = hashlib.new(kind, path.read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != value:
                return f"has a damaged {file}"
    return ""


def main() -> None:
    """Read what is asked, tell what is wrong."""
    asked = json.loads(Path(sys.argv[1]).read_text())
    problems = {text: said for text in asked["requirements"] if (said := problem_of(text))}
    for name in asked["imports"] if not problems else ():
        try:
            importlib.import_module(name)
        except BaseException as error:
            problems[name] = f"does not load: {type(error).__name__}: {error}"
    Path(sys.argv[2]).write_text(json.dumps(problems))


if __name__ == "__main__":
    main()
