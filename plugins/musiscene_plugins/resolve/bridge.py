"""The bridge into the free edition: requests as next.lua, answers from Fusion's preferences.

bridge.lua, started by the user once per session, is the other end and describes the protocol.
Every request is answered at most once and waited for only so long; one that was not answered may
still have been obeyed, and the error says so. One MusiScene at a time: a new one takes over.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from musiscene_core.errors import HostError, HostLostError, OutputError
from musiscene_plugins.resolve.folders import user_folder
from musiscene_plugins.resolve.lua_text import lua_string, lua_value
from musiscene_plugins.resolve.transport import Call

REQUEST_NAME = "musiscene_next.lua"
PREFS_NAME = "Fusion.prefs"
PROTOCOL = 1
HELLO_S = 5.0
ANSWER_S = 60.0
_POLL_S = 0.004
_CALLS_AT_ONCE = 400
"""Calls in one request, so that an answer stays far below the largest preferences read."""
_MAX_PREFS_BYTES = 64 << 20
_REPLY = re.compile(rb"MS1\.([0-9a-f]{32})\.(\d{1,15})\.(\d{1,9})\.(\d{1,10})\.([0-9A-Za-z~]*)")
_CLICK = (
    "In Resolve, click Workspace > Scripts > MusiScene once and leave it running, then try again."
)


class RemoteObject:
    """An object of Resolve's, by the number under which the other side keeps it."""

    def __init__(self, handle: int) -> None:
        self.handle = handle


class BridgeTransport:
    """Calls through bridge.lua."""

    def __init__(self, folder: Path, session: str, root: int, *, answer_s: float) -> None:
        self._folder, self._session, self._answer_s = folder, session, answer_s
        self._seq = 1
        self._dropped: list[int] = []
        self._closed = False
        self.root: Any = RemoteObject(root)

    @classmethod
    def connect(
        cls, folders: Sequence[Path], *, hello_s: float = HELLO_S, answer_s: float = ANSWER_S
    ) -> BridgeTransport:
        """Find the running bridge.lua.

        Args:
            folders: where it may be listening: Fusion profiles, each with its Fusion.prefs.
            hello_s: how long to wait for it.
            answer_s: how long to wait for an answer from then on.

        Raises:
            HostError: nobody answers, or a bridge.lua of another version.
            OutputError: a request cannot be written.
        """
        session = secrets.token_hex(16)
        text = _request(session, 1, "hello")
        for folder in folders:
            _write(folder / REQUEST_NAME, text)
        deadline = time.monotonic() + hello_s
        while time.monotonic() < deadline:
            for folder in folders:
                reply = _reply(folder / PREFS_NAME, session, 1)
                if reply is None:
                    continue
                if reply.get("protocol") != PROTOCOL or not isinstance(reply.get("root"), int):
                    raise HostError(
                        "The MusiScene script in Resolve is of another version.",
                        hint="Install it again with this MusiScene, and restart Resolve.",
                    )
                return cls(folder, session, reply["root"], answer_s=answer_s)
            time.sleep(_POLL_S)
        raise HostError("DaVinci Resolve does not answer over the bridge.", hint=_CLICK)

    def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """Make `calls` in order; their answers."""
        answers: list[Any] = []
        for at in range(0, len(calls), _CALLS_AT_ONCE):
            some = calls[at : at + _CALLS_AT_ONCE]
            rows = [_row("call", c.target, c.method, c.arguments, _handle_of) for c in some]
            answers += self._asked(rows, len(some))
        return answers

    def has(self, target: Any, method: str) -> bool:
        """Whether `target` knows `method`."""
        return bool(self._asked([_row("has", target, method, (), _handle_of)], 1)[0])

    def constant(self, name: str) -> Any:
        """A constant of the `resolve` object."""
        return self._asked([_row("get", self.root, name, (), _handle_of)], 1)[0]

    def close(self) -> None:
        """Leave bridge.lua waiting for the next one; the request file goes."""
        self._closed = True
        (self._folder / REQUEST_NAME).unlink(missing_ok=True)

    def stop(self) -> None:
        """End bridge.lua."""
        self._exchange("stop", [])
        self.close()

    def _asked(self, rows: Sequence[str], expected: int) -> list[Any]:
        reply = self._exchange("calls", rows)
        if "error" in reply:
            raise HostLostError(
                f"DaVinci Resolve did not answer {reply.get('call')}: {reply['error']}.",
                hint="See whether the project and timeline are still open, then try again.",
            )
        answers = reply.get("answers")
        if not isinstance(answers, list) or len(answers) != expected:
            raise HostLostError("DaVinci Resolve's answer makes no sense.", hint=_CLICK)
        return [self._value(answer) for answer in answers]

    def _exchange(self, kind: str, rows: Sequence[str]) -> dict[str, Any]:
        if self._closed:
            raise HostLostError("The bridge to DaVinci Resolve was closed.", hint=_CLICK)
        self._seq += 1
        drop, self._dropped[:] = list(self._dropped), []
        text = _request(self._session, self._seq, kind, rows, drop)
        _write(self._folder / REQUEST_NAME, text)
        deadline = time.monotonic() + self._answer_s
        while time.monotonic() < deadline:
            reply = _reply(self._folder / PREFS_NAME, self._session, self._seq)
            if reply is not None:
                return reply
            time.sleep(_POLL_S)
        self._closed = True
        # What was asked for may have been done; it must not be done later, behind our back.
        (self._folder / REQUEST_NAME).unlink(missing_ok=True)
        raise HostLostError(
            f"DaVinci Resolve gave no answer for {self._answer_s:.0f} s; whether it did what was "
            "asked is not known.",
            hint=_CLICK,
        )

    def _value(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self._value(entry) for entry in answer]
        if not isinstance(answer, dict):
            return answer
        if isinstance(answer.get("o"), int):
            made = RemoteObject(answer["o"])
            weakref.finalize(made, self._dropped.append, made.handle).atexit = False
            return made
        pairs = answer.get("d")
        if not isinstance(pairs, list):
            return None
        return {self._value(key): self._value(entry) for key, entry in pairs}


def profile_folders(platform: str, environment: Mapping[str, str], home: Path) -> list[Path]:
    """Folders of Fusion profiles on this machine; MUSISCENE_RESOLVE_PROFILE names one itself."""
    own = environment.get("MUSISCENE_RESOLVE_PROFILE")
    if own:
        return [Path(own)]
    profiles = user_folder(platform, environment, home) / "Fusion" / "Profiles"
    return sorted(path.parent for path in profiles.glob(f"*/{PREFS_NAME}"))


def connect_bridge() -> BridgeTransport:
    """The bridge into the Resolve that runs on this machine.

    Raises:
        HostError: Resolve was never started here, or its script is not running.
    """
    folders = profile_folders(sys.platform, os.environ, Path.home())
    if not folders:
        raise HostError("No DaVinci Resolve profile is on this machine.", hint=_CLICK)
    return BridgeTransport.connect(folders)


def _row(
    kind: str,
    target: Any,
    name: str,
    arguments: Sequence[Any],
    handle_of: Callable[[Any], int],
) -> str:
    given = ",".join(lua_value(value, handle_of) for value in arguments)
    return (
        f'{{kind="{kind}",target={handle_of(target)},name={lua_string(name)},'
        f"n={len(arguments)},args={{{given}}}}}"
    )


def _request(
    session: str, seq: int, kind: str, rows: Sequence[str] = (), drop: Sequence[int] = ()
) -> bytes:
    dropped = ",".join(str(handle) for handle in drop)
    calls = ",\n".join(rows)
    return (
        f'return {{session="{session}",seq={seq},kind="{kind}",drop={{{dropped}}},'
        f"calls={{{calls}}}}}\n"
    ).encode("ascii")


def _write(path: Path, text: bytes) -> None:
    """Publish a request whole; it need not outlive a power cut, so it is not synced."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(scratch, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(scratch, path)
    except OSError as error:
        raise OutputError.from_os(error, path) from error


def _handle_of(value: Any) -> int:
    if not isinstance(value, RemoteObject):
        raise TypeError(f"{type(value).__name__} is no object of Resolve's")
    return value.handle


def _reply(prefs: Path, session: str, seq: int) -> dict[str, Any] | None:
    """The answer to request `seq`, once it is there whole."""
    try:
        if prefs.stat().st_size > _MAX_PREFS_BYTES:
            raise HostError(f"{prefs} is too large to be read.", hint="Reset Fusion's preferences.")
        text = prefs.read_bytes()
    except OSError:
        return None
    for match in _REPLY.finditer(text):
        payload = match[5]
        if match[1] != session.encode() or int(match[2]) != seq:
            continue
        if len(payload) != int(match[3]) or zlib.adler32(payload) != int(match[4]):
            continue
        try:
            raw = unquote_to_bytes(payload.replace(b"~", b"%"))
            reply = json.loads(raw.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            return None
        return reply if isinstance(reply, dict) else None
    return None
