from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from musiscene_core.errors import RequestError
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    FromDaemon,
    Header,
    JobEvent,
    Malformed,
    Ping,
    Reply,
    Request,
    SubmitScore,
)
from musiscene_core.protocol.state import JobInfo
from musiscene_core.protocol.wire import MalformedFrameError, decode, frames, read_header
from tests.support.daemons import request, scene


def test_messages_come_back_as_they_went() -> None:
    for message in (Ping(), SubmitScore(request=request(), key="k")):
        parts = frames(message, request=7)
        assert read_header(parts) == Header(PROTOCOL_VERSION, 7)
        assert decode(parts[1], Request) == message
    event = JobEvent(3, JobInfo(id="a", kind="spot", state="queued", cue=scene().cue, created=0.5))
    assert decode(frames(event, request=0)[1], FromDaemon) == event


def test_every_message_has_a_tag_of_its_own() -> None:
    for union in (Request, FromDaemon):
        tags = [kind.__struct_config__.tag for kind in get_args(union)]
        assert len(set(tags)) == len(tags)
    assert set(get_args(Reply)) < set(get_args(FromDaemon))


def test_the_shapes_that_every_version_must_read_never_change() -> None:
    """If this fails, two versions can no longer refuse each other in words."""
    assert msgspec.msgpack.encode(Header(1, 2)) == bytes([0x92, 1, 2])
    assert msgspec.msgpack.decode(frames(Malformed("x"), request=1)[1]) == {
        "type": "malformed",
        "reason": "x",
    }


def test_an_unknown_field_is_ignored() -> None:
    assert decode(msgspec.msgpack.encode({"type": "ping", "new": [1]}), Request) == Ping()
    assert read_header([msgspec.msgpack.encode([1, 2, 3]), b""]) == Header(1, 2)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x91" * 200_000, b"\xdd\xff\xff\xff\xff", b"\x81\xa4type\xa2\xff\xfe", b"{}"],
    ids=["empty", "reserved", "nested", "huge", "bad text", "json"],
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedFrameError) as raised:
        decode(data, Request)
    assert str(raised.value)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_message_has_two_frames(count: int) -> None:
    with pytest.raises(MalformedFrameError, match=f"{count} frames"):
        read_header([b"\x92\x01\x02"] * count)


def test_a_noun_refuses_in_its_own_words() -> None:
    data = frames(SubmitScore(request=request(), key="k"), request=1)[1]
    with pytest.raises(RequestError, match="Takes must be"):
        decode(data.replace(b"\xa5takes\x01", b"\xa5takes\x63"), Request)
