"""The timeline that a command works on: in a file, or open in a running editor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import RequestError
from musiscene_core.paths import cache_folder
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli.inputs import opened_host
from musiscene_plugins.host import EditorHost, LiveHost
from musiscene_plugins.roles import parse_overrides


@dataclass(frozen=True)
class OpenedHost:
    """A timeline and where results go.

    Attributes:
        host: the timeline.
        live: the same where it is open in an editor; None for a file.
        output: the folder for results.
        name: what files about it are called.
    """

    host: EditorHost
    live: LiveHost | None
    output: Path
    name: str


def is_live(arguments: argparse.Namespace) -> bool:
    """Whether the arguments mean the timeline that is open in an editor."""
    return bool(arguments.resolve or arguments.bridge)


def check_one_source(arguments: argparse.Namespace) -> None:
    """Refuse a file and an editor at once, and neither.

    Raises:
        RequestError: so it is.
    """
    if bool(arguments.file) != is_live(arguments):
        return
    raise RequestError(
        "A file and DaVinci Resolve were both given."
        if arguments.file
        else "Which timeline is meant was not said.",
        hint="Give a movie or timeline file, or --resolve for the timeline open in Resolve.",
    )


@contextmanager
def wanted_host(arguments: argparse.Namespace) -> Iterator[OpenedHost]:
    """The timeline that the arguments name, for the work inside.

    In an editor, what an earlier placement left that broke off is taken away first, and told.

    Raises:
        RequestError: a file and an editor were both named, or neither.
        HostError: the editor cannot be reached.
    """
    check_one_source(arguments)
    if not is_live(arguments):
        output = output_folder(arguments)
        host = opened_host(arguments, output)
        yield OpenedHost(host, None, output, file_name(Path(arguments.file).stem))
        return
    from musiscene_plugins.resolve import ResolveHost
    from musiscene_plugins.resolve.opening import resolve_api

    with resolve_api(bridge=arguments.bridge) as api:
        mixdowns = cache_folder() / "mixdowns" if getattr(arguments, "mixdown", False) else None
        live = ResolveHost(api, parse_overrides(arguments.role), mixdowns=mixdowns)
        for said in live.clear_broken():
            sys.stderr.write(f"{said}\n")
        name = file_name(live.describe().name)
        yield OpenedHost(live, live, output_folder(arguments, name), name)


def output_folder(arguments: argparse.Namespace, name: str = "") -> Path:
    """Where results go: as told, or beside where the command runs, named after what is scored."""
    if arguments.output:
        return Path(arguments.output).expanduser().absolute()
    return Path.cwd() / f"{name or file_name(Path(arguments.file).stem)}-score"
