"""The models that can be pulled by name: what each is for, where it is, what it allows.

Sizes are about what the makers publish; what the hub says counts when a model is pulled. Hashes
are those that the hub states for the revision that is pulled, recorded then: none is made up here.
"""

from __future__ import annotations

import importlib.resources
from difflib import get_close_matches
from functools import cache
from typing import Literal

import msgspec

from musiscene_core.errors import RequestError

_FILE = "registry.json"
ModelKind = Literal[
    "musicgen",
    "audiocraft-style",
    "jasco",
    "magnet",
    "codec",
    "text encoder",
    "audio encoder",
    "llama",
    "mullama",
    "captioner",
    "vision",
    "emotion",
    "speech",
    "speakers",
    "stems",
    "language",
    "clap",
    "sounds",
]
USES: dict[ModelKind, str] = {
    "musicgen": "musiscene score FILE --engine musicgen:{short}",
    "audiocraft-style": "musiscene score FILE --engine audiocraft-style:{name}",
    "jasco": "musiscene score FILE --engine jasco:{name}",
    "magnet": "musiscene score FILE --engine magnet:{name}",
    "captioner": "musiscene caption FILE --captioner mullama",
    "vision": "musiscene watching use --vision {name}",
    "emotion": "musiscene watching use --emotion {name}",
    "speech": "musiscene watching use --speech {name}",
    "speakers": "musiscene watching use --speakers {name}",
    "stems": "musiscene watching use --separation {name}",
    "language": "musiscene language use --folder {name}",
}
"""How each kind is used once it is there."""


class RegisteredModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be pulled.

    Attributes:
        name: what users call it, and its folder.
        kind: what it is for.
        title: a sentence for the user.
        repo: on the hub, "owner/name"; empty for one that is made of others.
        revision: branch, tag or commit there.
        bytes: of the files that are wanted, about.
        licence: SPDX name, or the model's own.
        commercial: whether that licence lets music made with it be sold.
        note: what else to know before pulling it.
        files: patterns of the files that are wanted; a star does not reach into folders.
        needs: models that it does not work without, pulled with it.
        hashes: SHA-256 of files, where they were known when this was written.
        gated: whether the hub wants its licence accepted and a token first.
        into: another name for its folder, where what uses it looks for that.
    """

    name: str
    kind: ModelKind
    title: str
    licence: str
    commercial: bool
    repo: str = ""
    revision: str = "main"
    bytes: int = 0
    note: str = ""
    files: tuple[str, ...] = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
    needs: tuple[str, ...] = ()
    hashes: dict[str, str] = {}
    gated: bool = False
    into: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder among the models."""
        return self.into or self.name

    @property
    def use(self) -> str:
        """The command that uses it; empty where others use it."""
        return USES.get(self.kind, "").format(
            name=self.name, short=self.name.removeprefix("musicgen-")
        )


@cache
def registry() -> dict[str, RegisteredModel]:
    """All of them, by name, in the order of the file."""
    text = importlib.resources.files("musiscene_core.models").joinpath(_FILE).read_bytes()
    models = msgspec.json.decode(text, type=tuple[RegisteredModel, ...])
    return {model.name: model for model in models}


def find(name: str) -> RegisteredModel:
    """The model called `name`, or the one that a shorter name stands for.

    Raises:
        RequestError: there is none.
    """
    known = registry()
    wanted = _SHORT.get(name, name)
    if wanted not in known:
        near = get_close_matches(name, known, 3)
        raise RequestError(
            f"No model called {name[:80]!r} is known.",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else "`musiscene models list` lists those that can be pulled; `musiscene models add "
            "PATH` takes one that you have.",
        )
    return known[wanted]


_SHORT = {"musicgen": "musicgen-small"}
