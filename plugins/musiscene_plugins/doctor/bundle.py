"""The report as one file to attach: findings and the log's last lines, without what is private.

    report.txt  report.json  log.txt  settings.txt

Nothing is sent anywhere; the user can open it and read all of it first.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import msgspec

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.paths import log_folder
from musiscene_plugins.doctor.finding import Finding, Report
from musiscene_plugins.doctor.keeping import LOG, log_lines
from musiscene_plugins.doctor.redacting import Redactor
from musiscene_plugins.doctor.words import lines

_VARIABLES = ("MUSISCENE_", "RESOLVE_SCRIPT_", "HF_")
_SHOWN = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "QT_QPA_PLATFORM", "LANG")


def write_bundle(report: Report, path: Path, redactor: Redactor | None = None) -> None:
    """Write the bundle to `path`.

    Raises:
        OutputError: it is there already, or cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path} is there already.", hint="Name another file.")
    clean = redactor or Redactor()
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


def _log(clean: Redactor) -> str:
    found = log_lines(log_folder() / LOG)
    if found is None:
        return "There is no log.\n"
    # At that level it may hold prompts and what libraries say of files.
    return "".join(f"{clean.text(line)}\n" for line in found if " DEBUG " not in line)


def _settings(clean: Redactor) -> str:
    """The variables that change what MusiScene does; of those that name places, only that."""
    told = [
        f"{name}={clean.text(value)}\n" if name in _SHOWN else f"{name} is set\n"
        for name, value in sorted(os.environ.items())
        if name in _SHOWN or name.startswith(_VARIABLES)
    ]
    return "".join(told) or "None are set.\n"
