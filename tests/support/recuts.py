"""Timelines that random edits are done to, with the truth of where every frame went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange

START = 86_400


@dataclass(frozen=True)
class Shot:
    """Frames [first, first + length) of a file."""

    media: str
    first: int
    length: int


def cut_list(random: Random, shots: int, *, files: int = 3) -> list[Shot]:
    """Shots of a few files, each file in pieces that nothing else shows."""
    used = dict.fromkeys((f"reel{number}" for number in range(files)), 0)
    found = []
    for _ in range(shots):
        media = random.choice(sorted(used))
        length = random.randint(12, 120)
        found.append(Shot(media, used[media], length))
        used[media] += length + random.choice((0, 0, 24))
    return found


def edited(shots: Sequence[Shot], random: Random, edits: int) -> list[Shot]:
    """`shots` after so many trims, ripple deletes, inserts, swaps, blades and replacements."""
    new = list(shots)
    for number in range(edits):
        at = random.randrange(len(new))
        shot = new[at]
        kind = random.choice(("trim", "delete", "insert", "swap", "blade", "replace"))
        if kind == "trim" and shot.length > 4:
            cut = random.randint(1, shot.length // 2)
            first = shot.first + random.choice((0, cut))
            new[at] = Shot(shot.media, first, shot.length - cut)
        elif kind == "delete" and len(new) > 3:
            del new[at]
        elif kind == "insert":
            new.insert(at, Shot(f"new{number}", 0, random.randint(5, 80)))
        elif kind == "swap" and at + 1 < len(new):
            new[at], new[at + 1] = new[at + 1], new[at]
        elif kind == "blade" and shot.length > 8:
            left = random.randint(3, shot.length - 3)
            new[at : at + 1] = [
                Shot(shot.media, shot.first, left),
                Shot(shot.media, shot.first + left, shot.length - left),
            ]
        elif kind == "replace":
            new[at] = Shot(f"new{number}", 0, shot.length)
    return new


def laid_out(
    shots: Sequence[Shot], *, start: int = START, rate: FrameRate | None = None
) -> TimelineRange:
    """The shots one after the other, the range over all of them."""
    rate = rate or FrameRate(24)
    clips = []
    at = start
    for shot in shots:
        clips.append(
            TimelineClip(
                name=shot.media,
                media=MediaReference(path=f"/media/{shot.media}.mov"),
                mapping=SourceMapping(
                    record=FrameRange.from_length(at, shot.length),
                    record_rate=rate,
                    source_start=shot.first,
                    source_rate=rate,
                ),
            )
        )
        at += shot.length
    return TimelineRange(cue="1m1", rate=rate, record=FrameRange(start, at), clips=tuple(clips))


def frames_of(shots: Sequence[Shot]) -> list[tuple[str, int]]:
    """What every frame shows."""
    return [(shot.media, shot.first + frame) for shot in shots for frame in range(shot.length)]
