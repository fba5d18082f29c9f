"""Running the checks: each with a time limit of its own, one that fails never stops the others."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from musiscene_core.errors import MusiSceneError
from musiscene_core.progress import Progress
from musiscene_plugins.doctor import editors, keeping, machine, models, software, sound, talking
from musiscene_plugins.doctor.finding import Finding, Report, broken

log = logging.getLogger(__name__)

_REPORT_IT = "Please report it: this is a mistake in the doctor, not on your machine."


class Check(NamedTuple):
    """One thing to look at.

    Attributes:
        topic: what it is about, where it gives no finding of its own.
        look: gives findings.
        limit_s: how long it may take, however badly the machine is.
    """

    topic: str
    look: Callable[[], Iterable[Finding]]
    limit_s: float = 20.0


CHECKS = (
    Check("versions", software.versions),
    Check("memory", machine.memory),
    Check("disks", machine.disks),
    Check("graphics", machine.graphics, 90.0),
    Check("ffmpeg", sound.ffmpeg, 50.0),
    Check("sound output", sound.output, 30.0),
    Check("connection file", talking.rights),
    Check("local sockets", talking.sockets),
    Check("daemon", talking.daemon),
    Check("DaVinci Resolve", editors.resolve, 45.0),
    Check("models", models.models),
    Check("environments", keeping.environments),
    Check("takes", keeping.takes),
    Check("tables", keeping.tables),
    Check("ledger", keeping.ledger),
    Check("log", keeping.log),
)
"""All of them, in the order in which they are read."""


def examine(progress: Progress, checks: Sequence[Check] = CHECKS) -> Report:
    """Look at everything, all at once; what hangs is told as a finding."""
    began = time.monotonic()
    running = [(check, _begun(check)) for check in checks]
    findings: list[Finding] = []
    for number, (check, answer) in enumerate(running):
        progress(f"Looking at {check.topic}", number / len(running))
        left = max(0.0, began + check.limit_s - time.monotonic())
        try:
            findings += answer.get(timeout=left)
        except queue.Empty:
            findings.append(
                broken(
                    check.topic,
                    f"Looking at it has taken more than {check.limit_s:g} s.",
                    "A disk, a network folder or a driver does not answer: look at those first.",
                )
            )
    progress("Done", 1.0)
    seconds = time.monotonic() - began
    made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Report(made=made, seconds=round(seconds, 2), findings=tuple(findings))


def _begun(check: Check) -> queue.SimpleQueue[list[Finding]]:
    answer: queue.SimpleQueue[list[Finding]] = queue.SimpleQueue()
    # A thread that hangs for ever does not keep the command from ending.
    threading.Thread(
        target=lambda: answer.put(_looked(check)), daemon=True, name=f"doctor-{check.topic}"
    ).start()
    return answer


def _looked(check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.look())
    except MusiSceneError as error:
        found.append(broken(check.topic, error.message, error.hint))
    except Exception as error:
        # Whatever is odd about this machine, the rest of the report is wanted all the more.
        log.debug("the check of %s failed", check.topic, exc_info=True)
        found.append(broken(check.topic, f"{type(error).__name__}: {error}", _REPORT_IT))
    return found
