"""`musiscene host`: an editor host for a parent process, over standard input and output.

Reads a request a line and answers each with a line (musiscene_core.protocol.hosting). Ends with
its input, so that it never outlives its parent. Whatever else writes to standard output (an
editor's library may) goes to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.errors import HostError, InputError, MusiSceneError
from musiscene_core.protocol.hosting import (
    MAX_LINE_BYTES,
    Answered,
    Asked,
    HostReply,
    HostRequest,
    LocateMedia,
    MediaLocated,
    Opened,
    OpenFile,
    OpenResolve,
    Placed,
    PlaceTakes,
    RangeRead,
    ReadRange,
    Refused,
    Removed,
    RemovePlacement,
)
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import EditorHost, Placement, TakeInFolder
from musiscene_plugins.placements import placements_about

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=HostReply)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer `requests`, a line each, on `replies`, until they end."""
    with HostServer() as server:
        while line := requests.readline(MAX_LINE_BYTES):
            replies.write(msgspec.json.encode(_answer(server, line)) + b"\n")
            replies.flush()


@contextmanager
def own_output() -> Iterator[BinaryIO]:
    """Standard output for us alone: what anything else prints goes to standard error."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(ours, "wb", closefd=False) as output:
            yield output
    finally:
        os.dup2(ours, 1)
        os.close(ours)


class HostServer:
    """At most one open timeline, and what can be asked of it."""

    def __init__(self) -> None:
        self._host: EditorHost | None = None
        self._holds = ExitStack()

    def __enter__(self) -> HostServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._holds.close()

    def answer(self, request: HostRequest) -> HostReply:
        """The reply to `request`.

        Raises:
            MusiSceneError: the host refuses.
        """
        match request:
            case OpenFile():
                return self._open(lambda: _file_host(request))
            case OpenResolve():
                return self._open(lambda: self._resolve_host(request))
            case ReadRange(choice):
                return RangeRead(self._opened.read_range(choice))
            case LocateMedia(reference):
                return MediaLocated(str(self._opened.locate_media(reference)))
            case PlaceTakes():
                return Placed(self._place(request))
            case RemovePlacement(placement, folders):
                self._opened.remove_placement(placement)
                for path, kept in placements_about(f"{folder}/take.json" for folder in folders):
                    if kept == placement:
                        path.unlink(missing_ok=True)
                return Removed()

    @property
    def _opened(self) -> EditorHost:
        if self._host is None:
            raise HostError("No timeline is open.", hint="Open a file, or connect to the editor.")
        return self._host

    def _open(self, opened: Callable[[], EditorHost]) -> Opened:
        self._holds.close()
        self._host = None
        host = opened()
        answer = Opened(editor=host.editor(), description=host.describe(), markers=host.markers())
        self._host = host
        return answer

    def _resolve_host(self, request: OpenResolve) -> EditorHost:
        # Here and not above: a timeline file needs nothing of it.
        from musiscene_plugins.resolve import ResolveHost
        from musiscene_plugins.resolve.opening import resolve_api

        api = self._holds.enter_context(resolve_api(bridge=request.bridge))
        return ResolveHost(api, request.roles)

    def _place(self, request: PlaceTakes) -> Placement:
        takes = [
            TakeInFolder(read_json(Path(folder) / "take.json", Take), Path(folder))
            for folder in request.folders
        ]
        if not takes:
            raise InputError("No take was named.", hint="Choose one.")
        return self._opened.place_takes(takes, layout=request.layout, policy=request.policy)


def _file_host(request: OpenFile) -> EditorHost:
    # Here and not above: an editor's timeline needs nothing of it.
    from musiscene_plugins.otio import HostSettings, open_timeline

    return open_timeline(
        Path(request.path),
        HostSettings(
            rate=FrameRate.parse(request.rate) if request.rate else None,
            roles=request.roles,
            timeline_name=request.timeline or None,
            output=Path(request.output) if request.output else None,
            format=request.format or None,
        ),
    )


def _answer(server: HostServer, line: bytes) -> Answered:
    try:
        asked = msgspec.json.decode(line, type=Asked)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return Answered(0, Refused(HostError.code, f"The request cannot be read: {error}."))
    try:
        return Answered(asked.number, server.answer(asked.request))
    except MusiSceneError as error:
        return Answered(asked.number, Refused(error.code, error.message, error.hint))
    except OSError as error:
        logger.exception("The request failed")
        return Answered(asked.number, Refused(HostError.code, f"{error.strerror or error}."))
