"""A nano captioner on disk: `model.json` and `weights.npz`, checked as they are read."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.captioning.nano.network import Floats, Weights
from musiscene_core.captioning.nano.sentences import Form, Sentences
from musiscene_core.captioning.nano.words import Words
from musiscene_core.errors import ModelError

MODEL_FILE, WEIGHTS_FILE = "model.json", "weights.npz"
SHIPPED = Path(__file__).parent / "shipped"
"""The captioner that MusiScene comes with."""
_MOST_BYTES = 64 << 20
_PARTS = ("encoder", "language")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a nano captioner is.

    Attributes:
        words: its vocabulary, by token.
        strides: of the encoder's convolutions.
        heads: of the language model's attention.
        classes: what the encoder tells apart, and the names of each.
        players: which players it listens for.
        questions: what it can be asked, each with the adapter that answers.
        forms: by question, the sentences of its answers, with fields.
        choices: what may stand in each field.
        farthest: how far from what it learned from, as network.strangeness says, music may be
            before it is told to be unlike that.
        weights_sha256: of the weights' file.
        seed: it was trained from.
        cues: how many it was trained on.
    """

    words: tuple[str, ...]
    strides: tuple[int, ...]
    heads: int
    classes: dict[str, tuple[str, ...]]
    players: tuple[str, ...]
    questions: dict[str, str]
    forms: dict[str, tuple[Form, ...]]
    choices: dict[str, tuple[str, ...]]
    farthest: float
    weights_sha256: str
    seed: int
    cues: int


@dataclass(frozen=True)
class Nano:
    """A nano captioner in memory.

    Attributes:
        manifest: what it is.
        words: its vocabulary.
        sentences: its answers are among them.
        encoder: weights.
        language: weights.
        adapters: weights by the adapter's name.
    """

    manifest: Manifest
    words: Words
    sentences: Sentences
    encoder: Weights
    language: Weights
    adapters: Mapping[str, Weights]

    @property
    def identity(self) -> str:
        """Names these very weights."""
        return self.manifest.weights_sha256


def read_manifest(folder: Path) -> Manifest:
    """What the captioner in `folder` is.

    Raises:
        ModelError: it is not there, or damaged.
    """
    try:
        return msgspec.json.decode((folder / MODEL_FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise _damaged(folder, str(error)) from error


@functools.lru_cache(maxsize=2)
def load(folder: Path) -> Nano:
    """The captioner in `folder`; kept, so that the next call is free.

    Raises:
        ModelError: it is not there, damaged, or its weights are others than its manifest names.
    """
    manifest = read_manifest(folder)
    path = folder / WEIGHTS_FILE
    parts: dict[str, dict[str, Floats]] = {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _damaged(folder, "its weights are far too big")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest.weights_sha256:
            raise _damaged(folder, "its weights are not those its manifest names")
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            for name in held.files:
                part, _, rest = name.partition("/")
                parts.setdefault(part, {})[rest] = held[name].astype(np.float32)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(folder, str(error)) from error
    if missing := {*_PARTS, *manifest.questions.values()} - set(parts):
        raise _damaged(folder, f"it has no {', '.join(sorted(missing))}")
    words = Words(manifest.words)
    try:
        sentences = Sentences(manifest.forms, manifest.choices, words)
    except KeyError as error:
        raise _damaged(folder, f"its sentences hold {error}") from error
    if missing := set(manifest.questions) - set(manifest.forms):
        raise _damaged(folder, f"it has no sentences for {', '.join(sorted(missing))}")
    return Nano(
        manifest=manifest,
        words=words,
        sentences=sentences,
        encoder=parts["encoder"],
        language=parts["language"],
        adapters={name: held for name, held in parts.items() if name not in _PARTS},
    )


def _damaged(folder: Path, reason: str) -> ModelError:
    return ModelError(
        f"The nano captioner in {folder} cannot be read: {reason}.",
        hint="Install MusiScene again, or make it anew with musiscene-train nano.",
    )
