from fractions import Fraction

import numpy as np

from musiscene_core.media import read_audio, write_wav
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange
from musiscene_gui.audio.beside import LONGEST_S, decode_beside

RATE = FrameRate(24)


def clip(path, role, start, length, source_start=0, speed=1):
    mapping = SourceMapping(
        FrameRange(start, start + length), RATE, source_start, RATE, speed_numerator=speed
    )
    return TimelineClip(name=role, media=MediaReference(path=str(path)), mapping=mapping, role=role)


def scene(*clips, length=48):
    return TimelineRange(
        cue="scene", rate=RATE, record=FrameRange(1_000, 1_000 + length), clips=clips
    )


def noise(path, seconds=4):
    samples = np.random.default_rng(0).integers(
        -(1 << 20), 1 << 20, (2, seconds * 48_000), np.int32
    )
    write_wav(path, samples)
    return path


def test_dialogue_lies_where_the_timeline_has_it(tmp_path):
    path = noise(tmp_path / "voice.wav")
    beside = decode_beside(scene(clip(path, "dialogue", 1_012, 24, source_start=6)))
    assert (beside.dialogue, beside.temp_track, beside.warnings) == (True, False, ())
    heard = beside.deck.tracks[0].source.read(0, 96_000)
    expected = read_audio(path, Fraction(1, 4), Fraction(5, 4), sample_rate=48_000, channels=2)
    assert not heard[:24_000].any()
    np.testing.assert_array_equal(heard[24_000:72_000].astype(np.float32), expected.T)
    assert not heard[72_000:].any()


def test_a_clip_that_begins_before_the_range_is_cut_to_it(tmp_path):
    path = noise(tmp_path / "temp.wav")
    beside = decode_beside(scene(clip(path, "temp_track", 976, 96)))
    assert beside.temp_track
    heard = beside.deck.tracks[0].source.read(0, 96_000)
    expected = read_audio(path, Fraction(1), Fraction(3), sample_rate=48_000, channels=2)
    np.testing.assert_array_equal(heard.astype(np.float32), expected.T)


def test_what_cannot_be_heard_is_said_and_the_rest_is_heard(tmp_path):
    good = noise(tmp_path / "good.wav")
    beside = decode_beside(
        scene(
            clip(tmp_path / "gone.wav", "dialogue", 1_000, 24),
            clip(good, "dialogue", 1_024, 24),
            clip(good, "temp_track", 1_000, 24, speed=2),
        )
    )
    assert len(beside.warnings) == 1
    assert (beside.dialogue, beside.temp_track) == (True, False)


def test_a_range_too_long_is_said_before_it_fills_the_memory(tmp_path):
    frames = round(LONGEST_S * 24) + 1
    beside = decode_beside(
        scene(clip(tmp_path / "gone.wav", "mixed", 1_000, frames), length=frames)
    )
    assert beside.deck.tracks == ()
    assert "too long" in beside.warnings[0].message
