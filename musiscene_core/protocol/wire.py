"""Messages to frames and back: [header, message], each msgpack, none of them trusted.

Frames carry paths, never audio. Knows nothing of sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol.messages import PROTOCOL_VERSION, Header

MAX_FRAME_BYTES = 8 << 20
"""Largest frame accepted; a brief of a whole feature film is about 1 MB."""

_MAX_REASON = 300

T = TypeVar("T")


class MalformedFrameError(Exception):
    """Bytes that are not a message of ours; never leaves the two ends of the socket."""


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def frames(
    message: msgspec.Struct, *, request: int, protocol: int = PROTOCOL_VERSION
) -> list[bytes]:
    """The two frames of `message`, sent as or in answer to the client's `request`."""
    encode = msgspec.msgpack.encode
    return [encode(Header(protocol=protocol, request=request)), encode(message)]


def read_header(parts: Sequence[bytes]) -> Header:
    """The header of a message.

    Raises:
        MalformedFrameError: not two frames, or the first is no header.
    """
    if len(parts) != 2:
        raise MalformedFrameError(f"{len(parts)} frames instead of 2")
    header: Header = decode(parts[0], Header)
    return header


def decode(data: bytes, kind: Any) -> Any:
    """Read a `kind` (a struct, or a union of tagged ones) from msgpack.

    Raises:
        MalformedFrameError: not msgpack, nested too deep, or not a `kind`.
        InputError: well formed, but a noun in it refuses its values.
    """
    try:
        return _decoder(kind).decode(data)
    except MusiSceneError:
        raise
    except (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError) as error:
        # Deep nesting raises RecursionError, and bad text a ValueError, not a decode error.
        reason = str(error)[:_MAX_REASON] or type(error).__name__
        raise MalformedFrameError(reason) from error
