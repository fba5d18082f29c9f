"""The messages of a worker in a cluster, over calls to the actor that runs it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from musiscene_daemon.worker_link import MAX_MESSAGE_BYTES, Command, Report

_LENGTH = struct.Struct(">I")


class Link:
    """The daemon's side of a worker's pipes."""

    def __init__(self, ray: Any, actor: Any) -> None:
        """Speak with the worker of `actor`, which has begun."""
        self._ray = ray
        self._actor = actor

    def send(self, command: Command) -> None:
        """Hand over a command; one for a worker that is gone is lost, and `reports` tells."""
        data = msgspec.msgpack.encode(command)
        try:
            self._ray.get(self._actor.write.remote(_LENGTH.pack(len(data)) + data))
        except (self._ray.exceptions.RayError, ConnectionError):
            return

    def reports(self) -> Iterator[Report]:
        """What the worker says, until it has ended.

        Raises:
            ValueError: it does not keep to the rules.
        """
        held = bytearray()
        while (data := self._ray.get(self._actor.read.remote())) is not None:
            held += data
            while len(held) >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(held)
                if length > MAX_MESSAGE_BYTES:
                    raise ValueError(f"a message of {length} bytes")
                end = _LENGTH.size + length
                if len(held) < end:
                    break
                report: Report = msgspec.msgpack.decode(held[_LENGTH.size : end], type=Report)
                del held[:end]
                yield report

    def end(self) -> tuple[int, str]:
        """The exit code and last words of the worker, once it has ended."""
        code, words = self._ray.get(self._actor.end.remote())
        return int(code), str(words)
