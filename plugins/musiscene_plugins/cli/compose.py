"""`musiscene compose`: a cue from words alone, without any picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.protocol import connect
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ComposeRequest, frames_of
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli.inputs import music_wishes, parse_duration
from musiscene_plugins.cli.score import show_ranking, show_take
from musiscene_plugins.cli.terminal import result_console, shown_progress
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.results import (
    check_output,
    check_vacant,
    publish_alone,
    sounds_of,
    vacant,
    with_reports,
)

_SHOWN_NAME = 40


def run(arguments: argparse.Namespace) -> int:
    """Compose what the arguments ask for; returns the exit code."""
    request = request_for(arguments)
    output = _output_folder(arguments)
    cue = TimelineRange(cue=request.cue, rate=request.rate, record=FrameRange(0, request.frames))
    check_vacant(output)
    check_output(output, cue, request.takes, sounds_of(request))
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        client.check(request)
        made = client.compose(request, show, on_eta=show.eta)
    brief = read_json(made[0][1] / "brief.json", SceneBrief)
    takes = publish_alone(output, brief, [TakeInFolder(take, folder) for take, folder in made])
    if arguments.report:
        with shown_progress(quiet=arguments.json) as show:
            takes = with_reports(takes, brief, show)
    if arguments.json:
        printed = [msgspec.to_builtins(t.take) | {"folder": str(t.folder)} for t in takes]
        sys.stdout.write(json.dumps(printed[0] if len(takes) == 1 else {"takes": printed}) + "\n")
        return 0
    for placed in takes:
        show_take(placed)
    show_ranking(takes)
    result_console().print(f"Written: {output}", markup=False)
    return 0


def request_for(arguments: argparse.Namespace) -> ComposeRequest:
    """The request that the arguments ask for.

    Raises:
        RequestError: a number out of range, no key, no length, or a mood that says nothing.
        TimecodeError: the rate is none, or a hit is no timecode.
    """
    rate = FrameRate.parse(arguments.rate) if arguments.rate else None
    frames, rate = frames_of(parse_duration(arguments.duration), rate)
    return ComposeRequest(
        mood=arguments.mood,
        frames=frames,
        rate=rate,
        cue=arguments.cue,
        **music_wishes(arguments, rate, 0),
    )


def _output_folder(arguments: argparse.Namespace) -> Path:
    if arguments.output:
        return Path(arguments.output).expanduser().absolute()
    name = file_name((arguments.cue or arguments.mood)[:_SHOWN_NAME])
    return vacant(Path.cwd() / f"{name}-cue")
