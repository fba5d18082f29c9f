"""How clients and the daemon talk: messages, connection file, client."""

from musiscene_core.protocol.client import Client
from musiscene_core.protocol.launcher import connect, stop
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    DaemonStatus,
)
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import (
    BrokenEngine,
    CaptionerInfo,
    EngineInfo,
    EngineModel,
    JobError,
    JobInfo,
    JobKind,
    JobState,
    ModelInfo,
    WorkerInfo,
)

__all__ = [
    "PROTOCOL_VERSION",
    "BrokenEngine",
    "CaptionerInfo",
    "Client",
    "DaemonStatus",
    "EngineInfo",
    "EngineModel",
    "JobError",
    "JobInfo",
    "JobKind",
    "JobResult",
    "JobState",
    "ModelInfo",
    "WorkerInfo",
    "connect",
    "stop",
]
