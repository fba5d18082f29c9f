"""`musiscene caption`: words for a brief, a sound, or the scene of a movie, by what FILE is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from musiscene_core.brief import Captions, SceneBrief
from musiscene_core.captioning.measured import forget
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.protocol import Client, connect
from musiscene_core.request import NANO, SIGNALS, CaptionRequest, CaptionStrategy
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.caption_sound import adapters_in, show_how
from musiscene_plugins.cli.captioners import show_captioners
from musiscene_plugins.cli.terminal import ShownProgress, result_console, shown_progress

_SOUND_ALONE: tuple[CaptionStrategy, ...] = ("music", "scene_imagination")
_FOR_SOUND = ("question", "section", "start", "end", "seen")
"""Options that say nothing of a brief."""


def run(arguments: argparse.Namespace) -> int:
    """Write the captions that the arguments name; returns the exit code."""
    if arguments.measure_again:
        forget()
    if arguments.captioners:
        with connect() as client:
            infos = client.captioners()
        if arguments.measure_again:
            # The daemon may not have looked yet.
            infos = tuple(replace(one, device="", dtype="", token_s=0.0) for one in infos)
        show_captioners(infos, as_json=arguments.json)
        return 0
    if not arguments.file:
        raise RequestError(
            "What shall be captioned?", hint="Name a sound file, a movie or a brief.json."
        )
    paths = [Path(name).expanduser() for name in arguments.file]
    target = Path(arguments.output).expanduser() if arguments.output else None
    if target is not None:
        _check_target(target, paths[0])
    if any(path.suffix.lower() == ".json" for path in paths):
        if len(paths) > 1:
            raise RequestError("Briefs are captioned one at a time.", hint="Name one of them.")
        return _caption_brief(arguments, paths[0], target)
    if arguments.only:
        raise RequestError("--only names captions of a brief.", hint="Use --strategy for a sound.")
    picture = _pictured(arguments, paths)
    if picture is not None:
        return _caption_movie(arguments, picture, target)
    from musiscene_plugins.cli import caption_sound

    return caption_sound.run(arguments, [path.absolute() for path in paths], target)


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


def _pictured(arguments: argparse.Namespace, paths: list[Path]) -> TimelineRange | None:
    """The whole of a movie, where the strategy needs its picture; None where its sound will do."""
    if arguments.strategy in (None, *_SOUND_ALONE) or arguments.seen:
        return None
    from musiscene_core.media import probe
    from musiscene_plugins.host import RangeChoice
    from musiscene_plugins.otio import HostSettings, open_timeline

    if len(paths) > 1 or probe(paths[0]).video is None:
        return None
    return open_timeline(paths[0], HostSettings()).read_range(RangeChoice())


def _caption_brief(arguments: argparse.Namespace, path: Path, target: Path | None) -> int:
    from musiscene_core.spotting.recaption import marked

    _refuse_sound_options(arguments, "a brief")
    only = captions_named(arguments.only) + ((arguments.strategy,) if arguments.strategy else ())
    brief = marked(read_json(path, SceneBrief))
    request = _request(arguments, brief, tuple(dict.fromkeys(only)))
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        made = _captioned(client, request, show)
    return _report(arguments, request, made, target)


def _caption_movie(
    arguments: argparse.Namespace, timeline: TimelineRange, target: Path | None
) -> int:
    _refuse_sound_options(arguments, "the scene of a movie")
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        brief = client.spot(timeline, show, on_eta=show.eta)
        only: tuple[CaptionStrategy, ...] = (arguments.strategy,)
        if arguments.strategy == "fusion" and _captioner(arguments, brief) != SIGNALS:
            # It goes by what the captioner hears, which a spotted brief does not hold yet.
            only = ("music", "fusion")
        request = _request(arguments, brief, only)
        made = _captioned(client, request, show)
    return _report(arguments, request, made, target)


def _captioned(client: Client, request: CaptionRequest, show: ShownProgress) -> SceneBrief:
    return client.caption(request, show, on_eta=show.eta, on_writing=show.writing)


def _request(
    arguments: argparse.Namespace, brief: SceneBrief, only: tuple[CaptionStrategy, ...]
) -> CaptionRequest:
    return CaptionRequest(
        brief=brief,
        only=only,
        keep_edited=not arguments.edited_too,
        captioner=_captioner(arguments, brief),
        language=arguments.language,
        profile=arguments.profile,
        seed=arguments.seed,
        adapters=adapters_in(arguments.adapter),
    )


def _captioner(arguments: argparse.Namespace, brief: SceneBrief) -> str:
    """Who listens: nano where nobody is named and there is music to hear."""
    return str(arguments.captioner or (NANO if brief.temp_track.present else SIGNALS))


def _refuse_sound_options(arguments: argparse.Namespace, what: str) -> None:
    for name in _FOR_SOUND:
        if getattr(arguments, name):
            raise RequestError(
                f"--{name} says nothing of {what}.", hint="It goes with sound files."
            )


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


def _report(
    arguments: argparse.Namespace, request: CaptionRequest, made: SceneBrief, target: Path | None
) -> int:
    if target is not None:
        write_atomically(target, to_json(made))
    if arguments.json:
        sys.stdout.buffer.write(to_json(made))
        return 0
    _show(request, made, how=arguments.how)
    if target is not None:
        result_console().print(f"Written: {target}", markup=False)
    return 0


def _show(request: CaptionRequest, brief: SceneBrief, *, how: bool) -> None:
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
        if how:
            show_how(now)
        elif now.how is not None and now.how != (before.how if before is not None else None):
            for note in now.how.notes:
                console.print(f"  Note: {note}", markup=False, style="yellow")
