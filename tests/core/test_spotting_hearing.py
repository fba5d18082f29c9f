"""What is kept of sound: a second hearing says the same and decodes only what is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.loudness import momentary
from musiscene_core.media import iter_audio
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.spotting import voices
from musiscene_core.spotting.chroma import ChromaListener
from musiscene_core.spotting.ears import Ear, LevelEar, NotesEar, SpeechEar
from musiscene_core.spotting.hearing import Hearing
from musiscene_core.spotting.loudness import LoudnessListener
from musiscene_core.spotting.onsets import OnsetListener
from musiscene_core.spotting.sound import Sound, listen
from musiscene_core.spotting.sound_grid import BLOCK, stretches
from musiscene_core.spotting.sound_kept import KeptBlocks
from musiscene_core.spotting.soundtrack import SAMPLE_RATE, Soundtrack
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, Role, TimelineClip, TimelineRange
from tests.support import sounds

RATE = FrameRate(25)
LENGTH_S = 24.0


def clip(path: Path, role: Role, record: tuple[int, int], source_start: int = 0) -> TimelineClip:
    return TimelineClip(
        name=path.stem,
        media=MediaReference(path=str(path)),
        mapping=SourceMapping(FrameRange(*record), RATE, source_start, RATE),
        role=role,
    )


def cue(*clips: TimelineClip, record: tuple[int, int]) -> TimelineRange:
    return TimelineRange(cue="test", rate=RATE, record=FrameRange(*record), clips=clips)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drums with a wavering voice over them."""
    samples = sounds.drums(120, LENGTH_S)[0]
    time = np.arange(len(samples)) / SAMPLE_RATE
    pitch = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
    voice = sum(np.sin(n * pitch) / n**0.7 for n in range(1, 25))
    loud = np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1) * (time % 8 > 4)
    path = tmp_path_factory.mktemp("film") / "film.wav"
    return sounds.written(path, (0.5 * samples + 0.1 * voice * loud).astype(np.float32))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples of each block that is decoded."""
    sizes: list[int] = []

    def counted(*given: object, **options: object) -> Iterator[np.ndarray]:
        for block in iter_audio(*given, **options):  # type: ignore[arg-type]
            sizes.append(block.shape[1])
            yield block

    monkeypatch.setattr(voices, "iter_audio", counted)
    return sizes


def edit(film: Path, later: int = 0, record: tuple[int, int] = (50, 400)) -> TimelineRange:
    """The film, with some of it over itself as a temp track, all `later` frames later."""
    first, last = (frame + later for frame in record)
    return cue(
        clip(film, "mixed", (20 + later, 420 + later), 30),
        clip(film, "temp_track", (100 + later, 300 + later), 200),
        clip(film, "dialogue", (425 + later, 600 + later), 5),
        record=(first, last),
    )


@pytest.mark.parametrize(
    ("record", "most_s"),
    [((50, 400), 0), ((75, 400), 0), ((25, 375), 0), ((75, 425), 0), ((300, 470), 20)],
    ids=["the same", "begins later", "begins earlier", "moved on", "into another clip"],
)
def test_what_was_heard_before_gives_the_same_and_is_not_decoded(
    film: Path,
    tmp_path: Path,
    decoded: list[int],
    record: tuple[int, int],
    most_s: float,
) -> None:
    listen(edit(film), kept=KeptBlocks(folder=tmp_path))
    changed = edit(film, record=record)
    decoded.clear()
    warm = listen(changed, kept=KeptBlocks(folder=tmp_path))
    count = sum(decoded)
    assert warm == listen(changed)
    assert warm.dialogue
    assert count <= most_s * SAMPLE_RATE
    decoded.clear()
    assert listen(changed, kept=KeptBlocks(folder=tmp_path)) == warm
    assert decoded == []


def test_what_moved_together_is_not_heard_again(
    film: Path, tmp_path: Path, decoded: list[int]
) -> None:
    first = listen(edit(film), kept=KeptBlocks(folder=tmp_path))
    decoded.clear()
    assert listen(edit(film, later=90_137), kept=KeptBlocks(folder=tmp_path)) == first
    assert decoded == []


def rows(ear: Ear, timeline: TimelineRange, name: str) -> np.ndarray:
    """What an ear hears of a range, on the grid of the clip that leads."""
    track = Soundtrack(timeline)
    heard = Hearing(ear, track.voices, track.first, track.first + track.length)
    for part in heard.parts:
        heard.hear(part)
    hop = ear.gives[name].hop
    return heard.rows(name, track.first - heard.lead(hop), track.length // hop)


@pytest.mark.parametrize(
    ("ear", "name"),
    [(SpeechEar, "speech"), (NotesEar, "onsets"), (NotesEar, "chroma"), (LevelEar, "power")],
)
def test_what_is_measured_does_not_depend_on_where_the_range_begins(
    film: Path, ear: type[Ear], name: str
) -> None:
    """From frame 36 to 116 is a whole number of every hop, but not of blocks."""
    early = rows(ear(), cue(clip(film, "mixed", (0, 600)), record=(36, 350)), name)
    late = rows(ear(), cue(clip(film, "mixed", (0, 600)), record=(116, 350)), name)
    skipped = 80 * SAMPLE_RATE // 25 // ear().gives[name].hop
    assert early.any()
    np.testing.assert_array_equal(early[skipped : skipped + len(late)], late)


def test_parts_measured_one_by_one_are_as_the_whole_measured_at_once(film: Path) -> None:
    whole = cue(clip(film, "mixed", (0, 600)), record=(0, 600))
    samples = sounds.decoded(film, 0, LENGTH_S)
    begins, notes = OnsetListener(SAMPLE_RATE), ChromaListener(SAMPLE_RATE)
    for listener in (begins, notes):
        listener.push(samples)
    for name, values in (("onsets", begins.finish()), ("chroma", notes.finish()[0])):
        found = rows(NotesEar(), whole, name)
        assert len(found) in (len(values), len(values) - 1)
        np.testing.assert_allclose(found, values[: len(found)], atol=2e-5)
    meter = LoudnessListener(SAMPLE_RATE)
    meter.push(samples)
    levels = momentary(rows(LevelEar(), whole, "power").astype(np.float64))
    np.testing.assert_allclose(levels, meter.finish()[: len(levels)], atol=0.01)


def test_the_clip_that_began_first_leads_and_silence_lies_between(film: Path) -> None:
    timeline = cue(
        clip(film, "dialogue", (0, 100)),
        clip(film, "dialogue", (50, 150), 30),
        clip(film, "dialogue", (60, 140), 7),
        clip(film, "dialogue", (200, 220), 11),
        record=(0, 240),
    )
    found = stretches(Soundtrack(timeline).voices)
    frame = SAMPLE_RATE // 25
    assert [(one.first // frame, one.last // frame, one.origin // frame) for one in found] == [
        (0, 100, 0),
        (100, 150, 20),
        (200, 220, 189),
    ]
    parts = [part for one in found for part in one.parts(0, 240 * frame)]
    assert all(part.first < part.last <= part.first + BLOCK for part in parts)
    assert sum(part.last - part.first for part in parts) == 170 * frame


def test_a_file_that_fails_is_told_every_time_and_what_it_spoilt_is_not_kept(
    film: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound at all")
    timeline = cue(
        clip(film, "temp_track", (0, 500)), clip(broken, "mixed", (300, 400)), record=(0, 500)
    )

    def heard() -> Sound:
        return listen(timeline, kept=KeptBlocks(folder=tmp_path / "kept"))

    first = heard()
    assert len(first.warnings) == 1
    assert heard() == first
    sounds.written(broken, sounds.drums(97, 10.0)[0])
    mended = heard()
    assert mended.warnings == ()
    assert mended.temp_track.energy != first.temp_track.energy


def test_a_kept_block_of_another_shape_is_measured_again(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptBlocks(folder=tmp_path)
    timeline = cue(clip(film, "mixed", (0, 300)), record=(0, 300))
    first = listen(timeline, kept=kept)
    monkeypatch.setattr(kept, "get", lambda known_by: {"speech": np.zeros((3, 2), np.float32)})
    assert listen(timeline, kept=kept) == first


def test_a_file_that_was_written_again_is_heard_again(tmp_path: Path) -> None:
    path = sounds.written(tmp_path / "music.wav", sounds.drums(120, 12.0)[0])
    timeline = cue(clip(path, "temp_track", (0, 300)), record=(0, 300))
    kept = KeptBlocks(folder=tmp_path / "kept")
    assert listen(timeline, kept=kept).temp_track.tempo_bpm == pytest.approx(120, rel=0.01)
    sounds.written(path, sounds.drums(96, 12.0)[0])
    assert listen(timeline, kept=kept).temp_track.tempo_bpm == pytest.approx(96, rel=0.01)


def test_listeners_near_each_other_share_a_decoder(film: Path, decoded: list[int]) -> None:
    listen(cue(clip(film, "mixed", (0, 600)), record=(0, 600)))
    assert sum(decoded) <= 24 * SAMPLE_RATE


def test_files_are_closed_when_nobody_listens_any_more(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: set[int] = set()
    most = 0

    def counted(*given: object, **options: object) -> Iterator[np.ndarray]:
        nonlocal most
        key = len(opened) + 1000 * most
        opened.add(key)
        most = max(most, len(opened))
        try:
            yield from iter_audio(*given, **options)  # type: ignore[arg-type]
        finally:
            opened.discard(key)

    monkeypatch.setattr(voices, "iter_audio", counted)
    clips = [clip(film, "dialogue", (20 * n, 20 * n + 20), n) for n in range(80)]
    listen(cue(*clips, record=(0, 1600)))
    assert opened == set()
    assert most <= 30


def test_seconds_are_exact_for_odd_rates(film: Path) -> None:
    rate = FrameRate(30000, 1001)
    mapping = SourceMapping(FrameRange(107_892, 108_192), rate, 3, rate)
    one = TimelineClip(
        name="film", media=MediaReference(path=str(film)), mapping=mapping, role="mixed"
    )
    timeline = TimelineRange(
        cue="test", rate=rate, record=FrameRange(107_950, 108_150), clips=(one,)
    )
    track = Soundtrack(timeline)
    heard = np.concatenate([block.sum("mixed") for block in track.blocks()])
    start_s = 61 * 1001 / 30000
    expected = sounds.decoded(film, start_s, start_s + len(heard) / SAMPLE_RATE)
    shifts = [np.abs(np.roll(heard, by) - expected[: len(heard)])[9:-9].mean() for by in (-1, 0, 1)]
    assert int(np.argmin(shifts)) == 1
