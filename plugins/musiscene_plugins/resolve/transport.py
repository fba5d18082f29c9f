"""Transport: how a call reaches Resolve's objects, from within its reach or over the Lua bridge.

A target is whatever the transport gave out before: a scripting object, or a name for one on the
other side. What a call answers (also None and False) is judged in api.py alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from musiscene_core.errors import HostLostError


class Call(NamedTuple):
    """One method call: `target.method(*arguments)`."""

    target: Any
    method: str
    arguments: tuple[Any, ...] = ()


class Transport(Protocol):
    """A way to Resolve."""

    root: Any
    """The `resolve` object."""

    def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """Make `calls` in order; their answers.

        Raises:
            HostLostError: nobody answers, or a call raised.
        """

    def has(self, target: Any, method: str) -> bool:
        """Whether `target` knows `method`."""

    def constant(self, name: str) -> Any:
        """A constant of the `resolve` object, such as EXPORT_OTIO; None where it has none."""

    def close(self) -> None:
        """Let go of Resolve."""


class DirectTransport:
    """Calls on the scripting objects themselves, in Resolve's reach."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """Make `calls` in order; their answers."""
        return [self._answer(call) for call in calls]

    def has(self, target: Any, method: str) -> bool:
        """Whether `target` knows `method`: hasattr() is true of everything here, dir() is not."""
        return method in dir(target)

    def constant(self, name: str) -> Any:
        """A constant of the `resolve` object."""
        return getattr(self.root, name, None) if name in dir(self.root) else None

    def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self, call: Call) -> Any:
        try:
            return getattr(call.target, call.method)(*call.arguments)
        except Exception as error:
            # A process boundary: the scripting library raises whatever it likes once Resolve quit.
            raise HostLostError(
                f"DaVinci Resolve did not answer {call.method}: {error or type(error).__name__}.",
                hint="Start it, open the project and read the timeline again: takes are kept.",
            ) from error
