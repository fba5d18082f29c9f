from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from musiscene_core.errors import InputError, MediaError, MusiSceneError, TimelineError
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import bundle, open_timeline
from tests.support.timelines import clip, saved, scene_timeline, timeline, track


def text() -> str:
    return str(otio.adapters.write_to_string(scene_timeline(), "otio_json"))


def nested(depth: int) -> str:
    inner = json.dumps({"OTIO_SCHEMA": "Stack.1", "children": []})
    for _ in range(depth):
        inner = '{"OTIO_SCHEMA": "Stack.1", "children": [' + inner + "]}"
    return '{"OTIO_SCHEMA": "Timeline.1", "tracks": ' + inner + "}"


@pytest.mark.parametrize(
    "content",
    [
        "",
        " \n",
        "{",
        "[]",
        "null",
        "nonsense",
        '"OTIO"',
        "{}",
        '{"OTIO_SCHEMA": "Clip.2"}',
        '{"OTIO_SCHEMA": "Timeline.1"}',
        '{"OTIO_SCHEMA": "Timeline.99"}',
        "\0" * 64,
        "[" * 100_000,
        nested(290),
        nested(5_000),
        text()[:-400],
        text().replace("100.0", "NaN"),
        text().replace("100.0", "Infinity"),
        text().replace("100.0", "-100.0"),
        text().replace("100.0", "1e300"),
        text().replace("24.0", "0.0"),
        text().replace("24.0", "-24.0"),
        text().replace('"Gap.1"', '"Nope.7"'),
    ],
    ids=lambda content: content[:24] or "empty",
)
def test_damaged_and_hostile_timelines_are_timeline_errors(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.otio"
    path.write_text(content)
    with pytest.raises(TimelineError) as caught:
        open_timeline(path).read_range(RangeChoice())
    assert caught.value.message.endswith(".")


def test_a_binary_file_called_otio_is_a_timeline_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.otio"
    path.write_bytes(bytes(range(256)) * 50)
    with pytest.raises(TimelineError, match="not a readable"):
        open_timeline(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.otio")
    with pytest.raises(InputError, match="is not a file"):
        open_timeline(tmp_path / "pipe.otio")


def test_what_is_not_there_or_a_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        open_timeline(tmp_path / "gone.otio")
    with pytest.raises(InputError, match="is a folder"):
        open_timeline(tmp_path)


@pytest.mark.parametrize("name", ["film.mp4", "notes.txt", "film"])
def test_what_is_no_movie_is_a_media_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a movie at all")
    with pytest.raises(MediaError):
        open_timeline(tmp_path / name)


def test_timelines_of_other_kinds_are_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "cut.prproj").write_bytes(b"")
    with pytest.raises(TimelineError, match="only its editor can read") as caught:
        open_timeline(tmp_path / "cut.prproj")
    assert "OpenTimelineIO" in caught.value.hint


@pytest.mark.parametrize("scalar", [float("nan"), float("inf"), 1e30])
def test_impossible_speeds_are_timeline_errors(tmp_path: Path, scalar: float) -> None:
    item = timeline(track("V", "Video", clip("a", 10, 24)))
    item.tracks[0][0].effects.append(otio.schema.LinearTimeWarp(time_scalar=scalar))
    with pytest.raises(TimelineError, match="times its speed"):
        open_timeline(saved(item, tmp_path / "t.otio")).markers()


def test_an_oversize_timeline_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MAX_TIMELINE_BYTES", 100)
    with pytest.raises(TimelineError, match="too large"):
        open_timeline(saved(scene_timeline(), tmp_path / "big.otio"))


def zipped(path: Path, *entries: tuple[str, bytes], compress: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compress) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def with_media(*urls: str) -> bytes:
    shots = [clip(f"c{number}", 24, 24, url=url) for number, url in enumerate(urls)]
    item = timeline(track("V", "Video", *shots))
    return str(otio.adapters.write_to_string(item, "otio_json")).encode()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache"


def test_a_bundles_media_are_unpacked_once_and_found(tmp_path: Path, own_cache: Path) -> None:
    path = zipped(
        tmp_path / "cut.otioz",
        ("content.otio", with_media("media/a.mov")),
        ("version.txt", b"1.0.0"),
        ("media/a.mov", b"moving"),
    )
    for _ in range(2):
        found = Path(open_timeline(path).read_range(RangeChoice()).clips[0].media.path)
        assert found.read_bytes() == b"moving"
        assert own_cache in found.parents
    assert len(list((own_cache / "otioz").iterdir())) == 1


def test_an_otiod_folder_is_read_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "cut.otiod"
    (folder / "media").mkdir(parents=True)
    (folder / "content.otio").write_bytes(with_media("media/a.mov"))
    (folder / "media" / "a.mov").write_bytes(b"moving")
    found = open_timeline(folder).read_range(RangeChoice()).clips[0].media.path
    assert found == str(folder / "media" / "a.mov")


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/evil.txt", "media/../../evil.txt", "..\\evil.txt", "C:/evil.txt"]
)
def test_bundles_that_write_outside_themselves_are_refused(
    tmp_path: Path, own_cache: Path, name: str
) -> None:
    path = zipped(
        tmp_path / "evil.otioz", ("content.otio", with_media("media/a.mov")), (name, b"evil")
    )
    with pytest.raises(TimelineError, match="outside"):
        open_timeline(path).read_range(RangeChoice())
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_link_in_a_bundle_is_refused(tmp_path: Path, own_cache: Path) -> None:
    link = zipfile.ZipInfo("media/a.mov")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.otioz", "w") as file:
        file.writestr("content.otio", with_media("media/a.mov"))
        file.writestr(link, "/etc/passwd")
    with pytest.raises(TimelineError, match="outside"):
        open_timeline(tmp_path / "evil.otioz")


@pytest.mark.parametrize("url", ["../../etc/passwd", "media/%2e%2e/../../x", "media/../../x"])
def test_media_paths_out_of_a_bundle_are_refused(tmp_path: Path, own_cache: Path, url: str) -> None:
    path = zipped(tmp_path / "evil.otioz", ("content.otio", with_media(url)))
    with pytest.raises(TimelineError, match="lies outside it"):
        open_timeline(path).read_range(RangeChoice())


def test_a_bundle_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 1 << 20)
    path = zipped(
        tmp_path / "bomb.otioz",
        ("content.otio", with_media("media/a.mov")),
        ("media/a.mov", bytes(8 << 20)),
        compress=zipfile.ZIP_DEFLATED,
    )
    with pytest.raises(TimelineError, match="would unpack to more"):
        open_timeline(path)


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        for place in range(60, len(data) - 200, 97):
            data[place] ^= 0xFF
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "empty", "flipped"])
def test_damaged_bundles_are_errors_of_ours(tmp_path: Path, own_cache: Path, how: str) -> None:
    path = zipped(
        tmp_path / "cut.otioz",
        ("content.otio", with_media("media/a.mov")),
        ("media/a.mov", bytes(5000)),
        compress=zipfile.ZIP_DEFLATED,
    )
    damage(path, how)
    with pytest.raises(MusiSceneError):
        open_timeline(path).read_range(RangeChoice())
    assert not any((own_cache / "otioz").glob("*")) if own_cache.exists() else True


@pytest.mark.slow
def test_one_range_of_ten_thousand_clips_holds_its_own_clips(tmp_path: Path) -> None:
    items: list[Any] = [clip(f"c{number}", 10, 24) for number in range(10_000)]
    path = saved(timeline(track("V", "Video", *items)), tmp_path / "long.otio")
    scene = open_timeline(path).read_range(RangeChoice(record_in="50000", record_out="50020"))
    assert [c.name for c in scene.clips] == ["c5000", "c5001"]
