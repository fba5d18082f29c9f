"""What a captioner will need in memory, told from its files' headers before anything is loaded.

Loads no torch. Knows no devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from musiscene_core.captioning.mullama.config import (
    ADAPTER_FILE,
    CHUNK_S,
    CONVOLVED_FRAMES,
    SAMPLE_RATE,
    WIDE_ROWS,
    hubert_fits,
    read_manifest,
)
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, ModelError
from musiscene_core.neural.tensors import WEIGHTS, Shape, shapes, weight_files

Precision = Literal["float32", "half", "int8", "int4"]
"""How the linears of a language model are held; whatever else it has is in 2 bytes, or 4 where
they are."""
LINEAR_BYTES: Mapping[Precision, float] = MappingProxyType(
    {"float32": 4.0, "half": 2.0, "int8": 1.0, "int4": 0.5625}
)
"""Bytes a number; with a scale for every 64 numbers in 4 bits, one a row in 8."""

_GROUPS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("q_proj", "k_proj", "v_proj"), "qkv")
    | dict.fromkeys(("gate_proj", "up_proj"), "gate_up")
    | {"o_proj": "o", "down_proj": "down"}
)
_CACHED_ON_CPU = 4
"""Bytes a number in the cache: between its products a processor computes in float32."""
_CACHES_BYTES = 1 << 30
_SPARE = 1.05
"""What an allocator rounds up."""
_CONVOLUTION_COPIES = 4
"""Of the sound behind the encoder's first convolution: convolved, turned, normalised, activated."""

_SOUND_COPIES, _CONVOLVED_COPIES, _STATE_COPIES = 4, 5, 8
"""On a processor: of the samples, of what is convolved at a time, and of a state in a layer."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """A captioner in numbers.

    Attributes:
        linears: numbers in the linears of the language model's layers.
        values: numbers in the value projections of the layers that hear.
        head: numbers in its last linear, which is read a token too.
        embedding: numbers in its embedding; 0 where the last linear is the same.
        rest: numbers in its norms and biases.
        own: numbers in adapter, prefix, and LoRA, in 4 bytes each.
        encoder: numbers in the encoder, in 4 bytes each.
        cached: numbers that a token leaves behind in the cache.
        vocabulary: scores a token.
        encoding: bytes of work while a minute of sound is encoded on a GPU, and
        encoding_on_cpu: on a processor, where our own forward hears it.
        products: outputs and inputs of every product of a token, those of one input together.
    """

    linears: int
    values: int
    head: int
    embedding: int
    rest: int
    own: int
    encoder: int
    cached: int
    vocabulary: int
    encoding: int
    encoding_on_cpu: int
    products: tuple[tuple[int, int], ...] = ()

    def weight_bytes(self, precision: Precision) -> int:
        """All weights, once loaded."""
        language = self.linears * LINEAR_BYTES[precision]
        # What the music goes in through stays as it was beside its packed form.
        language += (self.values + self.rest) * _other_bytes(precision)
        language += (self.head + self.embedding) * _other_bytes(precision)
        return round(language + 4 * (self.own + self.encoder))

    def token_bytes(self, precision: Precision) -> int:
        """Weights read for each token of an answer."""
        return round(self.linears * LINEAR_BYTES[precision] + self.head * _other_bytes(precision))

    def bytes(
        self, precision: Precision, tokens: int, batch: int = 1, *, on_cpu: bool = False
    ) -> int:
        """Weights and work.

        Args:
            precision: of the language model.
            tokens: of a prompt and its answer.
            batch: answers at a time.
            on_cpu: held by a processor.
        """
        cache = (
            self.cached * (_CACHED_ON_CPU if on_cpu else _other_bytes(precision)) * tokens * batch
        )
        scores = 3 * 4 * self.vocabulary * batch
        work = max(cache + scores, self.encoding_on_cpu if on_cpu else self.encoding)
        return round((self.weight_bytes(precision) + work) * _SPARE)

    def at_once_on_cpu(self, precision: Precision, tokens: int, most: int) -> int:
        """How many answers a processor draws at a time: 1 to `most`.

        Each has a cache of its own, and beyond a few more of them are hardly faster. So all caches
        have at most a quarter of the weights' room, or 1 GiB.
        """
        room = max(self.weight_bytes(precision) // 4, _CACHES_BYTES)
        return max(1, min(most, room // (self.cached * _CACHED_ON_CPU * tokens)))


def footprint(folder: Path) -> Footprint:
    """The captioner in `folder` in numbers.

    Raises:
        ModelError: it is incomplete or damaged.
    """
    manifest = read_manifest(folder)
    base, encoder = folder / manifest.base.path, folder / manifest.encoder.path
    given = shapes(weight_files(base))
    counts = {name: prod(shape) for name, shape in given.items()}
    linears = sum(n for name, n in counts.items() if name.endswith("_proj.weight"))
    embedding = counts.get("model.embed_tokens.weight", 0)
    head = counts.get("lm_head.weight", 0)
    known = linears + embedding + head
    shape = _fields(base)
    try:
        heads = int(shape.get("num_key_value_heads") or shape["num_attention_heads"])
        head_dim = int(
            shape.get("head_dim") or shape["hidden_size"] // shape["num_attention_heads"]
        )
        cached = 2 * int(shape["num_hidden_layers"]) * heads * head_dim
        vocabulary = int(shape["vocab_size"])
        heard_by = _fields(encoder)
        encoding, on_cpu = _encoding_bytes(heard_by), _encoding_bytes_on_cpu(heard_by)
    except (KeyError, TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise ModelError(
            f"A config.json of {folder} describes no model.", hint="Copy the whole folder again."
        ) from error
    return Footprint(
        linears=linears,
        values=_heard(counts, manifest.config.prefix_layers),
        head=head or embedding,
        embedding=embedding if head else 0,
        rest=sum(counts.values()) - known,
        own=sum(map(prod, shapes([folder / ADAPTER_FILE]).values())),
        encoder=sum(map(prod, shapes([encoder / WEIGHTS]).values())),
        cached=cached,
        vocabulary=vocabulary,
        encoding=encoding,
        encoding_on_cpu=on_cpu,
        products=_products(given),
    )


def _heard(counts: Mapping[str, int], layers: int) -> int:
    """Numbers in the value projections of the top layers."""
    found = [(_layer(name), n) for name, n in counts.items() if name.endswith("v_proj.weight")]
    return sum(n for _, n in sorted(found)[-layers:])


def _products(given: Mapping[str, Shape]) -> tuple[tuple[int, int], ...]:
    """The linears of each layer, those that share their input as one, and the last one."""
    rows: dict[tuple[int, str], int] = {}
    inputs: dict[tuple[int, str], int] = {}
    for name, shape in given.items():
        group = _GROUPS.get(name.split(".")[-2]) if name.endswith("_proj.weight") else None
        if group is not None and len(shape) == 2:
            key = _layer(name), group
            rows[key] = rows.get(key, 0) + shape[0]
            inputs[key] = shape[1]
    products = [(rows[key], inputs[key]) for key in sorted(rows)]
    last = given.get("lm_head.weight") or given.get("model.embed_tokens.weight")
    return (*products, (last[0], last[1])) if last is not None and len(last) == 2 else (*products,)


def _layer(name: str) -> int:
    """Which layer a tensor is in; 0 for those outside."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), 0)


def _encoding_bytes(shape: Mapping[str, Any]) -> int:
    """Sound after the first convolution, and every hidden state, of a chunk."""
    samples = CHUNK_S * SAMPLE_RATE
    widths, strides = shape["conv_dim"], shape["conv_stride"]
    convolved = int(widths[0]) * samples // int(strides[0]) * 4 * _CONVOLUTION_COPIES
    frames = samples // prod(map(int, strides))
    width = int(shape["hidden_size"])
    states = (int(shape["num_hidden_layers"]) + 1) * frames * width * 4
    inner = 2 * frames * int(shape["intermediate_size"]) * 4
    return max(convolved, states + inner)


def _encoding_bytes_on_cpu(shape: Mapping[str, Any]) -> int:
    """The same where hubert.py encodes: some frames in the convolutions, and one state, not all."""
    if not hubert_fits(shape):
        return _encoding_bytes(shape)
    samples = CHUNK_S * SAMPLE_RATE
    widths, strides = (list(map(int, shape[name])) for name in ("conv_dim", "conv_stride"))
    frames = samples // prod(strides)
    convolved = CONVOLVED_FRAMES * prod(strides[1:]) * widths[0] * _CONVOLVED_COPIES
    states = frames * (2 * widths[-1] + _STATE_COPIES * int(shape["hidden_size"]))
    inner = 2 * WIDE_ROWS * int(shape["intermediate_size"])
    return 4 * (_SOUND_COPIES * samples + convolved + states + inner)


def _fields(folder: Path) -> dict[str, Any]:
    try:
        return read_json(folder / "config.json", dict[str, Any])
    except InputError as error:
        raise ModelError(error.message, hint="Copy the whole folder again.") from error


def _other_bytes(precision: Precision) -> int:
    return 4 if precision == "float32" else 2
