"""ConnectionModel: whether the daemon is there, what it offers, and why not."""

from __future__ import annotations

from typing import Literal

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol import Client, DaemonStatus, EngineInfo
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.jobs import JobsModel
from musiscene_gui.viewmodels.observable import Signal

DaemonState = Literal["looking", "starting", "ready", "resting", "failed"]
"""resting: none runs, and the next request starts one; it leaves by itself when idle."""


class ConnectionModel:
    """The daemon as the panel sees it.

    Attributes:
        changed: emits nothing, whenever anything of this changes.
        state: see DaemonState.
        status: what the daemon last said of itself; None before.
        error: why it cannot be reached; None while all is well.
        restarts: how often it was found again after it was lost.
    """

    def __init__(self, daemon: Asker[Client], jobs: JobsModel) -> None:
        self.changed = Signal()
        self.state: DaemonState = "looking"
        self.status: DaemonStatus | None = None
        self.error: MusiSceneError | None = None
        self.restarts = 0
        self._daemon, self._jobs = daemon, jobs

    @property
    def engines(self) -> tuple[EngineInfo, ...]:
        """What can score, as last heard."""
        return self.status.engines if self.status is not None else ()

    def start(self) -> None:
        """Reach the daemon, starting one where none runs, and hear what it offers."""
        if self.state != "ready":
            self._set("starting", None)
        self._daemon.ask(_status_when_ready, self._have, self._fail)

    def refresh(self) -> None:
        """Hear again what the daemon offers."""
        self._daemon.ask(Client.status, self._have, self._fail)

    def found(self) -> None:
        """A daemon is there (again)."""
        if self.state in ("resting", "failed") and self.status is not None:
            self.restarts += 1
        self._set("ready", None)
        self._daemon.ask(_status_when_ready, self._have, self._fail)

    def lost(self, error: MusiSceneError) -> None:
        """The daemon left or died; it is started again at once where work of ours waits."""
        if self.state == "starting":
            return
        self._set("resting", None if self._jobs.waiting_for == () else error)
        if self._jobs.waiting_for:
            self._daemon.ask(Client.ping, lambda _: None, self._fail)

    def _have(self, status: DaemonStatus) -> None:
        self.status = status
        self._set("ready", None)

    def _fail(self, error: MusiSceneError) -> None:
        self._set("failed", error)

    def _set(self, state: DaemonState, error: MusiSceneError | None) -> None:
        self.state, self.error = state, error
        self.changed.emit()


def _status_when_ready(client: Client) -> DaemonStatus:
    client.engines()
    return client.status()
