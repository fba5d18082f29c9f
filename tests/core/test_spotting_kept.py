"""What is kept of pictures and sound: a second look says the same, and decodes only what is new."""

from __future__ import annotations

import os
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import to_json
from musiscene_core.media import VideoFrame, _open, read_frames
from musiscene_core.media._open import open_media
from musiscene_core.spotting import pictures_kept, playback, shortfalls
from musiscene_core.spotting.soundtrack import Soundtrack
from musiscene_core.spotting.spot import spot
from musiscene_core.timeline import TimelineRange
from tests.support import sounds
from tests.support.harmed import HARMS, harm_file
from tests.support.make_picture import clip_of, flat, panning, range_of, shots, write_movie


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = [(panning(seed, 1.5), 50) for seed in range(4)]
    path = tmp_path_factory.mktemp("movie") / "film.mp4"
    return write_movie(path, shots(*parts, (flat(0, 0, 0), 20), (panning(9), 100)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Fraction]:
    """File times of the pictures that are decoded."""
    times: list[Fraction] = []

    def counted(*given: object, width: int) -> Generator[VideoFrame, None, None]:
        for frame in read_frames(*given, width=width):  # type: ignore[arg-type]
            times.append(frame.seconds)
            yield frame

    monkeypatch.setattr(playback, "read_frames", counted)
    return times


def edit(path: Path, record: tuple[int, int], *, slip: int = 0, speed: int = 1) -> TimelineRange:
    """Two clips of one film with a gap between them, seen from `record`."""
    first = clip_of(path, (0, 120), source_start=30)
    second = clip_of(path, (130, 200), source_start=150 + slip, speed=speed)
    return range_of(first, second, record=record)


def cold(timeline: TimelineRange, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SceneBrief:
    with monkeypatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(folder))
        return spot(timeline)


@pytest.mark.parametrize(
    ("record", "slip", "speed", "most"),
    [
        ((10, 180), 0, 1, 1),
        ((34, 200), 0, 1, 24),
        ((0, 150), 0, 1, 16),
        ((10, 180), 3, 1, 12),
        ((10, 180), 0, 2, 110),
    ],
    ids=["the same", "moved on", "moved back", "slipped", "retimed"],
)
def test_what_was_watched_before_gives_the_same_brief_and_is_not_decoded(
    movie: Path,
    home: Path,
    decoded: list[Fraction],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record: tuple[int, int],
    slip: int,
    speed: int,
    most: int,
) -> None:
    spot(edit(movie, (10, 180)))
    changed = edit(movie, record, slip=slip, speed=speed)
    decoded.clear()
    warm = spot(changed)
    count = len(decoded)
    decoded.clear()
    assert warm == cold(changed, tmp_path / "other", monkeypatch)
    assert count <= most < len(decoded)
    decoded.clear()
    assert spot(changed) == warm
    # What stands before the gap is compared with black, which is not kept.
    assert len(decoded) <= 1


@pytest.mark.parametrize("harm", HARMS)
def test_harmed_files_are_made_again(movie: Path, home: Path, harm: str) -> None:
    timeline = edit(movie, (0, 60))
    first = spot(timeline)
    files = list((home / "cache" / "pictures").rglob("*.bin"))
    assert files
    for path in files:
        harm_file(path, harm)
    assert spot(timeline) == first


def test_a_film_that_was_exported_again_is_watched_again(
    tmp_path: Path, home: Path, decoded: list[Fraction]
) -> None:
    path = write_movie(tmp_path / "film.mp4", shots((panning(1), 48)))
    timeline = range_of(clip_of(path, (0, 48)), record=(0, 48))
    first = spot(timeline)
    write_movie(path, shots((panning(2, 4.0), 48)))
    decoded.clear()
    again = spot(timeline)
    assert len(decoded) == 48
    assert again.curves != first.curves


def test_a_film_that_ends_early_is_told_every_time(tmp_path: Path, home: Path) -> None:
    path = write_movie(tmp_path / "film.mp4", shots((panning(1), 48)))
    timeline = range_of(clip_of(path, (0, 96)), record=(0, 96))
    told = spot(timeline).warnings
    assert "ends 2.0 s before its clip does" in told[0]
    assert spot(timeline).warnings == told


def test_the_cache_is_bounded_and_lets_the_oldest_go(
    movie: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spot(edit(movie, (0, 60)))
    old = set((home / "cache" / "pictures").rglob("*.bin"))
    for path in old:
        os.utime(path, (1, 1))
    monkeypatch.setattr(pictures_kept, "MOST_BYTES", sum(path.stat().st_size for path in old) + 9)
    spot(edit(movie, (130, 190)))
    assert not old & set((home / "cache" / "pictures").rglob("*.bin"))
    assert to_json(spot(edit(movie, (0, 60))))


def test_a_moved_range_opens_its_film_once(
    movie: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def counted(path: object) -> object:
        opened.append(path)
        return open_media(path)  # type: ignore[arg-type]

    timeline = range_of(clip_of(movie, (0, 200)), record=(24, 144))
    spot(timeline)
    monkeypatch.setattr(_open, "open_media", counted)
    spot(range_of(clip_of(movie, (0, 200)), record=(48, 168)))
    assert len(opened) == 1


def test_what_a_file_lacks_is_looked_for_once(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sounds.written(tmp_path / "long.wav", sounds.drums(120, 12.0)[0])
    path.write_bytes(path.read_bytes()[: 16_000 * 4 * 7 + 58])
    clips = [clip_of(path, (0, 240)), clip_of(path, (240, 300))]
    heard = [msgspec.structs.replace(clip, role="mixed") for clip in clips]
    timeline = range_of(*heard, record=(0, 300))
    first = Soundtrack(timeline).warnings
    assert "cut short: 7.0 s of the 12.0 s" in first[0]
    monkeypatch.setattr(shortfalls, "cut_short", None)
    assert Soundtrack(timeline).warnings == first
