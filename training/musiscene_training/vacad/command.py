"""`musiscene-train vacad`: its arguments, and what it says. Loads torch only for a stage of it."""

from __future__ import annotations

import argparse
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from musiscene_core.captioning.language.chosen import chosen
from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.errors import InputError
from musiscene_core.progress import Progress
from musiscene_core.request import NANO, LanguageUse
from musiscene_training.dataset import tabled
from musiscene_training.vacad.selecting import MUSIC
from musiscene_training.vacad.settings import Media, OtherLanguages, Settings, Sources

if TYPE_CHECKING:
    from musiscene_training.vacad.building import Built

_STAGES = ("fetch", "measures", "video", "music", "fusion", "msi")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "build", type=Path, metavar="BUILD", help="folder of the dataset; one that is there goes on"
    )
    clips = parser.add_argument_group("clips", "where they come from, when a build begins")
    clips.add_argument("--audioset", type=Path, metavar="CSV", help="a segments CSV of AudioSet")
    clips.add_argument("--folder", type=Path, metavar="DIR", help="movies, or sounds with --seen")
    clips.add_argument(
        "--clips", type=Path, metavar="FILE", help="clips.jsonl of `musiscene-train import cues`"
    )
    clips.add_argument(
        "--label", default=MUSIC, metavar="ID", help="of AudioSet's ontology (%(default)s, music)"
    )
    clips.add_argument("--limit", type=_whole, metavar="N", help="take the first N clips")
    clips.add_argument("--licence", default="", help="of clips that name none")
    clips.add_argument(
        "--fetch",
        default="",
        metavar="COMMAND",
        help="your command to get a clip, with {id} {start} {end} or {length}, and {output}",
    )
    clips.add_argument("--ending", default="mp4", help="of the files that it writes (%(default)s)")
    clips.add_argument(
        "--fetch-timeout", type=float, default=600.0, metavar="S", help="(%(default)g s)"
    )
    words = parser.add_argument_group("words", "who writes them")
    words.add_argument("--vision", default="", metavar="DIR", help="model that describes frames")
    words.add_argument(
        "--frames", type=_whole, default=3, metavar="N", help="that it looks at (%(default)s)"
    )
    words.add_argument(
        "--seen",
        type=Path,
        metavar="FILE",
        help="what pictures show, by another captioner: .csv or .jsonl with id and text",
    )
    words.add_argument("--captioner", default=NANO, help="who listens (%(default)s)")
    words.add_argument(
        "--language",
        choices=get_args(LanguageUse),
        default="auto",
        help="whether a language model writes fusion and scene captions, or rules (%(default)s)",
    )
    words.add_argument(
        "--language-url", metavar="URL", help="its server, not the one of `musiscene language use`"
    )
    words.add_argument("--language-model", default="", metavar="NAME", help="the model there")
    words.add_argument(
        "--language-remote", action="store_true", help="it may be on another machine"
    )
    words.add_argument(
        "--other-languages",
        choices=get_args(OtherLanguages),
        default="flag",
        help="what becomes of captions that are not English (%(default)s)",
    )
    work = parser.add_argument_group("work", "how it goes on")
    work.add_argument("--ray", metavar="ADDRESS", help="a Ray cluster, or local to start one here")
    work.add_argument(
        "--actors", type=_whole, default=2, metavar="N", help="of Ray at a time (%(default)s)"
    )
    work.add_argument(
        "--actor-gpus", type=float, default=0.0, metavar="N", help="GPUs that each takes"
    )
    work.add_argument(
        "--jobs", type=_whole, default=4, metavar="N", help="downloads and questions at a time"
    )
    work.add_argument(
        "--batch", type=_whole, default=8, metavar="N", help="clips together; a kill costs one"
    )
    work.add_argument("--until", choices=_STAGES, default="", help="end after this stage")
    work.add_argument("--redo", choices=_STAGES, default="", help="begin anew from this stage on")
    work.add_argument("--retry-failed", action="store_true", help="try clips again that failed")
    work.add_argument(
        "--most-failed",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="of clips that may fail (%(default)s)",
    )
    work.add_argument(
        "--media",
        choices=get_args(Media),
        default="tar",
        help="sounds go into tars, or stay where they are (%(default)s)",
    )
    work.add_argument(
        "--discard-fetched", action="store_true", help="delete fetched files that lie in tars"
    )
    work.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build a dataset; returns the exit code.

    Raises:
        MusiSceneError: what the user can mend.
    """
    from musiscene_training.vacad.building import build
    from musiscene_training.vacad.executing import Executor, Local, OnRay

    settings = _settings(arguments)
    named = any((arguments.audioset, arguments.folder, arguments.clips))
    sources = (
        Sources(
            audioset=arguments.audioset,
            folder=arguments.folder,
            clips=arguments.clips,
            label=arguments.label,
            licence=arguments.licence,
            limit=arguments.limit,
        )
        if named
        else None
    )
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with ExitStack() as stack:
        executor: Executor = Local()
        if arguments.ray:
            executor = OnRay(arguments.ray, arguments.actors, gpus=arguments.actor_gpus)
            stack.callback(executor.leave)
        bars = stack.enter_context(
            Bars(*columns, console=console, transient=True, disable=not console.is_terminal)
        )
        built = build(
            arguments.build,
            sources,
            settings,
            executor=executor,
            until=arguments.until,
            redo=arguments.redo,
            retry_failed=arguments.retry_failed,
            progress=_shown(bars),
        )
    sys.stdout.write(_said(built, arguments.build, arguments.until))
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        fetch=_command(arguments.fetch),
        ending=arguments.ending,
        fetch_timeout_s=arguments.fetch_timeout,
        vision=arguments.vision,
        frames=arguments.frames,
        seen=tuple(sorted(_seen(arguments.seen).items())) if arguments.seen else (),
        captioner=arguments.captioner,
        language=arguments.language,
        model=_language(arguments),
        other_languages=arguments.other_languages,
        jobs=arguments.jobs,
        batch=arguments.batch,
        most_failed=arguments.most_failed,
        media=arguments.media,
        discard_fetched=arguments.discard_fetched,
        seed=arguments.seed,
    )


def _language(arguments: argparse.Namespace) -> LanguageSettings:
    if arguments.language == "rules":
        return LanguageSettings()
    if not arguments.language_url:
        return chosen()
    return LanguageSettings(
        url=arguments.language_url.rstrip("/"),
        model=arguments.language_model,
        key=LanguageSettings.from_environment().key,
        remote=arguments.language_remote,
    )


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(
            f"The command to fetch clips is no command: {error}.", hint="Look at its quotes."
        ) from error


def _seen(path: Path) -> dict[str, str]:
    """What pictures show, by clip.

    Raises:
        InputError: the file cannot be read, or has no id and text.
    """
    found: dict[str, str] = {}
    for place, row in tabled(path):
        name, text = row.get("id"), row.get("text") or row.get("caption")
        if not isinstance(name, str) or not isinstance(text, str):
            raise InputError(f"{place} has no id or no text.", hint="Name both columns so.")
        found[name] = text.strip()
    return found


def _shown(bars: Bars) -> Progress:
    tasks: dict[str, int] = {}

    def show(stage: str, fraction: float) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=1.0)
        bars.update(tasks[stage], completed=fraction)

    return show


def _said(built: Built, folder: Path, until: str) -> str:
    lines = []
    if built.failures:
        lines.append(f"{len(built.failures)} clips failed: {folder / 'failures.csv'} says why.")
    manifest = built.manifest
    if manifest is None:
        lines.append(f"Done up to the stage {until}. Run on without --until to finish.")
        return "\n".join(lines) + "\n"
    sides = ", ".join(f"{count} for {side}" for side, count in sorted(manifest.clips.items()))
    lines.append(f"{folder}: {sum(manifest.clips.values())} clips, {sides}.")
    by_rules = sum(writers.get("rules", 0) for writers in manifest.writers.values())
    if by_rules:
        lines.append(f"Rules wrote {by_rules} of the captions: no language model was asked.")
    measured = manifest.writers["video"].get("signals", 0)
    if measured:
        lines.append(f"{measured} pictures were measured, not seen: give --vision to have them.")
    if len(manifest.clips) == 1:
        lines.append("All are of one side: there is only one source to split.")
    if manifest.not_english:
        lines.append(f"{manifest.not_english} clips have a caption that does not look English.")
    lines.append(f"Train with --data {folder / 'msi'} (scenes) or --data {folder / 'music'}.")
    return "\n".join(lines) + "\n"


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1 up")
    return int(text)
