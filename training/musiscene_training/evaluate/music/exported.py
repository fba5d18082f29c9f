"""Any other model as one file, TorchScript or ONNX, with a JSON file that says what it hears.

    leaf.onnx
    leaf.onnx.json      {"name": "LEAF", "sample_rate": 16000, "window_s": 10, "labels": [...]}

It takes sound [n, window_s * sample_rate] from -1 to 1 and gives logits of the labels, or without
labels an embedding. Herrmann-1's classifier is no torch model: export it once, and name it here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from musiscene_core.codec import read_json
from musiscene_core.errors import ModelError
from musiscene_training.evaluate.music.heard import padded
from musiscene_training.evaluate.music.sounds import Floats


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """What a model hears, and what it says.

    Attributes:
        name: for the table; empty for the file's.
        sample_rate: samples a second.
        window_s: seconds that it hears at once.
        hop_s: seconds from one window to the next; 0 for `window_s`.
        labels: of what it gives, in order; none for an embedding.
        published: whether a FAD of it can stand beside published ones.
    """

    sample_rate: Annotated[int, msgspec.Meta(ge=4000, le=192_000)]
    window_s: Annotated[float, msgspec.Meta(gt=0, le=600)]
    hop_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    name: str = ""
    labels: tuple[str, ...] = ()
    published: bool = False


class _Exported:
    """What both kinds have in common."""

    def __init__(self, path: Path) -> None:
        described = path.with_name(f"{path.name}.json")
        if not described.is_file():
            raise ModelError(
                f"{described} is not there, which says what the model hears.",
                hint='Write {"sample_rate": 16000, "window_s": 10, "labels": [...]} into it.',
            )
        hearing = read_json(described, Hearing)
        self._path = path
        self.name = hearing.name or path.stem
        self.sample_rate = hearing.sample_rate
        self.window = round(hearing.window_s * hearing.sample_rate)
        self.hop = round((hearing.hop_s or hearing.window_s) * hearing.sample_rate)
        self.labels = hearing.labels
        self.published = hearing.published

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """What the model gives, [n, D].

        Raises:
            ModelError: it cannot hear such windows, or gives something else.
        """
        given = padded(windows, self.window)
        try:
            said = np.asarray(self._run(given))
        except Exception as error:  # its own code, which may raise anything
            raise ModelError(
                f"{self._path} cannot hear windows of {given.shape}: {str(error)[:300]}",
                hint="See what it was exported for, and mend the file beside it.",
            ) from error
        wanted = len(self.labels) or said.shape[-1]
        if said.ndim != 2 or said.shape != (len(given), wanted):
            raise ModelError(
                f"{self._path} gives {list(said.shape)} for {len(given)} windows"
                f" and {len(self.labels)} labels.",
                hint="It must give a row a window, with a number a label.",
            )
        return said

    def _run(self, given: Floats) -> Any:
        raise NotImplementedError


class TorchScript(_Exported):
    """A model that torch.jit saved."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            ModelError: it cannot be.
        """
        import torch

        super().__init__(path)
        try:
            with warnings.catch_warnings():
                # torch would rather have its newer export, in which these models do not come.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._model = torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"{path} is no TorchScript that can be loaded.", hint="Export it again."
            ) from error

    def _run(self, given: Floats) -> Any:
        import torch

        with torch.inference_mode():
            return self._model(torch.from_numpy(given)).float().numpy()


class Onnx(_Exported):
    """A model for onnxruntime, with one input and the answer as its first output."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            ModelError: it cannot be.
        """
        import onnxruntime

        super().__init__(path)
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own errors have no common name
            raise ModelError(
                f"{path} is no ONNX model that can be loaded.", hint="Export it again."
            ) from error
        self._input = self._session.get_inputs()[0].name

    def _run(self, given: Floats) -> Any:
        return self._session.run(None, {self._input: given})[0]
