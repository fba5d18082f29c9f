"""The list of paired machines and the folders open to them, read without trust."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest
import zmq

from musiscene_core.errors import DaemonError, OutputError, RequestError
from musiscene_core.protocol.state import PairedClient
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_daemon.allowed import FILE_NAME, MAX_CLIENTS, AllowList
from musiscene_daemon.roots import MAX_FILES, Roots
from tests.support.daemons import scene


def machine(name: str) -> PairedClient:
    return PairedClient(name=name, key=zmq.curve_keypair()[0].decode(), since=1.0)


def test_machines_come_and_go_and_are_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    listed = AllowList(path)
    assert listed.clients() == ()
    ann, bob = machine("ann"), machine("bob")
    listed.add(ann)
    listed.add(bob)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = AllowList(path)
    assert other.clients() == (ann, bob)
    assert other.name_of(bob.key) == "bob"
    listed.revoke("ann")
    assert other.name_of(ann.key) == ""
    assert (other.clients(), [*tmp_path.iterdir()]) == ((bob,), [path])
    with pytest.raises(RequestError, match="No machine called 'ann'"):
        listed.revoke("ann")


def test_there_is_an_end_to_machines(tmp_path: Path) -> None:
    listed = AllowList(tmp_path / FILE_NAME)
    for number in range(MAX_CLIENTS):
        listed.add(machine(f"m{number}"))
    with pytest.raises(RequestError, match=f"{MAX_CLIENTS} machines are paired already"):
        listed.add(machine("more"))
    assert AllowList(tmp_path / FILE_NAME).name_of(listed.clients()[-1].key) == "m63"


def damaged_lists() -> dict[str, bytes]:
    one = {"name": "ann", "key": "k" * 40, "since": 1.0}
    encode = msgspec.json.encode
    return {
        "empty": b"",
        "nested": b"[" * 60_000,
        "bad text": b'{"clients": "\xff"}',
        "other types": encode({"clients": [3]}),
        "a short key": encode({"clients": [one | {"key": "k"}]}),
        "a bad name": encode({"clients": [one | {"name": "../ann"}]}),
        "a name twice": encode({"clients": [one, one | {"key": "l" * 40}]}),
        "a key twice": encode({"clients": [one, one | {"name": "bob"}]}),
        "huge": encode({"clients": [one], "more": "x" * 100_000}),
    }


@pytest.mark.parametrize("name", damaged_lists())
def test_a_damaged_list_lets_nobody_in_and_is_not_written_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / FILE_NAME
    listed = AllowList(path)
    ann = machine("ann")
    listed.add(ann)
    path.write_bytes(damaged_lists()[name])
    assert listed.name_of(ann.key) == ""
    for change in (listed.clients, lambda: listed.add(machine("bob")), lambda: listed.revoke("a")):
        with pytest.raises(DaemonError, match="damaged, so none is let in"):
            change()
    assert path.read_bytes() == damaged_lists()[name]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_list_that_others_could_have_written_is_damaged(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / FILE_NAME, tmp_path / "elsewhere"
    listed = AllowList(path)
    ann = machine("ann")
    listed.add(ann)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert listed.name_of(ann.key) == ""
    path.unlink()
    os.mkfifo(path)
    assert listed.name_of(ann.key) == ""
    path.unlink()
    elsewhere.rename(path)
    assert listed.name_of(ann.key) == "ann"
    path.chmod(0o660)
    assert listed.name_of(ann.key) == ""


def test_a_machine_that_cannot_be_noted_is_not_let_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    listed = AllowList(tmp_path / "file" / FILE_NAME)
    ann = machine("ann")
    with pytest.raises(OutputError):
        listed.add(ann)
    assert listed.name_of(ann.key) == ""


def test_files_lie_under_a_root_as_written_and_as_meant(tmp_path: Path) -> None:
    root, evil = tmp_path / "ROOT", tmp_path / "ROOTevil"
    for folder in (root / "sub", evil, tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    (tmp_path / "alias").symlink_to(root)
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "in").symlink_to(root / "sub")
    (root / "round").symlink_to(root / "round")
    roots = Roots([str(tmp_path / "alias"), str(tmp_path / "none")])
    for inside in ("ROOT/a.mov", "alias/a.mov", "ROOT/in/a.mov", "ROOT/sub/./deep/a.mov"):
        assert roots.hold(str(tmp_path / inside)), inside
    assert roots.hold(f"{root}//sub/a.mov")
    outside = ["ROOT/out/a.mov", "ROOTevil/a.mov", "elsewhere/a.mov", "ROOT/../elsewhere/a.mov"]
    outside += ["alias/../ROOT/a.mov", "ROOT/sub/../../elsewhere/a.mov", "a.mov", "."]
    for path in outside:
        assert not roots.hold(f"{tmp_path}/{path}"), path
    for path in (
        *("", "a.mov", "~/a.mov", "C:\\a.mov", "C:a.mov", "/etc/passwd", "/", "file:///etc/passwd"),
        *(f"/{root}/a.mov", f"\\\\{root}\\a.mov", "\\\\server\\share\\a.mov", "//server/share/a"),
        *(f"{root}/a\0.mov", f"{root}/{'a' * 5000}", f"concat:{root}/a.mov", f"{root}/..\\a.mov"),
    ):
        assert not roots.hold(path), path
    assert not Roots([]).hold(f"{root}/a.mov")


def test_many_media_files_are_refused_before_the_disk_is_asked() -> None:
    rate = FrameRate(24)
    mapping = SourceMapping(
        record=FrameRange(0, 1), record_rate=rate, source_start=0, source_rate=rate
    )
    files = (MediaReference(path=f"/m/{number}") for number in range(MAX_FILES + 1))
    clips = tuple(TimelineClip(name="", media=media, mapping=mapping) for media in files)
    with pytest.raises(RequestError, match=f"More than {MAX_FILES} media files"):
        Roots(["/"]).check(msgspec.structs.replace(scene(), clips=clips))
