import struct
import wave

import numpy as np
import pytest

from musiscene_core.errors import MediaError
from musiscene_core.media import wav_pieces, write_wav
from musiscene_gui.audio import HeldSound, StemFile

FULL = 1 << 23


def noise(length, channels=2, seed=0):
    return np.random.default_rng(seed).integers(-FULL, FULL, (channels, length), np.int32)


def riff(*chunks):
    body = b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def fmt(kind=1, channels=2, rate=48_000, bits=24):
    frame = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)


def test_our_stems_come_bit_for_bit(composed, opened):
    folder, take = composed
    whole = np.concatenate(list(wav_pieces(folder / take.mix, 1 << 16)), axis=1)
    source = opened(StemFile(folder / take.mix))
    assert source.length == take.length_samples
    heard = source.read(1_000, 5_000)
    np.testing.assert_array_equal(heard * FULL, whole.T[1_000:6_000])


def test_outside_of_its_length_it_is_silent(tmp_path, opened):
    samples = noise(100)
    write_wav(tmp_path / "a.wav", samples)
    heard = opened(StemFile(tmp_path / "a.wav")).read(-30, 200)
    assert not heard[:30].any()
    np.testing.assert_array_equal(heard[30:130] * FULL, samples.T)
    assert not heard[130:].any()


def test_mono_is_heard_on_both_sides(tmp_path, opened):
    samples = noise(100, channels=1)
    write_wav(tmp_path / "a.wav", samples)
    heard = opened(StemFile(tmp_path / "a.wav")).read(0, 100)
    np.testing.assert_array_equal(heard[:, 0], heard[:, 1])
    np.testing.assert_array_equal(heard[:, 0] * FULL, samples[0])


@pytest.mark.parametrize(("bits", "kind"), [(16, "<i2"), (32, "<i4")])
def test_other_depths_are_read(tmp_path, opened, bits, kind):
    values = np.array([[0, 1], [-1, 2**14], [-(2 ** (bits - 1)), 5]], kind)
    path = tmp_path / "a.wav"
    path.write_bytes(riff(fmt(bits=bits), (b"data", values.tobytes())))
    np.testing.assert_array_equal(opened(StemFile(path)).read(0, 3), values / 2.0 ** (bits - 1))


def test_floats_from_elsewhere_cannot_hurt_a_loudspeaker(tmp_path, opened):
    values = np.array([[0.25, np.nan], [np.inf, 1e30], [-0.5, -1e30]], "<f4")
    path = tmp_path / "a.wav"
    path.write_bytes(riff(fmt(kind=3, bits=32), (b"data", values.tobytes())))
    np.testing.assert_array_equal(
        opened(StemFile(path)).read(0, 3), [[0.25, 0], [0, 8], [-0.5, -8]]
    )


def test_a_file_shortened_while_open_is_an_error_not_a_crash(tmp_path, opened):
    path = tmp_path / "a.wav"
    write_wav(path, noise(48_000))
    source = opened(StemFile(path))
    source.read(40_000, 100)
    with open(path, "r+b") as file:
        file.truncate(10_000)
    with pytest.raises(MediaError, match="cut short"):
        source.read(40_000, 100)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"\x00" * 4_000,
        riff(),
        riff(fmt()),
        riff((b"data", b"\x00" * 60)),
        riff(fmt(rate=44_100), (b"data", b"\x00" * 60)),
        riff(fmt(channels=0), (b"data", b"\x00" * 60)),
        riff(fmt(kind=85), (b"data", b"\x00" * 60)),
        riff((b"fmt ", b"\x01\x00"), (b"data", b"\x00" * 60)),
        riff(fmt(), (b"data", b"\x00" * 60))[:-20],
        riff(fmt())[:-4] + b"data" + struct.pack("<I", 0xFFFFFFF0),
        riff(*[(b"junk", b"")] * 5_000),
    ],
)
def test_what_is_no_sound_of_ours_is_refused_with_a_hint(tmp_path, data):
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(MediaError) as refused:
        StemFile(path)
    assert refused.value.hint


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(MediaError):
            StemFile(path)


def test_a_closed_stem_says_so(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, noise(10))
    source = StemFile(path)
    source.close()
    with pytest.raises(MediaError):
        source.read(0, 5)


def test_the_standard_library_agrees_about_16_bits(tmp_path, opened):
    path = tmp_path / "a.wav"
    values = noise(500)[:, :].astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.ascontiguousarray(values.T).tobytes())
    np.testing.assert_array_equal(opened(StemFile(path)).read(0, 500) * 2**15, values.T)


def test_held_sound_is_silent_outside_itself():
    sound = np.ones((4, 2), np.float32)
    heard = HeldSound(sound).read(-2, 8)
    assert heard[:, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
