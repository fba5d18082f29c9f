"""Which source frame shows at which cue frame."""

from __future__ import annotations

import threading
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import pytest

from musiscene_core.errors import MediaOfflineError
from musiscene_core.spotting.playback import Findings, play
from musiscene_core.spotting.run_ahead import run_ahead
from musiscene_core.spotting.visible import Stretch, visible_stretches
from musiscene_core.timeline import TimelineRange
from tests.support.make_media import make_movie, make_still, number_in
from tests.support.make_picture import clip_of, range_of


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 numbered frames at 24."""
    return make_movie(tmp_path_factory.mktemp("counting") / "counting.mp4", frames=300, rate=24)


def seen(timeline: TimelineRange, findings: Findings | None = None) -> list[int | None]:
    """The number shown at every cue frame; None is black."""
    shown: list[int | None] = []
    told = findings if findings is not None else Findings()
    for one in play(visible_stretches(timeline), timeline.record.start, told):
        shown += [shown[-1] if shown else None] * (one.cue_frame - len(shown))
        shown.append(None if one.image is None else number_in(one.image))
    return shown + [shown[-1]] * (timeline.record.length - len(shown))


def test_a_clip_shows_its_source_frames_one_by_one(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (86400, 86500), source_start=50), record=(86410, 86490))
    assert seen(timeline) == list(range(60, 140))


def test_double_speed_shows_every_second_frame(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (0, 60), source_start=10, speed=2), record=(0, 60))
    assert seen(timeline) == list(range(10, 130, 2))


def test_half_speed_shows_every_frame_twice(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (0, 9), speed=Fraction(1, 2)), record=(0, 9))
    assert seen(timeline) == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_reverse_runs_back_over_several_chunks(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (0, 280), source_start=290, speed=-1), record=(0, 280))
    assert seen(timeline) == list(range(290, 10, -1))


def test_reverse_at_half_speed_holds_each_frame_twice(counting: Path) -> None:
    clip = clip_of(counting, (0, 250), source_start=200, speed=Fraction(-1, 2))
    expected = [200 - -(-frame // 2) for frame in range(250)]
    assert seen(range_of(clip, record=(0, 250))) == expected


def test_a_freeze_frame_is_told_once(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (0, 40), source_start=33, speed=0), record=(0, 40))
    assert seen(timeline) == [33] * 40
    assert len(list(play(visible_stretches(timeline), 0, Findings()))) == 1


def test_a_slower_source_holds_on_a_faster_timeline(counting: Path) -> None:
    clip = clip_of(counting, (0, 30), "60", source_rate="24")
    expected = [frame * 24 // 60 for frame in range(30)]
    assert seen(range_of(clip, rate="60", record=(0, 30))) == expected


def test_variable_rate_shows_the_last_frame_begun(tmp_path: Path) -> None:
    times = [Fraction(tenths, 10) for tenths in (0, 1, 4, 5, 9, 10, 13, 14, 15, 16)]
    movie = make_movie(tmp_path / "vfr.mp4", frames=10, times=times)
    timeline = range_of(clip_of(movie, (0, 40), "25"), rate="25", record=(0, 40))
    expected = [
        max(n for n, begins in enumerate(times) if begins <= Fraction(frame, 25))
        for frame in range(40)
    ]
    assert seen(timeline) == expected


def test_the_upper_track_hides_the_lower_and_gaps_are_black(counting: Path) -> None:
    lower = clip_of(counting, (0, 30), track=0)
    upper = clip_of(counting, (10, 20), source_start=200, track=1)
    timeline = range_of(upper, lower, record=(0, 35))
    expected = [*range(10), *range(200, 210), *range(20, 30), *[None] * 5]
    assert seen(timeline) == expected


def test_a_through_edit_is_one_stretch(counting: Path) -> None:
    first = clip_of(counting, (0, 20))
    second = clip_of(counting, (20, 40), source_start=20)
    jump = clip_of(counting, (40, 60), source_start=45)
    stretches = visible_stretches(range_of(first, second, jump, record=(0, 60)))
    assert [(one.start, one.end) for one in stretches] == [(0, 40), (40, 60)]


def test_stretches_cover_the_range_exactly(counting: Path) -> None:
    stretches = visible_stretches(range_of(clip_of(counting, (105, 300)), record=(100, 120)))
    assert stretches[0] == Stretch(0, 5, None)
    assert (stretches[1].start, stretches[1].end) == (5, 20)


def test_an_offline_clip_is_black_with_one_warning(counting: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost.mov"
    timeline = range_of(
        clip_of(lost, (0, 5)),
        clip_of(counting, (5, 10)),
        clip_of(lost, (10, 15)),
        record=(0, 15),
    )
    findings = Findings()
    assert seen(timeline, findings) == [None] * 5 + [0, 1, 2, 3, 4] + [None] * 5
    assert list(findings.warnings) == [
        "lost.mov is offline; its part of the picture was not watched."
    ]
    assert isinstance(findings.offline, MediaOfflineError)


def test_a_file_that_ends_early_holds_its_last_frame_and_says_so(counting: Path) -> None:
    findings = Findings()
    timeline = range_of(clip_of(counting, (0, 60), source_start=276), record=(0, 60))
    assert seen(timeline, findings) == [*range(276, 300), *[299] * 36]
    (warning,) = findings.warnings
    assert "ends 1.5 s before its clip does" in warning


def test_a_clip_past_the_end_of_its_file_holds_the_last_frame_and_says_so(counting: Path) -> None:
    findings = Findings()
    timeline = range_of(clip_of(counting, (0, 24), source_start=336), record=(0, 24))
    assert seen(timeline, findings) == [299] * 24
    assert len(findings.warnings) == 1


def test_a_still_image_holds_without_a_word(tmp_path: Path) -> None:
    findings = Findings()
    still = make_still(tmp_path / "still.png", 77)
    assert seen(range_of(clip_of(still, (0, 48)), record=(0, 48)), findings) == [77] * 48
    assert findings.warnings == {}


def test_elapsed_time_is_record_time(counting: Path) -> None:
    timeline = range_of(clip_of(counting, (0, 10), speed=-2, source_start=100), record=(0, 10))
    elapsed = [one.elapsed_s for one in play(visible_stretches(timeline), 0, Findings())]
    assert elapsed[0] is None
    assert elapsed[1:] == pytest.approx([1 / 24] * 9)


def test_running_ahead_keeps_order_and_bounds() -> None:
    made: list[int] = []

    def producer() -> Generator[int, None, None]:
        for number in range(50):
            made.append(number)
            yield number

    items = run_ahead(producer(), 4, lambda: None)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert len(made) <= 3 + 4 + 2
    assert "decode" not in [thread.name for thread in threading.enumerate()]


def test_running_ahead_passes_errors_on_and_closes_the_producer() -> None:
    closed = threading.Event()

    def producer() -> Generator[int, None, None]:
        try:
            yield 1
            raise MediaOfflineError("gone")
        finally:
            closed.set()

    items = run_ahead(producer(), 4, lambda: None)
    assert next(items) == 1
    with pytest.raises(MediaOfflineError, match="gone"):
        next(items)
    assert closed.is_set()


def test_running_ahead_can_be_given_up_while_nothing_comes() -> None:
    never = threading.Event()

    def producer() -> Generator[int, None, None]:
        never.wait(5)
        yield 1

    def give_up() -> None:
        never.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(run_ahead(producer(), 1, give_up))
