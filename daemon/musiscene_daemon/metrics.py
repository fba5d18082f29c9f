"""What the daemon counts, as text that Prometheus reads; asked for over the socket alone.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.protocol.messages import DaemonStatus

_PREFIX = "musiscene_"


@dataclass
class Counters:
    """What has happened since the daemon began; written by the socket thread alone.

    Attributes:
        requests: messages answered.
        malformed: of these, those that could not be read.
        refused: connections with an unknown key, or none.
        lost_replies: not sent, because a client did not read.
        lost_events: the same of events.
    """

    requests: int = 0
    malformed: int = 0
    refused: int = 0
    lost_replies: int = 0
    lost_events: int = 0


def prometheus(
    status: DaemonStatus, counters: Counters, jobs: dict[str, int], subscribers: int
) -> str:
    """The text.

    Args:
        status: the daemon as it stands.
        counters: what has happened.
        jobs: remembered jobs, by state.
        subscribers: programs that listen for events.
    """
    lines: list[str] = []

    def add(name: str, kind: str, about: str, *samples: tuple[str, float]) -> None:
        full = _PREFIX + name
        lines.extend((f"# HELP {full} {about}", f"# TYPE {full} {kind}"))
        lines.extend(f"{full}{labels} {value:.10g}" for labels, value in samples)

    add("info", "gauge", "The daemon's version.", (_labels(version=status.version), 1))
    add("uptime_seconds", "gauge", "Since the daemon began.", ("", status.uptime_s))
    add(
        "jobs",
        "gauge",
        "Jobs remembered, by state.",
        *((_labels(state=state), count) for state, count in sorted(jobs.items())),
    )
    add("worker_ready", "gauge", "Whether a worker can take jobs.", ("", status.worker_ready))
    add("engines", "gauge", "Engines that load.", ("", len(status.engines)))
    add("engines_broken", "gauge", "Engines that do not.", ("", len(status.broken_engines)))
    add("models", "gauge", "Models in memory, or on the way.", ("", len(status.models)))
    add(
        "model_bytes",
        "gauge",
        "Memory set aside for a model.",
        *((_labels(model=one.name, device=one.device), one.bytes) for one in status.models),
    )
    add("subscribers", "gauge", "Programs that listen for events.", ("", subscribers))
    add("requests_total", "counter", "Messages answered.", ("", counters.requests))
    add("malformed_total", "counter", "Messages that made no sense.", ("", counters.malformed))
    add("refused_total", "counter", "Connections not let in.", ("", counters.refused))
    add("lost_replies_total", "counter", "Replies nobody read.", ("", counters.lost_replies))
    add("lost_events_total", "counter", "Events nobody read.", ("", counters.lost_events))
    add(
        "resident_memory_bytes",
        "gauge",
        "Memory of a process, where the system tells.",
        *_memory(daemon=status.pid, worker=status.worker_pid),
    )
    return "\n".join(lines) + "\n"


def _labels(**labels: str) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"


def _memory(**processes: int) -> Iterator[tuple[str, float]]:
    for name, pid in processes.items():
        try:
            text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("VmRSS:"):
                yield _labels(process=name), int(line.split()[1]) * 1024.0
