"""Where shots begin: cuts, dissolves, fades, and what is none of them."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.spotting.dissolves import DissolveWatch
from musiscene_core.spotting.likeness import View
from musiscene_core.spotting.measures import PATCHES, measured, stacked
from musiscene_core.spotting.picture import Picture, watch
from tests.support.make_picture import (
    HEIGHT,
    WIDTH,
    Image,
    clip_of,
    flat,
    mixed,
    panning,
    range_of,
    shots,
    texture,
    whole,
    write_movie,
)
from tests.support.shared_media import shared_media

BLACK = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
WHITE = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


def begins(picture: Picture) -> list[tuple[int, str]]:
    """Where each shot but the first begins, and how; checks that they cover the range."""
    found = picture.shots
    assert found[0].start_frame == 0
    assert found[0].transition == "start"
    assert found[-1].end_frame == len(picture.motion)
    assert all(one.end_frame == other.start_frame for one, other in pairwise(found))
    return [(shot.start_frame, shot.transition) for shot in found[1:]]


def watched(tmp_path: Path, images: list[Image], rate: str | Fraction = "24") -> Picture:
    exact = Fraction(rate)
    movie = write_movie(tmp_path / "movie.mp4", images, exact)
    return watch(whole(movie, len(images), exact))


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "179/6", "60"])
def test_cuts_fall_on_their_frame(tmp_path: Path, rate: str) -> None:
    images = shots(*((panning(seed), count) for seed, count in enumerate((30, 12, 41, 10, 20))))
    assert begins(watched(tmp_path, images, rate)) == [
        (30, "cut"), (42, "cut"), (83, "cut"), (93, "cut")
    ]  # fmt: skip


def test_cuts_of_a_variable_rate_fall_on_the_first_record_frame_that_shows_them(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(5)
    ticks = np.cumsum(rng.choice([2, 3, 4, 7], size=90)) - 2
    times = [Fraction(int(tick - ticks[0]), 100) for tick in ticks]
    images = shots((panning(1), 31), (panning(2), 30), (panning(3), 29))
    movie = write_movie(tmp_path / "vfr.mp4", images, times=times)
    frames = int(times[-1] * 25)
    expected = [-(-times[first] * 25 // 1) for first in (31, 61)]
    assert begins(watch(whole(movie, frames, "25"))) == [(frame, "cut") for frame in expected]


def test_a_slower_source_cuts_on_the_first_record_frame(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 31), (panning(2), 29)))
    clip = clip_of(movie, (0, 150), "60", source_rate="24")
    picture = watch(range_of(clip, rate="60", record=(0, 150)))
    assert begins(picture) == [(78, "cut")]


def test_the_editors_cuts_a_gap_and_a_hidden_track(tmp_path: Path) -> None:
    movies = [
        write_movie(tmp_path / f"m{seed}.mp4", shots((panning(seed), 60))) for seed in range(3)
    ]
    timeline = range_of(
        clip_of(movies[0], (1000, 1040), name="A"),
        clip_of(movies[1], (1020, 1030), track=1, source_start=5, name="B"),
        clip_of(movies[2], (1050, 1080), source_start=12, name="C"),
        record=(1000, 1080),
    )
    picture = watch(timeline)
    assert begins(picture) == [(20, "cut"), (30, "cut"), (40, "cut"), (50, "cut")]
    assert [shot.clip for shot in picture.shots] == ["A", "B", "A", "", "C"]
    assert picture.brightness[40:50].max() == 0.0
    assert picture.warnings == ()


def test_material_cuts_at_double_speed_and_backwards(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "m.mp4", shots((panning(1), 40), (panning(2), 40)))
    fast = watch(range_of(clip_of(movie, (0, 40), speed=2), record=(0, 40)))
    back = watch(range_of(clip_of(movie, (0, 70), source_start=75, speed=-1), record=(0, 70)))
    assert begins(fast) == [(20, "cut")]
    # Source frame 39, the last of the first shot, shows at 75 - 39.
    assert begins(back) == [(36, "cut")]


def test_a_through_edit_and_an_invisible_edit_are_no_cuts_but_a_jump_is(tmp_path: Path) -> None:
    moving = write_movie(tmp_path / "m.mp4", shots((panning(1, 3.0), 120)))
    twin = write_movie(tmp_path / "twin.mp4", shots((panning(1, 3.0), 120)))
    timeline = range_of(
        clip_of(moving, (0, 20)),
        clip_of(moving, (20, 40), source_start=20),
        clip_of(twin, (40, 60), source_start=40),
        clip_of(moving, (60, 80), source_start=110),
        record=(0, 80),
    )
    assert begins(watch(timeline)) == [(60, "cut")]


@pytest.mark.parametrize("length", [10, 24, 40])
def test_a_dissolve_begins_its_shot_at_its_middle(tmp_path: Path, length: int) -> None:
    old, new = panning(1, 0.5), panning(2, 0.5)
    first = 40
    images = [mixed(old(n), new(n), min(1.0, max(0.0, (n - first) / length))) for n in range(110)]
    ((frame, transition),) = begins(watched(tmp_path, images))
    assert transition == "dissolve"
    assert abs(frame - (first + length / 2)) <= 2


def test_a_fade_through_black_begins_its_shot_in_the_middle_of_the_black(tmp_path: Path) -> None:
    images = shots((panning(1), 40), (panning(2), 40))
    for n in range(16):
        images[24 + n] = mixed(images[24 + n], BLACK, (n + 1) / 16)
        images[40 + n] = mixed(BLACK, images[40 + n], (n + 1) / 16)
    images[40:40] = [BLACK] * 10
    ((frame, transition),) = begins(watched(tmp_path, images))
    assert transition == "fade"
    assert abs(frame - 45) <= 1


def test_a_cut_to_black_and_back_makes_black_a_shot(tmp_path: Path) -> None:
    images = shots((panning(1), 30), (flat(0, 0, 0), 15), (panning(2), 30))
    assert begins(watched(tmp_path, images)) == [(30, "cut"), (45, "cut")]


def test_a_fade_in_at_the_start_and_out_at_the_end_are_no_new_shots(tmp_path: Path) -> None:
    images = shots((panning(1), 70))
    for n in range(15):
        images[n] = mixed(BLACK, images[n], n / 15)
        images[-1 - n] = mixed(BLACK, images[-1 - n], n / 15)
    assert begins(watched(tmp_path, images)) == []


def test_a_flash_is_no_cut(tmp_path: Path) -> None:
    images = shots((panning(1), 60), (panning(2), 40))
    images[20] = WHITE
    images[40] = mixed(images[40], WHITE, 0.8)
    images[41] = mixed(images[41], WHITE, 0.5)
    images[42] = mixed(images[42], WHITE, 0.2)
    assert begins(watched(tmp_path, images)) == [(60, "cut")]


def test_switching_the_light_a_title_and_a_fast_pan_are_no_cuts(tmp_path: Path) -> None:
    images = shots((panning(1), 40), (panning(2, 14.0), 30))
    for n in range(12, 40):
        images[n] = mixed(images[n], BLACK, 0.5)
    for n in range(25, 36):
        images[n] = images[n].copy()
        images[n][118:140] = 255
    assert begins(watched(tmp_path, images)) == [(40, "cut")]


def test_cuts_every_four_frames_are_all_found(tmp_path: Path) -> None:
    images = shots(
        (panning(0), 24), *((panning(seed), 4) for seed in range(1, 9)), (panning(9), 24)
    )
    expected = [(24 + 4 * n, "cut") for n in range(9)]
    assert begins(watched(tmp_path, images)) == expected


def test_animation_on_twos_still_cuts(tmp_path: Path) -> None:
    images = [
        image for image in shots((panning(1, 4.0), 20), (panning(2, 4.0), 20)) for _ in range(2)
    ]
    assert begins(watched(tmp_path, images)) == [(40, "cut")]


def test_a_shot_that_stands_still_has_no_cuts(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    still = texture(4).astype(np.int16)
    images = [
        np.clip(still + rng.normal(0, 6, still.shape), 0, 255).astype(np.uint8) for _ in range(60)
    ]
    assert begins(watched(tmp_path, images)) == []


def test_the_reel_is_cut_where_its_truth_says() -> None:
    truth = json.loads(shared_media("reel_24.json").read_text())
    picture = watch(whole(shared_media("reel_24.mp4"), truth["frames"], truth["rate"]))
    assert begins(picture) == [(frame, "cut") for frame in truth["shots_start_frame"][1:]]


@pytest.mark.parametrize(
    ("name", "frames", "rate"),
    [
        ("rabbit", 234, "30"),
        ("frog", 248, "30"),
        ("crystal", 359, "30"),
        ("car-detection", 377, "25/2"),
    ],
)
def test_single_shots_of_the_shared_footage_have_no_cuts(name: str, frames: int, rate: str) -> None:
    assert begins(watch(whole(shared_media(f"clips/{name}.mp4"), frames, rate))) == []


def test_how_many_pictures_are_looked_at_together_makes_no_difference() -> None:
    old, new = panning(3, 1.2), panning(8, -0.8)
    images = [old(frame) for frame in range(40)]
    images += [mixed(old(40 + n), new(n), n / 24) for n in range(24)]
    images += [new(24 + n) for n in range(40)]
    pictures = [measured(View(image[..., ::-1]), Fraction(0)) for image in images]
    thumbs, patches = stacked(pictures)
    found = []
    for size in (1, 7, 200):
        watch = DissolveWatch(24.0, thumbs.shape[1], PATCHES)
        for first in range(0, len(images), size):
            part = slice(first, first + size)
            watch.add(np.arange(len(images))[part], thumbs[part], patches[part])
        found.append(watch.found())
    assert found[0] == found[1] == found[2]
    (dissolve,) = found[0]
    assert dissolve.middle == pytest.approx(52, abs=2)
