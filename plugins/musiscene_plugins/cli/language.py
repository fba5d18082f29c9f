"""`musiscene language`: which language model writes, from the next text on."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys

from musiscene_core.captioning.language.chosen import choose, chosen, chosen_file, forget
from musiscene_core.captioning.language.settings import KEY_VARIABLE, LanguageSettings
from musiscene_core.errors import RequestError
from musiscene_core.models.chosen import named_folder
from musiscene_plugins.cli.terminal import result_console


def run(arguments: argparse.Namespace) -> int:
    """Choose, show or forget a language model; returns the exit code."""
    named = arguments.url or arguments.folder
    if arguments.action == "use":
        _use(arguments)
    elif named or arguments.model or arguments.key or arguments.remote:
        raise RequestError(
            f"`language {arguments.action}` takes no model.", hint="Write `musiscene language use`."
        )
    elif arguments.action == "rules":
        choose(LanguageSettings())
    elif arguments.action == "forget":
        forget()
    _show(arguments)
    return 0


def _use(arguments: argparse.Namespace) -> None:
    if bool(arguments.url) == bool(arguments.folder):
        raise RequestError(
            "Which language model?", hint="Name one: --url of a server, or --folder of a model."
        )
    folder = named_folder(arguments.folder) if arguments.folder else None
    if folder is not None and not (folder / "config.json").is_file():
        raise RequestError(
            f"{folder} holds no language model.",
            hint="Name a folder with config.json, a tokenizer and *.safetensors.",
        )
    choose(
        LanguageSettings(
            url=(arguments.url or "").rstrip("/"),
            model=arguments.model or "",
            key=_key() if arguments.key else "",
            remote=arguments.remote,
            folder=str(folder) if folder is not None else "",
        )
    )


def _key() -> str:
    """The key, from where other users of this machine cannot see it."""
    if key := os.environ.get(KEY_VARIABLE):
        return key
    if sys.stdin.isatty():
        return getpass.getpass("Key: ").strip()
    return sys.stdin.readline().strip()


def _show(arguments: argparse.Namespace) -> None:
    settings = chosen()
    kept = chosen_file().exists()
    if arguments.json:
        shown = {
            "url": settings.url,
            "model": settings.model,
            "folder": settings.folder,
            "remote": settings.remote,
            "key": bool(settings.key),
            "kept": kept,
        }
        sys.stdout.write(json.dumps(shown) + "\n")
        return
    console = result_console()
    if settings.url:
        model = settings.model or "the first model that it lists"
        console.print(f"{model}, at {settings.url}, writes.", markup=False)
        if settings.remote:
            console.print("  Prompts may leave this machine.")
    elif settings.folder:
        console.print(f"The model in {settings.folder} writes.", markup=False)
    else:
        console.print("No language model is set up: rules write.")
    if kept:
        console.print(f"  Chosen in {chosen_file()}", markup=False)
    elif settings.url or settings.folder:
        console.print(
            "  As this terminal's environment says; a daemon that runs already goes by its own. "
            "`musiscene language use` chooses one for both."
        )
