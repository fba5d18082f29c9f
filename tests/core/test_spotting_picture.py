"""Motion, colour, curves, progress and trouble."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import CancelledError, MediaError, MediaOfflineError
from musiscene_core.spotting.picture import curves, watch
from musiscene_core.timecode import FrameRate
from tests.support.make_picture import (
    HEIGHT,
    WIDTH,
    clip_of,
    flat,
    panning,
    range_of,
    shots,
    square,
    texture,
    whole,
    write_movie,
)


@pytest.mark.parametrize(
    ("color", "brightness", "warmth", "saturation"),
    [
        ((255, 255, 255), 1.0, 0.0, 0.0),
        ((0, 0, 0), 0.0, 0.0, 0.0),
        ((128, 128, 128), 0.5, 0.0, 0.0),
        ((255, 0, 0), 0.3, 1.0, 1.0),
        ((0, 0, 255), 0.11, -1.0, 1.0),
        ((200, 150, 100), 0.62, 0.5, 0.5),
        ((20, 26, 40), 0.1, -0.5, 0.5),
    ],
)
def test_flat_colours_have_known_values(
    tmp_path: Path,
    color: tuple[int, int, int],
    brightness: float,
    warmth: float,
    saturation: float,
) -> None:
    movie = write_movie(tmp_path / "flat.mp4", shots((flat(*color), 12)), crf=1)
    picture = watch(whole(movie, 12))
    assert picture.brightness == pytest.approx(np.full(12, brightness), abs=0.03)
    assert picture.warmth == pytest.approx(np.full(12, warmth), abs=0.06)
    assert picture.saturation == pytest.approx(np.full(12, saturation), abs=0.06)
    assert picture.motion.max() == 0.0
    assert picture.shots[0].brightness == pytest.approx(brightness, abs=0.03)


def test_faster_squares_move_more(tmp_path: Path) -> None:
    energies = []
    for speed in (0, 1, 3, 8):
        movie = write_movie(tmp_path / f"{speed}.mp4", shots((square(speed), 20)))
        energies.append(float(watch(whole(movie, 20)).motion.mean()))
    assert energies[0] < 0.01
    assert energies[1] > 1.5 * energies[0]
    assert energies == sorted(energies)
    assert energies[3] > 2 * energies[1]


@pytest.mark.parametrize(("rate", "pixels"), [(25, 4.0), (50, 2.0)])
def test_motion_is_measured_in_diagonals_a_second(tmp_path: Path, rate: int, pixels: float) -> None:
    movie = write_movie(tmp_path / "pan.mp4", shots((panning(3, pixels), 2 * rate)), rate)
    picture = watch(whole(movie, 2 * rate, str(rate)))
    speed = rate * pixels / float(np.hypot(WIDTH, HEIGHT))
    expected = 1 - np.exp(-speed / 0.2)
    assert float(picture.motion.mean()) == pytest.approx(expected, rel=0.12)


def test_double_speed_moves_twice_as_fast(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "pan.mp4", shots((panning(3, 1.0), 80)))
    slow = watch(range_of(clip_of(movie, (0, 40)), record=(0, 40))).motion.mean()
    fast = watch(range_of(clip_of(movie, (0, 40), speed=2), record=(0, 40))).motion.mean()
    speeds = [-np.log(1 - motion) for motion in (slow, fast)]
    assert speeds[1] / speeds[0] == pytest.approx(2.0, rel=0.15)


def test_nothing_moves_across_a_cut(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "still.mp4", shots((panning(1, 0), 30), (panning(2, 0), 30)))
    picture = watch(whole(movie, 60))
    assert len(picture.shots) == 2
    assert picture.motion.max() < 0.05
    assert picture.saliency.max() < 0.1


def test_saliency_peaks_where_motion_sets_in(tmp_path: Path) -> None:
    moving = panning(1, 6.0)
    images = [moving(max(0, n - 40)) for n in range(80)]
    picture = watch(whole(write_movie(tmp_path / "m.mp4", images), 80))
    assert len(picture.shots) == 1
    assert abs(int(picture.saliency.argmax()) - 41) <= 2
    assert picture.saliency.max() > 0.6
    assert picture.saliency[:34].max() < 0.1
    assert picture.saliency[60:].max() < 0.1


def test_a_still_picture_that_fades_to_black_does_not_move(tmp_path: Path) -> None:
    still = texture(4)
    light = np.clip(np.linspace(1.4, -0.1, 60), 0.0, 1.0)
    images = [(still * level).astype(np.uint8) for level in light]
    picture = watch(whole(write_movie(tmp_path / "fade.mp4", images), 60))
    assert picture.motion.max() < 0.1
    assert picture.saliency.max() < 0.1


def test_arrays_are_as_long_as_the_range(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 50)))
    picture = watch(range_of(clip_of(movie, (10, 60)), record=(20, 51)))
    for values in (
        picture.motion,
        picture.saliency,
        picture.brightness,
        picture.warmth,
        picture.saturation,
    ):
        assert values.shape == (31,)
        assert values.dtype == np.float32
    assert picture.has_picture


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_ranges_are_one_shot(tmp_path: Path, frames: int) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 10)))
    picture = watch(whole(movie, frames))
    assert [(shot.start_frame, shot.end_frame) for shot in picture.shots] == [(0, frames)]
    assert len(curves(picture, FrameRate(24)).motion.values) == (frames * 10 + 23) // 24


def test_a_range_without_picture_says_so() -> None:
    picture = watch(range_of(record=(100, 148)))
    assert not picture.has_picture
    assert picture.warnings == ("The range has no picture.",)
    (shot,) = picture.shots
    assert (shot.start_frame, shot.end_frame, shot.clip) == (0, 48, "")


def test_everything_offline_is_an_error_one_clip_a_warning(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 30)))
    lost = clip_of(tmp_path / "lost.mov", (30, 60))
    picture = watch(range_of(clip_of(movie, (0, 30)), lost, record=(0, 60)))
    assert [shot.clip for shot in picture.shots] == ["m", "lost"]
    assert picture.brightness[30:].max() == 0.0
    assert picture.warnings == ("lost.mov is offline; its part of the picture was not watched.",)
    with pytest.raises(MediaOfflineError):
        watch(range_of(lost, record=(30, 60)))


def test_a_file_that_is_no_movie_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a movie" * 100)
    with pytest.raises(MediaError) as caught:
        watch(whole(broken, 10))
    assert not isinstance(caught.value, MediaOfflineError)


def test_progress_names_the_file_and_ends_at_one(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "harbour.mp4", shots((panning(1), 50)))
    told: list[tuple[str, float]] = []
    watch(whole(movie, 50), lambda stage, fraction: told.append((stage, fraction)))
    assert {stage for stage, _ in told} == {"Watching harbour.mp4"}
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_cancelling_stops_decoding_and_closes_the_file(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 100)) * 3)

    def cancel(stage: str, fraction: float) -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        watch(whole(movie, 300), cancel)
    assert "decode" not in [thread.name for thread in threading.enumerate()]
    descriptors = Path("/proc/self/fd")
    if descriptors.exists():
        opened = [entry.resolve() for entry in descriptors.iterdir()]
        assert movie not in opened


def test_curves_average_each_tenth_of_a_second(tmp_path: Path) -> None:
    dark, bright = flat(51, 51, 51), flat(204, 204, 204)
    images = shots((dark, 25), (bright, 25))
    picture = watch(whole(write_movie(tmp_path / "m.mp4", images, 25, crf=1), 50, "25"))
    shown = curves(picture, FrameRate.parse("25"))
    assert shown.brightness.hop_s == 0.1
    assert len(shown.brightness.values) == 20
    assert shown.brightness.values[:10] == pytest.approx([0.2] * 10, abs=0.01)
    assert shown.brightness.values[10:] == pytest.approx([0.8] * 10, abs=0.01)


@pytest.mark.parametrize("rate", ["6", "24000/1001", "179/6", "120"])
def test_curves_are_bounded_and_cover_the_range(rate: str) -> None:
    exact = FrameRate.parse(rate)
    frames = int(3 * 3600 * exact.fps)
    picture = watch(range_of(rate=rate, record=(0, frames)))
    shown = curves(picture, exact)
    count = len(shown.motion.values)
    assert count <= 6001
    assert (
        (count - 1) * shown.motion.hop_s
        < float(exact.seconds(frames))
        <= (count * shown.motion.hop_s + 1e-6)
    )
    assert len(shown.cut_rate.values) == count


def test_cut_rate_counts_cuts_a_minute(tmp_path: Path) -> None:
    images = shots(*((panning(seed, 0), 6) for seed in range(40)))
    picture = watch(whole(write_movie(tmp_path / "m.mp4", images, 12), 240, Fraction(12)))
    assert len(picture.shots) == 40
    rate = curves(picture, FrameRate(12)).cut_rate
    assert rate.at(10.0) == pytest.approx(120.0, rel=0.06)
    assert rate.at(0.0) == pytest.approx(120.0, rel=0.15)
