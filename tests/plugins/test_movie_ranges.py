"""A movie is one range, whoever reads it: the editor host, or an evaluation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from musiscene_core.errors import MediaError
from musiscene_core.movies import Part, movie_range, parts_range
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.make_media import make_movie, make_sound, make_still, tone


def test_the_editor_host_and_the_shared_library_read_a_movie_alike(tmp_path: Path) -> None:
    movie = make_movie(
        tmp_path / "rain.mp4", frames=48, rate=Fraction(24), sounds=[tone(96_000, 440.0)]
    )
    seen = open_timeline(movie).read_range(RangeChoice())
    assert movie_range(movie, "rain") == seen
    assert {clip.role for clip in seen.clips} == {"picture", "mixed"}


def test_music_beside_a_movie_leaves_its_own_sound_the_dialogue(tmp_path: Path) -> None:
    movie = make_movie(
        tmp_path / "rain.mp4", frames=48, rate=Fraction(24), sounds=[tone(96_000, 440.0)]
    )
    music = make_sound(tmp_path / "rain.wav", tone(96_000, 220.0))
    made = movie_range(movie, "rain", Part(str(music), Fraction(1, 2), Fraction(3, 2)))
    assert [clip.role for clip in made.clips] == ["picture", "dialogue", "temp_track"]
    under = made.clips[-1].mapping
    assert (under.record.start, under.record.end) == (0, 24)
    assert under.source_span(under.record) == (Fraction(1, 2), Fraction(3, 2))


def test_parts_follow_each_other_at_the_rate_of_the_first(tmp_path: Path) -> None:
    movie = make_movie(tmp_path / "rain.mp4", frames=60, rate=Fraction(30))
    parts = [Part(str(movie), Fraction(1), Fraction(2)), Part(str(movie), Fraction(0), Fraction(1))]
    music = Part("/music.wav", Fraction(0), Fraction(9))
    made = parts_range("rain", parts, music)
    assert made.rate == FrameRate(30)
    assert [(one.mapping.record.start, one.mapping.record.end) for one in made.clips] == [
        (0, 30),
        (30, 60),
        (0, 60),
    ]
    assert made.clips[0].mapping.source_seconds(0) == 1


def test_a_picture_is_no_movie(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no length"):
        movie_range(make_still(tmp_path / "still.png", 1), "still")
