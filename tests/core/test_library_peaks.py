from __future__ import annotations

import struct

import numpy as np

from musiscene_core.library.peaks import Peaks, peaks


def test_the_header_says_what_follows() -> None:
    data = peaks(np.zeros((2, 1000), dtype=np.int32), samples_per_pixel=480)
    assert struct.unpack("<iIiiIi", data[:24]) == (2, 1, 48_000, 480, 3, 2)
    assert len(data) == 24 + 3 * 2 * 2


def test_each_point_holds_the_lowest_and_highest_sample_of_each_channel() -> None:
    mix = np.zeros((2, 1000), dtype=np.int32)
    mix[0, 100], mix[0, 200] = (1 << 23) - 1, -(1 << 23)
    mix[1, 500] = 64 << 16
    mix[1, 999] = -32 << 16
    points = np.frombuffer(peaks(mix)[24:], dtype=np.int8).reshape(3, 2, 2)
    assert points.tolist() == [[[-128, 127], [0, 0]], [[0, 0], [0, 64]], [[0, 0], [-32, 0]]]


def test_nothing_has_no_points() -> None:
    data = peaks(np.zeros((2, 0), dtype=np.int32))
    assert struct.unpack("<iIiiIi", data)[4] == 0


def test_an_overview_drawn_piece_by_piece_is_the_same() -> None:
    random = np.random.default_rng(3)
    mix = random.integers(-(1 << 23), 1 << 23, (2, 5_000)).astype(np.int32)
    drawn = Peaks(2, 5_000)
    for first in (0, 960, 3_840):
        drawn.add(first, mix[:, first : {0: 960, 960: 3_840}.get(first, 5_000)])
    assert drawn.data() == peaks(mix)
