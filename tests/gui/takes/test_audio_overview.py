import os

import numpy as np
import pytest

from musiscene_core.errors import MediaError
from musiscene_core.library import read_peaks
from musiscene_core.media import write_wav
from musiscene_gui.audio.overview import Overview, overview_of

FULL = 1 << 23


def test_a_mix_drawn_here_looks_as_the_engine_drew_it(composed, tmp_path):
    folder, take = composed
    engine = Overview.read(folder / take.peaks)
    own = overview_of(folder / take.mix, tmp_path)
    assert own.samples_each == engine.samples_each
    np.testing.assert_array_equal(own.low, engine.low)
    np.testing.assert_array_equal(own.high, engine.high)


def test_what_is_kept_is_the_format_that_others_read(composed, tmp_path):
    folder, take = composed
    stem = folder / take.stems[0].path
    overview_of(stem, tmp_path)
    points, each = read_peaks(next(tmp_path.glob("*.dat")))
    assert points.shape == (-(-take.length_samples // each), 1, 2)


def test_it_is_drawn_once_and_anew_when_the_sound_changes(tmp_path):
    path, cache = tmp_path / "a.wav", tmp_path / "cache"
    write_wav(path, np.full((2, 4_800), FULL // 2, np.int32))
    assert overview_of(path, cache).peak == 0.5
    kept = list(cache.iterdir())
    os.utime(kept[0], ns=(1, 1))
    overview_of(path, cache)
    assert [file.stat().st_mtime_ns for file in cache.iterdir()] == [1]
    write_wav(path, np.full((2, 4_801), FULL // 4, np.int32))
    assert overview_of(path, cache).peak == 0.25
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_copy_in_the_cache_is_drawn_again(tmp_path):
    path, cache = tmp_path / "a.wav", tmp_path / "cache"
    write_wav(path, np.full((2, 4_800), FULL // 2, np.int32))
    overview_of(path, cache)
    kept = next(cache.iterdir())
    kept.write_bytes(b"\x00" * 7)
    assert overview_of(path, cache).peak == 0.5


@pytest.mark.parametrize("length", [0, 1, 479, 480, 481])
def test_a_sound_of_a_moment_has_its_picture(tmp_path, length):
    path = tmp_path / "a.wav"
    write_wav(path, np.full((1, length), FULL // 2, np.int32))
    drawn = overview_of(path, tmp_path / "cache")
    assert drawn.high.tolist() == [0.5] * -(-length // 480)


def test_without_a_place_to_keep_it_is_drawn_all_the_same(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, np.full((2, 4_800), -FULL // 2, np.int32))
    (tmp_path / "file").write_bytes(b"")
    drawn = overview_of(path, tmp_path / "file")
    assert (drawn.low == -0.5).all()


@pytest.mark.parametrize("data", [b"", b"RIFF0000WAVE", b"\xff" * 100])
def test_what_is_no_sound_has_no_overview(tmp_path, data):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(MediaError):
        overview_of(tmp_path / "a.wav", tmp_path / "cache")


def test_columns_hold_every_peak_at_any_zoom():
    chance = np.random.default_rng(0)
    high = chance.random(1_000).astype(np.float32)
    overview = Overview(-high, high, 480)
    low, top = overview.columns(0, 480_000, 77)
    assert top.max() == high.max()
    assert low.min() == -high.max()
    for column in range(77):
        first, after = 1_000 * column / 77, 1_000 * (column + 1) / 77
        assert top[column] >= high[int(np.ceil(first)) : int(after)].max()


def test_columns_closer_than_the_points_repeat_them():
    overview = Overview(np.array([-0.5, -1.0], np.float32), np.array([0.5, 1.0], np.float32), 480)
    _, top = overview.columns(0, 960, 8)
    assert top.tolist() == [0.5] * 4 + [1.0] * 4


def test_columns_outside_the_sound_are_silent():
    overview = Overview(np.full(10, -1, np.float32), np.ones(10, np.float32), 480)
    _, top = overview.columns(-4_800, 9_600, 30)
    assert top.tolist() == [0.0] * 10 + [1.0] * 10 + [0.0] * 10
    assert not overview.columns(50_000, 60_000, 5)[1].any()
    assert not overview.columns(10, 10, 5)[1].any()
