"""`musiscene remix`: music that exists, fitted to a range of a timeline or to a length."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief, blank_brief
from musiscene_core.codec import read_json
from musiscene_core.errors import RequestError
from musiscene_core.protocol import connect
from musiscene_core.ranges import FrameRange
from musiscene_core.remixing.engine import NAME
from musiscene_core.remixing.fitted import JOINS_FILE, JoinReport
from musiscene_core.request import MusicFile, ScoreRequest, frames_of
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineRange
from musiscene_plugins.choosing import file_name, record_frame
from musiscene_plugins.cli.inputs import (
    licence_for,
    opened_host,
    parse_duration,
    range_choice,
)
from musiscene_plugins.cli.score import as_json, show_take
from musiscene_plugins.cli.scoring import Scored
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.host import EditorHost, TakeInFolder
from musiscene_plugins.results import (
    check_output,
    check_vacant,
    publish,
    publish_alone,
    vacant,
)


def run(arguments: argparse.Namespace) -> int:
    """Fit the music that the arguments name; returns the exit code."""
    music = Path(arguments.music).expanduser().absolute()
    if (arguments.file is None) == (arguments.duration is None):
        raise RequestError(
            "Remix fits music to a range of a timeline, or to a length.",
            hint="Give a movie or timeline after the music, or --duration SECONDS.",
        )
    output = _output_folder(arguments, music)
    host: EditorHost | None = None
    if arguments.file is not None:
        host = opened_host(arguments, output)
        timeline = host.read_range(range_choice(arguments))
    else:
        timeline = _alone(arguments, music)
        check_vacant(output)
    request = _request(arguments, music, timeline)
    check_output(output, timeline, request.takes)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        client.check(request)
        found = client.score(request, show, on_eta=show.eta)
    brief = read_json(found[0][1] / "brief.json", SceneBrief)
    takes = [TakeInFolder(take, folder) for take, folder in found]
    placed = ""
    if host is not None:
        takes = publish(output, brief, takes)
        placed = host.place_takes(takes, layout="mix").timeline
    else:
        takes = publish_alone(output, brief, takes)
    _report(arguments, Scored(brief=brief, takes=takes, timeline=placed))
    return 0


def _request(arguments: argparse.Namespace, music: Path, timeline: TimelineRange) -> ScoreRequest:
    rate, start = timeline.rate, timeline.record.start
    return ScoreRequest(
        brief=blank_brief(timeline),
        engine=NAME,
        takes=arguments.takes,
        seed=arguments.seed,
        tempo_bpm=arguments.tempo,
        hits=tuple(sorted({record_frame(text, rate) - start for text in arguments.hit})),
        loudness_lufs=arguments.loudness,
        licence=licence_for(arguments),
        music=MusicFile(
            media=MediaReference(path=str(music), name=music.name),
            bar_line_s=arguments.bar_line,
            beats_per_bar=arguments.beats_per_bar,
            keep_beginning=arguments.keep_beginning,
        ),
    )


def _alone(arguments: argparse.Namespace, music: Path) -> TimelineRange:
    """A range of the length asked for, on no timeline."""
    if arguments.record_in or arguments.record_out or arguments.marker:
        raise RequestError(
            "--in, --out and --marker name a range of a timeline.",
            hint="Give the timeline, or --duration alone.",
        )
    given = FrameRate.parse(arguments.rate) if arguments.rate else None
    frames, rate = frames_of(parse_duration(arguments.duration), given)
    cue = file_name(arguments.cue or music.stem)
    return TimelineRange(cue=cue, rate=rate, record=FrameRange(0, frames))


def _output_folder(arguments: argparse.Namespace, music: Path) -> Path:
    if arguments.output:
        return Path(arguments.output).expanduser().absolute()
    if arguments.file is not None:
        return Path.cwd() / f"{file_name(Path(arguments.file).stem)}-score"
    return vacant(Path.cwd() / f"{file_name(music.stem)}-remix")


def _report(arguments: argparse.Namespace, made: Scored) -> None:
    reports = [read_json(one.folder / JOINS_FILE, JoinReport) for one in made.takes]
    if arguments.json:
        printed = as_json(made)
        for take, report in zip(printed.get("takes", [printed]), reports, strict=True):
            take["remix"] = msgspec.to_builtins(report)
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
        return
    console = result_console()
    for one, report in zip(made.takes, reports, strict=True):
        show_take(one)
        for line in join_lines(report):
            console.print(f"  {line}", markup=False)
    if made.timeline:
        console.print(f"Timeline: {made.timeline}", markup=False)


def join_lines(report: JoinReport) -> list[str]:
    """A report of joins in words, a line each."""
    lines = []
    if report.on_beats:
        about = f"{report.tempo_bpm:.1f} BPM, {report.beats_per_bar} beats a bar"
        lines.append(f"{report.music}: {about}")
    for join in report.joins:
        where = f"{join.from_s:.2f} s to {join.to_s:.2f} s"
        if join.to_bar:
            where = f"bar {join.from_bar} to bar {join.to_bar}, {join.likeness:.0%} alike"
        lines.append(f"Join at {join.at_s:.2f} s: {where}")
    if not report.joins:
        lines.append("No joins: one stretch of the music.")
    for part in report.stretches:
        how = "longer" if part.percent > 0 else "shorter"
        lines.append(f"{part.start_s:.2f} s to {part.end_s:.2f} s: {abs(part.percent):.2f} % {how}")
    return lines
