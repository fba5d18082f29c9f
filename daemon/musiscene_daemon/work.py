"""The work of a job: from its payload to a folder of finished files.

Runs in the worker. Knows nothing of pipes, queues or where the folder will be published.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import EngineError
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.admission import check
from musiscene_core.protocol.state import JobKind
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.takes import sync_tree

BRIEF_NAME = "brief.json"
REQUEST_NAME = "request.json"
TAKE_NAME = "take.json"


def covered_s(kind: JobKind, payload: bytes) -> float:
    """Seconds of film a job covers, every take counted; the arguments are as for `run`."""
    if kind == "spot":
        return msgspec.msgpack.decode(payload, type=TimelineRange).length_seconds
    request = msgspec.msgpack.decode(payload, type=ScoreRequest)
    return request.brief.timeline.length_seconds * request.takes


def run(
    kind: JobKind, payload: bytes, folder: Path, engines: Registry, progress: Progress
) -> tuple[str, ...]:
    """Do a job and push its result onto the disk; returns the names of its takes.

    Args:
        kind: what to do.
        payload: msgpack of a TimelineRange (spot) or a ScoreRequest (score).
        folder: an existing, empty folder.
        engines: what can score.
        progress: hears of each stage.

    Raises:
        MusiSceneError: what the user can mend.
        OSError: `folder` cannot be written.
    """
    if kind == "spot":
        names = _spot(msgspec.msgpack.decode(payload, type=TimelineRange), folder, progress)
    else:
        request = msgspec.msgpack.decode(payload, type=ScoreRequest)
        names = _score(request, folder, engines, progress)
    sync_tree(folder)
    return names


def _spot(timeline: TimelineRange, folder: Path, progress: Progress) -> tuple[str, ...]:
    # Here and not above: a worker that only ever scores need not load the decoders.
    from musiscene_core.spotting.spot import spot

    write_atomically(folder / BRIEF_NAME, to_json(spot(timeline, progress)))
    return ()


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
    for name in filter(None, (take.mix, take.midi, take.peaks, *(s.path for s in take.stems))):
        path = (place / name).resolve()
        if not path.is_relative_to(inside) or not path.is_file():
            raise EngineError(
                f"The engine {take.provenance.engine!r} did not write {Path(name).name!r}.",
                hint="This is a fault of the engine; report it to its makers.",
            )
