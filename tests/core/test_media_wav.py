import hashlib
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import OutputError
from musiscene_core.media import probe, read_audio, to_int24, write_wav
from musiscene_core.media.wav import header


def chunks_of(data):
    """The chunks of a RIFF file as (name, body), in order."""
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    at, found = 12, []
    while at < len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    assert at == len(data)
    return found


def noise(channels, length, seed=0):
    low, high = -(1 << 23), 1 << 23
    return np.random.default_rng(seed).integers(low, high, (channels, length), np.int32)


@pytest.mark.parametrize(("channels", "length"), [(2, 48_000), (1, 1001), (2, 0), (6, 77)])
def test_samples_come_back_bit_for_bit(tmp_path, channels, length):
    samples = noise(channels, length)
    path = tmp_path / "mix.wav"
    write_wav(path, samples)
    with wave.open(str(path)) as file:
        parameters = file.getparams()[:4]
        raw = file.readframes(length)
    assert parameters == (channels, 3, 48_000, length)
    octets = np.frombuffer(raw, np.uint8).reshape(length, channels, 3).astype(np.int32)
    value = octets[..., 0] | octets[..., 1] << 8 | octets[..., 2] << 16
    np.testing.assert_array_equal((value.T ^ 0x800000) - 0x800000, samples)


def test_our_own_reader_agrees(tmp_path):
    samples = noise(2, 4800)
    write_wav(tmp_path / "mix.wav", samples)
    back = read_audio(tmp_path / "mix.wav", 0, samples.shape[1] / 48_000, sample_rate=48_000)
    expected = (samples.sum(axis=0) / 2 / (1 << 23)).astype(np.float32)
    np.testing.assert_allclose(back[0], expected, atol=1e-6)
    assert probe(tmp_path / "mix.wav").audio[0].channels == 2


def test_the_bext_chunk_says_where_the_cue_lies(tmp_path):
    path = tmp_path / "stem.wav"
    late = 86_399 * 48_000 + 123
    write_wav(path, noise(2, 10), time_reference=late, description="Cue 1m1, strings")
    found = chunks_of(path.read_bytes())
    assert [name for name, _ in found] == [b"bext", b"fmt ", b"data"]
    bext = dict(found)[b"bext"]
    assert bext[602:].rstrip(b"\0") == b"A=PCM,F=48000,W=24,M=stereo,T=MusiScene\r\n"
    assert bext[:256].rstrip(b"\0") == b"Cue 1m1, strings"
    assert bext[256:288].rstrip(b"\0") == b"MusiScene"
    low, high, version = struct.unpack("<IIH", bext[338:348])
    assert (high << 32) + low == late
    assert version == 1
    assert not any(bext[320:338])
    assert dict(found)[b"fmt "] == struct.pack("<HHIIHH", 1, 2, 48_000, 288_000, 6, 24)


def test_a_time_reference_past_32_bits_is_split_in_two(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, noise(1, 2), time_reference=(3 << 32) + 7)
    bext = dict(chunks_of(path.read_bytes()))[b"bext"]
    assert struct.unpack("<II", bext[338:346]) == (7, 3)


def test_text_is_cut_and_made_ascii(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, noise(1, 2), description="é" + "x" * 400, originator="y" * 40)
    bext = dict(chunks_of(path.read_bytes()))[b"bext"]
    assert bext[:256] == b"?" + b"x" * 255
    assert bext[256:288] == b"y" * 32


def test_the_same_samples_give_the_same_bytes(tmp_path):
    for name in ("a.wav", "b.wav"):
        write_wav(tmp_path / name, noise(2, 500), time_reference=5, description="cue")
    digests = {hashlib.sha256(p.read_bytes()).digest() for p in tmp_path.iterdir()}
    assert len(digests) == 1


def test_float_samples_are_rounded_and_clipped():
    step = 1 / (1 << 23)
    samples = np.array([[0, step, 0.6 * step, -0.4 * step, 1, 2, -1, -2]], np.float32)
    top = (1 << 23) - 1
    expected = [[0, 1, 1, 0, top, top, -top - 1, -top - 1]]
    for kind in (np.float32, np.float64):
        result = to_int24(samples.astype(kind))
        assert result.dtype == np.int32
        np.testing.assert_array_equal(result, expected)


def test_samples_that_are_no_numbers_are_a_bug():
    with pytest.raises(ValueError, match="not numbers"):
        to_int24(np.array([[np.nan]], np.float32))


def test_samples_past_24_bits_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="exceed 24 bits"):
        write_wav(tmp_path / "a.wav", np.array([[1 << 23]], np.int32))
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_is_replaced_whole(tmp_path):
    write_wav(tmp_path / "a.wav", noise(2, 5000))
    write_wav(tmp_path / "a.wav", noise(2, 10))
    assert len(dict(chunks_of((tmp_path / "a.wav").read_bytes()))[b"data"]) == 60
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_more_than_four_gibibytes_is_refused():
    with pytest.raises(OutputError, match="4 GiB") as caught:
        header(2, (1 << 32) // 6, 0, "", "", "mix.wav")
    assert "4.1 hours" in caught.value.hint


def test_a_missing_folder_or_a_file_in_its_place_is_explained(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_wav(tmp_path / "none" / "a.wav", noise(1, 5))
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_wav(tmp_path / "file" / "a.wav", noise(1, 5))
    with pytest.raises(OutputError):
        write_wav(tmp_path, noise(1, 5))
    assert {p.name for p in tmp_path.iterdir()} == {"file"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_explained(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        write_wav(tmp_path / "a.wav", noise(1, 5))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    real_open = open

    def opened(name, mode):
        real_open(name, mode).close()
        return real_open("/dev/full", "wb")

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(OutputError, match="disk is full"):
        write_wav(tmp_path / "a.wav", noise(2, 200_000))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits file sizes by setrlimit")
def test_a_write_cut_off_midway_leaves_nothing_behind(tmp_path):
    child = f"""
import resource, signal, numpy as np
from musiscene_core.errors import OutputError
from musiscene_core.media import write_wav
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_wav({str(tmp_path / "a.wav")!r}, np.zeros((2, 500_000), np.int32))
except OutputError as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("refused:")
    assert list(tmp_path.iterdir()) == []
