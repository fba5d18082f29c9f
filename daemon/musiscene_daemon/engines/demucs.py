"""Demucs by path: weights of the user's own take a mix apart, into stems or speech and all else.

Reads the files that demucs publishes, `.th` and `.safetensors`, as data alone: nothing in a file
names code that is run. Nothing is downloaded. Hybrid Transformer Demucs: Rouard et al. 2023.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiscene_core.aside import aside
from musiscene_core.errors import EngineError, ModelError
from musiscene_core.models.places import models_folder
from musiscene_core.models.shelf import folders as shelved
from musiscene_core.separating.weights import weights_in
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec

Floats = npt.NDArray[np.float32]

VARIABLE = "MUSISCENE_DEMUCS"
"""A file of weights; unset: the first *demucs* among the models, pulled, added or put there."""
LOADING = "Loading what takes sound apart"
KINDS = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
_STEMS = ("drums", "bass")
_SPEECH = "vocals"
_NEEDED = (_STEMS, (_SPEECH,))
_OVERLAP = 0.25
_BESIDE_BYTES = 1 << 30
_HINT = (
    "Get the file again, such as htdemucs's 955717e8-8726e21a.th, or unset"
    f" {VARIABLE} to take stems apart by rules."
)


@dataclass(frozen=True)
class Demucs:
    """A loaded model.

    Attributes:
        model: demucs's own.
        name: of its file.
        device: as torch names it.
    """

    model: Any
    name: str
    device: str = "cpu"

    def split(self, mix: Floats, heed: Callable[[], None] = lambda: None) -> dict[str, Floats]:
        """Its stems of `mix` [2, n] at 48 kHz, by name; asks `heed` every few seconds of sound.

        Raises:
            ModelError: it tells no drums and bass apart.
            EngineError: it gave no numbers.
        """
        self._check(_STEMS)
        return self._parts(mix, heed)

    def tuneful(self, mix: Floats, heed: Callable[[], None]) -> Floats:
        """What is neither drums nor bass [2, n] in `mix` [2, n] at 48 kHz; asks `heed` likewise.

        Raises:
            ModelError: it tells no drums and bass apart.
            EngineError: it gave no numbers.
        """
        parts = self.split(mix, heed)
        rest: Floats = np.sum([part for name, part in parts.items() if name not in _STEMS], axis=0)
        return rest

    def speech(self, mix: Floats, heed: Callable[[], None]) -> Floats:
        """The voices [2, n] in `mix` [2, n] at 48 kHz; asks `heed` every few seconds of sound.

        Raises:
            ModelError: it tells no voices apart.
            EngineError: it gave no numbers.
        """
        self._check((_SPEECH,))
        return self._parts(mix, heed)[_SPEECH]

    def _check(self, needed: Sequence[str]) -> None:
        if not set(needed) <= set(self.model.sources):
            raise ModelError(
                f"{self.name} tells {', '.join(self.model.sources)} apart, not "
                f"{' and '.join(needed)}.",
                hint=_HINT,
            )

    def _parts(self, mix: Floats, heed: Callable[[], None]) -> dict[str, Floats]:
        # Seconds of imports, which a worker that takes nothing apart need not spend.
        import torch
        from demucs.apply import apply_model

        from musiscene_daemon.engines.musicgen.listening import at_rate

        rate = int(self.model.samplerate)
        sound = at_rate(mix, SAMPLE_RATE, rate)
        level = sound.mean(axis=0)
        mean, spread = float(level.mean()), float(level.std()) + 1e-8
        given = torch.from_numpy((sound - mean) / spread)[None]
        with torch.inference_mode():
            found = apply_model(
                self.model,
                given,
                shifts=0,
                split=True,
                overlap=_OVERLAP,
                device=self.device,
                callback=lambda _: heed(),
            )
        stems = found[0].cpu().numpy() * np.float32(spread) + np.float32(mean / len(found[0]))
        if not np.isfinite(stems).all():
            raise EngineError(f"{self.name} gave stems that are no numbers.", hint=_HINT)
        samples = mix.shape[1]
        parts = [_as_long(at_rate(stem, rate, SAMPLE_RATE), samples) for stem in stems]
        return dict(zip(self.model.sources, parts, strict=True))


def find() -> Path | None:
    """The file of weights to use; None where there is none. The named one is there or an error.

    Raises:
        ModelError: the named file is not there, or demucs is not installed for it.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise ModelError(f"{VARIABLE} names {path}, which is no file.", hint=_HINT)
        if not _installed():
            raise ModelError(
                f"{VARIABLE} names weights, and demucs is not installed.",
                hint="pip install 'musiscene[stems]'",
            )
        return path
    return next(_candidates(), None) if _installed() else None


def _candidates() -> Iterator[Path]:
    for path in (*sorted(models_folder().glob("*demucs*")), *shelved("stems").values()):
        yield from weights_in(path)


def spec(path: Path) -> ModelSpec[Demucs]:
    """How the worker's residents load the model in `path`."""
    return ModelSpec(
        name=f"demucs {path.stem}",
        bytes=4 * path.stat().st_size + _BESIDE_BYTES,
        load=lambda device, progress: aside(lambda _: load(path, device), progress, LOADING),
        place="gpu_or_cpu",
    )


def load(path: Path, device: Device | None = None) -> Demucs:
    """The model in `path`.

    Raises:
        ModelError: it is damaged, no Demucs, quantised, or tells apart nothing that is of use.
    """
    read: Callable[[Path], tuple[str, Sequence[Any], dict[str, Any], dict[str, Any]]]
    read = _read_safetensors if path.suffix == ".safetensors" else _read_package
    kind, args, kwargs, state = read(path)
    if kind not in KINDS:
        raise ModelError(f"{path} holds no Demucs but {kind[:80]!r}.", hint=_HINT)
    try:
        model = _class(kind)(*args, **kwargs)
        model.load_state_dict(state)
    # Its makers check sizes and names with errors of many types.
    except Exception as error:
        raise ModelError(
            f"{path} does not fit its own description: {error}.", hint=_HINT
        ) from error
    if not any(set(needed) <= set(model.sources) for needed in _NEEDED):
        raise ModelError(
            f"{path} tells {', '.join(model.sources)} apart: no drums and bass, and no voices.",
            hint=_HINT,
        )
    where = "cpu" if device is None or device.kind == "cpu" else device.name
    return Demucs(model.eval().to(where), path.stem, where)


def _installed() -> bool:
    return importlib.util.find_spec("demucs") is not None


def _class(kind: str) -> Any:
    from demucs.demucs import Demucs as Plain
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    return dict(zip(KINDS, (HTDemucs, HDemucs, Plain), strict=True))[kind]


def _read_package(path: Path) -> tuple[str, Sequence[Any], dict[str, Any], dict[str, Any]]:
    """What a .th file holds: the kind of model, its settings, its weights."""
    import torch

    known = [*(_class(kind) for kind in KINDS), Fraction]
    try:
        with torch.serialization.safe_globals(known):
            package = torch.load(path, map_location="cpu", weights_only=True)
        klass = package["klass"]
        found = package["args"], package["kwargs"], package["state"]
    # Damaged and hostile pickles raise whatever they lead the reader to.
    except Exception as error:
        raise ModelError(f"{path} cannot be read as a Demucs.", hint=_HINT) from error
    return f"{klass.__module__}.{klass.__qualname__}", *found


def _read_safetensors(path: Path) -> tuple[str, Sequence[Any], dict[str, Any], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in list(file.keys())}
        if "structure" in about:
            raise ModelError(f"{path} is quantised, which is not read.", hint=_HINT)
        return about["klass"], _plain(about["args"]), _plain(about["kwargs"]), state
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a Demucs.", hint=_HINT) from error


def _plain(text: str) -> Any:
    """Settings as demucs writes them: JSON, with fractions as objects."""

    def fraction(found: dict[str, Any]) -> Any:
        if found.get("_type") == "fraction":
            return Fraction(found["numerator"], found["denominator"])
        return found

    return json.loads(text, object_hook=fraction)


def _as_long(sound: Floats, samples: int) -> Floats:
    """`sound` [2, n] as [2, samples]: resampling there and back leaves a sample too many."""
    result: Floats = np.zeros((2, samples), np.float32)
    count = min(samples, sound.shape[1])
    result[:, :count] = sound[:, :count]
    return result
