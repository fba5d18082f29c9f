"""Blocks of sound on the disk: what is put is got, whatever harms the files, and not too much."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.spotting import silero
from musiscene_core.spotting.kept_files import place_of, write_checked
from musiscene_core.spotting.sound_kept import BLOCK_S, KeptBlocks
from tests.support.harmed import HARMS, harm_file


def test_a_block_is_got_as_it_was_put(tmp_path: Path) -> None:
    put = {
        "speech": np.linspace(0, 1, 200, dtype=np.float32),
        "samples": np.arange(-6, 6, dtype=np.int16).reshape(2, 6),
        "none": np.zeros((0, 36), np.float16),
    }
    KeptBlocks(folder=tmp_path).put("film 0 3", put)
    got = KeptBlocks(folder=tmp_path).get("film 0 3")
    assert got is not None
    assert {name: array.dtype for name, array in got.items()} == {
        name: array.dtype for name, array in put.items()
    }
    for name, array in put.items():
        np.testing.assert_array_equal(got[name], array)
    assert KeptBlocks(folder=tmp_path).get("film 0 4") is None


@pytest.mark.parametrize("harm", [*HARMS, "lies"])
def test_a_harmed_block_is_not_there_and_can_be_put_again(tmp_path: Path, harm: str) -> None:
    kept = KeptBlocks(folder=tmp_path)
    kept.put("one", {"values": np.ones(9, np.float32)})
    path = place_of(tmp_path, "one")
    data = path.read_bytes()
    harm_file(path, harm)
    if harm == "lies":
        # Whole by its sum, but of a shape that its bytes cannot have.
        whole = data[32:].replace(b"\x91\x09", b"\x91\x7f")
        assert whole != data[32:]
        write_checked(path, whole)
    assert kept.get("one") is None
    if harm != "a folder":
        kept.put("one", {"values": np.ones(9, np.float32)})
        assert kept.get("one") is not None


def test_objects_are_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="object"):
        KeptBlocks(folder=tmp_path).put("one", {"values": np.array([{}])})
    assert list(tmp_path.iterdir()) == []


def test_blocks_longest_unused_go_first(tmp_path: Path) -> None:
    for number in range(4):
        kept = KeptBlocks(folder=tmp_path, most_bytes=10_000)
        kept.put(str(number), {"values": np.zeros(1000, np.float32)})
        os.utime(place_of(tmp_path, str(number)), (number, number))
        if number == 2:
            assert kept.get("0") is not None
        kept.close()
    assert [number for number in "0123" if kept.get(number) is not None] == ["0", "3"]


def test_a_block_is_whole_chunks_and_hops() -> None:
    samples = BLOCK_S * silero.SAMPLE_RATE
    for hop in (silero.CHUNK, 160, 1600, 2048):
        assert samples % hop == 0
