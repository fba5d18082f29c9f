import itertools
from fractions import Fraction

import numpy as np
import pytest

from musiscene_core.errors import MediaError, RangeError
from musiscene_core.media import iter_audio, read_audio
from musiscene_core.media._mixdown import mix_matrix
from tests.support.make_media import click, make_movie, make_sound, make_still, tone
from tests.support.memory import peak_from_now_kb, peak_kb

EXACT = [(".wav", "pcm_s24le"), (".wav", "pcm_f32le"), (".wav", "pcm_u8"), (".flac", "flac")]
EXACT += [(".w64", "pcm_s16le"), (".aiff", "pcm_s16be"), (".caf", "pcm_s24le")]
EXACT += [(".mov", "pcm_s16le"), (".wav", "pcm_f64le")]
LOSSY = [(".m4a", "aac"), (".mp3", "libmp3lame"), (".opus", "libopus"), (".mka", "aac")]
LOSSY += [(".mka", "libopus"), (".mp4", "libmp3lame")]


def peak(samples):
    return int(np.abs(samples[0]).argmax())


@pytest.mark.parametrize(("ending", "codec"), EXACT)
def test_a_click_is_at_its_sample_with_its_level(tmp_path, ending, codec):
    path = make_sound(tmp_path / f"click{ending}", click(96_000, 50_001), codec=codec)
    samples = read_audio(path, Fraction(0), Fraction(2), sample_rate=48_000)
    expected = click(96_000, 50_001)
    np.testing.assert_allclose(samples, expected, atol=1 / 250 if codec == "pcm_u8" else 1e-4)
    assert samples.dtype == np.float32
    late = read_audio(path, Fraction(50_000, 48_000), Fraction(2), sample_rate=48_000)
    np.testing.assert_array_equal(late, samples[:, 50_000:])


@pytest.mark.parametrize(("ending", "codec"), LOSSY)
def test_encoder_delay_is_taken_off(tmp_path, ending, codec):
    path = make_sound(tmp_path / f"click{ending}", click(240_000, 200_001), codec=codec)
    whole = read_audio(path, Fraction(0), Fraction(5), sample_rate=48_000)
    assert abs(peak(whole) - 200_001) <= 1
    late = read_audio(path, Fraction(4), Fraction(5), sample_rate=48_000)
    assert abs(peak(late) + 192_000 - 200_001) <= 1


@pytest.mark.parametrize(("ending", "codec"), LOSSY)
def test_a_late_read_agrees_with_a_read_from_the_start(tmp_path, ending, codec):
    wave = tone(240_000, 440) + tone(240_000, 1234)
    path = make_sound(tmp_path / f"tone{ending}", wave, codec=codec)
    whole = read_audio(path, Fraction(0), Fraction(5), sample_rate=48_000)
    late = read_audio(path, Fraction(3), Fraction(4), sample_rate=48_000)
    assert np.abs(late - whole[:, 144_000:192_000]).max() < 2e-3


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("own", [44_100, 48_000, 32_000])
def test_rate_conversion_keeps_the_place(tmp_path, own, rate):
    at = own + own // 3
    path = make_sound(tmp_path / "click.wav", click(own * 3, at), rate=own)
    for start in (Fraction(0), Fraction(1, 2), Fraction(1001, 1000)):
        samples = read_audio(path, start, Fraction(3), sample_rate=rate)
        expected = (Fraction(at, own) - start) * rate
        assert abs(peak(samples) - expected) <= 1


def test_rate_conversion_of_a_late_read_agrees_with_the_whole(tmp_path):
    path = make_sound(tmp_path / "tone.wav", tone(44_100 * 4, 1000, 44_100), rate=44_100)
    whole = read_audio(path, Fraction(0), Fraction(4), sample_rate=48_000)
    late = read_audio(path, Fraction(1001, 500), Fraction(3), sample_rate=48_000)
    first = round(Fraction(1001, 500) * 48_000)
    assert np.abs(late - whole[:, first : first + late.shape[1]]).max() < 1e-5
    perfect = tone(48_000 * 4, 1000)
    assert np.abs(whole - perfect)[:, 500:-500].max() < 1e-3


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [("0", "1", 48_000), ("1/3", "2/3", 16_000), ("0", "1001/24000", 2002), ("2", "2", 0)],
)
def test_the_count_is_the_range_rounded(tmp_path, start, end, count):
    path = make_sound(tmp_path / "a.wav", click(48_000, 5))
    samples = read_audio(path, Fraction(start), Fraction(end), sample_rate=48_000, channels=2)
    assert samples.shape == (2, count)


def test_outside_the_file_is_silence(tmp_path):
    path = make_sound(tmp_path / "a.wav", tone(48_000, 440))
    before = read_audio(path, Fraction(-1), Fraction(1), sample_rate=48_000)
    assert not before[:, :48_000].any()
    np.testing.assert_allclose(before[:, 48_000:], tone(48_000, 440), atol=1e-6)
    after = read_audio(path, Fraction(1, 2), Fraction(3), sample_rate=48_000)
    assert after.shape == (1, 120_000)
    assert not after[:, 24_000:].any()
    assert not read_audio(path, Fraction(10), Fraction(11), sample_rate=16_000).any()


@pytest.mark.parametrize("block", [1, 777, 48_000, 1_000_000])
def test_blocks_add_up_to_the_whole(tmp_path, block):
    path = make_sound(tmp_path / "a.flac", tone(24_000, 440, channels=2), codec="flac")
    span = {"start": Fraction(1, 10), "end": Fraction(11, 10) if block > 1 else Fraction(2, 10)}
    whole = read_audio(path, **span, sample_rate=48_000, channels=2)
    blocks = list(iter_audio(path, **span, sample_rate=48_000, channels=2, block=block))
    assert all(one.shape[1] == block for one in blocks[:-1])
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("lead", [Fraction(0), Fraction(1, 2), Fraction(-1, 4)])
def test_the_offset_between_sound_and_picture_is_kept(tmp_path, ending, lead):
    codec = "pcm_s16le" if ending == ".mov" else "aac"
    path = make_movie(
        tmp_path / f"film{ending}",
        delay=max(Fraction(0), -lead),
        sounds=[click(144_000, 48_000)],
        sound_codec=codec,
        sound_delay=max(Fraction(0), lead),
    )
    samples = read_audio(path, Fraction(0), Fraction(4), sample_rate=48_000)
    expected = 48_000 + lead * 48_000
    # Matroska rounds times to a millisecond, and so do the edit lists that shift sound in MP4.
    assert abs(peak(samples) - expected) <= (1 if ending == ".mov" else 48)
    late = read_audio(path, Fraction(1, 2), Fraction(4), sample_rate=48_000)
    assert peak(late) + 24_000 == peak(samples)


def test_sound_before_the_first_frame_is_at_negative_times(tmp_path):
    path = make_movie(
        tmp_path / "film.mov",
        delay=Fraction(1),
        sounds=[click(144_000, 24_000)],
        sound_codec="pcm_s16le",
    )
    samples = read_audio(path, Fraction(-1), Fraction(0), sample_rate=48_000)
    assert abs(peak(samples) - 24_000) <= 1


def test_each_stream_is_read_by_its_number(tmp_path):
    sounds = [click(48_000, 1000), click(48_000, 2000, 2), click(48_000, 3000)]
    path = make_movie(tmp_path / "film.mov", sounds=sounds, sound_codec="pcm_s24le")
    for stream, at in enumerate((1000, 2000, 3000)):
        assert peak(read_audio(path, 0, 1, sample_rate=48_000, stream=stream)) == at
    with pytest.raises(MediaError, match="no audio stream 3; it has 3"):
        read_audio(path, Fraction(0), Fraction(1), sample_rate=48_000, stream=3)


def test_surround_is_mixed_down_without_its_lfe(tmp_path):
    surround = np.zeros((6, 6000), np.float32)
    for channel in range(6):
        surround[channel, 1000 * channel] = 0.5
    path = make_sound(tmp_path / "film.wav", surround)
    stereo = read_audio(path, Fraction(0), Fraction(1, 8), sample_rate=48_000, channels=2)
    heard = stereo[:, [0, 1000, 2000, 3000, 4000, 5000]]
    half = 2**-0.5
    weights = [[1, 0, half, 0, half, 0], [0, 1, half, 0, 0, half]]
    np.testing.assert_allclose(heard, 0.5 * np.array(weights) / (1 + 2 * half), atol=1e-5)
    mono = read_audio(path, Fraction(0), Fraction(1, 8), sample_rate=48_000)
    assert np.abs(mono).max() < 0.5
    six = read_audio(path, Fraction(0), Fraction(1, 8), sample_rate=48_000, channels=6)
    np.testing.assert_allclose(six, surround, atol=1e-6)


def test_mixing_never_exceeds_full_scale():
    places = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")
    for count, channels in itertools.product(range(1, 9), (1, 2)):
        for names in (places[:count], tuple(f"UNK{n}" for n in range(count))):
            weights = mix_matrix(names, channels)
            if weights is not None:
                assert weights.sum(axis=1).max() == pytest.approx(1)
                assert (weights >= 0).all()
    np.testing.assert_array_equal(mix_matrix(("FL", "FR"), 1), [[0.5, 0.5]])
    np.testing.assert_array_equal(mix_matrix(("FC",), 2), [[1], [1]])
    assert mix_matrix(("FL", "FR"), 2) is None


def test_what_has_no_sound_is_refused(tmp_path):
    for path in (make_movie(tmp_path / "silent.mp4"), make_still(tmp_path / "a.png", 1)):
        with pytest.raises(MediaError, match="has no sound"):
            read_audio(path, Fraction(0), Fraction(1), sample_rate=48_000)


def test_a_reversed_range_is_refused(tmp_path):
    with pytest.raises(RangeError):
        iter_audio(tmp_path / "a.wav", Fraction(2), Fraction(1), sample_rate=48_000)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_range(tmp_path):
    path = make_sound(tmp_path / "long.flac", tone(48_000 * 600, 440), codec="flac")
    blocks = iter_audio(path, Fraction(0), Fraction(600), sample_rate=44_100, block=44_100)
    for _ in range(60):
        next(blocks)
    before = peak_from_now_kb()
    assert sum(block.shape[1] for block in blocks) == 540 * 44_100
    assert peak_kb() - before < 20_000
