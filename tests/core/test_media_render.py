import os
import shutil
import stat
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest

from musiscene_core.errors import (
    CancelledError,
    EngineError,
    MediaError,
    MediaOfflineError,
    OutputError,
    RangeError,
)
from musiscene_core.media import (
    PictureSegment,
    SoundSegment,
    find_ffmpeg,
    probe,
    read_audio,
    read_frames,
    render_preview,
)
from musiscene_core.timecode import FrameRate
from tests.support.make_media import (
    click,
    make_movie,
    make_sound,
    make_still,
    number_in,
    tone,
    trim_by_edit_list,
)

RATE = FrameRate(25)


def span(path, start, length):
    return PictureSegment(path, Fraction(start), Fraction(length))


def shown(path):
    return [number_in(f.image) for f in read_frames(path, Fraction(0), Fraction(100), width=192)]


@pytest.fixture
def film(tmp_path):
    return make_movie(tmp_path / "film.mp4", frames=100)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts", ".mov"])
def test_clips_are_cut_to_the_frame(tmp_path, ending):
    film = make_movie(tmp_path / f"film{ending}", frames=100, sounds=[tone(48_000, 440)])
    other = make_movie(tmp_path / f"other{ending}", frames=60, gop=60, delay=Fraction(1, 2))
    picture = [span(film, "37/25", "5/25"), span(other, "41/25", "3/25"), span(film, 0, "2/25")]
    render_preview(picture, [], tmp_path / "out.mp4", rate=RATE, height=64)
    assert shown(tmp_path / "out.mp4") == [37, 38, 39, 40, 41, 41, 42, 43, 0, 1]


def test_a_range_that_starts_between_frames_shows_whole_frames(tmp_path, film):
    picture = [span(film, "1/3", "4/25")]
    render_preview(picture, [], tmp_path / "out.mp4", rate=RATE, height=64)
    assert shown(tmp_path / "out.mp4") == [8, 9, 10, 11]


def test_rates_whose_frames_are_no_round_number(tmp_path):
    ntsc = FrameRate(24_000, 1001)
    film = make_movie(tmp_path / "film.mkv", frames=100, rate=ntsc.fps)
    picture = [PictureSegment(film, ntsc.seconds(n), ntsc.seconds(4)) for n in (50, 12, 71)]
    render_preview(picture, [], tmp_path / "out.mp4", rate=ntsc, height=64)
    assert shown(tmp_path / "out.mp4") == [50, 51, 52, 53, 12, 13, 14, 15, 71, 72, 73, 74]
    video = probe(tmp_path / "out.mp4").video
    assert (video.rate, video.frame_count) == (ntsc, 12)


def test_black_stills_and_the_frame_past_the_end_fill_their_time(tmp_path, film):
    slate = make_still(tmp_path / "slate.png", 1234)
    picture = [span(None, 0, "2/25"), span(slate, 0, "3/25"), span(film, "98/25", "5/25")]
    render_preview(picture, [], tmp_path / "out.mp4", rate=RATE, height=64)
    assert shown(tmp_path / "out.mp4") == [0, 0, 1234, 1234, 1234, 98, 99, 99, 99, 99]


def test_an_edit_list_counts_as_it_does_when_reading(tmp_path, film):
    cut = trim_by_edit_list(tmp_path / "cut.mp4", film, Fraction(12, 25))
    render_preview([span(cut, "10/25", "2/25")], [], tmp_path / "out.mp4", rate=RATE, height=64)
    assert shown(tmp_path / "out.mp4") == [22, 23]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_clip_is_upright_and_its_shape_kept(tmp_path, degrees):
    film = make_movie(tmp_path / "film.mp4", size=(192, 128), rotation=degrees)
    render_preview([span(film, "3/25", "2/25")], [], tmp_path / "out.mp4", rate=RATE, height=192)
    video = probe(tmp_path / "out.mp4").video
    assert (video.width, video.height) == ((288, 192) if degrees == 180 else (128, 192))
    rendered = next(read_frames(tmp_path / "out.mp4", Fraction(0), Fraction(0), width=64)).image
    direct = next(read_frames(film, Fraction(3, 25), Fraction(3, 25), width=64)).image
    assert np.abs(rendered.astype(int) - direct).mean() < 12


def test_clips_of_another_shape_are_fitted_between_bars(tmp_path, film):
    tall = make_movie(tmp_path / "tall.mp4", size=(64, 128), frames=10)
    picture = [span(film, 0, "2/25"), span(tall, "1/25", "2/25")]
    render_preview(picture, [], tmp_path / "out.mp4", rate=RATE, height=64)
    image = list(read_frames(tmp_path / "out.mp4", Fraction(0), Fraction(1), width=192))[3].image
    assert image.shape == (64, 192, 3)
    assert image[:, :76].max() < 20
    assert image[:, 116:].max() < 20
    assert image[:, 80:112].max() > 200


def test_sounds_are_mixed_at_their_place_with_their_gain(tmp_path, film):
    music = make_sound(tmp_path / "mix.wav", click(96_000, 10_000, 2))
    talk = make_movie(
        tmp_path / "talk.mov",
        sounds=[click(96_000, 5, 1), click(96_000, 60_000, 1)],
        sound_codec="pcm_s16le",
    )
    sound = [
        SoundSegment(music, Fraction(0), Fraction(0), Fraction(2)),
        SoundSegment(talk, Fraction(1), Fraction(3, 2), Fraction(1, 2), stream=1, gain_db=-6.0206),
    ]
    out = tmp_path / "out.mp4"
    render_preview([span(film, 0, 2)], sound, out, rate=RATE, height=64)
    heard = np.abs(read_audio(out, Fraction(0), Fraction(2), sample_rate=48_000, channels=2))
    assert abs(heard[0, :48_000].argmax() - 10_000) <= 1
    assert abs(heard[1, 60_000:].argmax() + 60_000 - 84_000) <= 1
    ratio = heard[0, 83_990:84_010].max() / heard[0, 9_990:10_010].max()
    assert ratio == pytest.approx(0.5, abs=0.12)
    assert probe(out).audio[0].sample_rate == 48_000
    assert probe(out).audio[0].channels == 2
    assert probe(out).audio[0].duration == 2


def test_the_sound_is_cut_at_the_range_and_may_be_long(tmp_path, film):
    music = make_sound(tmp_path / "mix.wav", tone(48_000 * 30, 440, channels=2))
    out = tmp_path / "out.mp4"
    sound = [SoundSegment(music, Fraction(0), Fraction(0), Fraction(30))]
    render_preview([span(None, 0, 23)], sound, out, rate=RATE, height=64)
    info = probe(out)
    assert info.duration == info.audio[0].duration == 23
    heard = read_audio(out, Fraction(0), Fraction(23), sample_rate=48_000)
    assert np.abs(heard - tone(48_000 * 23, 440))[:, 2000:-2000].max() < 0.02


def test_progress_rises_to_one(tmp_path, film):
    told = []
    render_preview(
        [span(film, 0, 4)],
        [],
        tmp_path / "out.mp4",
        rate=RATE,
        height=64,
        progress=lambda stage, fraction: told.append(fraction),
    )
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 2


def test_cancelling_stops_ffmpeg_and_leaves_nothing(tmp_path, film):
    def cancel(stage, fraction):
        if stage.startswith("Rendering"):
            raise CancelledError("The user cancelled.")

    before = set(tmp_path.iterdir())
    with pytest.raises(CancelledError):
        render_preview(
            [span(None, 0, 120)],
            [],
            tmp_path / "out.mp4",
            rate=RATE,
            height=1080,
            progress=cancel,
        )
    assert set(tmp_path.iterdir()) == before


def test_an_existing_file_is_never_overwritten(tmp_path, film):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="already there"):
        render_preview([span(film, 0, 1)], [], out, rate=RATE)
    assert out.read_bytes() == b"mine"


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, film):
    out = tmp_path / "out.mp4"

    def meanwhile(stage, fraction):
        out.write_bytes(b"mine")

    with pytest.raises(OutputError, match="already there"):
        render_preview([span(film, 0, 1)], [], out, rate=RATE, height=64, progress=meanwhile)
    assert out.read_bytes() == b"mine"
    assert {p.name for p in tmp_path.iterdir()} == {"film.mp4", "out.mp4"}


def test_what_cannot_be_rendered_is_explained(tmp_path, film):
    sound = make_sound(tmp_path / "a.wav", click(4800, 5))
    out = tmp_path / "out.mp4"
    for picture, error in (
        ([], RangeError),
        ([span(film, 0, 0)], RangeError),
        ([span(film, 0, -1)], RangeError),
        ([span(tmp_path / "none.mp4", 0, 1)], MediaOfflineError),
        ([span(sound, 0, 1)], MediaError),
    ):
        with pytest.raises(error):
            render_preview(picture, [], out, rate=RATE)
    silent = [SoundSegment(film, Fraction(0), Fraction(0), Fraction(1))]
    with pytest.raises(MediaError, match="has no sound"):
        render_preview([span(film, 0, 1)], silent, out, rate=RATE)
    with pytest.raises(OutputError, match="is not there"):
        render_preview([span(film, 0, 1)], [], tmp_path / "none" / "out.mp4", rate=RATE)
    assert {p.name for p in tmp_path.iterdir()} == {"film.mp4", "a.wav"}


def test_odd_names_are_plain_files(tmp_path):
    for name in ("-i 50%03d, [a]'b'.mp4", "concat:x|y.mp4", "Größe 映画.mp4"):
        film = make_movie(tmp_path / "film.mp4", frames=10)
        odd = tmp_path / name
        shutil.move(film, odd)
        out = tmp_path / f"out {name}"
        render_preview([span(odd, "2/25", "2/25")], [], out, rate=RATE, height=64)
        assert shown(out) == [2, 3]


def test_a_name_may_be_as_long_as_the_folder_takes_and_no_longer(tmp_path, film):
    longest = tmp_path / f"{'a' * 251}.mp4"
    render_preview([span(film, 0, "2/25")], [], longest, rate=RATE, height=64)
    assert shown(longest) == [0, 1]

    def never(stage, fraction):
        raise AssertionError("the work began")

    too_long = tmp_path / f"{'a' * 252}.mp4"
    with pytest.raises(OutputError, match="name is too long") as refused:
        render_preview([span(film, 0, 1)], [], too_long, rate=RATE, height=64, progress=never)
    assert "shorter" in refused.value.hint


def test_what_ffmpeg_said_goes_into_the_error(tmp_path, film, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "ffmpeg"
    fake.write_text("#!/bin/sh\necho \"Unknown encoder 'libx264'\" >&2\nexit 1\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EngineError, match="Unknown encoder 'libx264'") as caught:
        render_preview([span(film, 0, 1)], [], tmp_path / "out.mp4", rate=RATE)
    assert "libx264" in caught.value.hint
    assert not (tmp_path / "out.mp4").exists()


def test_imageio_stands_in_for_a_missing_ffmpeg(tmp_path, film, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == imageio_ffmpeg.get_ffmpeg_exe()
    render_preview([span(film, "5/25", "2/25")], [], tmp_path / "out.mp4", rate=RATE, height=64)
    assert shown(tmp_path / "out.mp4") == [5, 6]


def test_no_ffmpeg_at_all_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "")

    def none():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    with pytest.raises(EngineError, match="No ffmpeg program was found") as caught:
        find_ffmpeg()
    assert "Install ffmpeg" in caught.value.hint
