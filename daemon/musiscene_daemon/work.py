"""The work of a job: from its payload to a folder of finished files.

Runs in the worker. Knows nothing of pipes, queues or where the folder will be published.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.captioning.heard import CAPTIONS_NAME, OnText, unheard
from musiscene_core.captioning.request import ListenRequest
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.errors import EngineError
from musiscene_core.media.stand_ins import here
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.admission import check
from musiscene_core.protocol.licensing import check_licences, intended_for
from musiscene_core.protocol.state import JobKind
from musiscene_core.provenance.noting import state
from musiscene_core.request import (
    CaptionRequest,
    ComposeRequest,
    ConformRequest,
    LicenceNeed,
    MusicWish,
    ScoreRequest,
)
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.engines.base import Conforms, Engine, ScoresTogether
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.takes import sync_tree
from musiscene_daemon.wishes import Work, admit, read

BRIEF_NAME = "brief.json"
REQUEST_NAME = "request.json"
TAKE_NAME = "take.json"
CHANGES_NAME = "changes.json"

_SCORING = 0.9
"""Share of the progress that several takes get; the critic gets the rest."""
_SPOTTING = 0.5
"""Share of the progress of a conform that its spotting gets."""


def run(
    kind: JobKind,
    payload: bytes,
    folder: Path,
    engines: Registry,
    progress: Progress,
    on_text: OnText = unheard,
) -> tuple[str, ...]:
    """Do a job and push its result onto the disk; returns the names of its takes.

    Args:
        kind: what to do.
        payload: msgpack of what wishes.PAYLOADS says.
        folder: an existing, empty folder.
        engines: what can score and caption.
        progress: hears of each stage.
        on_text: hears of texts while they are written.

    Raises:
        MusiSceneError: what the user can mend.
        OSError: `folder` cannot be written.
    """
    # What each kind needs is imported with it: a worker that only ever scores loads no decoders.
    names: tuple[str, ...] = ()
    work = read(kind, payload)
    # Asked here too: it may have been accepted before anybody knew what the engine is, and only
    # here may a slow disk be asked for the projects of its media.
    intended = intended_for(work)
    check_licences(work, engines.infos, engines.captioner_infos, intended)
    match work:
        case ScoreRequest() as request:
            names = _score(request, folder, engines, progress)
        case ComposeRequest() as request:
            from musiscene_core.sketch import as_score_request

            names = _score(as_score_request(request), folder, engines, progress)
        case ConformRequest() as request:
            names = _conform(request, folder, engines, progress)
        case CaptionRequest() as request:
            from musiscene_daemon.recaptioning import recaption

            _write_brief(folder, recaption(request, engines, on_text, progress))
        case ListenRequest() as request:
            from musiscene_daemon.hearing import listen

            heard = listen(request, engines, on_text, progress)
            write_atomically(folder / CAPTIONS_NAME, to_json(heard))
        case TimelineRange() as timeline:
            from musiscene_daemon.watching import watched

            _write_brief(folder, watched(timeline, engines.residents, progress))
    if "commercial" in (intended, _wanted(work)):
        _check_may_be_sold(folder, names)
    sync_tree(folder)
    return names


def _wanted(work: Work) -> LicenceNeed:
    if isinstance(work, ConformRequest):
        work = work.request
    return work.licence if isinstance(work, MusicWish) else "any"


def _check_may_be_sold(folder: Path, names: Sequence[str]) -> None:
    """Hold an engine to what it said of itself, by what its takes say."""
    for name in names:
        made = read_json(folder / name / TAKE_NAME, Take).provenance
        if not made.commercial_use:
            raise EngineError(
                f"The engine {made.engine!r} made music that may not be sold ({made.licence}).",
                hint="It said otherwise of itself, which is a fault of the engine; choose another.",
            )


def _write_brief(folder: Path, brief: SceneBrief) -> None:
    write_atomically(folder / BRIEF_NAME, to_json(brief))


def _conform(
    wish: ConformRequest, folder: Path, engines: Registry, progress: Progress
) -> tuple[str, ...]:
    """Fit the music to the changed range; nothing where it need not change. Says how it changed."""
    from musiscene_core.conforming import compare, conformed, held
    from musiscene_core.conforming.earlier import read_earlier
    from musiscene_core.conforming.relocating import relocated
    from musiscene_daemon.watching import watched

    admit(wish, engines.infos, engines.captioner_infos, engines.broken)
    changes = compare(wish.request.brief.timeline, wish.timeline, held(wish.request))
    earlier = None
    if wish.earlier and wish.request.takes == 1:
        earlier = read_earlier(Path(here(wish.earlier)), wish.timeline, wish.request)
    if not changes.needs_music:
        if earlier is None or changes.record_was == changes.record_now:
            write_atomically(folder / CHANGES_NAME, to_json(changes))
            return ()
        place = folder / "take-1"
        take = relocated(earlier, wish.timeline, place.name, place)
        brief = msgspec.structs.replace(wish.request.brief, timeline=wish.timeline)
        _write_take(take, msgspec.structs.replace(wish.request, brief=brief), place)
        names: tuple[str, ...] = (place.name,)
    else:
        film = earlier.film if earlier is not None else None
        spotting = Portion(progress, 0.0, _SPOTTING)
        brief = watched(wish.timeline, engines.residents, spotting)
        request = conformed(wish.request, brief, changes, film)
        names = _score(request, folder, engines, Portion(progress, _SPOTTING, 1.0), earlier)
    for name in names:
        write_atomically(folder / name / CHANGES_NAME, to_json(changes))
    return names


def _score(
    request: ScoreRequest,
    folder: Path,
    engines: Registry,
    progress: Progress,
    earlier: EarlierTake | None = None,
) -> tuple[str, ...]:
    check(request, engines.infos, engines.broken)
    engine = engines.get(request.engine)
    names = tuple(f"take-{number}" for number in range(1, request.takes + 1))
    scoring = Portion(progress, 0.0, _SCORING) if len(names) > 1 else progress
    if len(names) > 1 and isinstance(engine, ScoresTogether):
        made = _together(request, names, folder, engine, scoring)
    else:
        made = _one_by_one(request, names, folder, engine, scoring, earlier)
    if len(made) > 1:
        from musiscene_daemon.critic import criticise

        criticise(request, made, engines, Portion(progress, _SCORING, 1.0))
    return names


def _together(
    request: ScoreRequest,
    names: Sequence[str],
    folder: Path,
    engine: ScoresTogether,
    progress: Progress,
) -> list[tuple[Take, Path]]:
    places = [folder / name for name in names]
    for place in places:
        place.mkdir()
    wanted = [(request.seed + index, place.name, place) for index, place in enumerate(places)]
    takes = engine.score_together(request, wanted, progress)
    for take, place in zip(takes, places, strict=True):
        _write_take(take, request, place)
    return list(zip(takes, places, strict=True))


def _one_by_one(
    request: ScoreRequest,
    names: Sequence[str],
    folder: Path,
    engine: Engine,
    progress: Progress,
    earlier: EarlierTake | None,
) -> list[tuple[Take, Path]]:
    made = []
    for index, name in enumerate(names):
        place = folder / name
        place.mkdir()
        part = Portion(progress, index / len(names), (index + 1) / len(names))
        named = _Named(part, name, len(names))
        take = _kept(request, name, place, engine, named, earlier) if earlier else None
        if take is None:
            take = engine.score(request, request.seed + index, name, place, named)
        _write_take(take, request, place)
        made.append((take, place))
    return made


def _kept(
    request: ScoreRequest,
    name: str,
    place: Path,
    engine: Engine,
    progress: Progress,
    earlier: EarlierTake,
) -> Take | None:
    """A take that keeps what can stay of `earlier`; None where it has to be made anew."""
    if isinstance(engine, Conforms):
        return engine.conform(request, request.seed, name, place, earlier, progress)
    from musiscene_core.conforming.retiming import retimed

    return retimed(earlier, request, name, place, progress)


def _write_take(take: Take, request: ScoreRequest, place: Path) -> None:
    _check_files(take, place)
    state(take, request, place, time.time())
    write_atomically(place / TAKE_NAME, to_json(take))
    write_atomically(place / BRIEF_NAME, to_json(request.brief))
    write_atomically(place / REQUEST_NAME, to_json(request))


class _Named:
    """Progress of one take among several, which says which."""

    def __init__(self, parent: Progress, name: str, count: int) -> None:
        self._parent = parent
        self._prefix = f"{name.capitalize().replace('-', ' ')}: " if count > 1 else ""

    def __call__(self, stage: str, fraction: float) -> None:
        self._parent(self._prefix + stage, fraction)


def _check_files(take: Take, place: Path) -> None:
    """An engine's promise of files is checked where it can still fail the job."""
    inside = place.resolve()
    for name in take.files:
        path = (place / name).resolve()
        if not path.is_relative_to(inside) or not path.is_file():
            raise EngineError(
                f"The engine {take.provenance.engine!r} did not write {Path(name).name!r}.",
                hint="This is a fault of the engine; report it to its makers.",
            )
