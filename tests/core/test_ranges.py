"""Ranges are half-open, and record time and source time map onto each other exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene_core.errors import RangeError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate, frame_to_sample

frames = st.integers(-(10**6), 10**7)
rates = st.sampled_from(
    [FrameRate.parse(r) for r in ("23.976", "24", "25", "29.97", "59.94", "179/6")]
)


def test_a_range_holds_its_start_and_not_its_end() -> None:
    three = FrameRange(10, 13)
    assert [frame for frame in range(20) if frame in three] == [10, 11, 12]
    assert three.length == 3


def test_a_reversed_range_is_refused_with_what_to_do() -> None:
    with pytest.raises(RangeError) as caught:
        FrameRange(10, 9)
    assert "Out after In" in caught.value.hint


@given(frames, frames, frames)
def test_abutting_ranges_share_no_frame(a: int, b: int, c: int) -> None:
    low, middle, high = sorted((a, b, c))
    assert FrameRange(low, middle).overlap(FrameRange(middle, high)) is None


@given(frames, st.integers(1, 10**5), frames, st.integers(1, 10**5))
def test_the_overlap_is_what_both_hold(a: int, n: int, b: int, m: int) -> None:
    one, other = FrameRange.from_length(a, n), FrameRange.from_length(b, m)
    both = one.overlap(other)
    shared = max(0, min(one.end, other.end) - max(one.start, other.start))
    assert (both.length if both else 0) == shared
    assert both == other.overlap(one)


@given(frames, st.integers(0, 10**6), rates)
def test_a_cue_keeps_its_length_in_samples_wherever_it_lies(
    start: int, length: int, rate: FrameRate
) -> None:
    expected = frame_to_sample(length, rate)
    assert FrameRange.from_length(start, length).samples(rate) == expected


speeds = st.fractions(min_value=-4, max_value=4, max_denominator=64).filter(lambda s: s != 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6), rates, rates, speeds, st.integers(0, 10**4))
def test_source_time_maps_back_to_record_time(
    record_start: int,
    source_start: int,
    record_rate: FrameRate,
    source_rate: FrameRate,
    speed: Fraction,
    into: int,
) -> None:
    mapping = SourceMapping(
        record=FrameRange.from_length(record_start, 10**5),
        record_rate=record_rate,
        source_start=source_start,
        source_rate=source_rate,
        speed_numerator=speed.numerator,
        speed_denominator=speed.denominator,
    )
    frame = record_start + into
    there = mapping.source_seconds(frame)
    assert mapping.record_seconds(there) == record_rate.seconds(frame)


def test_a_clip_at_double_speed_shows_twice_the_source() -> None:
    rate = FrameRate(24)
    record = FrameRange(48, 96)
    mapping = SourceMapping(record, rate, 24, rate, speed_numerator=2)
    assert mapping.source_span(record) == (Fraction(1), Fraction(5))


def test_a_freeze_frame_has_no_way_back() -> None:
    rate = FrameRate(24)
    frozen = SourceMapping(FrameRange(0, 48), rate, 24, rate, speed_numerator=0)
    assert frozen.source_span(FrameRange(0, 48)) == (1, 1)
    with pytest.raises(RangeError):
        frozen.record_seconds(Fraction(1))
