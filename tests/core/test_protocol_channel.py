"""What a daemon says before it hangs up is heard, however late one looks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
import zmq

from musiscene_core import __version__
from musiscene_core.protocol.channel import Channel, ConnectionLostError
from musiscene_core.protocol.connection import Connection
from musiscene_core.protocol.messages import PROTOCOL_VERSION, JobEvent, Ping
from musiscene_core.protocol.state import JobInfo
from musiscene_core.protocol.wire import frames

_UNTIL_HEARD_OF_S = 0.2
"""Until the library's thread has heard of a connection's end, on a busy machine too."""


class Far:
    """The other end of a connection, which hangs up when told to."""

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        public, self._router.curve_secretkey = zmq.curve_keypair()
        self._router.curve_server = True
        self._router.bind("tcp://127.0.0.1:*")
        client_public, client_secret = zmq.curve_keypair()
        self.connection = Connection(
            endpoint=self._router.getsockopt_string(zmq.LAST_ENDPOINT),
            protocol=PROTOCOL_VERSION,
            pid=os.getpid(),
            version=__version__,
            server_key=public.decode(),
            client_public_key=client_public.decode(),
            client_secret_key=client_secret.decode(),
        )

    def wait_for_client(self) -> bytes:
        """The routing id of the client whose message comes first."""
        return self._router.recv_multipart()[0]

    def tell(self, client: bytes, event: JobEvent) -> None:
        self._router.send_multipart([client, *frames(event, request=0)])

    def hang_up(self) -> None:
        """Return once everything that was said has left, and the connections with it."""
        self._router.close(linger=5_000)
        self._context.term()


@pytest.fixture
def far() -> Iterator[Far]:
    end = Far()
    yield end
    end.hang_up()


@pytest.fixture
def channel(far: Far) -> Iterator[Channel]:
    near = Channel(far.connection)
    yield near
    near.close()


def test_what_came_before_the_end_is_heard_and_then_the_end(far: Far, channel: Channel) -> None:
    said = [
        JobEvent(sequence, JobInfo(id="a", kind="score", state="running", cue="1m1", created=0.0))
        for sequence in range(3)
    ]
    channel.tell(Ping())
    client = far.wait_for_client()
    for event in said:
        far.tell(client, event)
    far.hang_up()
    time.sleep(_UNTIL_HEARD_OF_S)
    assert [channel.next_event(10) for _ in said] == said
    with pytest.raises(ConnectionLostError):
        channel.next_event(10)


def test_a_question_to_one_who_hung_up_is_known_to_be_lost(far: Far, channel: Channel) -> None:
    channel.tell(Ping())
    far.wait_for_client()
    far.hang_up()
    time.sleep(_UNTIL_HEARD_OF_S)
    with pytest.raises(ConnectionLostError):
        channel.ask(Ping(), 30)


def test_nobody_at_the_other_end_is_known_to_be_lost(far: Far) -> None:
    far.hang_up()
    channel = Channel(far.connection)
    with pytest.raises(ConnectionLostError):
        channel.ask(Ping(), 30)
    channel.close()
