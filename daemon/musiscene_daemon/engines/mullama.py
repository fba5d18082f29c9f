"""The captioner that is a model: MU-LLaMA, or MusiScene on top of it, converted once.

It says what it lacks where its weights or packages are not there. torch is loaded with the model,
when it is first asked something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from musiscene_core import __version__
from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, OnText, Section, unheard
from musiscene_core.captioning.mullama import place
from musiscene_core.captioning.mullama.choice import Choice, remember, remembered
from musiscene_core.captioning.mullama.config import Manifest, read_manifest
from musiscene_core.captioning.prompts import prompt
from musiscene_core.errors import EngineError, ModelError
from musiscene_core.licences import allows_commercial_use
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.protocol.state import WORD_TOKENS, AdapterInfo, CaptionerInfo
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec, let_go
from musiscene_daemon.residency.residents import Residents

if TYPE_CHECKING:
    from musiscene_core.captioning.mullama.model import MuLlama

NAME = "mullama"
_LOADED = 0.2
"""Share of the progress that loading gets."""
_PROMPT_TOKENS = 512
"""For the estimate: a question and what stands around it."""


class _Way(NamedTuple):
    """How it is held, how fast and with how many answers at a time.

    Attributes:
        dtype: of its linears.
        token_s: seconds a token takes so; None where nobody measured.
        at_once: answers drawn at a time.
    """

    dtype: str
    token_s: float | None
    at_once: int


class MullamaCaptioner:
    """See the module. One job at a time."""

    def __init__(self) -> None:
        self._folder = place.captioner_folder()
        self._residents: Residents | None = None

    def describe(self) -> CaptionerInfo:
        """What it is, what it can do, and what it lacks; reads a few headers."""
        # It may have come since the last time.
        self._folder = place.captioner_folder()
        needs = place.missing(self._folder)
        if needs:
            return _info(needs=needs)
        from musiscene_core.captioning.mullama.footprint import footprint
        from musiscene_core.captioning.mullama.packs import identity, shelf

        try:
            manifest = read_manifest(self._folder)
            size = footprint(self._folder)
        except ModelError as error:
            return _info(needs=str(error))
        found = shelf(place.pack_folders(self._folder), manifest)
        held = remembered(identity(manifest))
        needed = size.bytes("half", _PROMPT_TOKENS + Generation().max_tokens)
        return _info(
            version=f"{__version__}+{identity(manifest)[:12]}",
            licence=manifest.licence or "unknown",
            commercial_use=allows_commercial_use(manifest.licence),
            model=identity(manifest),
            memory_bytes=held.bytes if held is not None else needed,
            held=held,
            adapters=tuple(
                AdapterInfo(
                    name=pack.name,
                    description=pack.manifest.description,
                    licence=pack.manifest.licence,
                )
                for pack in found.packs.values()
            ),
        )

    def use_models(self, residents: Residents) -> None:
        """Keep `residents`; torch's GPUs are looked for when the model is first wanted."""
        self._residents = residents
        residents.add_devices(cuda_devices)

    def answer(
        self,
        sections: Sequence[Section],
        questions: Sequence[str],
        settings: Generation,
        *,
        adapters: Sequence[tuple[str, float]] = (),
        on_text: OnText = unheard,
        progress: Progress = silent,
    ) -> tuple[HeardSection, ...]:
        """See Captioner."""
        needs = place.missing(self._folder)
        if needs:
            raise EngineError(f"The captioner {NAME!r} cannot work yet.", hint=needs)
        from musiscene_core.neural import threads

        threads.prepare()
        from musiscene_core.captioning.mullama.asking import ask
        from musiscene_core.captioning.mullama.packs import identity, shelf

        manifest = read_manifest(self._folder)
        threads.use_threads()
        packs = shelf(place.pack_folders(self._folder), manifest)
        mixture = [(packs.get(name), weight) for name, weight in adapters]
        residents = self._residents or Residents()
        answers = len(sections) * len(questions)
        specs = self._specs(manifest, settings, answers)
        spec = residents.first_with_room(list(specs))
        way = specs[spec]
        progress(_outlook(way, spec.place, answers, settings), 0.0)
        with (
            residents.use(spec, Portion(progress, 0.0, _LOADED)) as model,
            model.house.mixed(mixture),
        ):
            choice = Choice(
                device=str(model.prefix.gates.device),
                dtype=way.dtype,
                token_s=way.token_s or 0.0,
                bytes=spec.bytes,
            )
            remember(identity(manifest), choice)
            said = ask(
                model,
                sections,
                questions,
                settings,
                on_text=on_text,
                progress=Portion(progress, _LOADED, 1.0),
                ladder=partial(residents.with_oom_ladder, progress=progress),
                batch=way.at_once,
                token_s=way.token_s,
            )
        how = _how(manifest, settings, adapters, spec)
        return tuple(
            HeardSection(section=section, problem=one.problem)
            if one.problem
            else HeardSection(
                section=section,
                captions=tuple(
                    Caption(
                        text,
                        "model",
                        how=msgspec.structs.replace(
                            how, prompt=prompt(question, manifest.prompt_profile), wrote=text
                        ),
                    )
                    for question, text in zip(questions, one.answers, strict=True)
                ),
            )
            for section, one in zip(sections, said, strict=True)
        )

    def _specs(
        self, manifest: Manifest, settings: Generation, answers: int
    ) -> dict[ModelSpec[MuLlama], _Way]:
        """The ways to hold it on this machine, the best first, and how fast each is."""
        from musiscene_core.captioning.mullama.asking import BATCH
        from musiscene_core.captioning.mullama.footprint import Precision, footprint
        from musiscene_core.captioning.mullama.packs import identity
        from musiscene_core.captioning.mullama.saved import load
        from musiscene_core.captioning.mullama.ways import SMALL_BYTES, dtype_name, pace, ways

        folder, size = self._folder, footprint(self._folder)
        gpus = self._residents is not None and self._residents.has_gpus

        def loader(precision: Precision) -> Callable[[Device, Progress], MuLlama]:
            return lambda device, progress: load(
                folder,
                device=device.name,
                precision=precision,
                to_answer=True,
                progress=progress,
            )

        found: dict[ModelSpec[MuLlama], _Way] = {}
        tokens = _PROMPT_TOKENS + settings.max_tokens
        for way in ways(size, gpus=gpus):
            on_cpu = way.kind == "cpu"
            # A GPU's memory is tried out instead, on the ladder.
            at_once = size.at_once_on_cpu(way.precision, tokens, BATCH) if on_cpu else BATCH
            booked = min(at_once, max(answers, 1)) if on_cpu else 1
            spec = ModelSpec(
                name=f"{NAME} {identity(manifest)[:8]} {way.precision} {way.kind}",
                bytes=size.bytes(way.precision, tokens, booked, on_cpu=on_cpu),
                load=loader(way.precision),
                # Quantised weights do not move; nothing else refers to them.
                unload=let_go if way.precision == "int4" else _leave,
                place=way.kind,
            )
            # A small one answers before its pace is measured.
            slow = on_cpu and size.weight_bytes("float32") > SMALL_BYTES
            known = pace(size, way.precision) if slow else None
            found[spec] = (
                _Way(known.dtype, known.token_s, at_once)
                if known is not None
                else _Way(dtype_name(way.precision, way.kind), None, at_once)
            )
        return found


def _info(
    *,
    version: str = __version__,
    licence: str = "",
    commercial_use: bool = False,
    adapters: tuple[AdapterInfo, ...] = (),
    model: str = "",
    memory_bytes: int = 0,
    held: Choice | None = None,
    needs: str = "",
) -> CaptionerInfo:
    return CaptionerInfo(
        name=NAME,
        version=version,
        description="MU-LLaMA or MusiScene: listens with MERT, answers any question with LLaMA.",
        licence=licence,
        commercial_use=commercial_use,
        adapters=adapters,
        model=model,
        memory_bytes=memory_bytes,
        device=held.device if held is not None else "",
        dtype=held.dtype if held is not None else "",
        token_s=held.token_s if held is not None else 0.0,
        needs=needs,
    )


def _outlook(way: _Way, kind: str, answers: int, settings: Generation) -> str:
    """What is to come, for the user, before the model is loaded."""
    if way.token_s is None:
        return f"Captioning in {way.dtype} on the {kind}"
    most_s = ceil(answers / way.at_once) * settings.max_tokens * way.token_s
    most = f"{most_s / 60:.0f} min" if most_s >= 90 else f"{most_s:.0f} s"
    word_s = f"{way.token_s * WORD_TOKENS:.1g}"
    return f"Captioning in {way.dtype} on the {kind}, about {word_s} s a word: up to about {most}"


def _how(
    manifest: Manifest,
    settings: Generation,
    adapters: Sequence[tuple[str, float]],
    spec: ModelSpec[MuLlama],
) -> HowWritten:
    from musiscene_core.captioning.mullama.packs import identity

    return HowWritten(
        writer=NAME,
        version=f"{__version__}+{identity(manifest)[:12]}",
        model=identity(manifest),
        settings=tuple(msgspec.structs.asdict(settings).items()),
        adapters=tuple(adapters),
        notes=(f"Held as {spec.name}.",),
    )


def _leave(model: MuLlama) -> None:
    model.leave()
