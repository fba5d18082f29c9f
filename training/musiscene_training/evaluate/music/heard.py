"""What listens for an evaluation: embeddings and classifiers, by one small interface.

    mfcc                  statistics of the spectrum; no weights, not comparable with any paper
    vggish:FILE           VGGish's weights for torch, as both papers' FAD
    clap:DIR              CLAP, as transformers saves it; for the CLAP score too
    ast:DIR               AST on AudioSet, as transformers saves it
    passt:FILE            PaSST on AudioSet, as its makers publish it
    torchscript:FILE      any other, such as LEAF: FILE.json beside it says what it hears
    onnx:FILE

Nothing is downloaded. Models give what they make of each window, all but exported ones on a GPU
where there is one; what is counted is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import EngineError, ModelError, RequestError
from musiscene_training.devices import ON_THE_PROCESSOR, device_in_words
from musiscene_training.evaluate.music.sounds import Clip, Floats, windows_of

_BATCH = 8
_AGAIN = f"What was heard is kept: run the same command again. {ON_THE_PROCESSOR}"


class Listener(Protocol):
    """Something that makes a row of numbers of each window of sound.

    Attributes:
        name: for the table.
        sample_rate: that it hears at.
        window: samples it hears at once.
        hop: samples from one window to the next.
        labels: what its numbers are called; empty for an embedding.
        published: whether a FAD of it can stand beside published ones.
    """

    name: str
    sample_rate: int
    window: int
    hop: int
    labels: tuple[str, ...]
    published: bool

    def hear(self, windows: Sequence[Floats]) -> npt.NDArray[np.floating]:
        """Numbers [n, D] of windows [window] each; one alone may be shorter."""


def heard(listener: Listener, clip: Clip) -> npt.NDArray[np.floating]:
    """What `listener` makes of a sound: [n, D], a row a window.

    Raises:
        MediaError: it cannot be heard.
        ModelError: the model gives what is no number.
        EngineError: the GPU is full or lost.
    """
    rows: list[npt.NDArray[np.floating]] = []
    batch: list[Floats] = []
    with device_in_words(_AGAIN):
        for window in windows_of(clip, listener.sample_rate, listener.window, listener.hop):
            batch.append(window)
            if len(batch) == _BATCH:
                rows.append(listener.hear(batch))
                batch = []
        if batch:
            rows.append(listener.hear(batch))
    found = np.concatenate(rows)
    if not np.isfinite(found).all():
        raise ModelError(
            f"{listener.name} gives what is no number for {clip.name}.",
            hint="Look at its weights, or take another model.",
        )
    return found


def padded(windows: Sequence[Floats], length: int) -> Floats:
    """Windows [n, length], a short one with silence after it."""
    return np.stack([np.pad(window, (0, length - len(window))) for window in windows])


def embedding(spec: str) -> Listener:
    """The embedding that `spec` names.

    Raises:
        RequestError: nothing is called so.
        ModelError: its files cannot be used.
        EngineError: a package is missing.
    """
    return _made(spec, {"mfcc": _mfcc, "vggish": _vggish, "clap": _clap, **_EXPORTED}, "embedding")


def classifier(spec: str) -> Listener:
    """The classifier that `spec` names; raises as `embedding` does."""
    return _made(spec, {"ast": _ast, "passt": _passt, **_EXPORTED}, "classifier")


def clap(folder: Path) -> Any:
    """CLAP with both of its towers; raises as `embedding` does."""
    return _made(f"clap:{folder}", {"clap": _clap}, "model")


def _made(spec: str, kinds: dict[str, Callable[[Path], Any]], what: str) -> Any:
    kind, _, path = spec.partition(":")
    if kind not in kinds or (not path) != (kind == "mfcc"):
        known = ", ".join(name if name == "mfcc" else f"{name}:PATH" for name in kinds)
        raise RequestError(f"{spec!r} is no {what}.", hint=f"Name one of: {known}.")
    if path and not Path(path).exists():
        raise ModelError(f"{path} is not there.", hint="Name the model's own file or folder.")
    try:
        with device_in_words(_AGAIN):
            return kinds[kind](Path(path))
    except ImportError as error:
        raise EngineError(
            f"{kind} needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error


def _mfcc(_: Path) -> Any:
    from musiscene_training.evaluate.music.mfcc import Mfcc

    return Mfcc()


def _vggish(path: Path) -> Any:
    from musiscene_training.evaluate.music.vggish import Vggish

    return Vggish(path)


def _passt(path: Path) -> Any:
    from musiscene_training.evaluate.music.passt import Passt

    return Passt(path)


def _clap(path: Path) -> Any:
    from musiscene_training.evaluate.music.hugging import Clap

    return Clap(path)


def _ast(path: Path) -> Any:
    from musiscene_training.evaluate.music.hugging import Ast

    return Ast(path)


def _torchscript(path: Path) -> Any:
    from musiscene_training.evaluate.music.exported import TorchScript

    return TorchScript(path)


def _onnx(path: Path) -> Any:
    from musiscene_training.evaluate.music.exported import Onnx

    return Onnx(path)


_EXPORTED: dict[str, Callable[[Path], Any]] = {"torchscript": _torchscript, "onnx": _onnx}
