"""The report as one file to attach: findings and the log's last lines, without what is private.

    report.txt  report.json  log.txt  settings.txt

Nothing is sent anywhere; the user can open it and read all of it first.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections import deque
from contextlib import suppress
from pathlib import Path

import msgspec

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.paths import data_folder, log_folder
from musiscene_core.provenance.ledger import LEDGER_FILE, read_lines
from musiscene_core.provenance.statement import read_statement
from musiscene_plugins.doctor.finding import Finding, Report
from musiscene_plugins.doctor.keeping import LOG, log_lines
from musiscene_plugins.doctor.redacting import Redactor
from musiscene_plugins.doctor.words import lines

_VARIABLES = ("MUSISCENE_", "RESOLVE_SCRIPT_", "HF_")
_DEBUG = re.compile(r" DEBUG |\"level\": ?\"debug\"")
_LATEST = 1_000
"""Takes whose names and prompts are known; those of older ones have left the log."""
_SHOWN = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "QT_QPA_PLATFORM", "LANG")


def write_bundle(report: Report, path: Path, redactor: Redactor | None = None) -> None:
    """Write the bundle to `path`.

    Raises:
        OutputError: it is there already, or cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path} is there already.", hint="Name another file.")
    clean = redactor or Redactor(private=_private())
    safe = msgspec.structs.replace(
        report, findings=tuple(_redacted(one, clean) for one in report.findings)
    )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.txt", "\n".join(lines(safe)) + "\n")
        archive.writestr("report.json", json.dumps(msgspec.to_builtins(safe), indent=2) + "\n")
        archive.writestr("log.txt", _log(clean))
        archive.writestr("settings.txt", _settings(clean))
    write_atomically(path, held.getvalue(), mode=0o600)


def _redacted(finding: Finding, clean: Redactor) -> Finding:
    facts = {
        # A model's files are published ones; a user's own could be called anything.
        clean.text(name): clean.text(value) if isinstance(value, str) else value
        for name, value in finding.facts.items()
    }
    return Finding(
        topic=clean.text(finding.topic),
        state=finding.state,
        said=clean.text(finding.said),
        fix=clean.text(finding.fix),
        facts=facts,
    )


def _private() -> list[str]:
    """What this user's takes are called and were steered by, as far as the ledger knows."""
    latest: deque[str] = deque(maxlen=_LATEST)
    with suppress(InputError):
        latest.extend(line.statement for line in read_lines(data_folder() / LEDGER_FILE))
    found: list[str] = []
    for text in latest:
        with suppress(InputError):
            made = read_statement(text)
            found += [made.cue, made.prompt, *re.split(r"(?<=[.;:!?])\s+|\n", made.prompt)]
    return found


def _log(clean: Redactor) -> str:
    found = log_lines(log_folder() / LOG)
    if found is None:
        return "There is no log.\n"
    # At that level it may hold prompts and what libraries say of files.
    return "".join(f"{_log_line(line, clean)}\n" for line in found if not _DEBUG.search(line))


def _log_line(line: str, clean: Redactor) -> str:
    """A line of the log; of one that is JSON, value by value, or all would go as quoted."""
    try:
        told = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return clean.text(line)
    return json.dumps({key: _value(value, clean) for key, value in told.items()})


def _value(value: object, clean: Redactor) -> object:
    if isinstance(value, int | float | None):
        return value
    return clean.text(value if isinstance(value, str) else json.dumps(value))


def _settings(clean: Redactor) -> str:
    """The variables that change what MusiScene does; of those that name places, only that."""
    told = [
        f"{name}={clean.text(value)}\n" if name in _SHOWN else f"{name} is set\n"
        for name, value in sorted(os.environ.items())
        if name in _SHOWN or name.startswith(_VARIABLES)
    ]
    return "".join(told) or "None are set.\n"
