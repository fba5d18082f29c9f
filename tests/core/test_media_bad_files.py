import os
import shutil
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from musiscene_core.errors import MediaError, MediaOfflineError
from musiscene_core.media import probe, read_audio, read_frames
from tests.support.make_media import click, make_movie, make_sound, make_still, number_in, tone

SECOND = (Fraction(0), Fraction(1))


def every_way_in(path):
    """What each reader says to a file: the error it raises, or None."""
    said = []
    for read in (
        lambda: probe(path),
        lambda: next(read_frames(path, *SECOND)),
        lambda: read_audio(path, *SECOND, sample_rate=48_000),
    ):
        try:
            read()
        except MediaError as error:
            said.append(error)
        else:
            said.append(None)
    assert all(error is None or (error.message and error.hint) for error in said)
    return said


@pytest.fixture
def film(tmp_path):
    return make_movie(tmp_path / "film.mp4", sounds=[tone(48_000, 440)])


def test_a_missing_file_is_offline(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path / "none" / "film.mp4"):
        assert all(type(error) is MediaOfflineError for error in every_way_in(path))


def test_a_path_through_a_file_is_offline(film):
    assert all(type(error) is MediaOfflineError for error in every_way_in(film / "film.mp4"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"these are words\n" * 100),
        ("one.mp4", b"\0"),
        ("zeros.mov", bytes(100_000)),
        ("subtitles.mp4", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n"),
        ("page.html", b"<!doctype html><html><body>film</body></html>"),
        ("script.mp4", b"#!/bin/sh\nexit\n"),
        ("head.png", b"\x89PNG\r\n\x1a\n"),
        ("head.wav", b"RIFF\x24\0\0\0WAVE"),
        ("head.jpg", b"\xff\xd8\xff\xe0"),
    ],
)
def test_what_is_no_media_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    errors = every_way_in(path)
    assert all(type(error) is MediaError for error in errors)
    assert all(str(path) in error.message for error in errors)


def test_noise_is_refused(tmp_path):
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(3).bytes(200_000))
    assert all(every_way_in(path))


def test_a_folder_is_refused(tmp_path):
    assert all("is a folder" in error.message for error in every_way_in(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    errors = every_way_in(tmp_path / "pipe.mp4")
    assert all("not an ordinary file" in error.message for error in errors)


def test_a_name_that_cannot_be_one_is_refused():
    assert all(type(error) is MediaError for error in every_way_in("film\0.mp4"))


def test_a_movie_cut_short_before_its_index_is_refused(film):
    film.write_bytes(film.read_bytes()[:-2000])
    assert all("cut short" in error.message for error in every_way_in(film))


@pytest.mark.parametrize("ending", [".mkv", ".ts"])
def test_a_movie_cut_short_after_its_head_gives_what_is_there(tmp_path, ending):
    path = make_movie(tmp_path / f"film{ending}", frames=100, gop=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    seen = [number_in(f.image) for f in read_frames(path, Fraction(0), Fraction(100))]
    assert len(seen) > 20
    # The last frames may need data that was cut off.
    assert seen[:-3] == list(range(len(seen) - 3))


def test_a_movie_whose_every_frame_is_damaged_is_refused(tmp_path):
    path = make_movie(tmp_path / "film.mp4")
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.rindex(b"moov") - 4
    data[begin:end] = np.random.default_rng(0).bytes(end - begin)
    path.write_bytes(data)
    for error in every_way_in(path)[:2]:
        assert "No frame of" in error.message


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n{name}\n"
    "#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {name}\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="100"><BaseURL>{name}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 4 RTP/AVP 96\n",
    "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3'
    '/2016"><Id>urn:uuid:1</Id></CompositionPlaylist>',
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("ending", [".mp4", ".m3u8", ".mpd", ".wav"])
def test_a_playlist_cannot_read_another_file(tmp_path, film, kind, ending):
    path = tmp_path / f"list{ending}"
    path.write_text(PLAYLISTS[kind].format(name=film.name))
    assert all(type(error) is MediaError for error in every_way_in(path))


def test_the_playlists_would_work_without_our_guard(tmp_path, film):
    path = tmp_path / "list.mp4"
    path.write_text(PLAYLISTS["concat"].format(name=film.name))
    with av.open(str(path)) as container:
        assert len(container.streams) == 2


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "--help.mp4",
        "concat:a.mp4|b.mp4",
        "file:film.mp4",
        "frame%03d.mp4",
        "http:film.mp4",
        "Größe 映画 🎬.mp4",
        "a b'c\"d.mp4",
        "x" * 200 + ".mp4",
        "no ending",
    ],
)
def test_odd_names_are_plain_files(tmp_path, film, monkeypatch, name):
    shutil.copy(film, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (name, tmp_path / name):
        assert probe(path).video.frame_count == 50
        assert [number_in(f.image) for f in read_frames(path, *SECOND, width=192)] == [*range(25)]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_a_name_that_is_no_unicode_works(tmp_path, film):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/film\xff.mp4"))
    shutil.copy(film, path)
    assert probe(path).video.frame_count == 50


def test_images_are_no_sequences(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        make_still(tmp_path / f"frame00{number}.png", number)
    with pytest.raises(MediaOfflineError):
        probe("frame%03d.png")
    make_still(tmp_path / "frame%03d.png", 77)
    frames = list(read_frames("frame%03d.png", Fraction(0), Fraction(2)))
    assert [number_in(f.image) for f in frames] == [77]
    lone = list(read_frames("frame001.png", Fraction(0), Fraction(2)))
    assert [number_in(f.image) for f in lone] == [1]


def test_a_small_file_that_claims_a_huge_picture_is_refused(tmp_path):
    path = tmp_path / "bomb.png"

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    # FFmpeg alone would make room for these 1.2 GB.
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    path.write_bytes(png)
    assert all(every_way_in(path))


FUZZ_CHILD = """
import faulthandler, sys, time
from fractions import Fraction
from musiscene_core.errors import MediaError
from musiscene_core.media import probe, read_audio, read_frames
faulthandler.enable()
for path in sys.argv[1:]:
    began = time.monotonic()
    outcome = []
    for read in (
        lambda: probe(path),
        lambda: sum(1 for _ in read_frames(path, Fraction(0), Fraction(60))),
        lambda: sum(1 for _ in read_frames(path, Fraction(1), Fraction(2))),
        lambda: read_audio(path, Fraction(0), Fraction(3), sample_rate=44_100),
        lambda: read_audio(path, Fraction(1), Fraction(2), sample_rate=48_000),
    ):
        try:
            read()
            outcome.append("ok")
        except MediaError:
            outcome.append("refused")
    print(path, f"{time.monotonic() - began:.2f}", *outcome, flush=True)
peak = 0
if sys.platform == "linux":
    # Not getrusage, which counts the parent's peak as well.
    status = open("/proc/self/status").read().splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
print("peak", peak)
"""


def corrupted(data, count, seed):
    """Copies of `data` damaged in different ways."""
    dice = np.random.default_rng(seed)
    for number in range(count):
        copy = bytearray(data)
        way = number % 5
        at = int(dice.integers(len(copy)))
        length = int(dice.integers(1, 400))
        if way == 0:
            for place in dice.integers(0, len(copy), 40):
                copy[place] = int(dice.integers(256))
        elif way == 1:
            copy[at : at + length] = dice.bytes(len(copy[at : at + length]))
        elif way == 2:
            del copy[at:]
        elif way == 3:
            del copy[at : at + length]
        else:
            # The head of a file, and the index at the end of an MP4, hold its structure.
            near = at % 2000 if dice.random() < 0.5 else len(copy) - 1 - at % 2000
            copy[max(0, near)] ^= 1 << int(dice.integers(8))
        yield bytes(copy)


def fuzz(folder, sources, count):
    paths = []
    for seed, source in enumerate(sources):
        for number, data in enumerate(corrupted(source.read_bytes(), count, seed)):
            path = folder / f"{source.stem}-{number}{source.suffix}"
            path.write_bytes(data)
            paths.append(str(path))
    child = subprocess.run(
        [sys.executable, "-c", FUZZ_CHILD, *paths],
        capture_output=True,
        text=True,
        timeout=280,
    )
    *lines, peak = child.stdout.splitlines() or [""]
    assert child.returncode == 0, f"after {lines[-1:]}: {child.stderr[-3000:]}"
    assert len(lines) == len(paths)
    assert int(peak.split()[1]) < 1_500_000
    for line in lines:
        assert float(line.split()[1]) < 10
    outcomes = [word for line in lines for word in line.split()[2:]]
    return outcomes.count("ok"), outcomes.count("refused")


def test_damaged_files_give_a_result_or_our_error(tmp_path):
    movie = make_movie(tmp_path / "film.mp4", sounds=[tone(96_000, 440)], frames=40)
    sound = make_sound(tmp_path / "sound.wav", click(48_000, 9, 2))
    ok, refused = fuzz(tmp_path, [movie, sound], 60)
    assert ok > 50
    assert refused > 20


@pytest.mark.slow
def test_damaged_files_of_every_kind_give_a_result_or_our_error(tmp_path):
    sounds = [tone(96_000, 440)]
    sources = [
        make_movie(tmp_path / "film.mp4", sounds=sounds),
        make_movie(tmp_path / "film.mkv", sounds=sounds),
        make_movie(tmp_path / "film.ts", sounds=sounds),
        make_movie(tmp_path / "film.avi", sounds=sounds, codec="mpeg4", sound_codec="libmp3lame"),
        make_movie(tmp_path / "pro.mov", codec="prores_ks", pixels="yuv422p10le", frames=20),
        make_movie(tmp_path / "film.mxf", codec="mpeg2video", b_frames=0),
        make_sound(tmp_path / "a.wav", click(48_000, 9, 2)),
        make_sound(tmp_path / "a.flac", tone(96_000, 440), codec="flac"),
        make_sound(tmp_path / "a.mp3", tone(96_000, 440), codec="libmp3lame"),
        make_sound(tmp_path / "a.opus", tone(96_000, 440), codec="libopus"),
        make_still(tmp_path / "s.png", 9),
        make_still(tmp_path / "s.jpg", 9),
        make_still(tmp_path / "s.tiff", 9),
        make_still(tmp_path / "s.exr", 9),
    ]
    ok, refused = fuzz(tmp_path, sources, 40)
    assert ok > 400
    assert refused > 100
