"""Which models watch and listen: folders that the user has named, read anew for every spotting.

Kept in the data folder, so that a choice counts from the next range on, without a restart.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.paths import data_folder

_FILE = "watching.json"


class WatchingModels(msgspec.Struct, frozen=True, kw_only=True):
    """Folders, or files, of models; empty where none is wanted.

    Attributes:
        vision: describes frames: BLIP-2 or a vision-language model, as transformers saves it.
        emotion: judges what frames make one feel: CLIP, as transformers saves it.
        speech: writes down what is said: Whisper, as faster-whisper has it.
        speakers: tells speakers apart: a pipeline of pyannote.
        separation: parts dialogue from music where they are one recording: Demucs's weights.
        schema_version: of this struct.
    """

    vision: str = ""
    emotion: str = ""
    speech: str = ""
    speakers: str = ""
    separation: str = ""
    schema_version: int = 1


def chosen_file() -> Path:
    """Where the choice is kept."""
    return data_folder() / _FILE


def chosen() -> WatchingModels:
    """The user's choice; nothing where none was made.

    Raises:
        InputError: the file is damaged.
    """
    path = chosen_file()
    return read_json(path, WatchingModels) if path.exists() else WatchingModels()


def choose(models: WatchingModels) -> None:
    """Keep a choice.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(chosen_file(), to_json(models))


def forget() -> None:
    """Use no models again.

    Raises:
        OutputError: the file cannot be deleted.
    """
    try:
        chosen_file().unlink(missing_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, chosen_file()) from error
