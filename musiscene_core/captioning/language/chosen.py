"""Which language model the user has chosen: the one kept in a file, else the environment's.

The file is read for every text, so that a choice counts from the next one on. It lies in the data
folder, readable by its owner alone, for it may hold a key.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.paths import data_folder

_FILE = "language.json"
_OWNER_ONLY = 0o600


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    url: str = ""
    model: str = ""
    key: str = ""
    remote: bool = False
    folder: str = ""
    schema_version: int = 1


def chosen_file() -> Path:
    """Where a choice is kept."""
    return data_folder() / _FILE


def chosen() -> LanguageSettings:
    """The user's choice; one kept in the file goes before the environment's, as a whole.

    Raises:
        InputError: the file is damaged, or a value makes no sense.
    """
    path = chosen_file()
    if not path.exists():
        return LanguageSettings.from_environment()
    kept = read_json(path, _Kept)
    return LanguageSettings(
        url=kept.url, model=kept.model, key=kept.key, remote=kept.remote, folder=kept.folder
    )


def choose(settings: LanguageSettings) -> None:
    """Keep a choice; one that names neither server nor folder has rules write.

    Raises:
        OutputError: it cannot be written.
    """
    kept = _Kept(
        url=settings.url,
        model=settings.model,
        key=settings.key,
        remote=settings.remote,
        folder=settings.folder,
    )
    write_atomically(chosen_file(), to_json(kept), mode=_OWNER_ONLY)


def forget() -> bool:
    """Go by the environment again; returns whether anything was kept.

    Raises:
        OutputError: the file cannot be deleted.
    """
    path = chosen_file()
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    return True
