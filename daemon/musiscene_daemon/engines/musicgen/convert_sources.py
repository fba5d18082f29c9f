"""Which files make a MusicGen of audiocraft's: the two it has, and the T5 that it leaves out.

Looks, reads nothing large and knows no torch, so that an engine can say at once what is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from musiscene_core.codec import digest
from musiscene_core.errors import ModelError
from musiscene_core.models.places import models_folder, title
from musiscene_core.models.shelf import folders as shelved
from musiscene_daemon.engines.musicgen.finding import AUDIOCRAFT_MODEL, hub_snapshots
from musiscene_daemon.engines.musicgen.shape import CONFIG

CODEC = "compression_state_dict.bin"
PICKLED_TEXT = "pytorch_model.bin"
TEXT_VARIABLE = "MUSISCENE_T5"
_TEXT = "t5-base"
_TEXT_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", PICKLED_TEXT)


class Sources(msgspec.Struct, frozen=True):
    """What a conversion reads.

    Attributes:
        name: the model's, as users know it.
        model: the language model's file.
        codec: EnCodec's file, or the one that names it.
        text: T5's folder.
    """

    name: str
    model: Path
    codec: Path
    text: Path


def sources_in(folder: Path) -> Sources:
    """The files to convert the model in `folder` from.

    Raises:
        ModelError: one is missing.
    """
    model, codec = folder / AUDIOCRAFT_MODEL, folder / CODEC
    for path in (model, codec):
        if not path.is_file():
            raise ModelError(
                f"{path} is missing.",
                hint=f"A MusicGen of audiocraft's has {model.name} and {CODEC}: get both.",
            )
    return Sources(title(folder), model, codec, _text(folder))


def converted_folder(sources: Sources) -> Path:
    """Where what `sources` make is kept; other files have another place.

    Raises:
        ModelError: a file cannot be read.
    """
    try:
        stats = [path.stat() for path in (sources.model, sources.codec)]
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}.") from error
    known = digest([[(one.st_size, one.st_mtime_ns) for one in stats], str(sources.text)])
    return models_folder() / "converted" / f"{sources.name}-{known[:8]}"


def find_codec(named: str, sources: Sources) -> Path:
    """The EnCodec that a file names instead of holding it: a folder, or audiocraft's file.

    Raises:
        ModelError: it is not on this machine.
    """
    owner, _, short = named.removeprefix("//pretrained/").rpartition("/")
    for folder in _folders(sources.model.parent, short, f"{owner}--{short}"):
        if (folder / CONFIG).is_file():
            return folder
        if (folder / CODEC).is_file():
            return folder / CODEC
    raise ModelError(
        f"{sources.codec} names the codec {named}, which is not on this machine.",
        hint=f"Run `musiscene models pull {short}`, or put its folder into"
        f" {models_folder() / short}.",
    )


def _text(folder: Path) -> Path:
    named = os.environ.get(TEXT_VARIABLE)
    if named:
        found: Iterator[Path] = iter([Path(named).expanduser().absolute()])
    else:
        found = _folders(folder, _TEXT, _TEXT, f"google-t5--{_TEXT}")
    for one in found:
        if (one / CONFIG).is_file() and any((one / name).is_file() for name in _TEXT_WEIGHTS):
            return one
    raise ModelError(
        f"{TEXT_VARIABLE} names {named}, which holds no T5."
        if named
        else f"{folder} holds audiocraft's files, which leave out the text encoder T5.",
        hint=f"Run `musiscene models pull {_TEXT}`; or put its folder (config.json,"
        f" model.safetensors, tokenizer.json) into {models_folder() / _TEXT}, or name it with"
        f" {TEXT_VARIABLE}.",
    )


def _folders(beside: Path, short: str, *cached: str) -> Iterator[Path]:
    """Where a model that belongs to the one in `beside` may lie."""
    for parent in (beside, beside.parent, models_folder()):
        yield parent / short
    if (added := shelved("text encoder", "codec").get(short)) is not None:
        yield added
    for name in cached:
        yield from hub_snapshots(name)
