"""A model that a user names by its folder, or by the name under which it was pulled or added."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.errors import RequestError
from musiscene_core.models.registry import registry
from musiscene_core.models.shelf import shelved


def named_folder(text: str) -> Path:
    """The folder that `text` means; a folder of that name goes before a model's.

    Raises:
        RequestError: it names a model that was not pulled.
        InputError: the list of models is damaged.
    """
    path = Path(text).expanduser().absolute()
    if path.exists() or "/" in text or "\\" in text:
        return path
    here = shelved()
    if text in here:
        return Path(here[text].path)
    if text in registry():
        raise RequestError(
            f"{text} is not here yet.", hint=f"Get it first: musiscene models pull {text}."
        )
    return path
