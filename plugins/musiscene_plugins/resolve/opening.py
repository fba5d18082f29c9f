"""Opening the Resolve that runs on this machine, by the way that its edition allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.bridge import connect_bridge
from musiscene_plugins.resolve.connecting import running_resolve
from musiscene_plugins.resolve.transport import DirectTransport, Transport


@contextmanager
def resolve_api(*, bridge: bool) -> Iterator[ResolveApi]:
    """A connection to Resolve for the work inside.

    Args:
        bridge: over the script that the user started in Resolve (free edition, 21.1 and later),
            instead of from outside (Studio).

    Raises:
        HostError: Resolve cannot be reached; says why, and what to do.
    """
    transport: Transport = connect_bridge() if bridge else DirectTransport(running_resolve())
    try:
        yield ResolveApi(transport)
    finally:
        transport.close()
