from fractions import Fraction

import pytest

from musiscene_core.media import probe
from musiscene_core.media._timing import fit_rate
from musiscene_core.timecode import FrameRate
from tests.support.make_media import click, make_movie, make_sound, make_still, trim_by_edit_list
from tests.support.shared_media import shared_media

RATES = ("24", "23.976", "25", "29.97", "30", "48", "50", "59.94", "60", "120", "179/6", "15")


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("name", RATES)
def test_the_rate_is_exact_whatever_the_container_rounds(tmp_path, name, ending):
    rate = FrameRate.parse(name)
    info = probe(make_movie(tmp_path / f"film{ending}", rate=rate.fps, frames=90))
    assert info.video.rate == rate
    assert info.video.frame_count == 90
    assert not info.video.variable_rate
    assert info.duration == rate.seconds(90)


def test_a_rate_rounded_to_sixhundredths_of_a_second_is_seen_through(tmp_path):
    path = make_movie(
        tmp_path / "film.mov",
        rate=Fraction(30_000, 1001),
        frames=47,
        options={"video_track_timescale": "600"},
    )
    assert probe(path).video.rate == FrameRate(30_000, 1001)


def test_a_variable_rate_is_told_and_averaged(tmp_path):
    times = [Fraction(k * k, 900) for k in range(50)]
    video = probe(make_movie(tmp_path / "phone.mp4", times=times, b_frames=0)).video
    assert video.variable_rate
    assert video.frame_count == 50
    begins = 49 * 49 / 900
    assert 50 / (begins + 0.11) < video.rate.fps < 50 / begins


@pytest.mark.parametrize("gap", [3, 50, 80])
def test_a_hole_in_constant_frames_is_a_variable_rate(tmp_path, gap):
    times = [Fraction(k + (k > gap) * 3, 25) for k in range(90)]
    assert probe(make_movie(tmp_path / "hole.mp4", frames=90, times=times)).video.variable_rate


def test_a_rate_that_cannot_be_the_broadcast_one_is_not_snapped():
    tick = Fraction(1, 90_000)
    times = [(n, round(n / Fraction("29.9") / tick)) for n in range(300)]
    assert fit_rate(times, tick, None) == (Fraction(299, 10), False)


def test_one_frame_has_the_rate_the_container_says():
    assert fit_rate([(0, 0)], Fraction(1, 1000), Fraction(24)) == (Fraction(24), False)


def test_rotation_swaps_the_sides(tmp_path):
    for degrees, size in ((90, (64, 192)), (180, (192, 64)), (270, (64, 192))):
        path = make_movie(tmp_path / f"{degrees}.mp4", frames=3, rotation=degrees)
        video = probe(path).video
        assert (video.width, video.height, video.rotation) == (*size, degrees)


def test_pixel_aspect_is_told_as_shown(tmp_path):
    wide = make_movie(tmp_path / "wide.mp4", frames=3, pixel_aspect=Fraction(4, 3))
    turned = make_movie(tmp_path / "t.mp4", frames=3, pixel_aspect=Fraction(4, 3), rotation=90)
    assert probe(wide).video.pixel_aspect == Fraction(4, 3)
    assert probe(turned).video.pixel_aspect == Fraction(3, 4)


@pytest.mark.parametrize("ending", [".mov", ".mp4"])
def test_the_start_timecode_is_read(tmp_path, ending):
    path = make_movie(tmp_path / f"film{ending}", frames=5, timecode="10:00:00:00")
    assert probe(path).video.start_timecode == "10:00:00:00"
    assert probe(make_movie(tmp_path / "plain.mp4", frames=5)).video.start_timecode == ""


def test_every_audio_stream_is_listed(tmp_path):
    sounds = [click(48_000, 9), click(96_000, 9, 2), click(24_000, 9, 6)]
    info = probe(make_movie(tmp_path / "film.mov", sounds=sounds, sound_codec="pcm_s24le"))
    assert [(a.index, a.channels, a.sample_rate, a.duration) for a in info.audio] == [
        (0, 1, 48_000, 1),
        (1, 2, 48_000, 2),
        (2, 6, 48_000, Fraction(1, 2)),
    ]
    assert info.duration == 2


def test_a_film_without_sound_lists_none(tmp_path):
    info = probe(make_movie(tmp_path / "silent.mp4"))
    assert info.audio == ()
    assert info.format.startswith("mov")


def test_a_sound_file_has_no_video_and_its_own_length(tmp_path):
    info = probe(make_sound(tmp_path / "a.wav", click(44_100 * 3, 5), rate=44_100))
    assert info.video is None
    assert info.duration == 3
    assert not info.is_still


def test_cover_art_is_no_video(tmp_path):
    sound = make_sound(tmp_path / "a.flac", click(48_000, 5), codec="flac")
    cover = make_still(tmp_path / "c.png", 3).read_bytes()
    sound.write_bytes(_with_flac_picture(sound.read_bytes(), cover))
    info = probe(sound)
    assert info.video is None
    assert info.duration == 1


def test_frames_hidden_by_an_edit_list_are_not_counted(tmp_path):
    film = make_movie(tmp_path / "film.mp4", frames=50)
    video = probe(trim_by_edit_list(tmp_path / "cut.mp4", film, Fraction(12, 25))).video
    assert video.frame_count == 38
    assert video.rate == FrameRate(25)


def test_a_fragmented_movie_is_measured_whole(tmp_path):
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    info = probe(make_movie(tmp_path / "film.mp4", frames=90, options=fragments))
    assert info.video.rate == FrameRate(25)
    assert info.video.frame_count == 90


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".bmp", ".dpx", ".exr", ".webp"])
def test_images_are_stills(tmp_path, ending):
    info = probe(make_still(tmp_path / f"slate{ending}", 5))
    assert info.is_still
    assert (info.video.width, info.video.height, info.video.frame_count) == (192, 64, 1)
    assert info.duration == 0
    assert info.audio == ()


def test_real_footage():
    info = probe(shared_media("reel_24.mp4"))
    assert info.video.rate == FrameRate(24)
    assert info.video.frame_count == 780
    assert info.duration == Fraction(780, 24)
    assert probe(shared_media("clips/car-detection.mp4")).video.rate == FrameRate(25, 2)


def _with_flac_picture(flac: bytes, png: bytes) -> bytes:
    """FLAC bytes with a front cover block put after the first metadata block."""
    numbers = b"".join(n.to_bytes(4, "big") for n in (0, 192, 64, 24, 0, len(png)))
    block = b"\0\0\0\x03" + (9).to_bytes(4, "big") + b"image/png" + numbers[:4] + numbers[4:] + png
    first_length = int.from_bytes(flac[5:8], "big")
    end = 8 + first_length
    return flac[:end] + b"\x06" + len(block).to_bytes(3, "big") + block + flac[end:]
