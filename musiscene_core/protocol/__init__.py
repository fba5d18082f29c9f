"""How clients and the daemon talk: messages, connection file, client."""

from musiscene_core.protocol.client import Client, JobResult
from musiscene_core.protocol.launcher import connect, stop
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    BrokenEngine,
    DaemonStatus,
    EngineInfo,
    JobError,
    JobInfo,
    JobKind,
    JobState,
)

__all__ = [
    "PROTOCOL_VERSION",
    "BrokenEngine",
    "Client",
    "DaemonStatus",
    "EngineInfo",
    "JobError",
    "JobInfo",
    "JobKind",
    "JobResult",
    "JobState",
    "connect",
    "stop",
]
