"""Compound files: what is written is read, by us and by others; what is damaged is refused."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from pathlib import Path

import aaf2
import pytest

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.aaf_objects import AafObject
from musiscene_plugins.formats.aaf_reading import read_plain_aaf
from musiscene_plugins.formats.compound import (
    CompoundError,
    Extent,
    Node,
    read_compound,
    stream_bytes,
    write_compound,
)
from musiscene_plugins.otio import HostSettings, open_timeline
from tests.support.edits import rich_edit, through
from tests.support.timelines import saved, scene_timeline, take_on_disk


def tree(**streams: bytes) -> Node:
    root = Node("Root Entry", bytes(range(16)))
    for name, data in streams.items():
        folder = root.add(Node(f"of {name}", name.encode().ljust(16)[:16]))
        folder.add(Node(name, data=data))
    return root


def written(root: Node) -> bytes:
    file = io.BytesIO()
    write_compound(root, file, class_id=bytes(16))
    return file.getvalue()


def same(one: Node, two: Node) -> bool:
    return (
        one.class_id == two.class_id
        and one.children.keys() == two.children.keys()
        and stream_bytes(one) == stream_bytes(two)
        and all(same(one.children[name], two.children[name]) for name in one.children)
    )


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4095, 4096, 4097, 70_000, 3 << 20])
def test_streams_of_every_size_come_back(size: int) -> None:
    root = tree(a=b"x", long=random.Random(size).randbytes(size), z=b"zz" * 40)
    assert same(read_compound(io.BytesIO(written(root))), root)


def test_many_folders_are_found_by_another_reader(tmp_path: Path) -> None:
    through("aaf", rich_edit(FrameRate(24)), tmp_path)
    with open(tmp_path / "reel.aaf", "rb") as file:
        root = read_compound(file)
        kind = (tmp_path / "reel.aaf").read_bytes()[8:24]
        many = root.add(Node("many"))
        for number in range(3000):
            many.add(Node(f"n{number:x}")).add(Node("s", data=number.to_bytes(4, "big")))
        with open(tmp_path / "more.aaf", "wb") as other:
            write_compound(root, other, class_id=kind)
    with aaf2.open(str(tmp_path / "more.aaf")) as file:
        assert file.cfb.open("/many/na7f/s").read() == (0xA7F).to_bytes(4, "big")
        assert len(file.cfb.listdir("/many")) == 3000
        assert [slot.name for slot in next(file.content.toplevel()).slots][:2] == ["TC", "V1"]


@pytest.mark.slow
def test_a_file_past_the_tables_that_fit_its_header_comes_back(tmp_path: Path) -> None:
    size = 470 << 20
    with open(tmp_path / "sound", "wb") as file:
        file.truncate(size)
        file.seek(size - 5)
        file.write(b"music")
    with open(tmp_path / "sound", "rb") as sound, open(tmp_path / "big", "wb") as file:
        root = tree(a=b"x")
        root.add(Node("sound", data=Extent(sound, ((0, size),), size)))
        write_compound(root, file, class_id=bytes(16))
    with open(tmp_path / "big", "rb") as file:
        found = read_compound(file).children["sound"].data
        assert isinstance(found, Extent)
        assert found.size == size
        *_, last = found.blocks()
        assert last.endswith(b"music")
    (tmp_path / "big").unlink()


def test_damage_is_refused_and_never_read_without_end() -> None:
    whole = written(tree(a=b"x" * 100, b=b"y" * 9000, c=bytes(200)))
    picked = random.Random(3)
    for number in range(400):
        data = bytearray(whole[: len(whole) * (number % 25 + 1) // 25])
        for _ in range(number % 9):
            data[picked.randrange(len(data))] = picked.randrange(256)
        with suppress(CompoundError):
            root = read_compound(io.BytesIO(bytes(data)))
            for folder in root.children.values():
                AafObject(folder)
    for data in (b"", b"\0" * 600, whole[:512], b"PK\3\4" + bytes(900)):
        with pytest.raises(CompoundError):
            read_compound(io.BytesIO(data))


def test_a_folder_that_holds_itself_and_a_chain_that_bites_its_tail_are_refused() -> None:
    whole = written(tree(a=b"y" * 9000))
    folder = "of a".encode("utf-16-le")
    place = whole.index(folder)
    looped = bytearray(whole)
    looped[place + 76 : place + 80] = (1).to_bytes(4, "little")
    with pytest.raises(CompoundError, match="hold themselves"):
        read_compound(io.BytesIO(bytes(looped)))
    chained = whole.replace((1).to_bytes(4, "little") + (2).to_bytes(4, "little"), bytes(8), 1)
    with pytest.raises(CompoundError):
        read_compound(io.BytesIO(chained))


def test_music_in_an_aaf_is_whole_and_known_by_its_place(tmp_path: Path) -> None:
    reel = saved(scene_timeline(), tmp_path / "reel.otio")
    record = FrameRange(86_450, 86_690)
    take = take_on_disk(tmp_path / "t", rate=FrameRate(24), record=record)
    sound = take.folder / take.take.mix
    data = bytearray(sound.read_bytes())
    data[-480_000 * 6 :] = random.Random(1).randbytes(480_000 * 6)
    sound.write_bytes(data)
    host = open_timeline(reel, HostSettings(format="aaf"))
    path = Path(host.place_takes([take], layout="mix").timeline)
    with aaf2.open(str(path)) as file:
        (essence,) = file.content.essencedata
        assert essence.open("r").read() == bytes(data[-480_000 * 6 :])
    edit = read_plain_aaf(path)
    assert edit is not None
    (event,) = edit.lanes[-1].events
    assert event.media is not None
    assert event.media.url == sound.as_uri()
    assert event.tag is not None
    assert (event.tag.start, event.tag.length) == (86_450, 240)
