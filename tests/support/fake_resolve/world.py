"""What Resolve disagrees with itself about, by version, and how its objects answer scripts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Semantics:
    """One version's behaviour; every field is a point that is disputed or differs by version."""

    product: str = "DaVinci Resolve Studio"
    version: str = "21.0.2.4"
    end_frame_inclusive: bool = False
    timeline_end_inclusive: bool = False
    track_options_unknown: bool = False
    numbered_tables: bool = False
    reimport_refused: bool = False
    append_lies: bool = False
    project_rate: str = ""
    missing: frozenset[str] = frozenset({"SetProperties", "SetFades", "GetSelectedClips"})


@dataclass
class World:
    """State that all objects share, and the faults a test asked for."""

    semantics: Semantics
    page: str = "edit"
    rate: str = "24"
    dead: bool = False
    calls: list[str] = field(default_factory=list)
    faults: dict[str, list[Callable[[], Any]]] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def before(self, method: str, *faults: Callable[[], Any]) -> None:
        """Run the first of `faults` before the next call of `method`, and so on."""
        self.faults.setdefault(method, []).extend(faults)

    def new_id(self, kind: str) -> str:
        return f"{kind}-{next(self.ids)}"

    def die(self) -> None:
        self.dead = True
        raise RuntimeError("connection reset")


class Scripted:
    """A scripting object: any name is a method, unknown ones answer None; dir() tells the truth."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattribute__(self, name: str) -> Any:
        if not name[:1].isupper():
            return object.__getattribute__(self, name)
        world = object.__getattribute__(self, "_world")
        known = name in dir(type(self)) and name not in world.semantics.missing
        method = object.__getattribute__(self, name) if known else None

        def call(*arguments: Any) -> Any:
            world.calls.append(name)
            faults = world.faults.get(name)
            if faults:
                faults.pop(0)()
            if world.dead:
                raise RuntimeError("Resolve has quit")
            return method(*arguments) if method is not None else None

        return call

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_: None

    def __dir__(self) -> list[str]:
        missing = self._world.semantics.missing
        return [name for name in dir(type(self)) if name[:1].isupper() and name not in missing]

    def _listed(self, entries: list[Any]) -> Any:
        if self._world.semantics.numbered_tables:
            return dict(enumerate(entries, start=1))
        return entries
