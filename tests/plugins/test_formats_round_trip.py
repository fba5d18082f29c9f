from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane, Media
from tests.support.edits import ASPECTS, RATES, WRITTEN, kept, rich_edit, through

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"


def documented() -> dict[str, dict[str, bool]]:
    """The table of docs/formats.md: what each format is said to keep."""
    rows = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in DOCS.read_text().splitlines()
        if line.startswith("| ") and not re.match(r"^\| ?-", line)
    ]
    head = next(row for row in rows if row[0] == "kept")
    table = [row for row in rows if row[0] in ASPECTS]
    return {
        name: {row[0]: row[column] == "yes" for row in table}
        for column, name in enumerate(head)
        if name in WRITTEN
    }


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
@pytest.mark.parametrize("key", WRITTEN)
def test_what_comes_back_from_a_file_is_what_the_manual_says(
    key: str, rate: FrameRate, tmp_path: Path
) -> None:
    edit = rich_edit(rate)
    found = kept(edit, through(key, edit, tmp_path))
    assert found == documented()[key]
    assert found["clips, gaps and frames"]
    assert found["rate"]
    assert found["sound track names"]


@pytest.mark.parametrize("key", WRITTEN[1:])
def test_whatever_is_not_kept_is_said(key: str) -> None:
    told = " ".join(writable(key).losses(rich_edit(FrameRate(24))))
    words = {
        "clip names": "Clips are called",
        "constant speed": "Speed changes",
        "marker notes": "lose their notes",
        "marker colours": "lose their colours",
        "switched-off clips and tracks": "switched off",
        "media timecode": "timecode of media",
    }
    for aspect, is_kept in documented()[key].items():
        assert (words[aspect] in told) is not is_kept if aspect in words else is_kept


@pytest.mark.parametrize("key", WRITTEN)
@pytest.mark.parametrize(
    "media_rate", [FrameRate(24), FrameRate(30000, 1001), FrameRate(60)], ids=lambda r: r.name
)
def test_media_of_another_rate_lie_on_the_same_frames(
    key: str, media_rate: FrameRate, tmp_path: Path
) -> None:
    rate = FrameRate(25)
    media = Media("/media/a.mov", "a.mov", Fraction(0), Fraction(600), media_rate)
    events = tuple(Event("a", media, at, 33, rate.seconds(at * 7)) for at in (0, 33, 80, 200, 1001))
    edit = Edit("x", rate, 90_000, (Lane("V1", "video", events),))
    (lane,) = through(key, edit, tmp_path).lanes
    assert [(event.start, event.length) for event in lane.events] == [
        (event.start, event.length) for event in events
    ]
    for was, now in zip(events, lane.events, strict=True):
        assert abs(now.source - was.source) <= rate.seconds(1) / 2


@pytest.mark.parametrize("key", WRITTEN)
def test_an_empty_timeline_and_hostile_names_survive(key: str, tmp_path: Path) -> None:
    rate = FrameRate(24)
    media = Media('/m/"q" <&> ä.wav', '"q" <&> ä.wav', Fraction(0), Fraction(99))
    event = Event("]]> & \u202e", media, 3, 5)
    edit = Edit('<!--"&', rate, 0, (Lane("MX <b>", "audio", (event,)),))
    (lane,) = through(key, edit, tmp_path).lanes
    assert (lane.name, lane.events[0].start, lane.events[0].length) == ("MX <b>", 3, 5)
    assert lane.events[0].media is not None
    assert lane.events[0].media.url.endswith('/m/"q" <&> ä.wav')
    empty = through(key, replace(edit, lanes=()), tmp_path)
    assert empty.length == 0
