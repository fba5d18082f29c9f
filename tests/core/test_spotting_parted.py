"""Mixed sound parted by a model: what is heard of it, what is kept, and what fails alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.errors import CancelledError
from musiscene_core.media import read_audio
from musiscene_core.media.wav import to_int24, write_wav
from musiscene_core.spotting.parted import PIECE_S, Parting
from musiscene_core.spotting.parted_kept import KeptPieces
from musiscene_core.spotting.soundtrack import SAMPLE_RATE, Soundtrack
from musiscene_core.timecode import SAMPLE_RATE as RATE
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from tests.support.make_picture import clip_of, range_of

LENGTH_S = 50


class Sides:
    """Speech is what both channels have alike: exact, where music is opposite in both."""

    name, known_by = "sides", "1"

    def __init__(self) -> None:
        self.heard = 0

    def speech(self, mix: np.ndarray, heed: Callable[[], None]) -> np.ndarray:
        heed()
        self.heard += 1
        return np.repeat(mix.mean(0, keepdims=True), 2, 0)


def told(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Speech, and the music of the left channel, mono at 48 kHz."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (
        (0.2 * np.sin(2 * np.pi * (200 + 3 * time) * time)).astype(np.float32),
        (0.1 * np.sin(2 * np.pi * 700 * time)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech in the middle; music left alone, so that mono music is half of it."""
    speech, music = told(LENGTH_S)
    path = tmp_path_factory.mktemp("film") / "mixed.wav"
    write_wav(path, to_int24(np.stack([speech + music, speech - music])))
    return path


def scene(film: Path, first: int, last: int, **clip: object) -> TimelineRange:
    mixed = msgspec.structs.replace(
        clip_of(film, (0, 24 * LENGTH_S), **clip), role="mixed", track="A1"
    )
    return range_of(mixed, record=(first, last))


def heard(timeline: TimelineRange, role: str) -> np.ndarray:
    return np.concatenate([block.sum(role) for block in Soundtrack(timeline).blocks()])


def test_two_clips_a_piece_sound_where_the_mixed_one_did(film: Path, tmp_path: Path) -> None:
    timeline = scene(film, 30, 30 + 24 * 45)
    parted = Parting(Sides(), KeptPieces(tmp_path)).timeline(timeline)
    roles = [clip.role for clip in parted.clips]
    assert roles == ["dialogue", "temp_track"] * 3
    assert all(clip.media.name for clip in parted.clips)
    speech = heard(parted, "dialogue")
    wanted = read_audio(film, Fraction(5, 4), Fraction(185, 4), sample_rate=SAMPLE_RATE)[0]
    assert len(speech) == len(wanted)
    # Mono, music of opposite sides is gone from the mix: what is left is the speech.
    np.testing.assert_allclose(speech[50:-50], wanted[50:-50], atol=3e-4)
    assert np.abs(heard(parted, "temp_track")).max() < 3e-4


@pytest.mark.parametrize("speed", [Fraction(25, 24), Fraction(3, 5)])
def test_pieces_abut_and_keep_their_time_at_any_speed(
    film: Path, tmp_path: Path, speed: Fraction
) -> None:
    timeline = scene(film, 7, 7 + 24 * 25, source_start=5)
    (clip,) = timeline.clips
    mapping = msgspec.structs.replace(
        clip.mapping,
        source_rate=FrameRate(24000, 1001),
        speed_numerator=speed.numerator,
        speed_denominator=speed.denominator,
    )
    timeline = msgspec.structs.replace(
        timeline, clips=(msgspec.structs.replace(clip, mapping=mapping),)
    )
    parted = Parting(Sides(), KeptPieces(tmp_path)).timeline(timeline)
    speech = parted.by_role("dialogue")
    edges = [edge for one in speech for edge in (one.mapping.record.start, one.mapping.record.end)]
    assert edges[0] == 7
    assert edges[-1] == 7 + 24 * 25
    assert edges[1:-1:2] == edges[2::2]
    pieces = {
        one.mapping.source_seconds(frame) - mapping.source_seconds(frame)
        for one in speech
        for frame in (one.mapping.record.start, one.mapping.record.end - 1)
    }
    assert all((Fraction(1, 2) - offset) % PIECE_S == 0 for offset in pieces)
    assert all(one.mapping.source_span(one.mapping.record)[1] <= PIECE_S + 1 for one in speech)


def test_what_was_parted_is_kept_and_a_moved_range_needs_its_new_pieces(
    film: Path, tmp_path: Path
) -> None:
    model = Sides()
    first = Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 0, 24 * 30))
    assert model.heard == 2
    assert Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 0, 24 * 30)) == first
    Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 24, 24 * 39))
    assert model.heard == 2
    Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 24, 24 * 41))
    assert model.heard == 3
    for path in tmp_path.rglob("*-music-*.flac"):
        path.write_bytes(path.read_bytes()[:-9])
    dates = {clip.media.path: Path(clip.media.path).stat().st_mtime_ns for clip in first.clips}
    assert Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 0, 24 * 30)) == first
    assert model.heard == 5
    assert all(
        Path(path).stat().st_mtime_ns == date for path, date in dates.items() if "speech" in path
    )


def test_the_latest_pieces_stay(film: Path, tmp_path: Path) -> None:
    kept = KeptPieces(tmp_path, most_bytes=1)
    Parting(Sides(), kept).timeline(scene(film, 0, 24 * 10))
    assert not list(tmp_path.rglob("*.flac"))


def test_music_of_a_stretch_is_whole(film: Path, tmp_path: Path) -> None:
    class Left(Sides):
        def speech(self, mix: np.ndarray, heed: Callable[[], None]) -> np.ndarray:
            music = (mix[0] - mix[1]) / 2
            return mix - np.stack([music, music])

    (clip,) = scene(film, 0, 10).clips
    parting = Parting(Left(), KeptPieces(tmp_path))
    music = np.concatenate([part[0] for part in parting.music(clip.media, 15.25, 43.5)])
    wanted = told(LENGTH_S)[1][round(15.25 * RATE) : round(43.5 * RATE)]
    np.testing.assert_allclose(music, wanted, atol=2e-4)


def test_a_file_that_cannot_be_read_stays_and_others_are_parted(film: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF" + bytes(40))
    good = scene(film, 0, 24 * 10)
    (clip,) = good.clips
    bad = msgspec.structs.replace(clip, media=msgspec.structs.replace(clip.media, path=str(broken)))
    slow = msgspec.structs.replace(
        clip, mapping=msgspec.structs.replace(clip.mapping, speed_numerator=0)
    )
    timeline = msgspec.structs.replace(good, clips=(bad, clip, slow))
    parted = Parting(Sides(), KeptPieces(tmp_path / "kept")).timeline(timeline)
    assert [one.role for one in parted.clips] == ["mixed", "dialogue", "temp_track", "mixed"]


def test_parting_is_cancelled(film: Path, tmp_path: Path) -> None:
    def stop(_stage: str, fraction: float) -> None:
        if fraction > 0.4:
            raise CancelledError("enough")

    model = Sides()
    with pytest.raises(CancelledError):
        Parting(model, KeptPieces(tmp_path)).timeline(scene(film, 0, 24 * 45), stop)
    assert model.heard == 2
