"""Listening to timelines: real files, every role, and what cannot be heard."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from musiscene_core.errors import CancelledError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.spotting.sound import Sound, listen
from musiscene_core.spotting.soundtrack import SAMPLE_RATE, Soundtrack
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, Role, TimelineClip, TimelineRange
from tests.support import sounds
from tests.support.shared_media import shared_media

RATE = FrameRate(24)


def clip(
    path: Path | str,
    role: Role,
    record: tuple[int, int],
    source_start: int = 0,
    speed: tuple[int, int] = (1, 1),
) -> TimelineClip:
    return TimelineClip(
        name=f"{role} clip",
        media=MediaReference(path=str(path)),
        mapping=SourceMapping(FrameRange(*record), RATE, source_start, RATE, *speed),
        role=role,
    )


def cue(*clips: TimelineClip, record: tuple[int, int] = (0, 240)) -> TimelineRange:
    return TimelineRange(cue="test", rate=RATE, record=FrameRange(*record), clips=clips)


def samples_of(timeline: TimelineRange, *roles: Role) -> np.ndarray:
    return np.concatenate([block.sum(*roles) for block in Soundtrack(timeline).blocks()])


@pytest.fixture
def drums(tmp_path: Path) -> Path:
    return sounds.written(tmp_path / "drums.wav", sounds.drums(120, 12.0)[0])


def line_frames(line: dict[str, float]) -> tuple[int, int]:
    return round(line["start_s"] * 24), round(line["end_s"] * 24)


def scored(sound: Sound, truth: list[dict[str, float]], frames: int) -> tuple[float, float]:
    """Share of spoken frames found, and of silent frames taken for speech."""
    time = (np.arange(frames) + 0.5) / 24
    spoken, found = np.zeros(frames, np.bool_), np.zeros(frames, np.bool_)
    for line in truth:
        spoken |= (time >= line["start_s"]) & (time < line["end_s"])
    for region in sound.dialogue:
        found |= (time >= region.start_s) & (time < region.end_s)
    return float(found[spoken].mean()), float(found[~spoken].mean())


def test_the_reels_lines_are_found_under_its_temp_track() -> None:
    truth = json.loads(shared_media("reel_24.json").read_text())["dialogue"]
    sound = listen(cue(clip(shared_media("reel_24.mp4"), "mixed", (0, 780)), record=(0, 780)))
    recall, false_alarms = scored(sound, truth, 780)
    assert recall >= 0.85
    assert false_alarms <= 0.01
    assert len(sound.dialogue) == len(truth)
    for region, line in zip(sound.dialogue, truth, strict=True):
        assert region.start_s == pytest.approx(line["start_s"], abs=0.08)
    assert sound.temp_track.present
    assert sound.temp_track.tempo_bpm == pytest.approx(160, rel=0.01)
    assert len(sound.temp_track.energy.values) == 325
    assert sound.warnings == ()


def test_a_dialogue_clip_is_found_at_its_place_in_the_cue() -> None:
    path = shared_media("reel_24_dialogue.flac")
    # Source 8 s to 14 s, which holds the line at 9.5 s, lies at cue second 2.
    sound = listen(cue(clip(path, "dialogue", (1048, 1192), 192), record=(1000, 1240)))
    (region,) = sound.dialogue
    assert region.start_s == pytest.approx(3.5, abs=0.06)
    assert not sound.temp_track.present
    assert sound.temp_track.energy.values == ()


def test_music_tracks_are_not_searched_for_speech() -> None:
    path = shared_media("reel_24_dialogue.flac")
    for role in ("temp_track", "effects", "score"):
        assert listen(cue(clip(path, role, (0, 240)))).dialogue == ()


def test_dialogue_tracks_are_not_searched_for_music(drums: Path) -> None:
    assert not listen(cue(clip(drums, "dialogue", (0, 240)))).temp_track.present
    assert listen(cue(clip(drums, "temp_track", (0, 240)))).temp_track.present
    assert listen(cue(clip(drums, "mixed", (0, 240)))).temp_track.present


def test_effects_and_score_are_not_listened_to(drums: Path, tmp_path: Path) -> None:
    for role in ("effects", "score"):
        heard = listen(cue(clip(drums, role, (0, 240)), clip(tmp_path / "gone.wav", role, (0, 9))))
        assert heard == listen(cue())


def test_beats_are_in_cue_time(drums: Path) -> None:
    truth = sounds.drums(120, 12.0)[1]
    # Source second 1 lies at cue second 2.
    sound = listen(cue(clip(drums, "temp_track", (148, 340), 24), record=(100, 340)))
    moved = [beat + 1.0 for beat in truth if 1.0 <= beat < 9.0]
    assert sound.temp_track.tempo_bpm == pytest.approx(120, rel=0.01)
    assert sounds.f_measure(sound.temp_track.beats_s, moved) > 0.9


def test_clips_are_laid_at_their_sample_and_summed(tmp_path: Path) -> None:
    steps = (np.arange(10 * SAMPLE_RATE) / (10 * SAMPLE_RATE) * 0.5).astype(np.float32)
    ramp = sounds.written(tmp_path / "ramp.wav", steps)
    level = sounds.written(tmp_path / "level.wav", np.full(10 * SAMPLE_RATE, 0.25, np.float32))
    timeline = cue(
        clip(ramp, "dialogue", (48, 144), 24), clip(level, "dialogue", (96, 240)), record=(0, 240)
    )
    heard = samples_of(timeline, "dialogue")
    assert len(heard) == 10 * SAMPLE_RATE
    expected = np.zeros(len(heard))
    expected[2 * SAMPLE_RATE : 6 * SAMPLE_RATE] += steps[SAMPLE_RATE : 5 * SAMPLE_RATE]
    expected[4 * SAMPLE_RATE :] += 0.25
    np.testing.assert_allclose(heard, np.where(expected == 0, 0, expected), atol=1e-3)


def test_a_clip_that_begins_before_the_range_is_heard_from_its_middle(tmp_path: Path) -> None:
    steps = (np.arange(10 * SAMPLE_RATE) / (10 * SAMPLE_RATE)).astype(np.float32)
    ramp = sounds.written(tmp_path / "ramp.wav", steps)
    heard = samples_of(cue(clip(ramp, "mixed", (0, 240)), record=(120, 168)), "mixed")
    np.testing.assert_allclose(heard, steps[5 * SAMPLE_RATE : 7 * SAMPLE_RATE], atol=1e-3)


def test_a_retimed_clip_is_heard_at_its_speed(drums: Path) -> None:
    sound = listen(cue(clip(drums, "temp_track", (0, 216), 0, (5, 4))))
    assert sound.temp_track.tempo_bpm == pytest.approx(150, rel=0.01)
    assert sound.warnings == ()


@pytest.mark.parametrize(
    ("speed", "named"), [((-1, 1), "-100 %"), ((0, 1), "0 %"), ((4, 1), "400 %")]
)
def test_a_clip_at_an_extreme_speed_is_left_out_and_named(
    drums: Path, speed: tuple[int, int], named: str
) -> None:
    sound = listen(cue(clip(drums, "temp_track", (0, 24), 0, speed)))
    assert not sound.temp_track.present
    (warning,) = sound.warnings
    assert named in warning


def test_an_offline_file_is_a_warning_and_the_rest_is_heard(tmp_path: Path, drums: Path) -> None:
    gone = tmp_path / "gone.wav"
    sound = listen(cue(clip(gone, "dialogue", (0, 240)), clip(drums, "temp_track", (0, 240))))
    assert sound.temp_track.present
    assert sound.warnings == ("gone.wav is offline and was not listened to.",)


def test_a_clip_known_by_name_alone_is_offline() -> None:
    sound = listen(cue(clip("", "dialogue", (0, 240))))
    assert len(sound.warnings) == 1
    assert "offline" in sound.warnings[0]


def test_a_film_without_sound_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(240):
            picture = np.full((48, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    sound = listen(cue(clip(path, "mixed", (0, 240))))
    assert sound.dialogue == ()
    assert not sound.temp_track.present
    assert len(sound.warnings) == 1
    assert "silent.mp4" in sound.warnings[0]


def test_a_file_that_is_no_media_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("not a sound at all")
    (warning,) = listen(cue(clip(path, "mixed", (0, 240)))).warnings
    assert "notes.wav" in warning


def test_a_file_cut_short_is_heard_as_far_as_it_goes(tmp_path: Path, drums: Path) -> None:
    data = drums.read_bytes()
    short = tmp_path / "short.wav"
    short.write_bytes(data[: 7 * len(data) // 12])
    sound = listen(cue(clip(short, "temp_track", (0, 240))))
    assert sound.temp_track.present
    energy = sound.temp_track.energy
    assert len(energy.values) == 100
    assert energy.at(3.0) > 0.3
    assert energy.at(9.0) == 0.0
    assert sound.warnings == (
        "short.wav is cut short: 7.0 s of the 12.0 s it promises are there. Copy or export it "
        "again if the rest is wanted.",
    )
    assert listen(cue(clip(short, "temp_track", (0, 96)), record=(0, 96))).warnings == ()


@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 6), (96_000, 2), (16_000, 1)]
)
def test_every_rate_and_channel_count_is_heard(tmp_path: Path, rate: int, channels: int) -> None:
    from scipy.signal import resample_poly

    mono = resample_poly(sounds.drums(120, 10.0)[0], rate, sounds.RATE)
    samples = np.repeat(mono[:, None], channels, axis=1).astype(np.float32) * 0.5
    path = sounds.written(tmp_path / "many.wav", samples, rate)
    track = listen(cue(clip(path, "mixed", (0, 240)))).temp_track
    assert track.present
    assert track.tempo_bpm == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_file_of_next_to_nothing_is_heard_as_silence(tmp_path: Path, length: int) -> None:
    path = sounds.written(tmp_path / "tiny.wav", np.zeros(length, np.int16))
    sound = listen(cue(clip(path, "mixed", (0, 240))))
    assert sound.dialogue == ()
    assert not sound.temp_track.present
    assert set(sound.temp_track.energy.values) == {0.0}


def test_broken_samples_do_no_harm(tmp_path: Path) -> None:
    samples = sounds.drums(120, 10.0)[0]
    samples[1000:2000] = np.nan
    samples[5000] = np.inf
    samples[6000] = -1e30
    sound = listen(cue(clip(sounds.written(tmp_path / "nan.wav", samples), "mixed", (0, 240))))
    assert sound.temp_track.tempo_bpm == pytest.approx(120, rel=0.01)
    assert np.isfinite([*sound.temp_track.energy.values, *sound.temp_track.beats_s]).all()


def test_a_range_without_sound_is_quiet() -> None:
    sound = listen(cue())
    assert (sound.dialogue, sound.warnings) == ((), ())
    assert sound.temp_track.energy.values == ()


def test_a_range_of_one_frame_is_heard(drums: Path) -> None:
    sound = listen(cue(clip(drums, "mixed", (0, 240)), record=(100, 101)))
    assert len(sound.temp_track.energy.values) == 1
    assert not sound.temp_track.present


def test_progress_names_the_material_and_never_goes_back(drums: Path) -> None:
    told: list[tuple[str, float]] = []
    listen(cue(clip(drums, "mixed", (0, 240))), lambda stage, done: told.append((stage, done)))
    assert told[0] == ("Listening to drums.wav", 0.0)
    fractions = [done for _, done in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_cancelling_stops_at_once_and_lets_go_of_the_file(drums: Path) -> None:
    calls = 0

    def refuse(stage: str, fraction: float) -> None:
        nonlocal calls
        calls += 1
        if fraction > 0:
            raise CancelledError("Stop.")

    with pytest.raises(CancelledError):
        listen(cue(clip(drums, "mixed", (0, 240))), refuse)
    assert calls == 4, "one for each of what is measured of the first part, and the refused one"
    drums.rename(drums.with_name("moved.wav"))


def test_listening_twice_gives_the_same(drums: Path) -> None:
    timeline = cue(clip(drums, "mixed", (0, 240)))
    assert listen(timeline) == listen(timeline)
