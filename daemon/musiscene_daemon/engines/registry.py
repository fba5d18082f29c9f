"""Finding the engines that are installed, and telling those that do not load."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Sequence

from musiscene_core.errors import EngineError
from musiscene_core.protocol.state import (
    BrokenEngine,
    EngineInfo,
)
from musiscene_daemon.engines.base import ENTRY_POINTS, Engine, UsesModels
from musiscene_daemon.residency.residents import Residents

log = logging.getLogger(__name__)

_OURS = "musiscene"


class Registry:
    """The engines of this process.

    Attributes:
        engines: by name.
        infos: what they say of themselves, in the order found.
        broken: those that are installed but do not load.
        residents: the models that those which use models share.
    """

    def __init__(
        self,
        further: Sequence[str] = (),
        residents: Residents | None = None,
        *,
        built_in: bool = True,
    ) -> None:
        """Load the installed engines and the `further` ones, each named "module:Class".

        An engine that fails to load is set aside, not fatal: the others still work.

        Args:
            further: beside those that are installed.
            residents: where models are kept.
            built_in: load MusiScene's own engines too; they live in one environment only.
        """
        self.residents = residents or Residents()
        self.engines: dict[str, Engine] = {}
        self.broken: list[BrokenEngine] = []
        found = [
            entry
            for entry in importlib.metadata.entry_points(group=ENTRY_POINTS)
            if built_in or entry.dist is None or entry.dist.name != _OURS
        ]
        named = [
            importlib.metadata.EntryPoint(spec.rpartition(":")[2], spec, ENTRY_POINTS)
            for spec in further
        ]
        infos: list[EngineInfo] = []
        for entry in (*found, *named):
            try:
                engine: Engine = entry.load()()
                info = engine.describe()
                if isinstance(engine, UsesModels):
                    engine.use_models(self.residents)
            except Exception as error:
                log.exception("the engine %s does not load", entry.name)
                self.broken.append(BrokenEngine(entry.name, f"{type(error).__name__}: {error}"))
                continue
            if info.name not in self.engines:
                self.engines[info.name] = engine
                infos.append(info)
        self.infos = tuple(infos)

    def get(self, name: str) -> Engine:
        """The engine called `name`.

        Raises:
            EngineError: there is none.
        """
        if name not in self.engines:
            raise EngineError(f"There is no engine called {name!r}.")
        return self.engines[name]
