"""`musiscene watching`: which models watch and listen, from the next range on."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from musiscene_core.errors import RequestError
from musiscene_core.models.chosen import named_folder
from musiscene_core.separating.weights import weights_in
from musiscene_core.spotting.chosen import choose, chosen, chosen_file, forget
from musiscene_plugins.cli.terminal import result_console

_NEEDED = {
    "vision": "config.json",
    "emotion": "config.json",
    "speech": "model.bin",
    "speakers": "config.yaml",
    "separation": "file of Demucs's weights (.th or .safetensors)",
}
_DOES = {
    "vision": "describes frames",
    "emotion": "judges the mood of frames",
    "speech": "writes down what is said",
    "speakers": "tells speakers apart",
    "separation": "parts dialogue from music",
}


def run(arguments: argparse.Namespace) -> int:
    """Choose, show or forget models; returns the exit code."""
    named = {use: getattr(arguments, use) for use in _NEEDED if getattr(arguments, use)}
    if arguments.action == "use":
        if not named:
            raise RequestError(
                "Which models?",
                hint="Name a folder: " + ", ".join(f"--{use}" for use in _NEEDED) + ".",
            )
        folders = {use: _checked(use, folder) for use, folder in named.items()}
        choose(msgspec.structs.replace(chosen(), **folders))
    elif named:
        raise RequestError(
            f"`watching {arguments.action}` takes no model.", hint="Write `musiscene watching use`."
        )
    elif arguments.action == "forget":
        forget()
    _show(as_json=arguments.json)
    return 0


def _checked(use: str, folder: str) -> str:
    path = named_folder(folder)
    if use == "separation":
        held = path.exists() and bool(weights_in(path))
    else:
        held = (path / _NEEDED[use]).is_file()
    if not held:
        raise RequestError(
            f"{path} holds no model that {_DOES[use]}: there is no {_NEEDED[use]}.",
            hint="Name the folder that the model was saved or downloaded to, or a model of "
            "`musiscene models list`.",
        )
    return str(path)


def _show(*, as_json: bool) -> None:
    models = chosen()
    if as_json:
        shown = {use: getattr(models, use) for use in _NEEDED}
        sys.stdout.write(json.dumps(shown) + "\n")
        return
    console = result_console()
    for use, does in _DOES.items():
        folder = getattr(models, use)
        said = f"The model in {folder} {does}." if folder else f"No model {does}."
        console.print(said, markup=False)
    if chosen_file().exists():
        console.print(f"  Chosen in {chosen_file()}", markup=False)
