"""Which frames stand for a scene."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from musiscene_core.brief import Shot
from musiscene_core.codec import to_json
from musiscene_core.spotting.frames import MOST, SAMPLES, sample
from musiscene_core.spotting.picture import watch
from musiscene_core.spotting.sharpness import FaceWatch, sharpness
from musiscene_core.spotting.spot import spot
from tests.support.make_picture import flat, shots, whole, write_movie
from tests.support.shared_media import shared_media


def _shots(*lengths: int) -> list[Shot]:
    edges = np.cumsum([0, *lengths]).tolist()
    return [Shot(start_frame=first, end_frame=last) for first, last in pairwise(edges)]


def _detailed(seed: int, width: int = 256, height: int = 144) -> np.ndarray:
    """A picture [H, W, 3] of blocks: full of edges."""
    tiles = np.random.default_rng(seed).integers(0, 255, (height // 16, width // 16, 3))
    return np.kron(tiles, np.ones((16, 16, 1))).astype(np.uint8)


def _even(length: int) -> np.ndarray:
    return np.ones(length, dtype=np.float32)


def test_few_shots_get_fifteen_frames_and_the_longer_ones_more() -> None:
    frames = sample(_shots(100, 400, 20), _even(520), {})

    counts = [sum(frame.shot == index for frame in frames) for index in range(3)]
    assert SAMPLES <= sum(counts) <= 2 * SAMPLES
    assert counts[1] > counts[0] >= counts[2] >= 1
    assert [frame.frame for frame in frames] == sorted({frame.frame for frame in frames})


def test_many_shots_get_one_frame_each_inside_them() -> None:
    made = _shots(*[24] * 40)
    frames = sample(made, _even(960), {})

    assert [frame.shot for frame in frames] == list(range(40))
    for frame in frames:
        assert made[frame.shot].start_frame <= frame.frame < made[frame.shot].end_frame


def test_shots_of_one_frame_are_not_asked_for_more_than_they_have() -> None:
    frames = sample(_shots(1, 2, 1), _even(4), {})

    assert [(frame.shot, frame.frame) for frame in frames] == [(0, 0), (1, 1), (1, 2), (2, 3)]


def test_a_range_that_moves_by_a_second_keeps_its_frames() -> None:
    sharp = np.random.default_rng(3).random(2_000).astype(np.float32)
    faces = dict.fromkeys(range(0, 2000, 97), 1)

    def at(first: int) -> set[int]:
        lengths = [500 - first % 500, 300, 180, 420]
        moved = {frame - first: count for frame, count in faces.items() if frame >= first}
        chosen = sample(_shots(*lengths), sharp[first:], moved, 86_400 + first)
        return {frame.frame + first for frame in chosen}

    assert len(at(100)) >= SAMPLES
    assert len(at(124) - at(100)) <= 1


def test_a_feature_film_of_thousands_of_shots_has_a_bounded_number() -> None:
    frames = sample(_shots(*[3] * 5000), _even(15_000), {})

    assert len(frames) == MOST
    assert frames[-1].shot >= 4980


def test_the_sharpest_is_taken_but_a_nearly_as_sharp_face_before_it() -> None:
    sharp = _even(15 * 20)
    sharp[5], sharp[8], sharp[25] = 4.0, 3.0, 2.0
    first, second, *_ = sample(_shots(*[20] * 15), sharp, {8: 1})

    assert (first.frame, first.faces, first.sharpness) == (8, 1, 0.75)
    assert (second.frame, second.faces) == (25, 0)
    assert sample(_shots(*[20] * 15), sharp, {3: 2})[0].frame == 5


def test_blur_takes_sharpness_away() -> None:
    gray = cv2.cvtColor(_detailed(1), cv2.COLOR_RGB2GRAY)
    blurred = cv2.GaussianBlur(gray, (0, 0), 3)

    assert sharpness(gray) > 4 * sharpness(blurred) > 0
    assert sharpness(np.full((72, 128), 9, np.uint8)) == 0


def test_faces_are_looked_for_once_a_second_and_in_every_short_shot() -> None:
    watching = FaceWatch(24)
    assert watching.can_see
    gray = np.ascontiguousarray(cv2.cvtColor(_detailed(2), cv2.COLOR_RGB2GRAY))
    for frame in range(50):
        looked = SimpleNamespace(gray=gray, faces=-1)
        watching.add(frame, looked, 1.0 + (frame == 7), another=frame == 30)

    assert list(watching.found()) == [7, 24, 30, 48]


def test_the_clear_frame_of_a_blurred_shot_is_found_to_the_frame(tmp_path: Path) -> None:
    images = [_detailed(1)] * 48 + [_detailed(2)] * 48
    clear = {17, 70}
    blurred = [
        image if number in clear else cv2.GaussianBlur(image, (0, 0), 4)
        for number, image in enumerate(images)
    ]
    path = write_movie(tmp_path / "focus.mp4", blurred)
    picture = watch(whole(path, 96))

    chosen = {frame.frame for frame in sample(picture.shots, picture.sharpness, picture.faces)}
    assert clear <= chosen


def test_the_frames_that_stand_for_a_scene_are_foreseen(tmp_path: Path) -> None:
    path = write_movie(
        tmp_path / "film.mp4", [_detailed(seed) for seed in range(4) for _ in range(60)]
    )
    told: list[int] = []
    picture = watch(whole(path, 240), on_frame=told.append)
    chosen = {frame.frame for frame in sample(picture.shots, picture.sharpness, picture.faces)}

    assert len(told) == len(set(told)) <= 2 * len(chosen)
    assert len(chosen & set(told)) >= 0.8 * len(chosen)


def test_a_black_film_has_its_frames_too(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "black.mp4", shots((flat(0, 0, 0), 48)))
    brief = spot(whole(path, 48))

    assert SAMPLES <= len(brief.frames) <= 2 * SAMPLES
    assert {frame.sharpness for frame in brief.frames} == {0.0}
    assert {frame.faces for frame in brief.frames} == {0}
    assert (brief.stages[0].stage, brief.stages[0].state) == ("frames", "done")


@pytest.fixture(scope="module")
def reel() -> tuple[Path, list[int], int]:
    path = shared_media("reel_24.mp4")
    truth = json.loads(path.with_suffix(".json").read_text())
    return path, truth["shots_start_frame"], truth["frames"]


def test_every_shot_of_real_footage_has_a_frame_of_its_own(
    reel: tuple[Path, list[int], int],
) -> None:
    path, starts, length = reel
    brief = spot(whole(path, length))

    edges = [*starts, length]
    for start, end in pairwise(edges):
        assert any(start <= frame.frame < end for frame in brief.frames)
    assert SAMPLES <= len(brief.frames) <= 2 * SAMPLES
    for frame in brief.frames:
        shot = brief.shots[frame.shot]
        assert shot.start_frame <= frame.frame < shot.end_frame
    assert len(to_json(brief)) < 1_000_000
