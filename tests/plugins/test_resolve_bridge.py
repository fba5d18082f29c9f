"""The bridge into the free edition, with bridge.lua in a real Lua interpreter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import lupa.luajit21 as lua
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene_core.errors import HostError, HostLostError
from musiscene_plugins.resolve.bridge import (
    PREFS_NAME,
    REQUEST_NAME,
    BridgeTransport,
    connect_bridge,
    profile_folders,
)
from musiscene_plugins.resolve.lua_text import lua_string, lua_value
from musiscene_plugins.resolve.transport import Call
from tests.support.fake_resolve import FakeMedia, FakeResolve, Semantics
from tests.support.fake_resolve.sandbox import INTERPRETERS, SCRIPT, Sandbox

HOSTILE = (
    '"] = os.exit() --',
    "]] os.exit() --[[",
    "a\\",
    "a\"b'c\\d\n\r\t\0e",
    "~41%41.MS1.",
    "Straße, 映画, 🎬",
    "\x7f\x80\xff",
)


@pytest.fixture(params=INTERPRETERS)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    resolve = FakeResolve(Semantics(product="DaVinci Resolve"))
    resolve.new_timeline("reel")
    made = Sandbox(resolve, tmp_path / "profile", interpreter=request.param)
    yield made
    made.close()
    assert made.error == ""


@pytest.fixture
def bridge(sandbox: Sandbox) -> BridgeTransport:
    return sandbox.connect(hello_s=20, answer_s=20)


def timeline_of(bridge: BridgeTransport) -> object:
    (manager,) = bridge.call_all([Call(bridge.root, "GetProjectManager")])
    (project,) = bridge.call_all([Call(manager, "GetCurrentProject")])
    return bridge.call_all([Call(project, "GetCurrentTimeline")])[0]


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_string_means_the_same_in_lua(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    literal = lua_string(data)
    assert literal.isascii()
    assert "\n" not in literal
    runtime = lua.LuaRuntime(encoding=None, register_eval=False)
    assert runtime.eval(literal.encode()) == data.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("value", [2**53 + 1, float("nan"), float("inf"), -float("inf")])
def test_a_number_that_lua_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"Lua|number"):
        lua_value(value, lambda _: 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_go_there_and_back(
    bridge: BridgeTransport, sandbox: Sandbox, name: str
) -> None:
    name = name.encode("utf-8").decode("utf-8")
    timeline = timeline_of(bridge)
    wanted = [
        Call(timeline, "SetTrackName", ("audio", 1, name)),
        Call(timeline, "GetTrackName", ("audio", 1)),
        Call(timeline, "AddMarker", (7, "Blue", name, name, 1, name)),
        Call(timeline, "GetMarkers"),
    ]
    named, read, marked, markers = bridge.call_all(wanted)
    assert (named, read, marked) == (True, name, True)
    assert markers[7] == {
        "color": "Blue",
        "duration": 1,
        "note": name,
        "name": name,
        "customData": name,
    }
    assert sandbox.running


def test_values_of_every_kind_survive(bridge: BridgeTransport) -> None:
    timeline = timeline_of(bridge)
    answers = bridge.call_all(
        [
            Call(timeline, "GetStartFrame"),
            Call(timeline, "GetSetting", ("x",)),
            Call(timeline, "SetMarkInOut", (3, 9)),
            Call(timeline, "GetMarkInOut"),
            Call(timeline, "GetItemListInTrack", ("audio", 9)),
            Call(timeline, "GetItemListInTrack", ("audio", 1)),
        ]
    )
    ends = {"in": 3, "out": 9}
    assert answers == [86_400, "", True, {"video": ends, "audio": ends}, None, []]
    assert bridge.has(timeline, "GetMarkers")
    assert not bridge.has(timeline, "SetFades")
    assert bridge.constant("EXPORT_OTIO") == "otio"


def test_objects_are_handed_back_as_themselves(bridge: BridgeTransport, sandbox: Sandbox) -> None:
    world = sandbox._resolve.world
    media = FakeMedia(world, "/media/a.wav", "24")
    clip = world.current.put("audio", 1, media, 86_400, 5)
    timeline = timeline_of(bridge)
    (items,) = bridge.call_all([Call(timeline, "GetItemListInTrack", ("audio", 1))])
    assert bridge.call_all([Call(timeline, "DeleteClips", (items, False))]) == [True]
    assert clip not in world.current.all_items()


def test_thousands_of_calls_are_few_requests(bridge: BridgeTransport, sandbox: Sandbox) -> None:
    timeline = timeline_of(bridge)
    saves = sandbox.saves
    answers = bridge.call_all([Call(timeline, "GetName")] * 2000)
    assert answers == ["reel"] * 2000
    assert sandbox.saves - saves == 5


def test_a_call_that_fails_is_an_error_and_the_script_goes_on(
    bridge: BridgeTransport, sandbox: Sandbox
) -> None:
    timeline = timeline_of(bridge)
    sandbox._resolve.world.before("GetName", lambda: 1 / 0)
    with pytest.raises(HostLostError, match="GetName"):
        bridge.call_all([Call(timeline, "GetName")])
    with pytest.raises(HostLostError, match="NoSuchCall"):
        bridge.call_all([Call(timeline, "NoSuchCall")])
    assert bridge.call_all([Call(timeline, "GetName")]) == ["reel"]


def test_a_request_is_obeyed_once_however_often_it_is_read(
    bridge: BridgeTransport, sandbox: Sandbox
) -> None:
    timeline = timeline_of(bridge)
    bridge.call_all([Call(timeline, "AddTrack", ("audio", "stereo"))])
    asked = (sandbox.profile / REQUEST_NAME).read_bytes()
    for _ in range(3):
        (sandbox.profile / REQUEST_NAME).write_bytes(asked)
        time.sleep(0.05)
    assert sandbox._resolve.world.current.GetTrackCount("audio") == 2


def test_a_request_left_over_is_not_obeyed_by_a_script_started_later(
    bridge: BridgeTransport, sandbox: Sandbox
) -> None:
    timeline = timeline_of(bridge)
    bridge.call_all([Call(timeline, "AddTrack", ("audio", "stereo"))])
    sandbox.close()
    again = Sandbox(sandbox._resolve, sandbox.profile)
    time.sleep(0.1)
    assert sandbox._resolve.world.current.GetTrackCount("audio") == 2
    fresh = again.connect(hello_s=20, answer_s=20)
    assert fresh.call_all([Call(timeline_of(fresh), "GetName")]) == ["reel"]
    again.close()


def test_no_answer_is_an_error_and_the_request_is_withdrawn(sandbox: Sandbox) -> None:
    bridge = sandbox.connect(hello_s=20, answer_s=0.2)
    timeline = timeline_of(bridge)
    sandbox.deaf = True
    time.sleep(0.05)
    with pytest.raises(HostLostError, match="not known"):
        bridge.call_all([Call(timeline, "AddTrack", ("audio", "stereo"))])
    assert not (sandbox.profile / REQUEST_NAME).exists()
    sandbox.deaf = False
    time.sleep(0.1)
    assert sandbox._resolve.world.current.GetTrackCount("audio") == 1
    with pytest.raises(HostLostError, match="was closed"):
        bridge.call_all([Call(timeline, "GetName")])


def test_a_new_session_takes_over(bridge: BridgeTransport, sandbox: Sandbox) -> None:
    other = sandbox.connect(hello_s=20, answer_s=20)
    assert other.call_all([Call(timeline_of(other), "GetName")]) == ["reel"]
    bridge._answer_s = 0.2
    with pytest.raises(HostLostError):
        timeline_of(bridge)


def test_stop_ends_the_script(bridge: BridgeTransport, sandbox: Sandbox) -> None:
    bridge.stop()
    deadline = time.monotonic() + 10
    while sandbox.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sandbox.printed[-1] == "MusiScene has stopped listening."


@pytest.mark.parametrize("missing", ["resolve", "fusion", "bmd"])
def test_started_elsewhere_it_says_what_is_missing_and_ends(tmp_path: Path, missing: str) -> None:
    script = f"{missing} = nil\n{SCRIPT.read_text(encoding='utf-8')}"
    made = Sandbox(FakeResolve(), tmp_path / "profile", script)
    made.close()
    assert made.error == ""
    assert made.printed == [
        f"MusiScene cannot start: {missing} is missing. Start it from Workspace > Scripts."
    ]


def test_objects_nobody_holds_are_let_go(bridge: BridgeTransport, sandbox: Sandbox) -> None:
    for _ in range(40):
        timeline_of(bridge)
    assert len(bridge._dropped) < 10


def test_half_written_preferences_are_waited_out(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / PREFS_NAME).write_bytes(b"MS1." + b"0" * 32 + b".1.99.1.~7B")
    with pytest.raises(HostError, match="does not answer over the bridge") as caught:
        BridgeTransport.connect([profile], hello_s=0.1)
    assert "Workspace > Scripts" in caught.value.hint


def test_a_script_of_another_version_is_named(tmp_path: Path) -> None:
    resolve = FakeResolve()
    text = (Path(__file__).parents[2] / "plugins/musiscene_plugins/resolve/bridge.lua").read_text()
    sandbox = Sandbox(resolve, tmp_path / "profile", text.replace("PROTOCOL = 1", "PROTOCOL = 2"))
    with pytest.raises(HostError, match="another version"):
        sandbox.connect(hello_s=20)
    sandbox.close()


def test_profiles_are_found_on_every_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "linux": ".local/share/DaVinciResolve",
        "darwin": "Library/Application Support/Blackmagic Design/DaVinci Resolve",
        "win32": "AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support",
    }
    for platform, place in places.items():
        folder = tmp_path / place / "Fusion/Profiles/Default"
        folder.mkdir(parents=True)
        (folder / PREFS_NAME).touch()
        assert profile_folders(platform, {}, tmp_path) == [folder]
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("MUSISCENE_RESOLVE_PROFILE", raising=False)
    with pytest.raises(HostError, match="No DaVinci Resolve profile"):
        connect_bridge()
