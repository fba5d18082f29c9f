"""The work of a job: from its payload to a folder of finished files.

Runs in the worker. Knows nothing of pipes, queues or where the folder will be published.
"""

from __future__ import annotations

from pathlib import Path

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import EngineError
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.admission import check
from musiscene_core.protocol.state import JobKind
from musiscene_core.request import CaptionRequest, ComposeRequest, ConformRequest, ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.takes import sync_tree
from musiscene_daemon.wishes import admit, read

BRIEF_NAME = "brief.json"
REQUEST_NAME = "request.json"
TAKE_NAME = "take.json"
CHANGES_NAME = "changes.json"

_SPOTTING = 0.5
"""Share of the progress of a conform that its spotting gets."""


def run(
    kind: JobKind, payload: bytes, folder: Path, engines: Registry, progress: Progress
) -> tuple[str, ...]:
    """Do a job and push its result onto the disk; returns the names of its takes.

    Args:
        kind: what to do.
        payload: msgpack of what wishes.PAYLOADS says.
        folder: an existing, empty folder.
        engines: what can score.
        progress: hears of each stage.

    Raises:
        MusiSceneError: what the user can mend.
        OSError: `folder` cannot be written.
    """
    # What each kind needs is imported with it: a worker that only ever scores loads no decoders.
    names: tuple[str, ...] = ()
    match read(kind, payload):
        case ScoreRequest() as request:
            names = _score(request, folder, engines, progress)
        case ComposeRequest() as request:
            from musiscene_core.sketch import as_score_request

            names = _score(as_score_request(request), folder, engines, progress)
        case ConformRequest() as request:
            names = _conform(request, folder, engines, progress)
        case CaptionRequest() as request:
            from musiscene_core.spotting.recaption import recaption

            _write_brief(folder, recaption(request))
        case TimelineRange() as timeline:
            from musiscene_core.spotting.spot import spot

            _write_brief(folder, spot(timeline, progress))
    sync_tree(folder)
    return names


def _write_brief(folder: Path, brief: SceneBrief) -> None:
    write_atomically(folder / BRIEF_NAME, to_json(brief))


def _conform(
    wish: ConformRequest, folder: Path, engines: Registry, progress: Progress
) -> tuple[str, ...]:
    """Score the changed range; nothing where the music need not change. Says how it changed."""
    from musiscene_core.conforming import compare, conformed, held
    from musiscene_core.spotting.spot import spot

    admit(wish, engines.infos, engines.broken)
    changes = compare(wish.request.brief.timeline, wish.timeline, held(wish.request))
    if not changes.needs_music:
        write_atomically(folder / CHANGES_NAME, to_json(changes))
        return ()
    brief = spot(wish.timeline, Portion(progress, 0.0, _SPOTTING))
    request = conformed(wish.request, brief, changes)
    names = _score(request, folder, engines, Portion(progress, _SPOTTING, 1.0))
    for name in names:
        write_atomically(folder / name / CHANGES_NAME, to_json(changes))
    return names


def _score(
    request: ScoreRequest, folder: Path, engines: Registry, progress: Progress
) -> tuple[str, ...]:
    check(request, engines.infos, engines.broken)
    engine = engines.get(request.engine)
    names = tuple(f"take-{number}" for number in range(1, request.takes + 1))
    for index, name in enumerate(names):
        place = folder / name
        place.mkdir()
        part = Portion(progress, index / len(names), (index + 1) / len(names))
        take = engine.score(
            request, request.seed + index, name, place, _Named(part, name, len(names))
        )
        _check_files(take, place)
        write_atomically(place / TAKE_NAME, to_json(take))
        write_atomically(place / BRIEF_NAME, to_json(request.brief))
        write_atomically(place / REQUEST_NAME, to_json(request))
    return names


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
