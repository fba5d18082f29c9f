"""Shapes of the captioner, and the manifest that goes with its weights. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from musiscene_core.captioning.prompts import PromptProfile
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, ModelError

SAMPLE_RATE = 24_000
"""Samples a second that MERT-v1 listens at."""
CHUNK_S = 60
"""Seconds of sound encoded at a time."""
CONVOLVED_FRAMES = 128
"""On a processor, frames that go through the encoder's convolutions at a time: 1.7 s."""
WIDE_ROWS = 512
"""Likewise, places that go through a layer's wide middle at a time."""
MANIFEST = "manifest.json"
ADAPTER_FILE = "adapter.safetensors"
SCHEMA_VERSION = 1

Listening = Literal["whole", "legacy"]
"""Hear everything (a mean over all chunks, by length), or only the first 60 s, as the original."""

Width = Annotated[int, msgspec.Meta(ge=1, le=1 << 17)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 10)]


class CaptionerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of everything between the encoder and the language model.

    Attributes:
        encoder_states: hidden states of the encoder, the embedding's among them.
        encoder_width: width of each.
        width: of the language model.
        bridges: gated blocks after the projection.
        bridge_expansion: their inner width, in widths.
        bridge_inner: their inner width itself, where it is no multiple; 0 to go by the expansion.
        prefix_layers: how many of the language model's top layers hear the audio.
        query_len: prefix tokens a layer.
        lora_rank: 0 for none; otherwise LoRA with bias on all seven linears of every layer, and
            norms of its own.
        lora_alpha: LoRA is scaled by lora_alpha / lora_rank.
    """

    encoder_states: Count = 25
    encoder_width: Width = 1024
    width: Width = 4096
    bridges: Count = 3
    bridge_expansion: Count = 4
    bridge_inner: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 0
    prefix_layers: Count = 20
    query_len: Count = 1
    lora_rank: Annotated[int, msgspec.Meta(ge=0, le=1 << 10)] = 0
    lora_alpha: float = 16.0

    @property
    def inner(self) -> int:
        """How wide the bridges are inside."""
        return self.bridge_inner or self.width * self.bridge_expansion


class ModelReference(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of weights that others made, and how to know it again.

    Attributes:
        path: the folder, relative to the manifest's or absolute.
        fingerprint: as musiscene_core.neural.tensors.fingerprint gives it.
    """

    path: str
    fingerprint: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a captioner's folder.

    Attributes:
        base: the language model.
        encoder: the audio encoder.
        config: shape of the adapter.
        adapter_sha256: of the adapter's file.
        prompt_profile: the words it was trained to be asked in.
        licence: what the weights may be used for, in their makers' words; empty where unknown.
        dataset_digest: SHA-256 of what it was trained on; empty where unknown.
        source: what it was made from.
        schema_version: of this struct.
    """

    base: ModelReference
    encoder: ModelReference
    config: CaptionerConfig
    adapter_sha256: str
    prompt_profile: PromptProfile = "mullama"
    licence: str = ""
    dataset_digest: str = ""
    source: str = ""
    schema_version: int = SCHEMA_VERSION


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the captioner in `folder`.

    Raises:
        ModelError: there is none, or this version cannot read it.
    """
    try:
        manifest = read_json(folder / MANIFEST, Manifest)
    except InputError as error:
        raise ModelError(
            error.message, hint="Name a folder written by musiscene-train convert."
        ) from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise ModelError(
            f"{folder / MANIFEST} is of version {manifest.schema_version}, not {SCHEMA_VERSION}.",
            hint="Update MusiScene, or convert the weights again.",
        )
    return manifest


def hubert_fits(fields: Mapping[str, Any]) -> bool:
    """Whether an encoder's config.json is of the shapes MERT and HuBERT were published in."""
    return (
        fields.get("feat_extract_norm", "group") in ("group", "layer")
        and fields.get("feat_extract_activation", "gelu") == "gelu"
        and fields.get("hidden_act", "gelu") == "gelu"
        and fields.get("adapter_attn_dim") is None
    )
