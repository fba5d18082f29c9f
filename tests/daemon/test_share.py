"""A share by URL: whole files or none, checked, bounded, and an error that says what is wrong."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import pytest

from musiscene_core.errors import CancelledError, OutputError
from musiscene_daemon.clustered import share as sharing
from musiscene_daemon.clustered.share import Share
from musiscene_daemon.worker_link import SentFile

fsspec = pytest.importorskip("fsspec", reason="the extra 'ray' is not installed")


def nobody(count: int) -> None:
    """Hears of bytes and does nothing."""


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Two file systems: one on the disk, and one that keeps objects, as object stores do."""
    if request.param == "memory":
        return f"memory://{secrets.token_hex(6)}/share"
    return f"file://{tmp_path}/share"


def film(tmp_path: Path, size: int = 9_000_000) -> tuple[Path, SentFile]:
    path = tmp_path / "film.mov"
    path.write_bytes(os.urandom(size))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, SentFile(path=str(path), sha256=sha256, bytes=size, changed_ns=1)


def names(url: str) -> list[str]:
    files, root = fsspec.core.url_to_fs(url)
    files.invalidate_cache()
    return sorted(path.partition(root.strip("/"))[2] for path in files.find(root))


def test_footage_is_sent_once_and_comes_as_it_was(url: str, tmp_path: Path) -> None:
    path, file = film(tmp_path)
    Share(url).send_footage(path, file.sha256, nobody)
    first = names(url)
    sent: list[int] = []
    Share(url).send_footage(path, file.sha256, sent.append)
    assert names(url) == first
    assert sent == [file.bytes]
    assert [name.rpartition("/")[2].partition("-")[0] for name in first] == ["data", "used"]
    copy = tmp_path / "copy"
    Share(url).fetch_footage(file, copy, nobody)
    assert copy.read_bytes() == path.read_bytes()


def test_a_result_comes_whole_and_is_taken_away(url: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "take-1/stems").mkdir(parents=True)
    for name in ("take-1/mix.wav", "take-1/stems/bass.wav", "empty"):
        (made / name).write_bytes(name.encode() * 100 if name != "empty" else b"")
    parcel, files = Share(url).send_result(made, nobody)
    assert [file.path for file in files] == ["empty", "take-1/mix.wav", "take-1/stems/bass.wav"]
    assert not any(name.endswith(".part") for name in names(url))
    Share(url).fetch_result(parcel, files, tmp_path / "here", nobody)
    for file in files:
        assert (tmp_path / "here" / file.path).read_bytes() == (made / file.path).read_bytes()
    assert names(url) == []


def test_what_was_altered_on_its_way_is_refused_and_sent_anew(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "_PAUSE_S", 0.0)
    path, file = film(tmp_path, 5000)
    Share(url).send_footage(path, file.sha256, nobody)
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{root}/footage/{file.sha256}/data", b"something else")
    with pytest.raises(OutputError, match=r"film\.mov did not come through the share as it was"):
        Share(url).fetch_footage(file, tmp_path / "copy", nobody)
    Share(url).send_footage(path, file.sha256, nobody)
    Share(url).fetch_footage(file, tmp_path / "copy", nobody)
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()


def test_a_transfer_that_is_stopped_leaves_nothing_half_there(url: str, tmp_path: Path) -> None:
    path, file = film(tmp_path)

    def stop(count: int) -> None:
        raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        Share(url).send_footage(path, file.sha256, stop)
    assert not any("data" in name for name in names(url))


def test_a_file_that_changes_while_it_is_sent_is_not_taken_for_the_other(
    url: str, tmp_path: Path
) -> None:
    path, file = film(tmp_path, 5000)
    path.write_bytes(b"cut again")
    with pytest.raises(OutputError, match=r"film\.mov was changed while it was sent"):
        Share(url).send_footage(path, file.sha256, nobody)
    assert names(url) == []


def test_a_result_that_would_leave_its_folder_is_refused(url: str, tmp_path: Path) -> None:
    away = SentFile(path="../../elsewhere", sha256="", bytes=0)
    with pytest.raises(OutputError, match="leads elsewhere"):
        Share(url).fetch_result("results/1-x", (away,), tmp_path / "here", nobody)


def test_old_footage_goes_where_there_is_no_room_and_what_was_left_behind_goes_by_its_age(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 500_000
    made = tmp_path / "made"
    made.mkdir()
    (made / "mix.wav").write_bytes(b"sound")
    for hour, name in ((now - 60, "oldest"), (now - 30, "older"), (now - 1, "new")):
        monkeypatch.setattr(sharing, "_hour", lambda hour=hour: hour)
        path = tmp_path / name
        path.write_bytes(name.encode() * 1000)
        Share(url).send_footage(path, hashlib.sha256(path.read_bytes()).hexdigest(), nobody)
        Share(url).send_result(made, nobody)
    monkeypatch.setattr(sharing, "_hour", lambda: now)
    Share(url).tidy(9000)
    left = [name.strip("/").split("/") for name in names(url)]
    assert {one[1].partition("-")[0] for one in left if one[0] == "results"} == {str(now - 1)}
    assert len({one[1] for one in left if one[0] == "footage"}) == 2
    Share(url).tidy(0)
    # What was wanted within a day is kept whatever the room.
    assert len([one for one in names(url) if one.endswith("data")]) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://place/x", "nosuch"),
        ("file:///proc/share", r"/proc/share"),
        ("sftp://me:secret@host/x", "sftp://host/x"),
    ],
)
def test_a_share_that_cannot_be_used_is_named_without_its_password(url: str, said: str) -> None:
    with pytest.raises(OutputError, match=said) as raised:
        Share(url).leave_note()
    assert "secret" not in str(raised.value)
    assert "MUSISCENE_SHARE" in raised.value.hint


def test_a_note_is_read_by_who_reaches_the_same_place(url: str, tmp_path: Path) -> None:
    note = Share(url).leave_note()
    assert Share(url).has_note(note)
    assert not Share(f"file://{tmp_path}/another").has_note(note)
    Share(url).remove(note)
    assert not Share(url).has_note(note)
