"""The worker's side of the wire to a child in another environment: its messages, read strictly.

See musiscene_child, which runs there, for what goes over it.
"""

from __future__ import annotations

from typing import IO, Any, TypeAlias

import msgspec

from musiscene_daemon.engines.apart.musiscene_child import read_frame

PROTOCOL = 1


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The first message: who the child is.

    Attributes:
        protocol: which wire it speaks.
        name: what it is called.
        tasks: what it can do.
        versions: of the libraries it works with.
    """

    protocol: int
    name: str = ""
    tasks: tuple[str, ...] = ()
    versions: dict[str, str] = {}


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """A sign of life, once a second."""


class Progressed(msgspec.Struct, frozen=True, tag="progress"):
    """How far work is."""

    id: str
    stage: str
    fraction: float


class Done(msgspec.Struct, frozen=True, tag="done"):
    """Work ended well."""

    id: str
    result: dict[str, Any]


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """Work ended because it was told to."""

    id: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Work failed: the parts of one of our errors."""

    id: str
    message: str
    code: str = "job_failed"
    hint: str = ""


Said: TypeAlias = Ready | Alive | Progressed | Done | Stopped | Failed

_decoder = msgspec.json.Decoder(Said)


def read(pipe: IO[bytes]) -> Said | None:
    """What the child says next; None where it is gone.

    Raises:
        ValueError: it does not keep to the rules.
    """
    data = read_frame(pipe)
    if data is None:
        return None
    try:
        said: Said = _decoder.decode(data)
    except RecursionError as error:
        raise ValueError("a message nested too deeply") from error
    return said
