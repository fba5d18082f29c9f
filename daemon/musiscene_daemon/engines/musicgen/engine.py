"""MusicGen as an engine. Describing it loads no torch and reads one small file at most."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.aside import aside
from musiscene_core.cue import STEM_ROLES, StemRole
from musiscene_core.errors import EngineError, InputError, ModelError, RequestError
from musiscene_core.models.places import size_of, title
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.state import EngineInfo, EngineModel
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.engines import demucs
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.engines.musicgen.convert_sources import converted_folder, sources_in
from musiscene_daemon.engines.musicgen.finding import (
    choices,
    find,
    found,
    is_audiocraft,
)
from musiscene_daemon.engines.musicgen.room import with_room
from musiscene_daemon.engines.musicgen.shape import CONFIG, ModelShape, checked_files, read_shape
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec, Place
from musiscene_daemon.residency.residents import Residents

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from musiscene_core.neural.linear import Precision
    from musiscene_daemon.engines.demucs import Demucs
    from musiscene_daemon.engines.musicgen.model import MusicGen

NAME = "musicgen"
VERSION = "2"
MAX_LENGTH_S = 600.0
LICENCE = "CC-BY-NC-4.0"
DTYPE_VARIABLE = "MUSISCENE_MUSICGEN_DTYPE"
"""float32, half or int8; unset: int8 on a processor and half on a GPU."""

CANDIDATES_VARIABLE = "MUSISCENE_MUSICGEN_CANDIDATES"
"""How many candidates are written of each window, 1 to 8; unset: 2 on a processor, or 1 of stems
that are generated on their own, and 4 on a GPU.
"""

_CANDIDATES, _CANDIDATES_GPU, _MOST_CANDIDATES = 2, 4, 8
_MOST_ROWS, _MOST_ROWS_GPU = 8, 32
"""Written in one pass, each with its row that hears no words; on a processor by MusicGen small."""
_SMALL_PARAMETERS = 420_000_000
_NEEDED = ("torch", "transformers", "safetensors", "tokenizers")
_PRECISIONS = ("float32", "half", "int8")
_SHORTEST_S = 0.02
_LONGEST_APART_S = 300.0
"""Five stems of it lie in memory at once."""
_STARTING = "Starting MusicGen"
_PLANNING = "Planning the music"
_HEARING = "Hearing the melody to follow"
_BYTES = {"float32": 4, "half": 2, "int8": 1}
_BESIDE_BYTES = 1 << 30
"""Text encoder, codec, cache and work."""


class MusicGenEngine:
    """Generates with MusicGen's weights, where this machine has them."""

    def __init__(self) -> None:
        self._residents = Residents()
        # One thing at a time is loaded, also where nobody waits for the one before any more.
        self._aside = ThreadPoolExecutor(1, "musicgen")

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
            hit_points=True,
            licence=LICENCE,
            commercial_use=False,
            reference_audio=any(map(_hears_melody, choices().values())),
            sketches=True,
            samples=True,
            memory_bytes=0,
            lacks=lacking,
            models=() if _not_installed() else tuple(_model(*one) for one in choices().items()),
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Generate one take into `folder`."""
        (take,) = self.score_together(request, [(seed, name, folder)], progress)
        return take

    def score_together(
        self,
        request: ScoreRequest,
        takes: Sequence[tuple[int, str, Path]],
        progress: Progress,
    ) -> tuple[Take, ...]:
        """Generate several takes in the same passes; each is what it would be alone."""
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
        aside(lambda _: _imported(), progress, _STARTING)
        from musiscene_core.composing.compose import compose
        from musiscene_daemon.engines.musicgen import guides, laying, rendering, stemwise, writing

        # What is named and not there is said before minutes are spent on generating.
        apart = request.stems == "generated"
        separates = demucs.find() if guides.from_sound(request) or not apart else None
        converting = Portion(progress, 0.0, 0.05)
        weights = _ready(found(request.model), converting, self._aside)
        shape = read_shape(weights)
        checked_files(weights, shape)
        # One plan for all takes of a request, so that they can be written together, and each of
        # them alone becomes the same.
        plan = aside(lambda _: compose(request, request.seed), progress, _PLANNING, 0.05)
        length_s = request.length_seconds
        if apart and length_s > _LONGEST_APART_S:
            raise RequestError(
                f"Stems are generated on their own for up to {_LONGEST_APART_S:g} s.",
                hint="Mark a shorter range, or leave out --stems generated.",
            )

        def heard(inner: Progress) -> guides.Guide | None:
            def tuneful(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
                parting = partial(inner, "Taking the stems apart", 0.05)
                with self._separator(separates, Portion(inner, 0.05, 0.05)) as model:
                    return sound if model is None else model.tuneful(sound, parting)

            return guides.guide_for(
                request,
                plan,
                shape,
                tuneful=tuneful if separates else None,
                heed=partial(inner, _HEARING, 0.05),
            )

        follow = aside(heard, progress, _HEARING if guides.from_sound(request) else _PLANNING, 0.05)

        def guide_of(role: StemRole) -> guides.Guide | None:
            return follow if role == "melody" else guides.guide_for(request, plan, shape, role)

        def work(model: MusicGen) -> tuple[tuple[rendering.Sound, ...], rendering.Model]:
            on_gpu = model.decoder.device != "cpu"
            wanted = writing.Work(
                model=model,
                request=request,
                plan=plan,
                moments=laying.moments_of(request, plan),
                length_s=length_s + laying.spare_s(length_s),
                parts=(writing.Part(guide=follow),),
                candidates=_candidates(on_gpu=on_gpu, apart=apart),
                rows=_MOST_ROWS_GPU if on_gpu else _rows(model.shape.parameters),
                sampling=request.sampling,
            )
            seeds = [seed for seed, _, _ in takes]
            about = rendering.Model(
                engine=NAME,
                engine_version=VERSION,
                name=title(weights),
                digest=model.digest,
                sample_rate=model.shape.sample_rate,
                melody=follow is not None and request.melody == "sketch" and not request.music,
            )
            generating = Portion(progress, 0.1, 0.7)
            if apart:
                return stemwise.sounds(wanted, seeds, guide_of, generating), about
            return tuple(one for (one,) in writing.sounds(wanted, seeds, generating)), about

        rungs = [_spec(weights, shape, self._aside)]
        if self._residents.has_gpus:
            rungs.append(_spec(weights, shape, self._aside, place="cpu"))
        loading = Portion(progress, 0.05, 0.1)
        made, about = with_room(self._residents, rungs, work, loading)
        done = []
        parting = Portion(progress, 0.7, 0.72)
        with self._separator(None if apart else separates, parting) as separator:
            for number, (sound, (seed, name, folder)) in enumerate(zip(made, takes, strict=True)):
                begin, end = (0.72 + 0.28 * (number + by) / len(made) for by in (0, 1))
                place = rendering.Place(name, seed, folder)
                part = Portion(progress, begin, end)
                done.append(rendering.rendered(request, plan, sound, about, place, part, separator))
        return tuple(done)

    @contextmanager
    def _separator(self, weights: Path | None, progress: Progress) -> Iterator[Demucs | None]:
        """The model that takes stems apart, while it is wanted; None where rules do."""
        if weights is None:
            yield None
            return
        with self._residents.use(demucs.spec(weights), progress) as model:
            yield model


def _hears_melody(folder: Path) -> bool:
    """Whether the model in `folder` may follow a melody; it says so itself where it does not."""
    if not folder.is_dir():
        return False
    try:
        return is_audiocraft(folder) or read_shape(folder).melody
    except (EngineError, ModelError):
        return False


def _candidates(*, on_gpu: bool, apart: bool) -> int:
    """How many candidates are written of each window, of all the music or of stems `apart`."""
    named = os.environ.get(CANDIDATES_VARIABLE)
    if not named:
        if on_gpu:
            return _CANDIDATES_GPU
        # Twice as many rows as stems take a processor twice as long: it has no more to spare.
        return 1 if apart else _CANDIDATES
    if not named.isdecimal() or not 1 <= int(named) <= _MOST_CANDIDATES:
        raise InputError(
            f"{CANDIDATES_VARIABLE} is {named!r}.", hint=f"Set it to 1 to {_MOST_CANDIDATES}."
        )
    return int(named)


def _rows(parameters: int) -> int:
    """How many rows a processor writes in one pass: a step shall take no longer than small's."""
    return max(1, min(_MOST_ROWS, round(_MOST_ROWS * _SMALL_PARAMETERS / parameters)))


def _not_installed() -> str:
    if any(importlib.util.find_spec(module) is None for module in _NEEDED):
        return (
            "torch and transformers are not installed: run musiscene setup gpu, or"
            " pip install 'musiscene[models]'."
        )
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
    return EngineModel(
        name=name,
        bytes=size_of(folder),
        licence=LICENCE,
        problem=_lacking(name),
        reference_audio=_hears_melody(folder),
    )


def _imported() -> None:
    """Import what making music takes."""
    from musiscene_core.neural.libraries import read_torch

    read_torch()
    from musiscene_core.composing import compose  # noqa: F401
    from musiscene_daemon.engines.musicgen import guides, laying, rendering, stemwise  # noqa: F401


def _ready(folder: Path, progress: Progress, on: Executor | None = None) -> Path:
    """`folder`, or what was made from it where it is as audiocraft keeps a model."""
    if not is_audiocraft(folder):
        return folder
    sources = sources_in(folder)
    target = converted_folder(sources)
    if not (target / CONFIG).is_file():
        from musiscene_daemon.engines.musicgen.convert import convert

        aside(lambda inner: convert(sources, target, inner), progress, _STARTING, on=on)
    return target


def _precision(device: Device) -> Precision:
    named = os.environ.get(DTYPE_VARIABLE) or ("int8" if device.kind == "cpu" else "half")
    if named not in _PRECISIONS:
        raise InputError(
            f"{DTYPE_VARIABLE} is {named!r}.", hint=f"Set it to one of {', '.join(_PRECISIONS)}."
        )
    return named  # type: ignore[return-value]


def _spec(
    weights: Path, shape: ModelShape, on: Executor, place: Place = "gpu_or_cpu"
) -> ModelSpec[MusicGen]:
    named = os.environ.get(DTYPE_VARIABLE) or "half"
    size = shape.parameters * _BYTES.get(named, 4) + _BESIDE_BYTES
    return ModelSpec(
        name=f"musicgen {title(weights)}" + (" on the processor" if place == "cpu" else ""),
        bytes=size,
        load=lambda device, progress: aside(
            lambda inner: _load(weights, device, inner), progress, _STARTING, on=on
        ),
        place=place,
    )


def _load(weights: Path, device: Device, progress: Progress) -> MusicGen:
    """Load onto `device`, with the fastest kernel of the precision that is wanted."""
    from musiscene_core.neural import threads

    threads.prepare()
    from musiscene_core.neural.speed import fastest, timed
    from musiscene_daemon.engines.musicgen.decoder import COMPILED_NEAR
    from musiscene_daemon.engines.musicgen.model import LOADING, load
    from musiscene_daemon.engines.musicgen.preparing import PREPARING, Preparing

    threads.use_threads()
    shape = read_shape(weights).decoder
    width, inner = shape.hidden_size, shape.ffn_dim
    products = [(3 * width, width), (width, width), (inner, width), (width, inner)]
    kind = "cpu" if device.kind == "cpu" else "cuda"
    precision: Precision = _precision(device)
    known = kind != "cpu" or timed(precision, products, 2)
    progress(LOADING if known else PREPARING, 0.0)
    kernel = fastest(
        precision,
        products * shape.num_hidden_layers,
        2,
        device=kind,
        # What a take becomes must not depend on those that are written beside it.
        rows_apart=True,
        near=COMPILED_NEAR,
    )
    preparing = Preparing(kernel, kind)
    model = load(
        weights,
        device=kind if kind == "cpu" else device.name,
        kernel=kernel,
        progress=progress,
    )
    preparing.wait(progress)
    return model
