"""`musiscene caption AUDIO`: what music sounds like, or which scene it imagines, in words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning import prompts
from musiscene_core.captioning.heard import HeardSection, SoundCaptions
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import RequestError
from musiscene_core.protocol import connect
from musiscene_core.request import NANO, SIGNALS, CaptionStrategy
from musiscene_core.timeline import MediaReference
from musiscene_plugins.cli.inputs import parse_duration
from musiscene_plugins.cli.terminal import result_console, shown_progress

_NANO_TELLS = {
    *(prompts.DESCRIBE, prompts.MOOD, prompts.TEMPO),
    *prompts.QUESTIONS["scene_imagination"],
}
"""Where nobody is named nano is asked these; about players and genre it is too often wrong."""


def run(arguments: argparse.Namespace, paths: list[Path], target: Path | None) -> int:
    """Caption the sound of these files; returns the exit code."""
    request = listen_request(arguments, paths)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        made = client.listen(request, show, on_eta=show.eta, on_writing=show.writing)
    if target is not None:
        write_atomically(target, to_json(made))
    if arguments.json:
        sys.stdout.buffer.write(to_json(made))
        return 0
    _show(made, several=len(paths) > 1, how=arguments.how)
    if target is not None:
        result_console().print(f"Written: {target}", markup=False)
    return 0


def listen_request(arguments: argparse.Namespace, paths: list[Path]) -> ListenRequest:
    """The request that the arguments ask for.

    Raises:
        RequestError: a value makes no sense.
    """
    start_s = float(parse_duration(arguments.start)) if arguments.start else 0.0
    end_s = float(parse_duration(arguments.end)) if arguments.end else None
    sounds = [
        SoundPart(
            media=MediaReference(path=str(path), name=path.name), start_s=start_s, end_s=end_s
        )
        for path in paths
    ]
    strategy: CaptionStrategy = arguments.strategy or "music"
    return ListenRequest(
        sounds=tuple(sounds),
        strategy=strategy,
        questions=tuple(arguments.question),
        captioner=arguments.captioner or _usual(arguments.question),
        profile=arguments.profile,
        seed=arguments.seed,
        adapters=adapters_in(arguments.adapter),
        seen=arguments.seen,
        language=arguments.language,
        **_sectioning(arguments.section or "found"),
    )


def _usual(questions: list[str]) -> str:
    """Who listens where nobody is named: nano, but for what it is too often wrong about."""
    return NANO if set(questions) <= _NANO_TELLS else SIGNALS


def adapters_in(texts: list[str]) -> tuple[tuple[str, float], ...]:
    """Read "NAME:WEIGHT", or "NAME" for a weight of 1.

    Raises:
        RequestError: a weight is no number.
    """
    adapters = []
    for text in texts:
        name, colon, weight = text.rpartition(":")
        try:
            adapters.append((name, float(weight)) if colon else (text, 1.0))
        except ValueError:
            raise RequestError(
                f"{weight!r} is no weight.", hint="Write NAME:WEIGHT, such as house:0.7."
            ) from None
    return tuple(adapters)


def _sectioning(text: str) -> dict[str, Any]:
    if text in ("found", "whole"):
        return {"sectioning": text}
    return {"sectioning": "each", "section_s": float(parse_duration(text))}


def _show(made: SoundCaptions, *, several: bool, how: bool) -> None:
    console = result_console()
    notes: dict[str, None] = {}
    file = ""
    for heard in made.sections:
        if several and heard.section.media.name != file:
            file = heard.section.media.name
            console.print(file, markup=False, style="bold")
        console.print(_span(heard), markup=False)
        if heard.problem:
            console.print(f"  {heard.problem}", markup=False, style="yellow")
        for question, caption in zip(made.questions, heard.captions, strict=False):
            if len(made.questions) > 1:
                console.print(f"  {question}", markup=False, style="dim")
            console.print(f"  {caption.text}", markup=False)
            if how:
                show_how(caption)
            elif caption.how is not None:
                notes.update(dict.fromkeys(caption.how.notes))
    for note in notes:
        console.print(f"Note: {note}", markup=False, style="yellow")


def _span(heard: HeardSection) -> str:
    section = heard.section
    return f"{_clock(section.start_s)} - {_clock(section.end_s)}"


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    begin = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{begin}:{rest // 10:02d}.{rest % 10}"


def show_how(caption: Caption) -> None:
    """Print how a caption came about."""
    how, console = caption.how, result_console()
    if how is None:
        return
    facts = {
        "by": " ".join(filter(None, (how.writer, how.version))),
        "model": how.model,
        "asked at": how.place,
        "with": ", ".join(f"{name} {value:g}" for name, value in how.settings),
        "adapters": ", ".join(f"{name} {weight:g}" for name, weight in how.adapters),
        "prompt": how.prompt,
        "answer": how.raw,
        "dynamics": _dynamics(how),
        "themes": ", ".join(how.directions.themes) if how.directions else "",
        "notes": " ".join(how.notes),
    }
    for name, value in facts.items():
        if value:
            console.print(f"    {name}: {value}", markup=False, style="dim")


def _dynamics(how: HowWritten) -> str:
    levels = how.directions.dynamics if how.directions else ()
    return ", ".join(f"{level.level:.0%} at {level.time_s:g} s" for level in levels)
