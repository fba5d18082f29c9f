"""`musiscene preview`: a small movie of the range with its music.

Of a take's folder: the picture its brief is about, the take's mix, dialogue and effects. Of a
movie or timeline: its picture and sound; where music was placed, without the temp track. A
movie's own sound, dialogue and temp music in one, is left out beside music unless asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import MediaOfflineError, RequestError
from musiscene_core.media import PictureSegment, SoundSegment, render_preview
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineClip, TimelineRange
from musiscene_plugins.cli.inputs import opened_host, range_choice
from musiscene_plugins.cli.terminal import result_console, shown_progress

_HEIGHTS = range(64, 2161)


def run(arguments: argparse.Namespace) -> int:
    """Render what the arguments name; returns the exit code."""
    if arguments.height not in _HEIGHTS or arguments.height % 2:
        raise RequestError("The height must be an even number from 64 to 2160.")
    folder = Path(arguments.file).expanduser().absolute()
    if (folder / "take.json").is_file():
        take = read_json(folder / "take.json", Take)
        timeline = read_json(folder.parent / "brief.json", SceneBrief).timeline
        music = [_whole_mix(take, folder)]
        target = folder / "preview.mp4"
    else:
        timeline = opened_host(arguments).read_range(range_choice(arguments))
        music = _sounds(timeline, timeline.by_role("score"))
        target = Path.cwd() / f"{timeline.cue}-preview.mp4"
    given = Path(arguments.output).expanduser().absolute() if arguments.output else None
    target = given or _free(target)
    sound = [*music, *_sounds(timeline, timeline.by_role("dialogue", "effects"))]
    if arguments.own_sound or not music:
        sound += _sounds(timeline, timeline.by_role("mixed"))
    if not music:
        sound += _sounds(timeline, timeline.by_role("temp_track"))
    picture = picture_segments(timeline)
    with shown_progress(quiet=arguments.json) as show:
        render_preview(
            picture, sound, target, rate=timeline.rate, height=arguments.height, progress=show
        )
    _report(arguments, target, timeline)
    return 0


def picture_segments(timeline: TimelineRange) -> list[PictureSegment]:
    """What is seen over the range: the topmost clip at each moment, black where there is none."""
    record, rate = timeline.record, timeline.rate
    clips = [clip for clip in timeline.by_role("picture") if _is_online(clip)]
    edges = {record.start, record.end}
    for clip in clips:
        edges |= {f for f in (clip.mapping.record.start, clip.mapping.record.end) if f in record}
    cuts = sorted(edges)
    segments = []
    for start, end in pairwise(cuts):
        seen = [clip for clip in clips if start in clip.mapping.record]
        length = rate.seconds(end - start)
        if not seen:
            segments.append(PictureSegment(path=None, source_start=Fraction(0), length=length))
            continue
        top = max(seen, key=lambda clip: clip.track_index)
        at = top.mapping.source_seconds(start)
        segments.append(PictureSegment(path=top.media.path, source_start=at, length=length))
    return segments


def retimed(timeline: TimelineRange) -> list[str]:
    """Names of the clips that do not run at normal speed, which the preview shows as if."""
    return sorted({clip.name for clip in timeline.clips if clip.mapping.speed != 1})


def _sounds(timeline: TimelineRange, clips: Sequence[TimelineClip]) -> list[SoundSegment]:
    segments = []
    for clip in clips:
        heard: FrameRange | None = clip.mapping.record.overlap(timeline.record)
        if heard is None or not _is_online(clip):
            continue
        segments.append(
            SoundSegment(
                path=clip.media.path,
                source_start=clip.mapping.source_seconds(heard.start),
                at=timeline.rate.seconds(heard.start - timeline.record.start),
                length=timeline.rate.seconds(heard.length),
                stream=clip.media.audio_stream,
            )
        )
    return segments


def _whole_mix(take: Take, folder: Path) -> SoundSegment:
    path = folder / take.mix
    if not path.is_file():
        raise MediaOfflineError(f"The take's mix {path} is missing.", hint="Score again.")
    length = Fraction(take.length_samples, take.sample_rate)
    return SoundSegment(path=path, source_start=Fraction(0), at=Fraction(0), length=length)


def _is_online(clip: TimelineClip) -> bool:
    return bool(clip.media.path) and Path(clip.media.path).is_file()


def _free(target: Path) -> Path:
    number, path = 1, target
    while os.path.lexists(path):
        number += 1
        path = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return path


def _report(arguments: argparse.Namespace, target: Path, timeline: TimelineRange) -> None:
    as_if = retimed(timeline)
    if arguments.json:
        result = {
            "preview": str(target),
            "seconds": round(timeline.length_seconds, 3),
            "at_normal_speed": as_if,
        }
        sys.stdout.write(json.dumps(result) + "\n")
        return
    console = result_console()
    console.print(f"Preview: {target} ({timeline.length_seconds:.2f} s)", markup=False)
    if as_if:
        console.print(f"Shown at normal speed: {', '.join(as_if)}", markup=False)
