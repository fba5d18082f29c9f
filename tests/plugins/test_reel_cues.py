"""Which cues a reel has, what their notes ask for, and what makes a cue be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from musiscene_core.errors import InputError, MusiSceneError, RangeError, RequestError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.themes import ThemeUse
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, TimelineClip, TimelineRange
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.lanes import take_lanes
from musiscene_plugins.reel.cues import CueNote, listed_cues, marked_cues, read_note
from musiscene_plugins.reel.state import CueRecord, changed, dependencies, read_state
from tests.support.timelines import take_on_disk

RATE = FrameRate(24)


def marker(start: int, length: int, name: str = "", color: str = "", note: str = "") -> Marker:
    return Marker(
        record=FrameRange.from_length(start, length), name=name, color=color, comment=note
    )


def test_a_note_gives_words_themes_and_a_usage() -> None:
    assert read_note("tense, no drums; theme hero, river:hint\nusage mt; slower") == CueNote(
        words="tense, no drums; slower",
        themes=(ThemeUse("hero"), ThemeUse("river", "hint")),
        usage="MT",
    )
    assert read_note("") == CueNote()
    assert read_note("theme none").themes == ()


@pytest.mark.parametrize("note", ["usage XX", "theme hero:loudly", "theme " + "x" * 99])
def test_a_note_that_cannot_be_read_names_its_cue(note: str) -> None:
    with pytest.raises(RequestError, match="1m1"):
        marked_cues([marker(0, 10, "1m1", note=note)])


def test_markers_with_a_length_are_cues_in_order_of_time_with_names_of_their_own() -> None:
    found = [
        marker(90, 5, "chase"),
        marker(0, 9, ""),
        marker(50, 1, "bang"),
        marker(20, 9, "Chase"),
    ]
    cues = marked_cues(found)
    assert [(cue.name, cue.record.start) for cue in cues] == [
        ("cue 1", 0),
        ("Chase", 20),
        ("chase 2", 90),
    ]


def test_a_colour_picks_markers_and_one_that_is_not_there_names_those_that_are() -> None:
    found = [marker(0, 9, "a", "RED"), marker(20, 9, "b", "Green")]
    assert [cue.name for cue in marked_cues(found, "green")] == ["b"]
    with pytest.raises(RangeError) as refused:
        marked_cues(found, "blue")
    assert "Green, RED" in refused.value.hint


def test_a_list_is_read_with_any_delimiter_and_in_any_order_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "cues.csv"
    path.write_bytes(
        "\ufeffOut;Name;In;Notes\r\n01:00:02:00;zwei;01:00:01:00;ruhig\r\n10;eins;0;\r\n\r\n".encode()
    )
    first, second = listed_cues(path, RATE)
    assert (first.name, first.record) == ("eins", FrameRange(0, 10))
    assert (second.name, second.note.words) == ("zwei", "ruhig")
    assert second.record == FrameRange(86_424, 86_448)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column name and no in and no out"),
        (b"name,in\na,0\n", "no column out"),
        (b"name,in,out\n", "lists no cue"),
        (b"name,in,out\na,10,10\n", "has no length"),
        (b"name,in,out\na,x,10\n", "x"),
        (b"name,in,out\n\xff\xfe,0,10\n", "not a CSV"),
        (b"name,in,out\n" + b'"' + b"x" * 200_000, "not a CSV"),
        (b"name,in,out\n" + b"a,0,10\n" * 1001, "1000 cues"),
        (b"x" * (5 << 20), "too large"),
    ],
)
def test_a_bad_list_is_refused_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "cues.csv"
    path.write_bytes(content)
    with pytest.raises(MusiSceneError, match=said):
        listed_cues(path, RATE)


def reel_range(length: int = 100, clip_end: int = 200) -> TimelineRange:
    mapping = SourceMapping(FrameRange(0, clip_end), RATE, 10, RATE)
    media = MediaReference(path="/none.mov")
    return TimelineRange(
        cue="1m1",
        rate=RATE,
        record=FrameRange.from_length(20, length),
        clips=(TimelineClip(name="a", media=media, mapping=mapping),),
        markers=(marker(20, length, "1m1"), marker(30, 1, "bang")),
    )


def test_what_changed_is_named_and_a_trim_outside_the_cue_is_none() -> None:
    before = dependencies(reel_range(), CueNote(words="calm"), {"seed": 0}, "1")
    record = CueRecord(depends=before)
    assert changed(record, before) == ()
    trimmed = dependencies(reel_range(clip_end=150), CueNote(words="calm"), {"seed": 0}, "1")
    assert changed(record, trimmed) == ()
    other = dependencies(reel_range(length=90), CueNote(words="tense"), {"seed": 1}, "2")
    assert changed(record, other) == ("clips", "engine", "options", "range", "words")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"cues": 3}', b'{"schema_version": 99}'])
def test_a_damaged_state_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reel.reel.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_state(path)
    assert "Delete it" in refused.value.hint


def test_cues_share_lanes_and_further_takes_of_one_are_muted(tmp_path: Path) -> None:
    def take(name: str, start: int, length: int) -> TakeInFolder:
        record = FrameRange.from_length(start, length)
        return take_on_disk(tmp_path / name, rate=RATE, record=record, cue=name)

    late, early, over, second = (
        take("late", 50, 20),
        take("early", 0, 20),
        take("over", 10, 20),
        take("late again", 50, 20),
    )
    lanes = take_lanes([late, early, over, second])
    told = [([put.take.cue for put in lane.takes], lane.heard) for lane in lanes]
    assert told == [(["early", "late"], True), (["over"], True), (["late again"], False)]
