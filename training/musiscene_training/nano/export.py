"""From trained parts to a captioner's folder, as musiscene_core.captioning.nano reads it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from musiscene_core.captioning.nano.saved import MODEL_FILE, WEIGHTS_FILE, Manifest
from musiscene_core.captioning.nano.words import Words
from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_training.nano.classes import CLASSES
from musiscene_training.nano.grammar import forms
from musiscene_training.nano.grammar.writing import MUSIC_QUESTIONS, SCENE_QUESTIONS
from musiscene_training.nano.model import Adapter, Encoder, Language
from musiscene_training.nano.truth import PLAYERS

_KNOWN = 512
_USUAL = 0.99
"""Of all that was learned from, the share that is called like it."""
Arrays = dict[str, npt.NDArray[np.float16]]


def export(
    folder: Path,
    words: Words,
    encoder: Encoder,
    language: Language,
    adapters: Mapping[str, Adapter],
    embeddings: torch.Tensor,
    *,
    seed: int,
    cues: int,
) -> Manifest:
    """Write the captioner into `folder`, made where it is not there; the same parts, same bytes.

    Args:
        folder: where.
        words: the vocabulary.
        encoder: trained.
        language: trained.
        adapters: "mu" and "msi".
        embeddings: [n, audio width], of what they learned from.
        seed: of the training.
        cues: it was trained on.

    Raises:
        OutputError: `folder` cannot be written.
    """
    arrays: Arrays = {f"encoder/{name}": value for name, value in _encoder(encoder).items()}
    arrays["encoder/known"], farthest = _known(embeddings)
    arrays |= {f"language/{name}": value for name, value in _language(language).items()}
    for adapter, part in adapters.items():
        arrays |= {f"{adapter}/{name}": value for name, value in _adapter(part).items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    weights = file.getvalue()
    manifest = Manifest(
        words=words.words,
        strides=encoder.shape.strides,
        heads=language.shape.heads,
        classes=dict(CLASSES),
        players=PLAYERS,
        questions={
            **dict.fromkeys(MUSIC_QUESTIONS, "mu"),
            **dict.fromkeys(SCENE_QUESTIONS, "msi"),
        },
        forms=forms.forms(),
        choices=forms.choices(),
        farthest=farthest,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        seed=seed,
        cues=cues,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    write_atomically(folder / WEIGHTS_FILE, weights)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_atomically(folder / MODEL_FILE, text + b"\n")
    return manifest


def _known(embeddings: torch.Tensor) -> tuple[npt.NDArray[np.float16], float]:
    """Some of the embeddings [_KNOWN, width], of length 1, and how far from them others are."""
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    some = np.linspace(0, len(unit) - 1, min(_KNOWN, len(unit))).round().astype(int)
    known = _half(unit[some])
    others = np.setdiff1d(np.arange(len(unit)), some)
    nearest = (unit[others].numpy() @ known.astype(np.float32).T).max(axis=1, initial=0.0)
    farthest = float(np.quantile(1 - nearest, _USUAL)) if len(others) else 1.0
    return known, round(farthest, 5)


def _half(value: torch.Tensor) -> npt.NDArray[np.float16]:
    return value.detach().float().numpy().astype(np.float16)


def _encoder(encoder: Encoder) -> Arrays:
    found: Arrays = {}
    for number, (convolution, norm) in enumerate(
        zip(encoder.convolutions, encoder.norms, strict=True)
    ):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel = convolution.weight * scale[:, None, None]
        bias = (convolution.bias - norm.running_mean) * scale + norm.bias
        found[f"convolution.{number}.weight"] = _half(kernel)
        found[f"convolution.{number}.bias"] = _half(bias)
    linears = {
        name: getattr(encoder, name)
        for name in ("pulse_in", "pulse_out", "pitch_in", "pitch_out", "key", "join")
    }
    linears |= {f"head.{name}": head for name, head in encoder.heads.items()}
    for name, linear in linears.items():
        found[f"{name}.weight"], found[f"{name}.bias"] = _half(linear.weight), _half(linear.bias)
    return found


def _language(language: Language) -> Arrays:
    found = {
        "words": _half(language.words.weight),
        "places": _half(language.places),
        "norm": _half(language.norm),
    }
    for number, layer in enumerate(language.layers):
        name = f"layer.{number}"
        found[f"{name}.attention_norm"] = _half(layer.attention_norm)
        found[f"{name}.attention_in"] = _half(layer.attention_in.weight)
        found[f"{name}.attention_out"] = _half(layer.attention_out.weight)
        found |= _bridge(f"{name}.feed", layer.feed)
    return found


def _adapter(adapter: Adapter) -> Arrays:
    found = {
        "project.weight": _half(adapter.project.weight),
        "project.bias": _half(adapter.project.bias),
        "query": _half(adapter.query),
        "gates": _half(adapter.gates),
    }
    for number, bridge in enumerate(adapter.bridges):
        found |= _bridge(f"bridge.{number}", bridge)
    return found


def _bridge(name: str, bridge: torch.nn.Module) -> Arrays:
    return {
        f"{name}.norm": _half(bridge.norm),
        f"{name}.gate": _half(bridge.gate.weight),
        f"{name}.up": _half(bridge.up.weight),
        f"{name}.out": _half(bridge.out.weight),
    }
