"""Small values on the disk: got as they were put, whatever harms the files, and not too much."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from musiscene_core.spotting.kept_files import Drawer, place_of, write_checked
from tests.support.harmed import HARMS, harm_file


class Value(msgspec.Struct, frozen=True):
    words: str


@pytest.mark.parametrize("harm", [*HARMS, "of another kind"])
def test_a_harmed_value_is_not_there_and_can_be_put_again(tmp_path: Path, harm: str) -> None:
    drawer = Drawer(tmp_path)
    drawer.put("a film", Value("rain"))
    assert drawer.get("a film", Value) == Value("rain")
    assert drawer.get("another", Value) is None
    path = place_of(tmp_path, "a film")
    if harm == "of another kind":
        write_checked(path, b'{"words": 3}')
    else:
        harm_file(path, harm)
    assert drawer.get("a film", Value) is None
    if harm != "a folder":
        drawer.put("a film", Value("snow"))
        assert drawer.get("a film", Value) == Value("snow")


def test_values_longest_unused_go_first_by_what_they_take_of_a_disk(tmp_path: Path) -> None:
    drawer = Drawer(tmp_path, most_bytes=2 * 4096)
    for number in range(4):
        drawer.put(str(number), Value("a few bytes"))
        os.utime(place_of(tmp_path, str(number)), (number, number))
    assert drawer.get("0", Value) is not None
    drawer.prune()
    assert [number for number in "0123" if drawer.get(number, Value) is not None] == ["0", "3"]
