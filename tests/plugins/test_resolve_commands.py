"""The commands that reach into Resolve: score, undo, doctor, with the fake for its module."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import types
import wave
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from musiscene_core.errors import HostError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.cli.main import main
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.placements import find_placement
from musiscene_plugins.resolve import ResolveHost, connecting, menu_script
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.delivery import Delivery
from musiscene_plugins.resolve.probing import probe_resolve
from musiscene_plugins.resolve.scripts import put_scripts, scripts_folder
from musiscene_plugins.resolve.transport import DirectTransport
from tests.support.daemons import wait_until
from tests.support.editor_hosts import FLAGS, fake_resolve, users_state
from tests.support.fake_resolve import FakeMedia, FakeResolve, Semantics
from tests.support.timelines import take_on_disk


@pytest.fixture
def resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeResolve:
    made = fake_resolve(tmp_path)
    module = types.ModuleType(connecting.MODULE)
    module.scriptapp = lambda name: made if name == "Resolve" else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, connecting.MODULE, module)
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return made


@pytest.fixture
def daemon() -> Iterator[None]:
    yield
    assert main(["daemon", "stop"]) == 0


def api_of(resolve: FakeResolve) -> ResolveApi:
    return ResolveApi(DirectTransport(resolve))


@pytest.mark.usefixtures("daemon")
def test_the_marked_range_is_scored_replaced_and_undone(
    resolve: FakeResolve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reel = resolve.world.current
    reel.SetMarkInOut(6, 41)
    reel.AddMarker(3, "Blue", "score all of it", "", 40, "")
    before = users_state(resolve)
    where = ["--output", str(tmp_path / "out"), "--single", "--json"]
    assert main(["score", "--resolve", "--place", "replace", *where]) == 0
    take = json.loads(capsys.readouterr().out)
    assert take["record"] == {"start": 86_406, "end": 86_442}
    assert take["timeline"] == "reel"
    (item,) = reel.kinds["audio"][-1].items
    assert (item.start, item.duration) == (86_406, 36)
    assert item.media.path == str(Path(take["folder"]) / "mix.wav")
    assert main(["score", "--resolve", "--place", "replace", "--seed", "2", *where]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [track.name for track in reel.kinds["audio"]] == ["Audio 1", "MusiScene Mix"]
    assert reel.kinds["audio"][1].items[0].media.path.startswith(again["folder"])
    assert not list(Path(take["folder"]).glob("placement*"))
    assert main(["score", "--resolve", "--place", "skip", *where]) == 0
    assert len(reel.all_items()) == 3
    capsys.readouterr()
    assert main(["undo", again["folder"]]) == 0
    assert "Taken away from reel" in capsys.readouterr().out
    assert users_state(resolve) == before
    assert main(["undo", again["folder"]]) == 2


def test_undo_takes_a_scored_copy_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.editor_hosts import otio_file

    stage = otio_file(tmp_path)
    record = FrameRange(86_400, 86_430)
    take = take_on_disk(tmp_path / "t", rate=FrameRate(24), record=record)
    placement = stage.host.place_takes([take])
    path, _ = find_placement(take.folder)
    assert main(["undo", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["timeline"] == placement.timeline
    assert not Path(placement.timeline).exists()
    for bad in (b"", b"{", b'{"timeline": 3}', b"[" * 100_000):
        path.write_bytes(bad)
        assert main(["undo", str(path)]) == 2
    assert main(["undo", str(tmp_path / "nowhere")]) == 2


@pytest.mark.parametrize("words", [["score"], ["score", "a.mp4", "--resolve"]])
def test_unclear_commands_are_refused(words: list[str]) -> None:
    assert main(words) == 2


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_the_probe_finds_each_flag_and_leaves_nothing(tmp_path: Path, flags: Semantics) -> None:
    resolve = fake_resolve(tmp_path, flags)
    before = users_state(resolve)
    report = probe_resolve(api_of(resolve))
    assert users_state(resolve) == before
    assert [c for f in resolve.world.project.pool.top.folders for c in f.clips] == []
    found = report.findings
    assert report.problems == ()
    assert found["end_frame"] == ("inclusive" if flags.end_frame_inclusive else "exclusive")
    assert found["timeline_end_minus_clip_end"] == -int(flags.timeline_end_inclusive)
    assert (found["append_adds"], found["overlap_adds"], found["locked_track_adds"]) == (1, 0, 0)
    assert found["levels"] is (flags.version == "21.1.0.14")
    assert found["marker_offset"] == 5
    assert found["marks_come_back"] is (None if "GetMarkInOut" in flags.missing else True)
    assert report.editor.version == flags.version


def test_the_report_names_nothing_of_the_users(
    resolve: FakeResolve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resolve.world.before("ImportMedia", lambda: setattr(resolve.world, "page", "fairlight"))
    for words in (["doctor", "--resolve"], ["doctor", "--resolve", "--json"]):
        assert main(words) == 0
        printed = capsys.readouterr().out
        assert "DaVinci Resolve Studio" in printed
        assert "end_frame" in printed
        for secret in ("reel", "Secret Film", "Rushes", "shot.mp4", str(tmp_path)):
            assert secret not in printed


def test_sound_that_cannot_be_read_is_mixed_down_and_all_put_back(
    resolve: FakeResolve, tmp_path: Path
) -> None:
    world, reel = resolve.world, resolve.world.current
    reel.AddTrack("audio", "stereo")
    reel.kinds["audio"][1].name = "Dialogue"
    compound = FakeMedia(world, "", "24", name="Compound Clip 1")
    reel.put("audio", 2, compound, 86_410, 20)
    reel.SetMarkInOut(6, 41)
    world.page = "color"
    before = users_state(resolve)
    host = ResolveHost(api_of(resolve), mixdowns=tmp_path / "mixdowns")
    scene = host.read_range(RangeChoice())
    assert users_state(resolve) == before
    assert world.project.jobs == {}
    (line,) = scene.by_role("dialogue")
    assert line.mapping.record == scene.record == FrameRange(86_406, 86_442)
    with wave.open(line.media.path) as sound:
        assert sound.getnframes() == 36 * 2000
        assert sound.readframes(1)[0] == 1  # one of the two tracks was heard
    assert (
        ResolveHost(api_of(resolve)).read_range(RangeChoice()).by_role("dialogue")[0].media.path
        == ""
    )
    world.before("StartRendering", world.die)
    with pytest.raises(HostError):
        host.read_range(RangeChoice())


def test_selected_clips_take_the_role_that_was_said(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path, Semantics(missing=frozenset()))
    reel = resolve.world.current
    reel.selected = [reel.kinds["audio"][0].items[0]]
    host = ResolveHost(api_of(resolve), {"selected": "temp_track"})
    assert len(host.read_range(RangeChoice()).by_role("temp_track")) == 1
    old = ResolveHost(api_of(fake_resolve(tmp_path / "old")), {"selected": "temp_track"})
    with pytest.raises(HostError, match="does not say what is selected"):
        old.read_range(RangeChoice())


def test_timelines_go_out_and_in_as_files(resolve: FakeResolve, tmp_path: Path) -> None:
    api = api_of(resolve)
    delivery = Delivery(api)
    path = delivery.export_otio(api.current_timeline(), tmp_path / "reel.otio")
    assert path.stat().st_size > 0
    assert delivery.import_timeline(path, "scored").name == "scored"
    with pytest.raises(HostError, match="in the project already"):
        delivery.import_timeline(path, "scored")
    with pytest.raises(HostError, match="gave no timeline"):
        delivery.import_timeline(tmp_path / "lost.otio", "other")


def test_the_module_is_looked_for_where_each_platform_keeps_it() -> None:
    linux = connecting.script_folders("linux", {})
    assert [str(PurePosixPath(folder)) for folder, _ in linux] == [
        "/opt/resolve/Developer/Scripting/Modules",
        "/home/resolve/Developer/Scripting/Modules",
    ]
    (mac,) = connecting.script_folders("darwin", {})
    assert str(mac[1]).endswith("DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so")
    own = {"RESOLVE_SCRIPT_API": "/a", "RESOLVE_SCRIPT_LIB": "/b.so"}
    assert connecting.script_folders("linux", own)[0] == (Path("/a/Modules"), Path("/b.so"))
    windows = connecting.script_folders("win32", {"PROGRAMDATA": "D:/data"})
    assert str(windows[0][0]).startswith("D:/data")


@pytest.mark.parametrize(
    ("module", "library", "words"),
    [
        (None, False, "is not on this machine"),
        ("", False, "is missing"),
        ("raise ImportError('bad magic')", True, "cannot load"),
        ("def scriptapp(name): return None", True, "does not answer"),
        ("def scriptapp(name): raise RuntimeError('no')", True, "refuses scripts"),
    ],
)
def test_what_keeps_us_from_resolve_is_said_with_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str | None,
    library: bool,
    words: str,
) -> None:
    folder = tmp_path / "api" / "Modules"
    folder.mkdir(parents=True)
    if module is not None:
        (folder / f"{connecting.MODULE}.py").write_text(module)
    if library:
        (tmp_path / "fusionscript.so").touch()
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(tmp_path / "api"))
    monkeypatch.setenv("RESOLVE_SCRIPT_LIB", str(tmp_path / "fusionscript.so"))
    monkeypatch.delitem(sys.modules, connecting.MODULE, raising=False)
    with pytest.raises(HostError, match=words) as caught:
        connecting.running_resolve()
    sys.modules.pop(connecting.MODULE, None)
    assert caught.value.hint


def test_the_menu_script_never_ends_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    script = Path(menu_script.__file__)
    runpy.run_path(str(script), run_name="__main__")
    assert "Start this from DaVinci Resolve" in capsys.readouterr().out
    alone = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _WITHOUT_US.format(script=str(script))],
        env={"MUSISCENE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is not installed for the Python that Resolve uses" in alone.stdout
    menu_script.main({"resolve": FakeResolve()})
    assert "No timeline is open" in capsys.readouterr().out
    menu_script.main({"resolve": FakeResolve(), "fusion": _Broken(), "bmd": None})
    log = (tmp_path / "log" / "resolve-menu.log").read_text()
    assert log.count("started by Python") == 4
    assert "no window" in log


def test_our_scripts_go_into_the_menu_and_never_over_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "Utility"
    setup = ["setup", "resolve", "--folder", str(folder)]
    for words in (["doctor", "--scripts", str(folder), "--json"], [*setup, "--json"]):
        assert main(words) == 0
        paths = [Path(path) for path in json.loads(capsys.readouterr().out)["scripts"]]
        assert [path.name for path in paths] == ["MusiScene.lua", "MusiScene score.py"]
        sources = [Path(menu_script.__file__).with_name("bridge.lua"), Path(menu_script.__file__)]
        lua, menu = (path.read_text(encoding="utf-8") for path in sources)
        assert paths[0].read_text(encoding="utf-8") == lua
        panel = json.dumps([sys.executable, "-m", "musiscene_gui.main"])
        without = menu.replace("PANEL: list[str] = []", f"PANEL: list[str] = {panel}")
        assert paths[1].read_text(encoding="utf-8") in (menu, without)
    # As Resolve starts it: from its own folder, by the name that is in the menu.
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    runpy.run_path(str(paths[1]), run_name="__main__", init_globals={"resolve": FakeResolve()})
    assert "No timeline is open" in capsys.readouterr().out
    assert main([*setup, "--verify"]) == 0
    paths[0].write_text("print('mine')")
    assert main(setup) == 2
    assert "is not ours" in capsys.readouterr().err
    assert main([*setup, "--verify"]) == 2
    assert main([*setup, "--remove", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [str(paths[1])]}
    assert paths[0].read_text() == "print('mine')"
    assert main([*setup, "--remove"]) == 0
    assert "none to remove" in capsys.readouterr().out
    assert main([*setup, "--repair"]) == 2
    homes = [
        scripts_folder(name, {}, Path("/h")).as_posix() for name in ("darwin", "win32", "linux")
    ]
    assert homes == [
        "/h/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility",
        "/h/AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts/Utility",
        "/h/.local/share/DaVinciResolve/Fusion/Scripts/Utility",
    ]


def test_in_studio_the_menu_opens_the_panel_of_another_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = tmp_path / "diary"
    program = tmp_path / "panel"
    program.write_text(f'#!/bin/sh\necho "$@" "$PYTHONHOME" > "{diary}"\n')
    program.chmod(0o700)
    (_, path) = put_scripts(tmp_path / "Utility", [str(program), "-m", "panel"])
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", "/opt/resolve")
    script = runpy.run_path(str(path))
    assert script["PANEL"] == [str(program), "-m", "panel"]
    free, studio = FakeResolve(Semantics(product="DaVinci Resolve")), FakeResolve()
    assert script["open_panel"](free) == ""
    assert script["open_panel"](studio) == "The MusiScene panel opens with this timeline."
    wait_until(diary.exists)
    wait_until(lambda: diary.read_text() == "-m panel --resolve \n")
    program.unlink()
    assert script["open_panel"](studio) == ""


_WITHOUT_US = """
import runpy
runpy.run_path({script!r}, init_globals={{"resolve": object()}}, run_name="__main__")
"""


class _Broken:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.resolve_live
def test_the_running_resolve_is_probed_and_left_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--resolve", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"]["append_adds"] == 1
    assert report["findings"]["record_frame_is_absolute"] is True
    assert report["problems"] == []
