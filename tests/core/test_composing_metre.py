import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiscene_core.composing.metre import Anchor, bars_between, bars_counted, metres_for
from musiscene_core.tempo_map import TempoMap, TempoSegment


def mapped(anchors, metre):
    first_bar, metres = metres_for(anchors, metre)
    only = TempoSegment(start_beat=0.0, start_s=0.0, bpm=100.0)
    return TempoMap(segments=(only,), beats_per_bar=metre, first_bar=first_bar, metres=metres)


@pytest.mark.parametrize(
    ("beats", "metre", "bars"),
    [
        (16, 4, (4, 4, 4, 4)),
        (13, 4, (4, 4, 5)),
        (10, 4, (4, 4, 2)),
        (11, 4, (4, 4, 3)),
        (2, 4, (2,)),
        (10, 3, (3, 3, 4)),
        (8, 3, (3, 3, 2)),
    ],
)
def test_only_the_last_bar_before_a_hit_is_odd(beats, metre, bars):
    assert bars_between(beats, metre) == bars


def test_a_number_of_bars_that_is_held_is_kept():
    assert bars_counted(12, 3, 4) == (4, 4, 4)
    assert bars_counted(14, 3, 4) == (4, 5, 5)
    assert bars_counted(7, 3, 4) == (3, 2, 2)
    assert bars_counted(15, 3, 4) == (5, 5, 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(4, 40), min_size=1, max_size=12), st.sampled_from((3, 4)))
def test_every_anchor_is_a_downbeat_and_the_metre_comes_back(gaps, metre):
    beats = [0.0]
    for gap in gaps:
        beats.append(beats[-1] + gap)
    tempo = mapped([Anchor(beat) for beat in beats], metre)
    assert all(tempo.place(beat)[0] == 0.0 for beat in beats)
    assert all(2 <= bar.beats <= 5 for bar in tempo.bar_lines(0.0, beats[-1]))
    odd = [bar for bar in tempo.bar_lines(0.0, beats[-1]) if bar.beats != metre]
    assert len(odd) <= len(gaps)
    assert all(bar.beat + bar.beats in beats for bar in odd)
    assert [bar.beats for bar in tempo.bar_lines(beats[-1], beats[-1] + 3 * metre)] == [metre] * 3


def test_bars_are_numbered_as_they_are_held():
    tempo = mapped([Anchor(8.0, 12), Anchor(26.0, 16)], 4)
    assert [(bar.number, bar.beat) for bar in tempo.bar_lines(0.0, 30.0)] == [
        (10, 0.0),
        (11, 4.0),
        (12, 8.0),
        (13, 12.0),
        (14, 16.0),
        (15, 21.0),
        (16, 26.0),
    ]
