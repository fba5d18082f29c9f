from __future__ import annotations

import pytest

from musiscene_core.errors import RangeError, TimecodeError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker
from musiscene_plugins.choosing import ChosenRange, choose_range, file_name
from musiscene_plugins.host import RangeChoice

RATE = FrameRate(24)
TIMELINE = FrameRange(86_400, 86_400 + 720)


def choose(choice: RangeChoice, *markers: Marker, marks: FrameRange | None = None) -> ChosenRange:
    return choose_range(
        choice, timeline=TIMELINE, rate=RATE, markers=markers, marks=marks, stem="reel"
    )


def marker(name: str, start: int, length: int) -> Marker:
    return Marker(record=FrameRange.from_length(start, length), name=name)


def test_in_and_out_are_record_timecodes_and_name_the_cue() -> None:
    chosen = choose(RangeChoice(record_in="01:00:04:00", record_out="01:00:10:12"))
    assert chosen == ChosenRange(FrameRange(86_496, 86_652), "reel-01000400")


def test_one_end_given_leaves_the_other_at_the_timelines() -> None:
    assert choose(RangeChoice(record_in="86500")).record == FrameRange(86_500, TIMELINE.end)
    assert choose(RangeChoice(record_out="01:00:01:00")).record == FrameRange(86_400, 86_424)


def test_without_a_word_the_whole_timeline_is_the_range() -> None:
    chosen = choose(RangeChoice(), marker("plain", 86_410, 1))
    assert chosen == ChosenRange(TIMELINE, "reel")


def test_the_only_marker_with_a_length_is_the_range() -> None:
    chosen = choose(RangeChoice(), marker("plain", 86_410, 1), marker("2m3 Chase", 86_420, 48))
    assert chosen == ChosenRange(FrameRange(86_420, 86_468), "2m3 Chase")


def test_among_several_long_markers_the_one_called_score_is_meant() -> None:
    markers = (marker("VFX", 86_400, 50), marker("Score: chase", 86_420, 48))
    assert choose(RangeChoice(), *markers).record == FrameRange(86_420, 86_468)


def test_several_long_markers_are_named_in_the_error() -> None:
    with pytest.raises(RangeError, match="'a', 'b'") as caught:
        choose(RangeChoice(), marker("a", 86_400, 50), marker("b", 86_420, 48))
    assert "--marker" in caught.value.hint


def test_a_marker_is_found_by_name_without_regard_to_case() -> None:
    markers = (marker("a", 86_400, 50), marker("Kiss ", 86_420, 48))
    assert choose(RangeChoice(marker="kiss"), *markers).record == FrameRange(86_420, 86_468)


@pytest.mark.parametrize(
    ("name", "words"),
    [("none", "no marker 'none'"), ("point", "has no length"), ("twice", "2 markers")],
)
def test_a_marker_that_cannot_be_a_range_is_an_error(name: str, words: str) -> None:
    markers = (
        marker("point", 86_400, 1),
        marker("twice", 86_400, 9),
        marker("twice", 86_500, 9),
    )
    with pytest.raises(RangeError, match=words):
        choose(RangeChoice(marker=name), *markers)


def test_marks_of_the_timeline_count_where_nothing_was_said() -> None:
    assert choose(RangeChoice(), marks=FrameRange(86_410, 86_440)).record.length == 30


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("01:00:04:00", "01:00:04:00", "empty: In and Out are both 01:00:04:00"),
        ("01:00:04:00", "01:00:03:00", "reversed"),
        ("00:00:04:00", "01:00:05:00", "the timeline starts at 01:00:00:00"),
        ("01:00:04:00", "01:00:30:01", "the timeline ends at 01:00:30:00"),
        ("86400", "99999999", "the timeline ends at 01:00:30:00"),
    ],
)
def test_ranges_that_are_not_on_the_timeline_are_refused(start: str, end: str, words: str) -> None:
    with pytest.raises(RangeError, match=words):
        choose(RangeChoice(record_in=start, record_out=end))


@pytest.mark.parametrize("text", ["", "4s", "-4", "00:00:00:24", "00:00:00;10", "9" * 40, "²"])
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(TimecodeError):
        choose(RangeChoice(record_in=text))


def test_a_marker_and_in_together_are_refused() -> None:
    with pytest.raises(RangeError, match="both"):
        choose(RangeChoice(record_in="86400", marker="a"), marker("a", 86_400, 9))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1m1 The Chase", "1m1 The Chase"),
        ("a/b\\c:d", "a_b_c_d"),
        ("../../etc", "_.._etc"),
        ("...", "cue"),
        ("CON", "_CON"),
        ("Küche 夜", "Küche 夜"),
        ("x" * 200, "x" * 80),
        ("a\0b\nc", "a_b_c"),
    ],
)
def test_cue_names_are_safe_on_every_file_system(text: str, name: str) -> None:
    assert file_name(text) == name


def test_a_name_leaves_room_for_endings_in_every_script() -> None:
    assert file_name("n" * 250) == "n" * 80
    assert len(f"{file_name('界' * 83)}-score.cuesheet.csv".encode()) <= 230
