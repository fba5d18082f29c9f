"""`musiscene models`: which models there are, and pulling, adding, checking and removing them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from musiscene_core.errors import CancelledError, DaemonError, EngineError, ModelError, RequestError
from musiscene_core.models import hub, pulling, shelf
from musiscene_core.models.hashing import problems
from musiscene_core.models.places import models_folder
from musiscene_core.models.registry import RegisteredModel, find, registry
from musiscene_core.models.shelf import ShelvedModel
from musiscene_core.progress import Portion, Progress
from musiscene_plugins.cli.terminal import result_console, shown_progress

_CONVERTING = 0.2
"""Share of the progress that converting what was pulled gets."""
_POLL_S, _PATIENCE_S = 0.05, 10.0


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments ask for; returns the exit code."""
    if arguments.action not in ("list", "verify") and not arguments.name:
        raise RequestError(
            f"Which model shall be {_DONE[arguments.action]}?",
            hint=f"Write `musiscene models {arguments.action} {_WHAT[arguments.action]}`.",
        )
    code = _ACTIONS[arguments.action](arguments)
    if arguments.action in _DONE:
        _tell_the_daemon()
    return code


def _list(arguments: argparse.Namespace) -> int:
    here = shelf.shelved()
    if arguments.json:
        shown = {
            "here": [msgspec.to_builtins(model) for model in here.values()],
            "known": [msgspec.to_builtins(model) for model in registry().values()],
        }
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
        return 0
    console = result_console()
    for line in _lines(here):
        console.print(line, markup=False)
    return 0


def _lines(here: dict[str, ShelvedModel]) -> Iterator[str]:
    yield "Here:" if here else "No model was pulled or added."
    for one in here.values():
        gone = "" if Path(one.path).exists() else "; it is not there any more"
        terms = _terms(one.licence, one.commercial)
        yield f"  {one.name} ({one.kind}), {_size(one.bytes)}, {terms}"
        yield f"    {one.path}, {one.origin}{gone}"
        known = registry().get(one.name)
        if known is not None and known.use:
            yield f"    {known.use}"
    yield "Can be pulled, with `musiscene models pull NAME`:"
    for model in registry().values():
        if model.name in here:
            continue
        size = f"about {_size(model.bytes)}, " if model.bytes else ""
        yield f"  {model.name} ({model.kind}), {size}{_terms(model.licence, model.commercial)}"
        yield f"    {model.title}"
        if (models_folder() / model.folder).exists():
            yield f"    {models_folder() / model.folder} is there, put there by hand"


def _pull(arguments: argparse.Namespace) -> int:
    model = find(arguments.name)
    here = shelf.shelved()
    if model.name in here and Path(here[model.name].path).exists():
        return _say(
            f"{model.name} is here already: {here[model.name].path}.", arguments, already=True
        )
    parts = pulling.missing_parts(model)
    if not model.repo:
        _check_can_convert()
    # Asked of the hub before the user is asked: what is said of sizes is true then.
    remotes = [(part, hub.look(part)) for part in parts]
    _confirm(model, remotes, arguments)
    total = max(1, sum(remote.bytes for _, remote in remotes))
    with shown_progress(quiet=arguments.json) as show:
        done = 0
        until = 1.0 if model.repo else 1 - _CONVERTING
        for part, remote in remotes:
            begin, done = done, done + remote.bytes
            portion = Portion(show, until * begin / total, until * done / total)
            pulling.pull(part, remote, portion)
        made = shelf.get(model.name) if model.repo else _converted(model, Portion(show, until, 1.0))
    said = f"{made.name} is here: {made.path}, {_size(made.bytes)}, every file checked."
    if model.use:
        said += f" Use it: {model.use}"
    return _say(said, arguments, name=made.name, path=made.path, bytes=made.bytes)


def _confirm(
    model: RegisteredModel,
    remotes: list[tuple[RegisteredModel, hub.Remote]],
    arguments: argparse.Namespace,
) -> None:
    """Show what comes under which licence; nothing is downloaded before it is accepted."""
    lines = [f"{model.title} {model.note}".strip()]
    for part, remote in remotes:
        lines.append(
            f"  {part.name}: {_size(remote.bytes)} from {remote.repo} ({remote.revision[:12]})"
        )
        lines.append(f"    licence: {_terms(part.licence, part.commercial)}")
        if remote.licence and remote.licence.lower() != part.licence.lower():
            lines.append(f"    its card on the hub names {remote.licence}")
        if part is not model and part.note:
            lines.append(f"    {part.note}")
    if arguments.yes:
        if not arguments.json:
            for line in lines:
                result_console().print(line, markup=False)
        return
    licences = ", ".join(dict.fromkeys(part.licence for part, _ in remotes)) or model.licence
    if not sys.stdin.isatty() or arguments.json:
        raise RequestError(
            f"{model.name} is licensed: {licences}.",
            hint="Where you accept that, run the command again with --yes.",
        )
    console = result_console()
    for line in lines:
        console.print(line, markup=False)
    if console.input("Accept the licence and download? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CancelledError("Nothing was downloaded.")


def _check_can_convert() -> None:
    import importlib.util

    absent = [
        name
        for name in ("torch", "transformers", "safetensors")
        if not importlib.util.find_spec(name)
    ]
    if absent:
        raise EngineError(
            f"Converting it needs {', '.join(absent)}.",
            hint="Run: pip install 'musiscene[models]', then this again.",
        )


def _converted(model: RegisteredModel, progress: Progress) -> ShelvedModel:
    """Make the captioner of what was pulled, in a process of its own: it takes torch."""
    import shutil

    llama, mert, checkpoint = (Path(shelf.get(name).path) for name in model.needs)
    making = pulling.making_folder(model)
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "musiscene_training.cli", "convert", "--llama", str(llama)]
    command += ["--mert", str(mert), "--checkpoint", str(checkpoint / "checkpoint.pth")]
    command += ["--licence", model.licence, "--output", str(making)]
    progress("Converting", 0.0)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, words = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        shutil.rmtree(making, ignore_errors=True)
        said = words.decode(errors="replace").strip()[-600:] or f"code {process.returncode}"
        raise ModelError(
            f"What was pulled could not be converted: {said}",
            hint="The downloads are kept: run the command again once that is put right.",
        )
    return pulling.keep_made(model, making, Portion(progress, 0.8, 1.0))


def _add(arguments: argparse.Namespace) -> int:
    path = Path(arguments.name)

    def asked() -> str:
        if arguments.yes or arguments.json or not sys.stdin.isatty():
            return ""
        console = result_console()
        return console.input("Its licence, such as Apache-2.0 (unknown): ").strip()

    with shown_progress(quiet=arguments.json) as show:
        model = pulling.add(
            path,
            show,
            licence=arguments.licence,
            commercial=True if arguments.commercial else None,
            asked=asked,
        )
    said = (
        f"{model.name} ({model.kind}) is on the list, {_size(model.bytes)}, "
        f"{_terms(model.licence, model.commercial)}. It stays at {model.path}."
    )
    if not model.licence:
        said += (
            " Its licence is not known, so nothing commercial is made with it; say it with "
            f"`musiscene models add {model.path} --licence NAME`, and --commercial where it allows."
        )
    return _say(said, arguments, **_plain(model))


def _verify(arguments: argparse.Namespace) -> int:
    here = shelf.shelved()
    wanted = [shelf.get(arguments.name)] if arguments.name else list(here.values())
    found: dict[str, dict[str, str]] = {}
    total, done = max(1, sum(model.bytes for model in wanted)), 0
    with shown_progress(quiet=arguments.json) as show:
        for model in wanted:
            portion = Portion(show, done / total, (done + model.bytes) / total)
            done += model.bytes
            if wrong := problems(model, portion):
                found[model.name] = wrong
    if found and not arguments.json:
        name, wrong = next(iter(found.items()))
        file, problem = next(iter(wrong.items()))
        more = sum(map(len, found.values())) - 1
        raise ModelError(
            f"{file} of {name} {problem}{f', and {more} more' if more else ''}.",
            hint=f"Mend it: {here[name].mending}.",
        )
    if not wanted:
        return _say("No model was pulled or added.", arguments, problems={})
    names = ", ".join(model.name for model in wanted)
    code = _say(f"Every file is as it came: {names}.", arguments, problems=found)
    return 2 if found else code


def _remove(arguments: argparse.Namespace) -> int:
    name = arguments.name
    unfinished = name not in shelf.shelved() and name in registry()
    if unfinished and pulling.forget_partial(registry()[name]):
        return _say(f"Removed what an unfinished pull of {name} left.", arguments)
    model = pulling.remove(name)
    if model.origin == "added":
        said = f"{name} is off the list. Its files stay at {model.path}."
    elif Path(model.path).exists():
        said = f"Removed {name}; what else lies in {model.path} stays."
    else:
        said = f"Removed {name}, {_size(model.bytes)}."
    return _say(said, arguments, removed=model.origin == "pulled", **_plain(model))


def _tell_the_daemon() -> None:
    """Have a daemon that runs find out what it can do now; one that starts does so anyway."""
    from musiscene_core.protocol import connect

    until = time.monotonic() + _PATIENCE_S
    try:
        with connect(start=False) as client:
            client.status()
            while any(one.starting for one in client.status().workers):
                if time.monotonic() > until:
                    return
                time.sleep(_POLL_S)
    except DaemonError:
        return


def _plain(model: ShelvedModel) -> dict[str, object]:
    return {
        "name": model.name,
        "kind": model.kind,
        "path": model.path,
        "licence": model.licence,
        "commercial": model.commercial,
    }


def _terms(licence: str, commercial: bool) -> str:
    use = "may be used commercially" if commercial else "not for commercial use"
    return f"{licence or 'licence unknown'}, {use}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _say(text: str, arguments: argparse.Namespace, **as_json: object) -> int:
    if arguments.json:
        sys.stdout.write(json.dumps(as_json) + "\n")
    else:
        result_console().print(text, markup=False)
    return 0


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "pull": _pull,
    "add": _add,
    "verify": _verify,
    "remove": _remove,
}
_DONE = {"pull": "pulled", "add": "added", "remove": "removed"}
_WHAT = {"pull": "NAME", "add": "PATH", "remove": "NAME"}
