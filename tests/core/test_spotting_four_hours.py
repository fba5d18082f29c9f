"""Four hours in one file: a range costs its own length, wherever it lies, and can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from musiscene_core.errors import CancelledError
from musiscene_core.media import iter_audio, read_frames
from musiscene_core.spotting import playback, voices
from musiscene_core.spotting.spot import spot
from musiscene_core.spotting.voices import SAMPLE_RATE
from musiscene_core.timeline import TimelineRange
from tests.support import sounds
from tests.support.make_picture import HEIGHT, WIDTH, clip_of, panning, range_of

pytestmark = pytest.mark.slow

FPS = 2
HOURS_S = 4 * 3600
PIECE_S = 32


def piece(path: Path) -> Path:
    """Half a minute of two shots, two pictures a second, with drums."""
    scenes = (panning(3, 4.0), panning(8, -4.0))
    samples = sounds.drums(120, PIECE_S)[0]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "8"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for number in range(PIECE_S * FPS):
            image = scenes[number * 2 // (PIECE_S * FPS)](number)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for first in range(0, len(samples), 1024):
            part = np.ascontiguousarray(samples[None, first : first + 1024])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, first
            container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The piece over and over, its packets copied."""
    folder = tmp_path_factory.mktemp("long")
    path = folder / "four hours.mp4"
    with av.open(str(piece(folder / "piece.mp4"))) as source, av.open(str(path), "w") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        kept = [
            (packet.stream.index, bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
            for packet in source.demux()
            if packet.pts is not None and 0 <= packet.pts * packet.time_base < PIECE_S
        ]
        ticks = {one.index: one.time_base for one in source.streams}
        for turn in range(HOURS_S // PIECE_S):
            for index, data, pts, dts, is_key in kept:
                packet = av.Packet(data)
                later = round(turn * PIECE_S / ticks[index])
                packet.pts, packet.dts = pts + later, dts + later
                packet.time_base, packet.is_keyframe = ticks[index], is_key
                packet.stream = streams[index]
                target.mux(packet)
    return path


def stretch(path: Path, start_s: int, length_s: int) -> TimelineRange:
    shown = clip_of(path, (0, HOURS_S * 24))
    heard = msgspec.structs.replace(shown, role="mixed")
    return range_of(shown, heard, record=(start_s * 24, (start_s + length_s) * 24))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of picture and of sound that are decoded."""
    seconds = [0.0, 0.0]

    def pictures(*given: object, width: int) -> Iterator[object]:
        for frame in read_frames(*given, width=width):  # type: ignore[arg-type]
            seconds[0] += 1 / FPS
            yield frame

    def blocks(*given: object, **options: object) -> Iterator[np.ndarray]:
        for block in iter_audio(*given, **options):  # type: ignore[arg-type]
            seconds[1] += block.shape[1] / SAMPLE_RATE
            yield block

    monkeypatch.setattr(playback, "read_frames", pictures)
    monkeypatch.setattr(voices, "iter_audio", blocks)
    return seconds


def test_a_range_near_the_end_costs_its_own_length(
    long_film: Path, read: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    brief = spot(stretch(long_film, 13_800, 40))
    assert len(brief.shots) == 3
    assert brief.temp_track.tempo_bpm == pytest.approx(120, rel=0.02)
    assert read[0] <= 42
    assert read[1] <= 40 + 4 * 6.4
    read[:] = [0.0, 0.0]
    moved = spot(stretch(long_film, 13_801, 40))
    assert [shot.start_frame for shot in moved.shots[1:3]] == [
        shot.start_frame - 24 for shot in brief.shots[1:]
    ]
    assert read[0] <= 4
    assert read[1] <= 3 * 6.4


def test_all_of_it_can_be_stopped_at_any_time(long_film: Path) -> None:
    told: list[float] = []

    def stop(stage: str, fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.002:
            raise CancelledError("Stop.")

    with pytest.raises(CancelledError):
        spot(stretch(long_film, 0, HOURS_S), stop)
    assert told == sorted(told)
    assert told[-1] < 0.05


def test_the_file_is_as_long_as_it_says(long_film: Path) -> None:
    last = list(read_frames(long_film, Fraction(HOURS_S - 1), Fraction(HOURS_S), width=64))
    assert len(last) == 2
