"""Scoring a file again that we have scored: ours alone goes, and only where nobody touched it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane
from musiscene_plugins.formats.tags import Tag
from musiscene_plugins.host import Placement, PlacePolicy, RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.edits import RATES, SUFFIXES, WRITTEN, read_back, rich_edit, through
from tests.support.timelines import take_on_disk

OTHERS = WRITTEN[1:]
JOINED = ("fcp7", "fcpxml")


def users_edit(rate: FrameRate) -> Edit:
    """The rich timeline without music of ours, and without our marker."""
    edit = rich_edit(rate)
    lanes = tuple(lane for lane in edit.lanes if not lane.name.startswith("MusiScene"))
    return replace(edit, lanes=lanes, notes=edit.notes[1:])


def placed(
    path: Path, folder: Path, start: int, *, policy: PlacePolicy = "new", hit: int = 42
) -> Placement:
    host = open_timeline(path)
    rate = host.describe().rate
    record = FrameRange.from_length(host.describe().record.start + start, 90)
    take = take_on_disk(folder, rate=rate, record=record, hits=(hit,), samples=9600)
    return host.place_takes([take], policy=policy)


def seen(edit: Edit) -> object:
    """What a user's timeline holds, as far as its format keeps it."""
    lanes = [
        (lane.name, lane.kind, lane.enabled, tuple(replace(e, tag=None) for e in lane.events))
        for lane in edit.lanes
    ]
    return lanes, [(note.start, note.length, note.name, note.comment) for note in edit.notes]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
@pytest.mark.parametrize("key", OTHERS)
def test_replacing_leaves_the_users_timeline_and_the_new_take(
    key: str, rate: FrameRate, tmp_path: Path
) -> None:
    before = through(key, users_edit(rate), tmp_path)
    first = placed(tmp_path / f"reel{SUFFIXES[key]}", tmp_path / "a", 150)
    other = placed(Path(first.timeline), tmp_path / "b", 10)
    again = placed(Path(other.timeline), tmp_path / "c", 150, policy="replace", hit=50)
    after = read_back(Path(again.timeline))
    mine = [lane for lane in after.lanes if lane.name.startswith("MusiScene")]
    assert (
        seen(replace(after, lanes=tuple(lane for lane in after.lanes if lane not in mine)))[0]
        == (seen(before)[0])
    )
    lies = sorted((event.start, event.media.url) for lane in mine for event in lane.events)
    assert [start for start, _ in lies] == [10] * 5 + [150] * 5
    assert all("/b/" in url for _, url in lies[:5])
    assert all("/c/" in url for _, url in lies[5:])
    hits = [note.start for note in after.notes if note.tag is not None]
    assert hits == [52, 200]
    assert len(after.notes) == len(before.notes) + 2
    assert open_timeline(Path(again.timeline)).markers() == (
        open_timeline(tmp_path / f"reel{SUFFIXES[key]}").markers()
    )


@pytest.mark.parametrize("key", OTHERS)
def test_what_someone_moved_trimmed_or_joined_is_theirs(key: str, tmp_path: Path) -> None:
    through(key, users_edit(FrameRate(24)), tmp_path)
    first = placed(tmp_path / f"reel{SUFFIXES[key]}", tmp_path / "a", 150)
    edit = read_back(Path(first.timeline))

    def touched(number: int, event: Event) -> Event:
        if number == 0:
            return replace(event, start=event.start + 1)
        return replace(event, length=event.length - 1) if number == 1 else event

    mine = [lane for lane in edit.lanes if lane.is_ours]
    sting = replace(mine[2].events[0], start=400, length=10, tag=None)
    new = {
        id(lane): replace(lane, events=(touched(number, lane.events[0]),))
        for number, lane in enumerate(mine)
    }
    new[id(mine[2])] = replace(mine[2], events=(mine[2].events[0], sting))
    edited = replace(edit, lanes=tuple(new.get(id(lane), lane) for lane in edit.lanes))
    path = tmp_path / f"edited{SUFFIXES[key]}"
    writable(key).write(edited, path)
    after = read_back(Path(placed(path, tmp_path / "b", 150, policy="replace").timeline))
    old = [
        (lane.name, event.start, event.length)
        for lane in after.lanes
        for event in lane.events
        if event.media is not None and "/a/" in event.media.url
    ]
    expected = [
        (mine[0].name, 151, 90),
        (mine[1].name, 150, 89),
    ]
    if key != "aaf":  # there the tag lies on the sound itself, and the sting plays the same
        expected.append((mine[2].name, 400, 10))
    assert [entry for entry in old if entry[1] != 400 or key != "aaf"] == expected


@pytest.mark.parametrize("key", OTHERS)
def test_skipping_knows_ours_and_undo_takes_the_copy_away(key: str, tmp_path: Path) -> None:
    through(key, users_edit(FrameRate(25)), tmp_path)
    reel = tmp_path / f"reel{SUFFIXES[key]}"
    bytes_before = reel.read_bytes()
    first = placed(reel, tmp_path / "a", 150)
    scored = Path(first.timeline)
    skipped = placed(scored, tmp_path / "b", 200, policy="skip")
    assert (skipped.tracks, skipped.skipped) == ((), ("take-1",))
    beside = placed(scored, tmp_path / "c", 10, policy="skip")
    assert beside.skipped == ()
    host = open_timeline(scored)
    host.remove_placement(beside)
    assert not Path(beside.timeline).exists()
    host.remove_placement(first)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [reel.name]
    assert reel.read_bytes() == bytes_before


@pytest.mark.parametrize("key", JOINED)
def test_a_joined_document_is_as_it_was_once_ours_is_replaced_away(
    key: str, tmp_path: Path
) -> None:
    through(key, users_edit(FrameRate(24)), tmp_path)
    first = placed(tmp_path / f"reel{SUFFIXES[key]}", tmp_path / "a", 150)
    second = placed(Path(first.timeline), tmp_path / "b", 150, policy="replace")
    one, two = (
        Path(made.timeline).read_text().replace(f"{tmp_path}/{folder}/", "")
        for made, folder in ((first, "a"), (second, "b"))
    )
    assert sorted(e.tag for e in ElementTree.fromstring(one).iter()) == sorted(
        e.tag for e in ElementTree.fromstring(two).iter()
    )
    root = ElementTree.fromstring(two)
    assert str(tmp_path / "a") not in Path(second.timeline).read_text()
    kinds = ("clipitem", "asset", "format")
    names = [(e.tag, e.get("id")) for e in root.iter() if e.get("id") and e.tag in kinds]
    assert len(names) == len(set(names))
    files = [e.get("id") for e in root.iter("file") if len(e)]
    assert len(files) == len(set(files))


def test_a_described_file_moves_to_whoever_still_plays_it(tmp_path: Path) -> None:
    through("fcp7", users_edit(FrameRate(24)), tmp_path)
    first = Path(placed(tmp_path / "reel.xml", tmp_path / "a", 150).timeline)
    root = ElementTree.fromstring(first.read_text())
    tracks = root.findall("sequence/media/audio/track")
    item = next(e for e in tracks[-1].iter("clipitem"))
    entry = item.find("file")
    assert entry is not None
    copy = ElementTree.fromstring(ElementTree.tostring(item))
    for tag, text in (("start", "300"), ("end", "390")):
        found = copy.find(tag)
        assert found is not None
        found.text = text
    again = copy.find("file")
    assert again is not None
    for child in list(again):
        again.remove(child)
    theirs = ElementTree.SubElement(root.find("sequence/media/audio"), "track")  # type: ignore[arg-type]
    theirs.append(copy)
    path = tmp_path / "edited.xml"
    path.write_bytes(ElementTree.tostring(root))
    placed_again = placed(path, tmp_path / "b", 150, policy="replace")
    host = open_timeline(Path(placed_again.timeline))
    scene = host.read_range(RangeChoice(record_in="86400"))
    assert [
        clip.media.path for clip in scene.clips if clip.mapping.record.start == 86_400 + 300
    ] == [str(tmp_path / "a" / "take-1" / "stems" / Path(clip_path(entry)).name)]


def clip_path(entry: ElementTree.Element) -> str:
    return entry.findtext("pathurl") or ""


@pytest.mark.parametrize("key", OTHERS)
def test_takes_that_overlap_lie_on_tracks_of_their_own(key: str, tmp_path: Path) -> None:
    through(key, users_edit(FrameRate(24)), tmp_path)
    host = open_timeline(tmp_path / f"reel{SUFFIXES[key]}")
    takes = [
        take_on_disk(
            tmp_path / cue,
            rate=FrameRate(24),
            record=FrameRange.from_length(86_400 + start, 90),
            cue=cue,
            samples=100,
        )
        for cue, start in (("1m1", 20), ("1m2", 80), ("1m3", 170))
    ]
    placement = host.place_takes(takes, layout="mix")
    assert placement.tracks == ("MusiScene Mix", "MusiScene Mix 2")
    after = read_back(Path(placement.timeline))
    lies = {lane.name: [event.start for event in lane.events] for lane in after.of_kind("audio")}
    assert (lies["MusiScene Mix"], lies["MusiScene Mix 2"]) == ([20, 170], [80])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"take": 7}', '{"take": "x"' * 9, "x" * 9999, '{"take":{"a":[[]]}}'],
)
def test_a_damaged_tag_is_no_tag_or_an_empty_one(text: str) -> None:
    found = Tag.from_json(text)
    assert found is None or (found.take, found.start) == ("", None)
    assert Tag.from_line(text) is None


def test_a_tag_comes_back_from_text_and_from_a_line() -> None:
    tag = Tag("1m1", "take-2", "bass", "composer", str(2**63), "ab12", 86_400, 90)
    assert Tag.from_json(tag.to_json()) == tag
    line = Tag.from_line(tag.to_line())
    assert line is not None
    assert line.of_take == tag.of_take


def test_a_lane_is_ours_by_its_name_and_its_music() -> None:
    event = Event("a", None, 0, 5, tag=Tag(take="take-1"))
    assert Lane("MusiScene Bass", "audio", (event,)).is_ours
    assert not Lane("Music", "audio", (event,)).is_ours
    assert not Lane("MusiScene Bass", "audio", (replace(event, tag=None),)).is_ours
