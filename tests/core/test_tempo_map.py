import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiscene_core.cue import HitResult
from musiscene_core.tempo_map import MetreChange, TempoMap, TempoSegment
from musiscene_core.timecode import FrameRate

RISING = TempoMap(
    segments=(
        TempoSegment(start_beat=0.0, start_s=0.5, bpm=90.0),
        TempoSegment(start_beat=6.0, start_s=4.5, bpm=90.0, bpm_per_s=4.0),
        # 90 to 110 BPM in 5 s is 100 BPM on average: 25 / 3 beats.
        TempoSegment(start_beat=6.0 + 25 / 3, start_s=9.5, bpm=110.0),
    )
)
ODD = TempoMap(
    segments=(TempoSegment(start_beat=0.0, start_s=0.4, bpm=120.0),),
    first_bar=5,
    metres=(
        MetreChange(bar=8, beat=12.0, beats_per_bar=2),
        MetreChange(bar=9, beat=14.0, beats_per_bar=4),
        MetreChange(bar=11, beat=22.0, beats_per_bar=5),
        MetreChange(bar=12, beat=27.0, beats_per_bar=4),
    ),
)


def test_a_ramp_rises_linearly_in_time():
    for tau in (0.0, 1.25, 2.5, 5.0):
        beat = RISING.beat(4.5 + tau)
        assert beat == pytest.approx(6.0 + (90 * tau + 2 * tau * tau) / 60)
        assert RISING.bpm_at(beat) == pytest.approx(90 + 4 * tau)
    assert RISING.beats_in(0.6, 0.0) == pytest.approx(0.9)
    assert RISING.beats_in(0.6, 100.0) == pytest.approx(1.1)


def test_tempo_and_time_go_on_where_segments_meet():
    for before, after in pairwise(RISING.segments):
        assert before.seconds(after.start_beat) == pytest.approx(after.start_s, abs=1e-12)
        assert before.bpm_at(after.start_beat) == pytest.approx(after.bpm, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.floats(-20, 200), st.floats(40, 200), st.floats(40, 200), st.floats(0.5, 20))
def test_a_ramp_of_any_kind_can_be_asked_both_ways(beat, start, end, beats):
    seconds = 120 * beats / (start + end)
    tempo = TempoMap(
        segments=(
            TempoSegment(start_beat=0, start_s=1, bpm=start, bpm_per_s=(end - start) / seconds),
            TempoSegment(start_beat=beats, start_s=1 + seconds, bpm=end),
        )
    )
    assert tempo.beat(tempo.seconds(beat)) == pytest.approx(beat, abs=1e-9)
    assert tempo.seconds(beat + 0.01) > tempo.seconds(beat)
    assert tempo.bpm_at(beats - 1e-9) == pytest.approx(end, rel=1e-6)


def test_bars_follow_the_changes_of_metre():
    lines = [(bar.number, bar.beat, bar.beats) for bar in ODD.bar_lines(-4.0, 32.0)]
    assert lines == [
        (4, -4.0, 4),
        (5, 0.0, 4),
        (6, 4.0, 4),
        (7, 8.0, 4),
        (8, 12.0, 2),
        (9, 14.0, 4),
        (10, 18.0, 4),
        (11, 22.0, 5),
        (12, 27.0, 4),
        (13, 31.0, 4),
    ]
    assert [bar.number for bar in ODD.bar_lines(0.5, 12.0)] == [6, 7]
    assert ODD.place(13.0) == (1.0, 2)
    assert ODD.place(26.5) == (4.5, 5)
    assert ODD.place(-0.5) == (3.5, 4)
    assert ODD.place(14.0 - 1e-9) == (0.0, 4)


def test_a_hit_is_told_in_bars_and_beats():
    rate = FrameRate(24)
    told = [HitResult.measured(0, "cut", "", beat, ODD, rate) for beat in (12.0, 24.5, 15.27, 26.8)]
    assert [(hit.bar, hit.place) for hit in told] == [
        (8, "beat 1"),
        (11, "the half after beat 3"),
        (9, "between beats 2 and 3"),
        (11, "between beats 5 and 1"),
    ]


def test_a_map_survives_json_and_reads_an_older_one():
    data = msgspec.json.encode(ODD)
    assert msgspec.json.decode(data, type=TempoMap) == ODD
    older = b'{"segments":[{"start_beat":0.0,"start_s":0.4,"bpm":100.0}],"beats_per_bar":3}'
    tempo = msgspec.json.decode(older, type=TempoMap)
    assert tempo.seconds(5.0) == pytest.approx(3.4)
    assert tempo.bar_at(3.0).number == 2


def test_a_hostile_ramp_never_raises():
    falling = TempoMap(segments=(TempoSegment(start_beat=0, start_s=0, bpm=60, bpm_per_s=-30),))
    assert math.isfinite(falling.seconds(1e6))
    assert falling.bpm_at(1e6) == 0.0
