"""Sound files that end before their headers say so."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from musiscene_core.media import Shortfall, cut_short
from tests.support.make_media import make_sound, tone


def encoded(path: Path, codec: str, options: dict[str, str] | None = None) -> Path:
    """Eight seconds of noise, which no codec makes small."""
    noise = np.random.default_rng(0).integers(-9000, 9000, (1, 8 * 48_000), np.int16)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        resampler = av.AudioResampler(stream.codec_context.format, "mono", 48_000, 1024)
        frame = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
        frame.sample_rate = 48_000
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return path


def halved(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def test_a_wave_file_tells_both_lengths(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "temp.wav", tone(4 * 48_000, 440))
    assert cut_short(path) is None
    shortfall = cut_short(halved(path))
    assert shortfall is not None
    assert float(shortfall.found_s) == pytest.approx(2, abs=0.01)
    assert shortfall.promised_s == 4
    assert shortfall.told("temp.wav").startswith("temp.wav is cut short: 2.0 s of the 4.0 s")


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("temp.flac", "flac", None),
        ("temp.m4a", "aac", {"movflags": "faststart"}),
        ("temp.mov", "pcm_s16le", {"movflags": "faststart"}),
    ],
)
def test_files_with_an_index_too(
    tmp_path: Path, name: str, codec: str, options: dict[str, str] | None
) -> None:
    path = encoded(tmp_path / name, codec, options)
    assert cut_short(path) is None
    shortfall = cut_short(halved(path))
    assert shortfall is not None
    assert float(shortfall.found_s) == pytest.approx(4, abs=0.3)
    assert float(shortfall.promised_s) == pytest.approx(8, abs=0.1)


def test_a_large_wave_file_says_its_length_elsewhere(tmp_path: Path) -> None:
    def wave(promised: int) -> bytes:
        fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 48_000, 96_000, 2, 16)
        wide = struct.pack("<4sIQQQI", b"ds64", 28, 0, promised, 0, 0)
        data = struct.pack("<4sI", b"data", 0xFFFFFFFF) + bytes(96_000)
        return b"RF64" + b"\xff" * 4 + b"WAVE" + wide + fmt + data

    path = tmp_path / "long.wav"
    path.write_bytes(wave(96_000))
    assert cut_short(path) is None
    path.write_bytes(wave(10 * 96_000))
    assert cut_short(path) == Shortfall(Fraction(1), Fraction(10))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\xff",
        b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abc",
        b"RIFF\0\0\0\0WAVE" + b"JUNK\0\0\0\0" * 10_000,
        b"fLaC" + bytes(100),
        b"no sound at all",
    ],
)
def test_of_what_is_no_sound_nothing_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    assert cut_short(path) is None
    assert cut_short(tmp_path / "absent.wav") is None
    assert cut_short(tmp_path) is None
