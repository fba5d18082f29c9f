"""Two versions of a range compared, and what of a request outlives the change."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from musiscene_core.brief import Caption, Captions
from musiscene_core.codec import to_json
from musiscene_core.conforming import Changes, compare, conformed, held
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.request import HeldBar, ScoreRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineClip, TimelineRange
from tests.support.scenes import brief_of

START = 86_400
RATE = FrameRate(24)


def clip(
    name: str,
    at: int,
    length: int,
    *,
    source: int = 0,
    role: Role = "picture",
    layer: int = 0,
    speed: tuple[int, int] = (1, 1),
    folder: str = "/media",
    start: int = START,
    rate: FrameRate = RATE,
) -> TimelineClip:
    """A clip that begins at cue frame `at` of a range at `start`."""
    return TimelineClip(
        name=name,
        media=MediaReference(path=f"{folder}/{name}.mov"),
        mapping=SourceMapping(
            record=FrameRange.from_length(start + at, length),
            record_rate=rate,
            source_start=source,
            source_rate=rate,
            speed_numerator=speed[0],
            speed_denominator=speed[1],
        ),
        track_index=layer,
        role=role,
    )


def scene(
    *clips: TimelineClip,
    length: int = 300,
    start: int = START,
    markers: Sequence[tuple[str, int]] = (),
    rate: FrameRate = RATE,
) -> TimelineRange:
    return TimelineRange(
        cue="1m1",
        rate=rate,
        record=FrameRange.from_length(start, length),
        clips=clips,
        markers=tuple(
            Marker(record=FrameRange.from_length(start + at, 1), name=n) for n, at in markers
        ),
    )


OLD = scene(clip("a", 0, 100), clip("b", 100, 100, source=50), clip("c", 200, 100))


def told(new: TimelineRange, old: TimelineRange = OLD) -> dict[str, str]:
    return {change.name: change.how for change in compare(old, new).clips if not change.same}


def test_the_same_range_needs_no_new_music_wherever_it_lies() -> None:
    assert not compare(OLD, OLD).needs_music
    assert compare(OLD, OLD).table() == ()
    moved = scene(
        *(
            clip(name, at, 100, source=source, start=5000)
            for name, at, source in (("a", 0, 0), ("b", 100, 50), ("c", 200, 0))
        ),
        start=5000,
    )
    changes = compare(OLD, moved)
    assert not changes.needs_music
    assert changes.table() == (("the range", "at 86400", "at 5000", "moved as a whole"),)


@pytest.mark.parametrize(
    ("clips", "length", "expected"),
    [
        (
            (clip("a", 0, 100), clip("c", 100, 100)),
            200,
            {"b": "removed", "c": "100 frames earlier"},
        ),
        (
            (clip("a", 0, 100), clip("b", 100, 76, source=74), clip("c", 176, 100)),
            276,
            {"b": "24 frames off its beginning, 24 frames earlier", "c": "24 frames earlier"},
        ),
        (
            (clip("a", 0, 90), clip("b", 90, 110, source=40), clip("c", 200, 100)),
            300,
            {"a": "10 frames off its end", "b": "10 frames onto its beginning"},
        ),
        (
            (clip("b", 0, 100, source=50), clip("a", 100, 100), clip("c", 200, 100)),
            300,
            {"a": "100 frames later", "b": "100 frames earlier"},
        ),
        (
            (clip("a", 0, 100), clip("b", 100, 100, source=50, speed=(1, 2)), clip("c", 200, 100)),
            300,
            {"b": "speed 100% to 50%"},
        ),
        (
            (*OLD.clips, clip("d", 40, 20, layer=1), clip("line", 10, 50, role="dialogue")),
            300,
            {"d": "added", "line": "added"},
        ),
        (
            (clip("a", 0, 100), clip("b", 100, 100, source=200), clip("c", 200, 100)),
            300,
            {"b": "removed"},
        ),
    ],
    ids=["lift", "trim head", "roll", "swap", "retime", "add", "slip away"],
)
def test_what_an_editor_did_is_said(
    clips: tuple[TimelineClip, ...], length: int, expected: dict[str, str]
) -> None:
    new = scene(*clips, length=length)
    assert told(new) == expected
    assert compare(OLD, new).needs_music


def test_a_trimmed_range_shows_less_of_its_clips() -> None:
    new = TimelineRange(
        cue="1m1", rate=RATE, record=FrameRange(START + 50, START + 250), clips=OLD.clips
    )
    changes = compare(OLD, new)
    assert [(c.head, c.tail, c.moved) for c in changes.clips] == [
        (50, 0, -50),
        (0, 0, -50),
        (0, 50, -50),
    ]
    assert changes.table()[0] == ("the range", "300 frames", "200 frames", "100 frames shorter")


def test_moved_files_placed_music_and_empty_tracks_change_nothing() -> None:
    relinked = [
        clip("a", 0, 100, folder="/other", layer=3),
        clip("b", 100, 100, source=50, folder="/other", layer=3),
        clip("c", 200, 100, folder="/other", layer=3),
        clip("MusiScene Bass", 0, 300, role="score"),
    ]
    assert told(scene(*relinked)) == {}


def test_another_layer_above_is_a_change() -> None:
    old = scene(clip("a", 0, 100), clip("b", 0, 100, layer=1))
    new = scene(clip("a", 0, 100, layer=1), clip("b", 0, 100))
    assert told(new, old) == {"a": "on another layer", "b": "on another layer"}


def test_of_equal_shots_the_one_at_its_place_stays() -> None:
    loop = [clip("x", at, 10) for at in range(0, 50, 10)]
    new = scene(*loop[:2], *loop[3:], length=300)
    (gone,) = [change for change in compare(scene(*loop), new).clips if not change.same]
    assert (gone.was, gone.now) == (FrameRange(20, 30), None)


def test_another_rate_and_markers_are_changes() -> None:
    slow = scene(rate=FrameRate(25))
    assert compare(scene(), slow).table() == (("frame rate", "24", "25", "changed"),)
    before = scene(markers=[("door", 10), ("gun", 20), ("", 30)])
    after = scene(markers=[("door", 10), ("kiss", 20), ("", 31)])
    changes = compare(before, after)
    assert changes.needs_music
    assert [(row[0], row[3]) for row in changes.table()] == [
        ("marker gun", "removed"),
        ("marker ", "moved"),
        ("marker kiss", "added"),
    ]


@pytest.mark.parametrize(
    ("hit", "now", "why"),
    [
        (0, 0, "with the beginning of a"),
        (100, 100, "with the beginning of b"),
        (110, None, "dropped: its moment was cut off b"),
        (150, 126, "with b"),
        (200, None, "dropped: c is gone"),
        (299, None, "dropped: c is gone"),
    ],
)
def test_a_held_hit_goes_with_its_moment(hit: int, now: int | None, why: str) -> None:
    new = scene(clip("a", 0, 100), clip("b", 100, 76, source=74), length=176)
    (fate,) = compare(OLD, new, (hit,)).hits
    assert (fate.was, fate.now, fate.why) == (hit, now, why)


def test_a_held_hit_follows_its_marker_speed_and_gap() -> None:
    old = scene(clip("a", 50, 100), markers=[("door", 60), ("two", 70), ("two", 80)])
    new = scene(clip("a", 60, 50, speed=(2, 1)), markers=[("door", 200), ("two", 1), ("two", 2)])
    fates = compare(old, new, (10, 60, 70, 90, 200)).hits
    assert [fate.now for fate in fates] == [10, 200, 70, 80, 160]
    assert [fate.why for fate in fates] == [
        *("where it was", "with the marker door", "with a", "with a", "behind a")
    ]
    (late,) = compare(old, scene(clip("a", 60, 50), length=100), (160,)).hits
    assert (late.now, late.why) == (None, "dropped: its moment lies outside the range now")


def test_at_another_rate_a_hit_keeps_its_moment() -> None:
    at_25 = FrameRate(25)
    new = scene(clip("a", 25, 100, rate=at_25, start=90_000), length=300, start=90_000, rate=at_25)
    (fate,) = compare(scene(clip("a", 0, 96)), new, (48,)).hits
    assert fate.now == 75


def test_a_request_keeps_what_the_user_chose() -> None:
    old = brief_of(10.0)
    mine = Captions(video=Caption("seen"), fusion=Caption("felt piano", "user", edited=True))
    request = ScoreRequest(
        brief=msgspec.structs.replace(old, captions=mine),
        engine="flute",
        seed=8,
        tempo_bpm=71.0,
        tonic=2,
        hits=(24, 200),
    )
    spotted = msgspec.structs.replace(
        brief_of(8.0), captions=Captions(video=Caption("new"), fusion=Caption("rule"))
    )
    changes = compare(old.timeline, spotted.timeline, request.hits or ())
    made = conformed(request, spotted, changes)
    assert made.hits == (24,)
    assert [hit.was for hit in changes.dropped] == [200]
    assert (made.brief.captions.video.text, made.brief.captions.fusion) == ("new", mine.fusion)
    assert made.brief.timeline == spotted.timeline
    assert (made.engine, made.seed, made.tempo_bpm, made.tonic) == ("flute", 8, 71.0, 2)
    lost = compare(old.timeline, spotted.timeline, (200,))
    assert conformed(request, spotted, lost).hits is None


def test_a_drawn_emotion_curve_stays_with_its_film() -> None:
    old = msgspec.structs.replace(brief_of(12.5), timeline=OLD)
    points = tuple(
        msgspec.structs.replace(point, valence=index / 100)
        for index, point in enumerate(old.emotion_curve.points)
    )
    drawn = msgspec.structs.replace(old.emotion_curve, points=points, edited=True)
    request = ScoreRequest(brief=msgspec.structs.replace(old, emotion_curve=drawn))
    # Shot b is gone, and c, four seconds earlier, is followed by something new.
    new = scene(clip("a", 0, 96), clip("c", 96, 96), clip("new", 192, 96), length=288)
    spotted = msgspec.structs.replace(brief_of(12.0, valence=-1.0), timeline=new)
    made = conformed(request, spotted, compare(OLD, new)).brief
    values = [round(100 * point.valence) for point in made.emotion_curve.points]
    assert values == [*range(8), *(17 + step for step in range(8)), *[-100] * 8]
    assert made.emotion_curve.edited
    assert [point.time_s for point in made.emotion_curve.points] == [
        point.time_s for point in spotted.emotion_curve.points
    ]
    assert any(warning.startswith("67% of the emotion curve") for warning in made.warnings)
    same = conformed(request, old, compare(OLD, OLD)).brief
    assert (same.emotion_curve, same.warnings) == (drawn, ())


def test_held_bars_are_freed_and_that_is_said() -> None:
    old = msgspec.structs.replace(brief_of(12.5), timeline=OLD)
    request = ScoreRequest(brief=old, hits=(150,), bars=(HeldBar(1, 24), HeldBar(2, 72)))
    new = scene(clip("b", 0, 100, source=50), length=100)
    changes = compare(OLD, new, held(request))
    made = conformed(request, msgspec.structs.replace(old, timeline=new), changes)
    assert (made.hits, made.bars) == ((50,), ())
    assert any("Bars" in warning for warning in made.brief.warnings)


def test_changes_survive_being_stored() -> None:
    changes = compare(OLD, scene(clip("a", 0, 100), length=200, markers=[("x", 1)]), (0, 150))
    assert msgspec.json.decode(to_json(changes), type=Changes) == changes


def test_thousands_of_clips_of_one_file_are_paired() -> None:
    cuts = range(500)
    old = scene(*(clip("x", 4 * i, 4, source=4 * i) for i in cuts), length=2_000)
    new = scene(*(clip("x", 3 * i, 3, source=4 * i) for i in cuts if i), length=1_500)
    changes = compare(old, new)
    assert [change.how for change in changes.clips if change.now is None] == ["removed"]
    kept = [change for change in changes.clips if change.now is not None]
    assert {(change.head, change.tail) for change in kept} == {(0, 1)}
    assert len(kept) == 499
