"""Finding the engines and captioners that are installed, and telling those that do not load."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from musiscene_core import __version__
from musiscene_core.errors import EngineError
from musiscene_core.protocol.state import (
    BrokenEngine,
    CaptionerInfo,
    EngineInfo,
)
from musiscene_core.request import SIGNALS
from musiscene_daemon.engines.base import (
    CAPTIONER_ENTRY_POINTS,
    ENTRY_POINTS,
    INTERFACE,
    Captioner,
    Engine,
    UsesModels,
)
from musiscene_daemon.engines.signals import SignalsCaptioner
from musiscene_daemon.residency.residents import Residents

log = logging.getLogger(__name__)

_OURS = "musiscene"


class Registry:
    """The engines and captioners of this process.

    Attributes:
        engines: by name.
        infos: what they say of themselves, in the order found.
        captioners: by name.
        captioner_infos: likewise.
        broken: those that are installed but do not load.
        residents: the models that those which use models share.
    """

    def __init__(
        self,
        further: Sequence[str] = (),
        residents: Residents | None = None,
        *,
        built_in: bool = True,
        only: Collection[str] = (),
        without: Collection[str] = (),
        loading: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Load what is installed and the `further` ones, each named "module:Class".

        One that fails to load is set aside, not fatal: the others still work.

        Args:
            further: engines and captioners beside those that are installed.
            residents: where models are kept.
            built_in: load MusiScene's own too; they live in one environment only.
            only: names of entry points to load, where not all.
            without: names of entry points to leave alone.
            loading: hears the name of each before it is loaded, which may end the process.
        """
        self.residents = residents or Residents()
        self.engines: dict[str, Engine] = {}
        self.captioners: dict[str, Captioner] = {}
        self.broken: list[BrokenEngine] = []
        self._asked: set[str] = set()
        infos: list[EngineInfo] = []
        captioner_infos: list[CaptionerInfo] = []
        for entry in _entries(further, built_in=built_in):
            if entry.name in without or (only and entry.name not in only):
                continue
            loading(entry.name)
            try:
                found: Any = entry.load()()
                info = _described(found)
                if isinstance(found, UsesModels):
                    found.use_models(self.residents)
            except (Exception, SystemExit) as error:
                log.exception("%s does not load", entry.name)
                self.broken.append(BrokenEngine(entry.name, f"{type(error).__name__}: {error}"))
                continue
            if isinstance(info, CaptionerInfo):
                if info.name not in self.captioners:
                    self.captioners[info.name] = found
                    captioner_infos.append(info)
            elif info.name not in self.engines:
                self.engines[info.name] = found
                infos.append(info)
        self.infos = tuple(infos)
        self.captioner_infos = tuple(captioner_infos)

    def get(self, name: str) -> Engine:
        """The engine called `name`.

        Raises:
            EngineError: there is none.
        """
        if name not in self.engines:
            raise EngineError(f"There is no engine called {name!r}.")
        return self.engines[name]

    def described_anew(self) -> bool:
        """Ask captioners that worked what they are now; returns whether any says something else.

        How one is held and how fast it writes is known once it has worked.
        """
        asked = {name: self.captioners[name] for name in self._asked}
        self._asked.clear()
        before = self.captioner_infos
        self.captioner_infos = _told_again(before, asked)
        return self.captioner_infos != before

    def describe_again(self) -> None:
        """Ask all what they are now: their models may have come or gone."""
        self.infos = _told_again(self.infos, self.engines)
        self.captioner_infos = _told_again(self.captioner_infos, self.captioners)

    def captioner(self, name: str) -> Captioner:
        """The captioner called `name`; measurements can be had in every environment.

        Raises:
            EngineError: there is none.
        """
        if name not in self.captioners:
            if name == SIGNALS:
                return SignalsCaptioner()
            raise EngineError(f"There is no captioner called {name!r}.")
        self._asked.add(name)
        return self.captioners[name]


Info = TypeVar("Info", EngineInfo, CaptionerInfo)


def _told_again(infos: Sequence[Info], asked: Mapping[str, Any]) -> tuple[Info, ...]:
    """What those who are `asked` say of themselves now; what the others said before."""
    told: list[Info] = []
    for info in infos:
        try:
            told.append(asked[info.name].describe() if info.name in asked else info)
        except Exception:
            # Of another's making, as when it was loaded; what it said then stands.
            log.exception("%s no longer says what it is", info.name)
            told.append(info)
    return tuple(told)


def _described(found: Any) -> EngineInfo | CaptionerInfo:
    """What an engine or captioner says of itself.

    Raises:
        EngineError: it is none of this interface.
    """
    written_for = getattr(found, "interface", INTERFACE)
    if written_for != INTERFACE:
        raise EngineError(
            f"It is written for interface {written_for!r} of engines, MusiScene {__version__} has "
            f"{INTERFACE}.",
            hint="Update the older of the two",
        )
    info = found.describe()
    work = "answer" if isinstance(info, CaptionerInfo) else "score"
    if not isinstance(info, EngineInfo | CaptionerInfo) or not info.name:
        raise EngineError("Its describe() gives no EngineInfo or CaptionerInfo with a name")
    if not callable(getattr(found, work, None)):
        raise EngineError(f"It has no method {work}()")
    return info


def _entries(further: Sequence[str], *, built_in: bool) -> Iterator[importlib.metadata.EntryPoint]:
    for group in (ENTRY_POINTS, CAPTIONER_ENTRY_POINTS):
        for entry in importlib.metadata.entry_points(group=group):
            if built_in or entry.dist is None or entry.dist.name != _OURS:
                yield entry
    for spec in further:
        yield importlib.metadata.EntryPoint(spec.rpartition(":")[2], spec, ENTRY_POINTS)
