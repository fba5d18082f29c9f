"""Where a MusicGen's weights lie on this machine. Looks, and downloads nothing.

In turn: the folders that MUSISCENE_MUSICGEN names; <data folder>/models/musicgen*, where `musiscene
models pull` puts them; those that `musiscene models add` was told of; the cache that Hugging Face's
tools fill. Knows no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.errors import EngineError
from musiscene_core.models.places import hub_cache, models_folder, title
from musiscene_core.models.shelf import folders as shelved
from musiscene_daemon.engines.musicgen.shape import CONFIG

WEIGHTS_VARIABLE = "MUSISCENE_MUSICGEN"
AUDIOCRAFT_MODEL = "state_dict.bin"
STYLE = "musicgen-style"
_PREFERRED = ("small", "medium", "stereo-small", "stereo-medium", "melody", "large")
_HINT = (
    "Get one with `musiscene models pull musicgen-small`; or put a MusicGen's folder, such as that"
    " of facebook/musicgen-small, into {place}, or name it with"
    f" {WEIGHTS_VARIABLE} and restart the daemon. Its weights are CC-BY-NC-4.0."
)


def find() -> Path | None:
    """The folder of the model to use unasked; None where there is none.

    A named one is returned whether it is there or not: nothing stands in for it.
    """
    return next(iter(choices().values()), None)


def choices() -> dict[str, Path]:
    """The folders of all models by what a request calls them, the one to use unasked first."""
    named = filter(None, os.environ.get(WEIGHTS_VARIABLE, "").split(os.pathsep))
    folders = [Path(folder).expanduser().absolute() for folder in named]
    folders += sorted(_candidates(), key=_rank)
    known: dict[str, Path] = {}
    for folder in folders:
        known.setdefault(title(folder).removeprefix("musicgen-"), folder)
    return known


def found(name: str = "") -> Path:
    """As `find`, or the model called `name`, where one is needed.

    Raises:
        EngineError: there is none; says how to get one.
    """
    known = choices()
    if not known:
        raise missing("No weights of MusicGen were found.")
    if name and name not in known:
        raise missing(f"There is no MusicGen called {name!r}, but {', '.join(known)}.")
    folder = known[name] if name else next(iter(known.values()))
    if not folder.is_dir():
        raise missing(f"{WEIGHTS_VARIABLE} names {folder}, which is no folder.")
    return folder


def is_audiocraft(folder: Path) -> bool:
    """Whether `folder` holds a model as audiocraft keeps it, and none as transformers does."""
    return (folder / AUDIOCRAFT_MODEL).is_file() and not (folder / CONFIG).is_file()


def hub_snapshots(name: str) -> list[Path]:
    """What the cache of Hugging Face's tools holds of the model `name` ("owner--model")."""
    return sorted(hub_cache().glob(f"models--{name}/snapshots/*"))


def missing(message: str) -> EngineError:
    """An error about weights that are not there, with how to get them."""
    return EngineError(message, hint=_HINT.format(place=models_folder()))


def _candidates() -> Iterator[Path]:
    cached = hub_cache().glob("models--facebook--musicgen*/snapshots/*")
    for group in (models_folder().glob("musicgen*"), shelved("musicgen").values(), cached):
        for path in sorted(group):
            # MusicGen-Style has another model before its decoder: audiocraft-style's to play.
            if STYLE not in str(path) and ((path / CONFIG).is_file() or is_audiocraft(path)):
                yield path


def _rank(folder: Path) -> tuple[int, str]:
    """Smaller models first: every machine runs them."""
    text = str(folder)
    sizes = [number for number, name in enumerate(_PREFERRED) if f"musicgen-{name}" in text]
    return (sizes[0] if sizes else len(_PREFERRED)), text
