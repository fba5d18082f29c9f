"""MusicGen as an engine. Describing it loads no torch and reads one small file at most."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import EngineError, InputError, ModelError, RequestError
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.state import EngineInfo, EngineModel
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Provenance, Take
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.engines.musicgen.convert_sources import converted_folder, sources_in
from musiscene_daemon.engines.musicgen.finding import (
    choices,
    find,
    found,
    is_audiocraft,
    size_of,
    title,
)
from musiscene_daemon.engines.musicgen.room import with_room
from musiscene_daemon.engines.musicgen.shape import CONFIG, read_shape
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec, Place
from musiscene_daemon.residency.residents import Residents

if TYPE_CHECKING:
    from musiscene_daemon.engines.musicgen.model import MusicGen

NAME = "musicgen"
VERSION = "1"
MAX_LENGTH_S = 600.0
LICENCE = "CC-BY-NC-4.0"
DTYPE_VARIABLE = "MUSISCENE_MUSICGEN_DTYPE"
"""float32, half or int8; unset: int8 on a processor and half on a GPU."""

_NEEDED = ("torch", "transformers", "safetensors", "tokenizers")
_PRECISIONS = ("float32", "half", "int8")
_SHORTEST_S = 0.02
_BYTES = {"float32": 4, "half": 2, "int8": 1}
_BESIDE_BYTES = 1 << 30
"""Text encoder, codec, cache and work."""


class MusicGenEngine:
    """Generates with MusicGen's weights, where this machine has them."""

    def __init__(self) -> None:
        self._residents = Residents()

    def use_models(self, residents: Residents) -> None:
        """Keep where models live."""
        self._residents = residents
        residents.add_devices(cuda_devices)

    def describe(self) -> EngineInfo:
        """What it is and can do, and what it lacks."""
        lacking = _lacking()
        folder = find()
        description = "Generates from the caption with MusicGen, on this machine."
        if folder is not None and not lacking:
            description = f"{description} Model: {title(folder)}."
        return EngineInfo(
            name=NAME,
            version=VERSION,
            description=description,
            max_length_s=MAX_LENGTH_S,
            stems=STEM_ROLES,
            hit_points=False,
            licence=LICENCE,
            commercial_use=False,
            memory_bytes=0,
            lacks=lacking,
            models=() if _not_installed() else tuple(_model(*one) for one in choices().items()),
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Generate one take into `folder`."""
        lacking = _lacking(request.model)
        if lacking:
            raise EngineError(f"MusicGen cannot be used: {lacking}")
        if request.length_seconds < _SHORTEST_S:
            raise RequestError("The range is too short for music.", hint="Mark a longer one.")
        if request.loop or request.alternates:
            raise RequestError(
                "MusicGen makes no loops and no alternates.",
                hint="Ask the composer for them, with --engine composer.",
            )
        # Seconds of imports, which a worker that only composes need not spend.
        from musiscene_core.composing.compose import compose
        from musiscene_daemon.engines.musicgen import finishing, writing

        weights = _ready(found(request.model), Portion(progress, 0.0, 0.05))
        progress("Planning the music", 0.05)
        plan = compose(request, seed)

        def work(model: MusicGen) -> tuple[writing.Sound, str, int]:
            told = Portion(progress, 0.1, 0.85)
            made = writing.sound(model, request, plan, seed, request.length_seconds, told)
            return made, model.digest, model.shape.sample_rate

        rungs = [_spec(weights)]
        if self._residents.has_gpus:
            rungs.append(_spec(weights, place="cpu"))
        loading = Portion(progress, 0.05, 0.1)
        made, model_digest, rate = with_room(self._residents, rungs, work, loading)
        timeline = request.brief.timeline
        audio = finishing.ended(finishing.at_48k(made.audio, rate), timeline.length_samples)
        stems, levels = finishing.write(request, audio, name, folder, Portion(progress, 0.85, 0.99))
        take = Take(
            name=name,
            cue=timeline.cue,
            rate=timeline.rate,
            record=timeline.record,
            length_samples=timeline.length_samples,
            mix="mix.wav",
            stems=stems,
            peaks="mix.dat",
            hits=(),
            loudness_lufs=round(levels.loudness_lufs, 2),
            true_peak_dbtp=round(levels.true_peak_dbtp, 2),
            provenance=Provenance(
                engine=NAME,
                engine_version=VERSION,
                model=title(weights),
                model_hash=model_digest,
                seed=seed,
                prompt=" | ".join(dict.fromkeys(made.prompts)),
                licence="CC-BY-NC-4.0",
                commercial_use=False,
                request_digest=digest(request),
            ),
            warnings=(*request.brief.warnings, *made.warnings),
        )
        write_atomically(folder / "take.json", to_json(take))
        progress("Writing the take", 1.0)
        return take


def _not_installed() -> str:
    if any(importlib.util.find_spec(module) is None for module in _NEEDED):
        return "torch and transformers are not installed: pip install 'musiscene[models]'."
    return ""


def _lacking(name: str = "") -> str:
    """What has to be there before this can make music, and how to get it; empty where all is."""
    if lacking := _not_installed():
        return lacking
    try:
        folder = found(name)
        if not is_audiocraft(folder):
            read_shape(folder)
        else:
            sources_in(folder)
    except (EngineError, ModelError) as error:
        return str(error)
    return ""


def _model(name: str, folder: Path) -> EngineModel:
    return EngineModel(name=name, bytes=size_of(folder), licence=LICENCE, problem=_lacking(name))


def _ready(folder: Path, progress: Progress) -> Path:
    """`folder`, or what was made from it where it is as audiocraft keeps a model."""
    if not is_audiocraft(folder):
        return folder
    sources = sources_in(folder)
    target = converted_folder(sources)
    if not (target / CONFIG).is_file():
        from musiscene_daemon.engines.musicgen.convert import convert

        convert(sources, target, progress)
    return target


def _precision(device: Device) -> str:
    named = os.environ.get(DTYPE_VARIABLE) or ("int8" if device.kind == "cpu" else "half")
    if named not in _PRECISIONS:
        raise InputError(
            f"{DTYPE_VARIABLE} is {named!r}.", hint=f"Set it to one of {', '.join(_PRECISIONS)}."
        )
    return named


def _spec(weights: Path, place: Place = "gpu_or_cpu") -> ModelSpec[MusicGen]:
    shape = read_shape(weights)
    named = os.environ.get(DTYPE_VARIABLE) or "half"
    size = shape.parameters * _BYTES.get(named, 4) + _BESIDE_BYTES
    return ModelSpec(
        name=f"musicgen {title(weights)}" + (" on the processor" if place == "cpu" else ""),
        bytes=size,
        load=lambda device, progress: _load(weights, device, progress),
        place=place,
    )


def _load(weights: Path, device: Device, progress: Progress) -> MusicGen:
    """Load onto `device`, with the fastest kernel of the precision that is wanted."""
    from musiscene_core.neural import threads

    threads.prepare()
    import torch

    from musiscene_core.neural.linear import ACTIVATIONS, PackedLinear
    from musiscene_core.neural.speed import fastest
    from musiscene_daemon.engines.musicgen.model import load

    threads.use_threads()
    shape = read_shape(weights).decoder
    width, inner = shape.hidden_size, shape.ffn_dim
    products = [(3 * width, width), (width, width), (inner, width), (width, inner)]
    kind = "cpu" if device.kind == "cpu" else "cuda"
    precision = _precision(device)
    kernel = fastest(
        precision,  # type: ignore[arg-type]
        products * shape.num_hidden_layers,
        2,
        device=kind,
    )

    def pack(weight: torch.Tensor) -> PackedLinear:
        return PackedLinear(weight, None, kernel, 2)

    return load(
        weights,
        device=kind if kind == "cpu" else device.name,
        dtype=ACTIVATIONS[kernel],
        pack=pack,
        progress=progress,
    )
