"""Which film is kept, and where a cue went: against the truth of random edits."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from musiscene_core.conforming.film import KeptFilm, kept_film
from musiscene_core.conforming.finding import find_range
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from tests.core.test_conforming import clip, scene
from tests.support.recuts import START, Shot, cut_list, edited, frames_of, laid_out


def mapping(old: TimelineRange, new: TimelineRange) -> dict[int, int]:
    found: dict[int, int] = {}
    for film in kept_film(old, new):
        assert film.was.length == film.now.length
        for frame in range(film.was.length):
            assert film.was.start + frame not in found
            found[film.was.start + frame] = film.now.start + frame
    assert len(set(found.values())) == len(found)
    return found


@pytest.mark.parametrize("rate", [FrameRate(24), FrameRate(30000, 1001)], ids=["24", "29.97"])
@pytest.mark.parametrize("seed", range(40))
def test_every_kept_frame_is_found_where_it_went(seed: int, rate: FrameRate) -> None:
    random = Random(seed)
    shots = cut_list(random, random.randint(3, 25))
    new = edited(shots, random, random.randint(0, 9))
    lies = {shown: frame for frame, shown in enumerate(frames_of(new))}
    truth = {frame: lies[shown] for frame, shown in enumerate(frames_of(shots)) if shown in lies}
    assert mapping(laid_out(shots, rate=rate), laid_out(new, start=5_000, rate=rate)) == truth


@pytest.mark.parametrize("seed", range(20))
def test_a_cue_is_found_in_a_whole_timeline_by_its_film(seed: int) -> None:
    random = Random(seed)
    reel = cut_list(random, 60)
    first = random.randint(5, 30)
    cue = reel[first : first + 14]
    before = sum(shot.length for shot in reel[:first])
    length = sum(shot.length for shot in cue)
    whole = laid_out(reel)
    old = msgspec.structs.replace(whole, record=FrameRange.from_length(START + before, length))
    # The ends stay, so that the truth of where the cue begins and ends is beyond question.
    inner = [cue[0], *edited(cue[1:-1], random, 3), cue[-1]]
    head = edited(reel[:first], random, 4)
    new = laid_out([*head, *inner, *reel[first + 14 :]])
    at = START + sum(shot.length for shot in head)
    found = find_range(old, new)
    assert found.record == FrameRange.from_length(at, sum(shot.length for shot in inner))
    assert not found.ambiguous
    assert 0.3 < found.share <= 1.0


def test_a_shot_used_twice_goes_with_its_neighbours() -> None:
    shots = [Shot("a", 0, 20), Shot("x", 0, 30), Shot("b", 0, 20), Shot("x", 0, 30)]
    shots.append(Shot("c", 0, 20))
    swapped = [*shots[3:], *shots[:3]]
    assert mapping(laid_out(shots), laid_out(swapped)) == {
        **{frame: frame + 50 for frame in range(70)},
        **{frame: frame - 70 for frame in range(70, 120)},
    }


def test_only_what_is_seen_counts_and_gaps_that_moved_along_are_kept() -> None:
    old = scene(clip("a", 20, 100), clip("b", 150, 100), length=300)
    new = scene(clip("a", 30, 100), clip("b", 160, 100), clip("over", 40, 20, layer=1), length=300)
    assert kept_film(old, new) == (
        KeptFilm(FrameRange(20, 30), FrameRange(30, 40)),
        KeptFilm(FrameRange(50, 250), FrameRange(60, 260)),
    )


def test_another_speed_is_other_film_and_stills_begin_where_they_began() -> None:
    old = scene(clip("a", 0, 100), clip("still", 100, 50, speed=(0, 1)), length=150)
    new = scene(clip("a", 0, 50, speed=(2, 1)), clip("still", 50, 80, speed=(0, 1)), length=130)
    assert kept_film(old, new) == (KeptFilm(FrameRange(100, 150), FrameRange(50, 100)),)


def test_without_pictures_sound_tells_and_without_clips_the_record_frames() -> None:
    old = scene(clip("line", 10, 50, role="dialogue"), length=100)
    new = scene(clip("line", 30, 50, role="dialogue"), length=100)
    assert kept_film(old, new) == (KeptFilm(FrameRange(10, 60), FrameRange(30, 80)),)
    assert kept_film(scene(length=100), scene(length=60, start=START + 20)) == (
        KeptFilm(FrameRange(20, 80), FrameRange(0, 60)),
    )


def test_at_another_frame_rate_film_keeps_its_seconds() -> None:
    rate = FrameRate(25)
    old = scene(clip("a", 0, 96))
    new = scene(clip("a", 25, 100, rate=rate), rate=rate)
    assert kept_film(old, new) == (KeptFilm(FrameRange(0, 96), FrameRange(25, 125)),)


def test_a_lost_cue_and_one_with_two_places_are_told() -> None:
    shots = [Shot("a", 0, 100), Shot("b", 0, 100)]
    old = laid_out(shots)
    assert find_range(old, laid_out([Shot("c", 0, 300)])).record is None
    far = laid_out([shots[0], Shot("c", 0, 2_000), shots[1]])
    found = find_range(old, far)
    assert found.ambiguous
    assert found.share == 0.5
    assert {found.record, *found.others} == {
        FrameRange.from_length(START, 100),
        FrameRange.from_length(START + 2_100, 100),
    }


def test_black_at_the_ends_of_a_cue_belongs_to_it() -> None:
    old = scene(clip("a", 24, 100), length=148)
    new = scene(clip("z", 0, 400), clip("a", 424, 100), length=700)
    assert find_range(old, new).record == FrameRange(START + 400, START + 548)


def test_ten_thousand_shots_of_one_file_are_compared() -> None:
    shots = [Shot("film", 30 * number, 24) for number in range(10_000)]
    new = [shot for number, shot in enumerate(shots) if number % 100]
    film = kept_film(laid_out(shots), laid_out(new))
    assert sum(one.was.length for one in film) == 24 * len(new)
    assert len(film) == 100
