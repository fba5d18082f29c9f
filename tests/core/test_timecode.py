"""Timecode counts every frame of 24 hours once, at every rate an editor offers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene_core.errors import TimecodeError
from musiscene_core.timecode import (
    SAMPLE_RATE,
    FrameRate,
    format_timecode,
    frame_to_sample,
    parse_timecode,
    sample_to_frame,
)

RATES = [
    FrameRate.parse(name)
    for name in (
        "23.976",
        "24",
        "25",
        "29.97",
        "29.97 DF",
        "30",
        "47.952",
        "48",
        "50",
        "59.94",
        "59.94 DF",
        "60",
        "119.88",
        "119.88 DF",
        "120",
    )
]
rates = st.sampled_from(RATES)


def frames_of_a_day(rate: FrameRate) -> int:
    return parse_timecode("24:00:00:00", rate)


@given(st.data(), rates)
def test_every_frame_of_a_day_round_trips(data: st.DataObject, rate: FrameRate) -> None:
    frame = data.draw(st.integers(0, frames_of_a_day(rate) - 1))
    assert parse_timecode(format_timecode(frame, rate), rate) == frame


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_frames_around_every_minute_of_a_day_round_trip(rate: FrameRate) -> None:
    per_minute = Fraction(60) * rate.fps
    for minute in range(1441):
        middle = int(minute * per_minute)
        for frame in range(max(0, middle - 9), middle + 10):
            text = format_timecode(frame, rate)
            assert parse_timecode(text, rate) == frame, text


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_all_frames_of_a_day_round_trip(rate: FrameRate) -> None:
    previous = ""
    for frame in range(frames_of_a_day(rate)):
        text = format_timecode(frame, rate)
        assert text > previous
        assert parse_timecode(text, rate) == frame
        previous = text


@pytest.mark.parametrize(
    ("rate", "frame", "text"),
    [
        ("24", 86400, "01:00:00:00"),
        ("23.976", 86400, "01:00:00:00"),
        # SMPTE ST 12-1: 00:00:59;29 is followed by 00:01:00;02, and minute 10 drops nothing.
        ("29.97 DF", 1799, "00:00:59;29"),
        ("29.97 DF", 1800, "00:01:00;02"),
        ("29.97 DF", 17981, "00:09:59;29"),
        ("29.97 DF", 17982, "00:10:00;00"),
        ("29.97 DF", 107892, "01:00:00;00"),
        ("59.94 DF", 3600, "00:01:00;04"),
        ("119.88 DF", 7200, "00:01:00;008"),
        ("29.97", 1800, "00:01:00:00"),
    ],
)
def test_known_timecodes(rate: str, frame: int, text: str) -> None:
    assert format_timecode(frame, FrameRate.parse(rate)) == text
    assert parse_timecode(text, FrameRate.parse(rate)) == frame


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("29.97 DF", "00:01:00;00"),
        ("29.97 DF", "00:01:00;01"),
        ("59.94 DF", "00:01:00;03"),
        ("29.97", "00:01:00;02"),
        ("24", "00:00:00:24"),
        ("25", "00:60:00:00"),
        ("25", "00:00:60:00"),
        ("25", "4 seconds"),
        ("25", "00:00:04"),
        ("25", ""),
        ("25", "-00:00:01:00"),
        ("25", "٠٠:00:04:xx"),
    ],
)
def test_timecodes_that_name_no_frame_are_refused(rate: str, text: str) -> None:
    with pytest.raises(TimecodeError) as caught:
        parse_timecode(text, FrameRate.parse(rate))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("47.952", Fraction(48000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("179/6", Fraction(179, 6)),
        ("12.5", Fraction(25, 2)),
        ("29.833", Fraction(179, 6)),
        ("14.985", Fraction(2997, 200)),
        (25, Fraction(25)),
        (23.976023976, Fraction(24000, 1001)),
    ],
)
def test_rates_are_read_exactly(text: str, fps: Fraction) -> None:
    assert FrameRate.parse(text).fps == fps


@pytest.mark.parametrize(
    "text", ["", "0", "-24", "nan", "inf", "abc", "24 25", "1e9", "25 DF", "1/0"]
)
def test_texts_that_are_no_rate_are_refused(text: str) -> None:
    with pytest.raises(TimecodeError):
        FrameRate.parse(text)


def test_an_odd_rate_names_its_nearest_broadcast_rate() -> None:
    assert FrameRate.parse("179/6").nearest_broadcast().name == "29.97"
    assert FrameRate.parse("12.5").nearest_broadcast().name == "23.976"


@pytest.mark.parametrize(
    ("rate", "onsets"),
    [
        # Where melt 7.12 put stems at frames 37 and 100.
        ("24", (74000, 200000)),
        ("23.976", (74074, 200200)),
        ("29.97", (59259, 160160)),
        ("25", (71040, 192000)),
    ],
)
def test_frames_begin_at_the_samples_a_real_editor_uses(rate: str, onsets: tuple[int, int]) -> None:
    exact = FrameRate.parse(rate)
    assert (frame_to_sample(37, exact), frame_to_sample(100, exact)) == onsets


any_rate = st.one_of(
    rates,
    st.builds(FrameRate, st.integers(1001, 240_000), st.sampled_from([1000, 1001])),
)


@given(st.integers(-(10**7), 10**8), any_rate)
def test_a_frame_contains_its_own_first_sample(frame: int, rate: FrameRate) -> None:
    assert sample_to_frame(frame_to_sample(frame, rate), rate) == frame


@given(st.integers(-(10**9), 10**10), any_rate)
def test_a_sample_lies_in_the_frame_that_contains_it(sample: int, rate: FrameRate) -> None:
    frame = sample_to_frame(sample, rate)
    assert frame_to_sample(frame, rate) <= sample < frame_to_sample(frame + 1, rate)


@given(st.integers(0, 10**8), any_rate)
def test_a_frame_begins_within_half_a_sample_of_its_exact_time(frame: int, rate: FrameRate) -> None:
    exact = rate.seconds(frame) * SAMPLE_RATE
    assert abs(frame_to_sample(frame, rate) - exact) <= Fraction(1, 2)


@given(st.integers(0, 10**7), any_rate)
def test_a_frame_shows_from_its_beginning_to_the_next_one(frame: int, rate: FrameRate) -> None:
    assert rate.frame_at(rate.seconds(frame)) == frame
    assert rate.frame_at(rate.seconds(frame + 1) - Fraction(1, 10**9)) == frame
