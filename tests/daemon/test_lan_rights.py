"""What a paired machine may do, and that it ends the moment it is revoked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest

from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import DaemonError, RequestError, UnknownJobError
from musiscene_core.protocol import Client
from musiscene_core.protocol.channel import Channel
from musiscene_core.protocol.connection import Connection
from musiscene_core.protocol.messages import (
    DeleteTake,
    Failure,
    GetMetrics,
    JobEvent,
    ListPaired,
    ListTakes,
    MarkTake,
    OpenPairing,
    Ping,
    Pong,
    PurgeTakes,
    Request,
    RevokePaired,
    Shutdown,
    Subscribe,
    Subscribed,
    UnloadModel,
)
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.request import CaptionRequest, MusicFile
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_daemon.allowed import FILE_NAME
from musiscene_daemon.rights import PAIRED_MAY
from tests.support.daemons import Home, home, request, scene, wait_until
from tests.support.lan import free_port, let_in, pair, remote, start


@pytest.fixture(scope="module")
def lan_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Client, int]]:
    """A daemon on the network that opens one folder, the local user's conversation, its port."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "media").mkdir()
    with home(folder) as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_ROOTS", str(folder / "media"))
        port = free_port()
        with start(place, port) as local:
            local.engines()
            yield place, local, port


@pytest.fixture
def local(lan_home: tuple[Home, Client, int]) -> Client:
    return lan_home[1]


LOCAL_ALONE = {
    GetMetrics: GetMetrics(),
    UnloadModel: UnloadModel("m"),
    ListTakes: ListTakes(),
    MarkTake: MarkTake(take_id="t"),
    DeleteTake: DeleteTake(take_id="t"),
    PurgeTakes: PurgeTakes(),
    OpenPairing: OpenPairing(),
    ListPaired: ListPaired(),
    RevokePaired: RevokePaired(name="cannot"),
    Shutdown: Shutdown(),
}


def test_every_request_is_either_open_to_paired_machines_or_refused_below() -> None:
    assert set(get_args(Request)) == set(PAIRED_MAY) | set(LOCAL_ALONE)
    assert not set(PAIRED_MAY) & set(LOCAL_ALONE)


def test_what_is_the_local_users_alone_is_refused(local: Client) -> None:
    channel = Channel(pair(local, "cannot"))
    for message in LOCAL_ALONE.values():
        reply = channel.ask(message, 10)
        assert isinstance(reply, Failure), message
        assert reply.message == "Only the user of the daemon's own machine may do this."
    assert channel.ask(Ping(), 10) == Pong()
    channel.close()
    assert "cannot" in [client.name for client in local.paired().clients]


def test_each_machine_sees_and_cancels_its_own_jobs_alone(
    lan_home: tuple[Home, Client, int],
) -> None:
    place, local, _ = lan_home
    gate = place.folder / "gate"
    with remote(pair(local, "ann")) as ann, remote(pair(local, "bob")) as bob:
        held = local.submit_score(request(until=str(gate)), "same key")
        anns = ann.submit_score(request(cue="ann"), "same key")
        bobs = bob.submit_score(request(cue="bob"), "same key")
        assert len({held, anns, bobs}) == 3
        assert [job.id for job in ann.jobs()] == [anns]
        assert [job.id for job in bob.jobs()] == [bobs]
        assert {held, anns, bobs} <= {job.id for job in local.jobs()}
        for foreign in (held, bobs):
            for ask in (ann.job, ann.cancel, ann.wait):
                with pytest.raises(UnknownJobError, match="There is no job"):
                    ask(foreign)
        assert ann.cancel_all("mine") == 1
        assert [job.state for job in ann.jobs()] == ["cancelled"]
        assert local.job(held).state in ("queued", "running")
        gate.touch()
        bob.wait(bobs)
        assert local.wait(held).takes
        again = ann.submit_score(request(cue="ann"), "a later one")
        assert local.cancel(again).id == again, "the local user may stop anything"


def test_a_machine_hears_of_its_own_jobs_alone_and_of_none_once_revoked(local: Client) -> None:
    channel = Channel(pair(local, "listens"))
    reply = channel.ask(Subscribe(), 10)
    assert isinstance(reply, Subscribed)
    assert reply.jobs == ()
    local.score(request(cue="secret"))
    with remote(channel.connection) as far:
        own = far.submit_score(request(cue="own"))
        far.wait(own)
        heard: list[JobEvent] = []
        while event := channel.next_event(0.5):
            heard.append(event)
        assert {event.job.id for event in heard} == {own}
        gone = far.submit_score(request(cue="own", seed=9))
        local.revoke("listens")
    local.wait(gone)
    late = [event.job.state for event in iter(lambda: channel.next_event(0.3), None)]
    assert "done" not in late
    channel.close()


def test_a_revoked_machine_is_refused_at_its_next_request_and_at_the_door(local: Client) -> None:
    connection = pair(local, "leaves")
    channel = Channel(connection)
    assert channel.ask(Ping(), 10) == Pong()
    local.revoke("leaves")
    reply = channel.ask(Ping(), 10)
    assert isinstance(reply, Failure)
    assert reply.message == "This machine is no longer paired with the daemon."
    channel.close()
    assert not let_in(connection)
    # The name is free again, but it is another machine: it owns nothing of the first.
    with remote(pair(local, "leaves")) as other:
        assert other.jobs() == ()


def clips(*paths: str) -> tuple[TimelineClip, ...]:
    rate = FrameRate(24)
    record = FrameRange(86_400, 86_448)
    mapping = SourceMapping(record=record, record_rate=rate, source_start=0, source_rate=rate)
    return tuple(
        TimelineClip(name="c", media=MediaReference(path=path), mapping=mapping) for path in paths
    )


def test_media_of_a_paired_machine_lie_under_the_roots(lan_home: tuple[Home, Client, int]) -> None:
    place, local, _ = lan_home
    media = place.folder / "media"
    (place.folder / "secret.mov").write_bytes(b"x")
    (media / "link.mov").symlink_to(place.folder / "secret.mov")
    outside = [str(place.folder / "secret.mov"), f"{media}/../secret.mov", f"{media}/link.mov"]
    with remote(pair(local, "names-files")) as far:
        for path in [*outside, "relative.mov", "//server/share/a.mov", f"{media}EVIL/a.mov"]:
            timeline = msgspec.structs.replace(scene(), clips=clips(f"{media}/a.mov", path))
            with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                far.submit_spot(timeline)
            wish = request()
            brief = msgspec.structs.replace(wish.brief, timeline=timeline)
            with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                far.submit_score(msgspec.structs.replace(wish, brief=brief))
            with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                far.submit_caption(CaptionRequest(brief=brief))
            with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                far.submit_conform(wish, timeline)
            heard = [SoundPart(media=MediaReference(path=one)) for one in (f"{media}/a.mov", path)]
            with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                far.submit_listen(ListenRequest(sounds=tuple(heard)))
            music = MusicFile(media=MediaReference(path=path))
            for named in ({"sounds": path}, {"music": music}):
                sounding = msgspec.structs.replace(wish, **named)
                with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                    far.submit_score(sounding)
                with pytest.raises(RequestError, match="not in a folder open to paired machines"):
                    far.submit_conform(sounding, scene())
        with pytest.raises(RequestError, match="cannot name the daemon's takes"):
            far.submit_conform("0123", scene())
        assert far.jobs() == ()
        inside = msgspec.structs.replace(scene(), clips=clips(f"{media}/a.mov", ""))
        assert far.cancel(far.submit_spot(inside)).cue == inside.cue
    foreign = msgspec.structs.replace(scene(), clips=clips(outside[0]))
    local.cancel(local.submit_spot(foreign))


def test_pairing_outlives_the_daemon(own_home: Home) -> None:
    port = free_port()
    with start(own_home, port) as local:
        connection = pair(local, "stays")
        with remote(connection) as far:
            job = far.submit_score(request())
            far.wait(job)
    own_home.kill()
    with start(own_home, port) as local, remote(connection) as far:
        assert [known.id for known in far.jobs()] == [job]
        assert [client.name for client in local.paired().clients] == ["stays"]


@pytest.mark.parametrize("damage", ["cut short", "readable by others", "deleted"])
def test_a_list_that_is_damaged_lets_nobody_in_and_says_so(own_home: Home, damage: str) -> None:
    with start(own_home, free_port()) as local:
        connection = pair(local, "was-in")
        path = own_home.folder / "data" / FILE_NAME
        whole = path.read_bytes()
        channel = Channel(connection)
        assert channel.ask(Ping(), 10) == Pong()
        if damage == "cut short":
            path.write_bytes(whole[:-5])
        elif damage == "readable by others":
            path.chmod(0o644)
        else:
            path.unlink()
        assert isinstance(channel.ask(Ping(), 10), Failure)
        assert not let_in(connection)
        if damage != "deleted":
            for ask in (local.paired, local.open_pairing, lambda: local.revoke("was-in")):
                with pytest.raises(DaemonError, match="damaged, so none is let in"):
                    ask()
            assert "list of paired machines cannot be used" in own_home.log()
            assert str(path) not in own_home.log()
        path.write_bytes(whole)
        path.chmod(0o600)
        assert channel.ask(Ping(), 10) == Pong()
        channel.close()


def test_a_flood_from_a_paired_machine_does_not_keep_the_local_user_waiting(
    local: Client,
) -> None:
    connection: Connection = pair(local, "floods")
    ended = threading.Event()
    asked = [0]

    def flood() -> None:
        channel = Channel(connection)
        while not ended.is_set():
            channel.ask(Ping(), 10)
            asked[0] += 1
        channel.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        wait_until(lambda: asked[0] > 20)
        before = asked[0]
        for _ in range(20):
            local.ping()
        wait_until(lambda: asked[0] > before)
    finally:
        ended.set()
        thread.join()
