"""How a captioner was held on this machine and how fast it wrote, kept for whoever asks later.

What decides it takes torch and a second or two of measuring, so it is known from the first answer
on. Loads no torch: a worker that has yet to caption tells of it too.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform

import msgspec

from musiscene_core.captioning.measured import CHOICES_FILE
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.paths import cache_folder

log = logging.getLogger(__name__)

PRECISION_VARIABLE = "MUSISCENE_CAPTIONER_PRECISION"
"""Names the precision, where it is not to be chosen for the machine."""
_MOST = 32


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """How a captioner was held.

    Attributes:
        device: as torch names it.
        dtype: of its linears, such as "bfloat16" or "int8".
        token_s: seconds a token of one answer, as measured; 0 where it was not.
        bytes: what was set aside for it.
    """

    device: str
    dtype: str
    token_s: float = 0.0
    bytes: int = 0


def remembered(captioner: str) -> Choice | None:
    """How the captioner of this identity was held here at last; None where nobody knows."""
    return _recall().get(_key(captioner))


def remember(captioner: str, choice: Choice) -> None:
    """Keep it, where that is possible."""
    known = _recall()
    if known.get(_key(captioner)) == choice:
        return
    kept = {key: one for key, one in known.items() if key != _key(captioner)}
    kept[_key(captioner)] = choice
    try:
        latest = dict(list(kept.items())[-_MOST:])
        write_atomically(cache_folder() / CHOICES_FILE, to_json(latest))
    except OutputError as error:
        log.warning("how the captioner was held is not kept: %s", error)


def _key(captioner: str) -> str:
    """Another machine, torch or wish of the user's chooses anew."""
    named = os.environ.get(PRECISION_VARIABLE) or "any"
    torch = importlib.metadata.version("torch")
    return f"{captioner} {platform.node()} {platform.machine()} {torch} {named}"


def _recall() -> dict[str, Choice]:
    path = cache_folder() / CHOICES_FILE
    if not path.exists():
        return {}
    try:
        return read_json(path, dict[str, Choice])
    except InputError as error:
        log.warning("how captioners were held is forgotten: %s", error)
        return {}
