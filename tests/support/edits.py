"""A timeline with something of everything, and what of it comes back from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane, LaneKind, Media, Note, path_of
from musiscene_plugins.otio import open_timeline
from musiscene_plugins.otio.from_edit import timeline_from
from musiscene_plugins.otio.to_edit import edit_of

RATES = tuple(
    FrameRate.parse(text) for text in ("23.976", "24", "25", "29.97 DF", "30", "50", "59.94")
)
WRITTEN = ("otio", "fcp7", "fcpxml", "mlt", "kdenlive", "aaf")
SUFFIXES = {"otio": ".otio"} | {key: writable(key).suffix for key in WRITTEN[1:]}


def rich_edit(rate: FrameRate, stem: Path | None = None) -> Edit:
    """Two picture tracks, dialogue, two stems, gaps, levels, a retime, a mute and markers."""
    start = 3600 * rate.nominal
    seconds = rate.seconds
    shot_a = Media("/media/shot a & b.mov", "shot a & b.mov", Fraction(0), seconds(900), rate)
    shot_b = Media("/media/ünï#1.mov", "ünï#1.mov", seconds(start), seconds(2000), rate)
    voice = Media("/media/line.wav", "line.wav", Fraction(0), seconds(800))
    path = str(stem or "/media/bass.wav")
    music = Media(path, Path(path).name, seconds(start + 37), seconds(100))
    return Edit(
        name="Reel <1>",
        rate=rate,
        start=start,
        lanes=(
            Lane(
                "V1",
                "video",
                (
                    Event("one", shot_a, 0, 101, seconds(17)),
                    Event("one", shot_a, 101, 1, seconds(300)),
                    Event("two", shot_b, 150, 149, seconds(start + 5)),
                    Event("fast", shot_b, 320, 60, seconds(start + 400), Fraction(2)),
                ),
            ),
            Lane("V2", "video", (Event("over", shot_a, 90, 20, seconds(0)),)),
            Lane(
                "DX Boom",
                "audio",
                (
                    Event("line", voice, 13, 77, seconds(3), gain_db=-6.0),
                    Event("off", voice, 200, 40, seconds(100), enabled=False),
                ),
            ),
            Lane(
                "MusiScene Bass",
                "audio",
                (Event("bass", music, 37, 100, music.start, fade_in=12, fade_out=24),),
                added=True,
            ),
            Lane(
                "MusiScene Bass 2",
                "audio",
                (Event("bass", music, 37, 100, music.start),),
                enabled=False,
                added=True,
            ),
        ),
        notes=(Note(5, 1, "Hit: door", color="PURPLE"), Note(40, 60, "cue 1m1", "slow")),
    )


def long_edit(rate: FrameRate, clips: int = 10_000, files: int = 200) -> Edit:
    """Four tracks with a quarter of the clips each, a gap after every clip."""
    media = [
        Media(f"/media/{n}.mov", f"{n}.mov", Fraction(0), Fraction(900), rate) for n in range(files)
    ]
    events = tuple(
        Event(f"c{n}", media[n % files], 50 * n, 48, Fraction(n % 90)) for n in range(clips // 4)
    )
    kinds: tuple[LaneKind, ...] = ("video", "video", "audio", "audio")
    lanes = tuple(Lane(f"T{n}", kind, events) for n, kind in enumerate(kinds))
    return Edit("long", rate, 86_400, lanes)


def write(key: str, edit: Edit, path: Path) -> None:
    """Write `edit` in a format."""
    if key == "otio":
        path.write_text(otio.adapters.write_to_string(timeline_from(edit), "otio_json"))
    else:
        writable(key).write(edit, path)


def through(key: str, edit: Edit, folder: Path) -> Edit:
    """`edit` written in a format, and read back by the host."""
    path = folder / f"reel{SUFFIXES[key]}"
    write(key, edit, path)
    return read_back(path)


def read_back(path: Path) -> Edit:
    """The timeline file at `path` as the host reads it."""
    host = open_timeline(path)
    document = host._document
    found = edit_of(
        document.timeline,
        document,
        markers=host.markers(),
        had_tracks=len(document.timeline.tracks),
        had_markers=len(document.timeline.tracks.markers),
        path_of=host._path_of,
    )
    return replace(found, name=document.name)


def _heard(pick: Callable[[Event], object]) -> Callable[[Edit], object]:
    """What `pick` says of every clip that is on, lane by lane."""

    def picked(edit: Edit) -> object:
        return [
            (lane.kind, [pick(event) for event in lane.events if lane.enabled and event.enabled])
            for lane in edit.lanes
        ]

    return picked


def _place(event: Event) -> object:
    """Its frames, its media, and how far into the media it begins."""
    assert event.media is not None
    into = event.source - event.media.start
    retimed = event.name == "fast" or event.start == 320
    return event.start, event.length, path_of(event.media), None if retimed else into


def _switched_off(edit: Edit) -> object:
    return [
        (lane.kind, _place(event))
        for lane in edit.lanes
        for event in lane.events
        if not (lane.enabled and event.enabled)
    ]


def _retimed(edit: Edit) -> object:
    """The speed of the retimed clip, and whether it begins within a frame of where it did."""
    (event,) = [event for lane in edit.lanes for event in lane.events if event.start == 320]
    assert event.media is not None
    off = event.source - event.media.start - edit.rate.seconds(400)
    return event.speed, abs(off) <= edit.rate.seconds(1)


ASPECTS: dict[str, Callable[[Edit], object]] = {
    "rate": lambda edit: edit.rate,
    "start timecode": lambda edit: edit.start,
    "clips, gaps and frames": _heard(_place),
    "clip names": _heard(lambda event: event.name),
    "picture track names": lambda edit: [lane.name for lane in edit.of_kind("video")],
    "sound track names": lambda edit: [lane.name for lane in edit.of_kind("audio")],
    "constant speed": _retimed,
    "gain": _heard(lambda event: round(event.gain_db, 3)),
    "fades": _heard(lambda event: (event.fade_in, event.fade_out)),
    "switched-off clips and tracks": _switched_off,
    "media timecode": _heard(lambda event: event.media.start if event.media else None),
    "markers": lambda edit: [(note.start, note.length, note.name) for note in edit.notes],
    "marker notes": lambda edit: [note.comment for note in edit.notes],
    "marker colours": lambda edit: [note.color for note in edit.notes],
}


def kept(before: Edit, after: Edit) -> dict[str, bool]:
    """Which aspects of `before` came back in `after`, exactly."""
    return {name: view(before) == view(after) for name, view in ASPECTS.items()}
