"""`musiscene caption`: write the captions of a brief anew, after others were edited."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from musiscene_core.brief import Captions, SceneBrief
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.protocol import connect
from musiscene_core.request import CaptionRequest, CaptionStrategy
from musiscene_plugins.cli.terminal import result_console, shown_progress


def run(arguments: argparse.Namespace) -> int:
    """Write the captions that the arguments name; returns the exit code."""
    from musiscene_core.spotting.recaption import marked

    path = Path(arguments.brief).expanduser()
    target = Path(arguments.output).expanduser() if arguments.output else None
    if target is not None:
        _check_target(target, path)
    request = CaptionRequest(
        brief=marked(read_json(path, SceneBrief)),
        only=captions_named(arguments.only),
        keep_edited=not arguments.edited_too,
        captioner=arguments.captioner,
    )
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        brief = client.caption(request, show, on_eta=show.eta)
    if target is not None:
        write_atomically(target, to_json(brief))
    if arguments.json:
        sys.stdout.buffer.write(to_json(brief))
        return 0
    _show(request, brief)
    if target is not None:
        result_console().print(f"Written: {target}", markup=False)
    return 0


def captions_named(text: str) -> tuple[CaptionStrategy, ...]:
    """The captions in "video,music"; none where the text is empty.

    Raises:
        RequestError: there is no such caption.
    """
    known: tuple[CaptionStrategy, ...] = get_args(CaptionStrategy)
    wanted = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise RequestError(
                f"There is no caption called {name!r}.", hint=f"A brief has {', '.join(known)}."
            )
    return tuple(name for name in known if name in wanted)


def _check_target(target: Path, source: Path) -> None:
    if target.exists() and not (target.is_file() and target.samefile(source)):
        raise OutputError(
            f"{target} is there already.",
            hint="Choose another --output; the brief itself may be replaced.",
        )
    if not target.parent.is_dir():
        raise OutputError(
            f"The folder {target.parent} is not there.", hint="Make it first, or choose another."
        )


def _show(request: CaptionRequest, brief: SceneBrief) -> None:
    console = result_console()
    for name in Captions.__struct_fields__:
        before, now = getattr(request.brief.captions, name), getattr(brief.captions, name)
        if not now.text:
            continue
        mark = (
            " (yours)"
            if now.edited or now.origin == "user"
            else " (new)"
            if now.text != before.text
            else ""
        )
        console.print(f"{name.replace('_', ' ').capitalize()}{mark}: {now.text}", markup=False)
