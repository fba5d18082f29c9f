"""Whether an engine can do what a request asks, said before any work is done.

Asked three times: by a client before a long spotting whose music would be refused, by the socket
process when it already knows the engines, so that a user need not wait in the queue to be refused,
and by the worker before it begins.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.captioning.request import ListenRequest
from musiscene_core.errors import EngineError, RequestError
from musiscene_core.protocol.licensing import check_licences
from musiscene_core.protocol.state import BrokenEngine, CaptionerInfo, EngineInfo, EngineModel
from musiscene_core.request import SIGNALS, CaptionRequest, MusicWish
from musiscene_core.sampling import USUAL


def check(
    request: MusicWish,
    engines: Sequence[EngineInfo],
    broken: Sequence[BrokenEngine],
    *,
    length_s: float | None = None,
) -> None:
    """Refuse a request that its engine cannot meet; it never falls to another engine.

    Args:
        request: what is wanted.
        engines: those that load.
        broken: those that do not.
        length_s: of the music in seconds; None means the request's own.

    Raises:
        EngineError: the engine is not there, does not load, or lacks something.
        RequestError: it has no such model; its licence or its length does not fit, or whether it
            works from a file.
    """
    info = next((engine for engine in engines if engine.name == request.engine), None)
    if info is None:
        raise _missing(request.engine, engines, broken)
    if request.model in [model.name for model in info.models] or (request.model and not info.lacks):
        _check_model(request.model, info)
    elif info.lacks:
        raise EngineError(
            f"The engine {info.name!r} cannot work yet: {info.lacks}",
            hint="Put that right and restart the daemon, or choose another engine.",
        )
    check_licences(request, engines, (), "any")
    if request.music is None and info.needs_music:
        raise RequestError(
            f"{info.name} works from music that exists.", hint="Use `musiscene remix FILE`."
        )
    for asked, able, why, instead in (
        (
            request.music is not None,
            "reference_audio",
            "makes its own music and takes no music file",
            "Engines that take one",
        ),
        (
            request.sketch == "layer",
            "sketches",
            "renders no sketch that could be layered",
            "Leave out --sketch; engines that render one",
        ),
        (
            request.melody == "temp",
            "reference_audio",
            "follows no melody of a temp track",
            "Leave out --melody; engines that take sound",
        ),
        (
            request.sampling != USUAL,
            "samples",
            "draws no tokens, so guidance, temperature, top-k and top-p mean nothing",
            "Leave them out; engines that draw",
        ),
        (
            request.stems == "generated",
            "samples",
            "generates no stems on their own",
            "Leave out --stems generated; engines that do",
        ),
    ):
        if asked and not _can(info, request.model, able):
            others = ", ".join(name for engine in engines for name in _able(engine, able))
            name = info.name
            if getattr(info, able):
                name += f":{request.model or info.models[0].name}"
            raise RequestError(
                f"{name} {why}.", hint=f"{instead}: {others or 'none is installed'}."
            )
    length_s = request.length_seconds if length_s is None else length_s
    if length_s > info.max_length_s:
        raise RequestError(
            f"The range lasts {length_s:.1f} s; {info.name} scores up to {info.max_length_s:g} s.",
            hint="Mark a shorter range.",
        )


def _can(info: EngineInfo, model: str, able: str) -> bool:
    """Whether a model of an engine, unnamed the first, can do what its description calls `able`."""
    return info.takes_sound(model) if able == "reference_audio" else bool(getattr(info, able))


def _able(info: EngineInfo, able: str) -> list[str]:
    """What to ask for where `able` is wanted: the engine, or those of its models that are."""
    models = [model.name for model in info.models if not model.problem]
    can = [model for model in models if _can(info, model, able)]
    if len(can) < len(models):
        return [f"{info.name}:{model}" for model in can]
    return [info.name] if getattr(info, able) else []


def _check_model(name: str, info: EngineInfo) -> None:
    known = {model.name: model for model in info.models}
    if name not in known:
        there = ", ".join(map(_in_short, info.models)) or "none"
        raise RequestError(
            f"{info.name} has no model called {name[:80]!r}.",
            hint=f"Its models: {there}. Write --engine {info.name}:MODEL, or {info.name} alone for"
            " the first.",
        )
    if known[name].problem:
        raise EngineError(
            f"The model {info.name}:{name} cannot be used: {known[name].problem}",
            hint="Put that right and restart the daemon, or choose another model.",
        )


def _in_short(model: EngineModel) -> str:
    size = f" ({model.bytes / 1e9:.1f} GB)" if model.bytes else ""
    return f"{model.name}{size}{', which cannot be used' if model.problem else ''}"


def check_critic(
    request: MusicWish,
    engines: Sequence[EngineInfo],
    captioners: Sequence[CaptionerInfo],
    broken: Sequence[BrokenEngine],
) -> None:
    """Refuse a critic that cannot hear what the engine makes.

    Raises:
        EngineError: there is no such captioner, or it does not load, or lacks something.
        RequestError: it lives in another environment than the engine.
    """
    # Measurements can be had in every environment.
    if request.takes < 2 or request.critic in ("", SIGNALS):
        return
    info = find_captioner(request.critic, captioners, broken)
    engine = next((one for one in engines if one.name == request.engine), None)
    if engine is not None and engine.environment != info.environment:
        raise RequestError(
            f"The critic {info.name!r} cannot hear what {engine.name} makes: they live in "
            "different environments.",
            hint="Leave the critic out, and have the takes judged afterwards: musiscene takes "
            f"judge ID ID --critic {info.name}.",
        )


def check_listening(
    request: ListenRequest,
    captioners: Sequence[CaptionerInfo],
    broken: Sequence[BrokenEngine],
) -> None:
    """Refuse a request that its captioner cannot meet; it never falls to another captioner.

    Raises:
        EngineError: the captioner is not there, does not load, or lacks something.
        RequestError: it answers no free questions, or has no such adapter.
    """
    info = find_captioner(request.captioner, captioners, broken)
    if not (info.free_questions or set(request.questions) <= set(info.questions)):
        able = ", ".join(one.name for one in captioners if one.free_questions)
        raise RequestError(
            f"The captioner {info.name!r} answers no questions of your own, only: "
            f"{' '.join(info.questions)}",
            hint=f"Captioners that answer any: {able or 'none is installed'}.",
        )
    _check_adapters(request.adapters, info)


def check_captioning(
    request: CaptionRequest,
    captioners: Sequence[CaptionerInfo],
    broken: Sequence[BrokenEngine],
) -> None:
    """Refuse what the captioner that shall hear a brief's temp track cannot do.

    Raises:
        EngineError: it is not there, does not load, or lacks something.
        RequestError: it has no such adapter.
    """
    _check_adapters(request.adapters, find_captioner(request.captioner, captioners, broken))


def _check_adapters(adapters: Sequence[tuple[str, float]], info: CaptionerInfo) -> None:
    known = [adapter.name for adapter in info.adapters]
    for name, _ in adapters:
        if name not in known:
            raise RequestError(
                f"The captioner {info.name!r} has no adapter {name[:80]!r}.",
                hint=f"It has {', '.join(known) or 'none'}.",
            )


def find_captioner(
    name: str, captioners: Sequence[CaptionerInfo], broken: Sequence[BrokenEngine]
) -> CaptionerInfo:
    """The captioner called `name`, where it can work.

    Raises:
        EngineError: it is not there, does not load, or lacks something.
    """
    info = next((one for one in captioners if one.name == name), None)
    if info is None:
        raise _missing(name, captioners, broken, what="captioner")
    if info.needs:
        raise EngineError(f"The captioner {name!r} cannot work yet.", hint=info.needs)
    return info


def _missing(
    name: str,
    known: Sequence[EngineInfo] | Sequence[CaptionerInfo],
    broken: Sequence[BrokenEngine],
    what: str = "engine",
) -> EngineError:
    for one in broken:
        if one.name == name:
            return EngineError(
                f"The {what} {name!r} is installed but does not load: {one.reason}.",
                hint="Install what it lacks, then restart the daemon.",
            )
    there = ", ".join(one.name for one in known) or "none"
    return EngineError(
        f"There is no {what} called {name[:80]!r}.",
        hint=f"Installed {what}s: {there}. Others come as packages that register under "
        f"'musiscene.{what}s'; install one and restart the daemon.",
    )
