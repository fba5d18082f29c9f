import gc
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import MediaError, RangeError
from musiscene_core.media import read_frames
from tests.support.make_media import (
    click,
    make_movie,
    make_sound,
    make_still,
    number_in,
    numbered,
    trim_by_edit_list,
)
from tests.support.memory import peak_from_now_kb, peak_kb

NTSC_FILM = Fraction(24_000, 1001)


def numbers(path, start, end, width=192):
    return [
        number_in(f.image) for f in read_frames(path, Fraction(start), Fraction(end), width=width)
    ]


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        (".mp4", "libx264"),
        (".mov", "libx264"),
        (".mkv", "libx264"),
        (".ts", "libx264"),
        (".avi", "mpeg4"),
        (".webm", "libvpx"),
        (".mxf", "mpeg2video"),
    ],
)
def test_every_frame_is_found_from_its_own_time(tmp_path, ending, codec):
    b_frames = 2 if codec == "libx264" else 0
    path = make_movie(tmp_path / f"film{ending}", codec=codec, frames=60, b_frames=b_frames)
    frames = list(read_frames(path, Fraction(0), Fraction(100)))
    assert [number_in(f.image) for f in frames] == list(range(60))
    assert [f.seconds for f in frames] == [Fraction(n, 25) for n in range(60)]
    for number in (0, 1, 7, 23, 24, 25, 37, 58, 59):
        assert numbers(path, Fraction(number, 25), Fraction(number + 2, 25)) == [
            n for n in (number, number + 1) if n < 60
        ]


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".ts"])
@pytest.mark.parametrize("rate", [NTSC_FILM, Fraction(30_000, 1001), Fraction(179, 6)])
def test_rounded_times_do_not_shift_a_frame(tmp_path, ending, rate):
    path = make_movie(tmp_path / f"film{ending}", rate=rate, frames=70)
    frames = list(read_frames(path, Fraction(0), Fraction(100)))
    assert [f.seconds for f in frames] == [n / rate for n in range(70)]
    for number in (1, 2, 3, 12, 24, 32, 36, 69):
        assert numbers(path, number / rate, number / rate) == [number]
        just_before = number / rate - Fraction(1, 100_000)
        assert numbers(path, just_before, just_before) == [number - 1]


def test_the_frame_showing_at_the_start_comes_first(tmp_path):
    path = make_movie(tmp_path / "film.mp4")
    assert numbers(path, Fraction(21, 100), Fraction(33, 100)) == [5, 6, 7, 8]
    assert numbers(path, Fraction(5, 25), Fraction(7, 25)) == [5, 6]


def test_a_variable_rate_keeps_its_own_times(tmp_path):
    times = [Fraction(k * k, 900) for k in range(50)]
    path = make_movie(tmp_path / "phone.mp4", times=times)
    frames = list(read_frames(path, Fraction(1, 2), Fraction(1)))
    # 21 * 21 / 900 = 0.49 is the last to begin before 0.5; 30 * 30 / 900 = 1 is the first past it.
    assert [number_in(f.image) for f in frames] == list(range(21, 30))
    for frame, expected in zip(frames, times[21:30], strict=True):
        assert abs(frame.seconds - expected) <= Fraction(1, 90_000)


def test_past_the_end_the_last_frame_shows(tmp_path):
    path = make_movie(tmp_path / "film.mp4", frames=30)
    assert numbers(path, 5, 9) == [29]


def test_before_the_beginning_the_first_frame_comes_first(tmp_path):
    path = make_movie(tmp_path / "film.mp4", frames=30)
    assert numbers(path, -1, Fraction(2, 25)) == [0, 1]


def test_an_edit_list_sets_time_zero(tmp_path):
    film = make_movie(tmp_path / "film.mp4")
    path = trim_by_edit_list(tmp_path / "cut.mp4", film, Fraction(12, 25))
    assert numbers(path, 0, 100) == list(range(12, 50))
    assert numbers(path, Fraction(10, 25), Fraction(11, 25)) == [22]


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts"])
def test_sound_that_starts_earlier_does_not_move_the_first_frame(tmp_path, ending):
    path = make_movie(
        tmp_path / f"film{ending}", delay=Fraction(1, 2), sounds=[click(96_000, 48_000)]
    )
    frames = list(read_frames(path, Fraction(0), Fraction(2, 25)))
    assert [(f.seconds, number_in(f.image)) for f in frames] == [(0, 0), (Fraction(1, 25), 1)]


@pytest.mark.parametrize(
    ("codec", "ending", "pixels"),
    [
        ("libx264", ".mp4", "yuv420p10le"),
        ("libx264", ".mp4", "yuv422p"),
        ("libx264", ".mp4", "yuv444p"),
        ("libx264", ".mp4", "yuvj420p"),
        ("libx264", ".mp4", "gray"),
        ("prores_ks", ".mov", "yuv422p10le"),
        ("prores_ks", ".mov", "yuva444p10le"),
        ("qtrle", ".mov", "argb"),
        ("ffv1", ".mkv", "gbrp10le"),
    ],
)
def test_other_pixel_formats(tmp_path, codec, ending, pixels):
    path = make_movie(tmp_path / f"film{ending}", codec=codec, pixels=pixels, frames=20, b_frames=0)
    assert numbers(path, 0, 100) == list(range(20))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_frames_come_upright(tmp_path, degrees):
    plain = make_movie(tmp_path / "plain.mp4", frames=40)
    turned = make_movie(tmp_path / "turned.mp4", frames=40, rotation=degrees)
    across = 192 if degrees == 180 else 64
    upright = next(read_frames(plain, Fraction(1), Fraction(1), width=192)).image
    frame = next(read_frames(turned, Fraction(1), Fraction(1), width=across)).image
    np.testing.assert_array_equal(frame, np.rot90(upright, -degrees // 90))


def test_colours_are_blue_green_red_and_not_upside_down(tmp_path):
    image = next(
        read_frames(make_movie(tmp_path / "f.mp4", frames=2), Fraction(1, 25), Fraction(1))
    )
    pixels = image.image
    middle_of_first_column = pixels.shape[1] // 24
    upper = pixels[pixels.shape[0] // 4, middle_of_first_column]
    lower = pixels[3 * pixels.shape[0] // 4, middle_of_first_column]
    assert upper[2] > 200
    assert max(upper[0], upper[1]) < 60
    assert min(lower) > 200


@pytest.mark.parametrize(
    ("size", "aspect", "width", "shape"),
    [
        ((192, 108), None, 320, (180, 320)),
        ((192, 108), None, 96, (54, 96)),
        ((192, 64), Fraction(4, 3), 192, (48, 192)),
        ((72, 56), Fraction(16, 15), 101, (72, 100)),
        ((192, 82), None, 190, (82, 190)),
    ],
)
def test_the_aspect_is_kept_and_sides_are_even(tmp_path, size, aspect, width, shape):
    path = make_movie(tmp_path / "film.mp4", size=size, pixel_aspect=aspect, frames=2)
    image = next(read_frames(path, Fraction(0), Fraction(0), width=width)).image
    assert image.shape == (*shape, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".bmp", ".dpx", ".exr", ".webp"])
@pytest.mark.parametrize("start", [0, 7])
def test_a_still_gives_its_one_frame(tmp_path, ending, start):
    path = make_still(tmp_path / f"slate{ending}", 1234)
    frames = list(read_frames(path, Fraction(start), Fraction(start + 1)))
    assert [(f.seconds, number_in(f.image)) for f in frames] == [(0, 1234)]


def test_a_small_image_is_the_mean_of_the_pixels_it_stands_for(tmp_path):
    path = make_still(tmp_path / "fine.png", 0)
    checks = ((np.indices((64, 192)).sum(axis=0) % 2) * 255).astype(np.uint8)
    import cv2

    cv2.imwrite(str(path), checks)
    image = next(read_frames(path, Fraction(0), Fraction(1), width=48)).image
    assert np.abs(image.astype(int) - 127).max() <= 2


def test_damage_in_the_middle_leaves_the_rest(tmp_path):
    path = make_movie(tmp_path / "film.mp4", frames=100, gop=10, b_frames=0)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    third = (data.rindex(b"moov") - begin) // 3
    data[begin + third : begin + third + 300] = b"\xff" * 300
    path.write_bytes(data)
    frames = list(read_frames(path, Fraction(0), Fraction(10)))
    seen = [number_in(f.image) for f in frames]
    assert seen[:10] == list(range(10))
    assert seen[-20:] == list(range(80, 100))


def test_a_sound_file_has_no_picture_to_read(tmp_path):
    path = make_sound(tmp_path / "a.wav", click(4800, 5))
    with pytest.raises(MediaError, match="has no picture"):
        next(read_frames(path, Fraction(0), Fraction(1)))


def test_a_reversed_range_is_refused_at_once(tmp_path):
    with pytest.raises(RangeError):
        read_frames(tmp_path / "film.mp4", Fraction(2), Fraction(1))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_leaving_the_iterator_closes_the_file(tmp_path):
    path = make_movie(tmp_path / "film.mp4")

    def open_here():
        names = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                names.append(os.readlink(f"/proc/self/fd/{fd}"))
            except OSError:
                continue
        return names.count(str(path))

    frames = read_frames(path, Fraction(0), Fraction(2))
    next(frames)
    assert open_here() == 1
    frames.close()
    assert open_here() == 0
    frames = read_frames(path, Fraction(0), Fraction(2))
    next(frames)
    del frames
    gc.collect()
    assert open_here() == 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_range(tmp_path):
    path = make_movie(tmp_path / "long.mp4", frames=1500, size=(480, 270), gop=50)
    frames = read_frames(path, Fraction(0), Fraction(1000))
    for _ in range(300):
        next(frames)
    before = peak_from_now_kb()
    assert sum(1 for _ in frames) == 1200
    assert peak_kb() - before < 20_000


def test_numbers_survive_what_the_helpers_do_to_them():
    for number in (0, 1, 1234, 4095):
        assert number_in(numbered(number)[:, :, ::-1]) == number
