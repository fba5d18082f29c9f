"""A build from its first clip to its dataset; whatever is done already is not done again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.progress import Progress, silent
from musiscene_training.vacad import fetching
from musiscene_training.vacad.executing import Executor, Local, Task
from musiscene_training.vacad.finishing import Manifest, finish
from musiscene_training.vacad.parts import Parts, Plan
from musiscene_training.vacad.selecting import Selection, from_audioset, from_folder, from_list
from musiscene_training.vacad.settings import Settings, Sources
from musiscene_training.vacad.stages import ORDER, SAID, known_by

FAILURES_FILE = "failures.csv"
_EARLY = 20
"""Clips after which a stage may be given up."""


class Failure(NamedTuple):
    """Why a clip is not in the dataset."""

    id: str
    stage: str
    reason: str


class Built(NamedTuple):
    """What came of a build.

    Attributes:
        manifest: of the dataset; None where it was to end at a stage before.
        failures: of clips that are not in it.
    """

    manifest: Manifest | None
    failures: tuple[Failure, ...]


def build(
    folder: Path,
    sources: Sources | None,
    settings: Settings,
    *,
    executor: Executor | None = None,
    until: str = "",
    redo: str = "",
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Built:
    """Build the dataset in `folder`, or go on where it was.

    Args:
        folder: of the build; one that is there goes on.
        sources: where clips come from; None for a build that has them already.
        settings: how.
        executor: where stages run; None for this process.
        until: the stage to end after; empty for all.
        redo: the stage to begin anew, with those after it; empty for none.
        retry_failed: try clips again that failed.
        progress: hears of each stage; what it raises ends the build, and nothing is lost.

    Raises:
        RequestError: the build was begun with other settings.
        InputError: too many clips failed.
        OutputError: no space or no permission; what is done is kept.
        EngineError: a model, a captioner or a server is not there.
    """
    with _alone(folder):
        parts = Parts(folder)
        plan = _planned(parts, sources)
        wanted = ORDER[: ORDER.index(until) + 1] if until else ORDER
        known = {name: known_by(name, settings) for name in wanted}
        if redo:
            parts.redo(redo)
        for name in wanted:
            parts.claim(name, known[name])
        fetching.clear(folder)
        try:
            for name in wanted:
                _stage(name, parts, plan, settings, executor or Local(), retry_failed, progress)
        finally:
            failures = _failures(parts, plan)
            _write(folder / FAILURES_FILE, failures)
        if until:
            return Built(None, failures)
        manifest = finish(parts, plan, settings, _counted(failures), progress)
        return Built(manifest, failures)


def _stage(
    name: str,
    parts: Parts,
    plan: Plan,
    settings: Settings,
    executor: Executor,
    retry_failed: bool,
    progress: Progress,
) -> None:
    tasks, waiting, total = [], 0, 0
    failed = 0
    for part in range(plan.parts):
        made = parts.outcomes(name, part)
        mine = len(parts.waiting(name, part, retry_failed=retry_failed))
        bad = sum(bool(one.problem) for one in made.values())
        failed += 0 if retry_failed else bad
        total += len(made) + mine - (bad if retry_failed else 0)
        waiting += mine
        if mine:
            tasks.append(Task(name, part, retry_failed))
    done = total - waiting
    before = plan.clips - total

    def told(count: int, bad: int) -> None:
        nonlocal done, failed
        done += count
        failed += bad
        progress(SAID[name], done / max(1, total))
        if done >= _EARLY:
            check()

    def check() -> None:
        hopeless = before + failed > settings.most_failed * plan.clips
        if hopeless or (done >= _EARLY and failed > settings.most_failed * done):
            raise _too_many(name, parts, plan, before + failed)

    progress(SAID[name], done / max(1, total))
    if tasks:
        executor.run(tasks, settings, parts.build, told)
    check()


def _too_many(name: str, parts: Parts, plan: Plan, count: int) -> InputError:
    failures = _failures(parts, plan)
    reasons = Counter(one.reason for one in failures).most_common(1)
    most = f" Mostly: {reasons[0][0]}" if reasons else ""
    return InputError(
        f"{count} of {plan.clips} clips failed, too many to go on after the stage {name!r}.{most}",
        hint=f"{FAILURES_FILE} in the build says why each did. Mend it and run again with "
        "--retry-failed, or allow more with --most-failed.",
    )


def _planned(parts: Parts, sources: Sources | None) -> Plan:
    plan = parts.plan()
    chosen_from = _in_words(sources) if sources is not None else None
    if plan is None:
        if sources is None or chosen_from is None:
            raise RequestError(
                f"{parts.build} holds no build yet.",
                hint="Give one of --audioset CSV, --folder DIR and --clips FILE.",
            )
        return parts.begin(_selected(sources), chosen_from)
    if chosen_from is not None and chosen_from != plan.chosen_from:
        name = sorted(
            name for name in chosen_from if chosen_from[name] != plan.chosen_from.get(name)
        )
        raise RequestError(
            f"The clips of this build were chosen from {plan.chosen_from}; now the "
            f"{name[0] if name else 'choice'} is another.",
            hint="Go on without naming where clips come from, or build into a new folder.",
        )
    return plan


def _in_words(sources: Sources) -> dict[str, str]:
    path = sources.audioset or sources.folder or sources.clips
    kind = "audioset" if sources.audioset else "folder" if sources.folder else "clips"
    return {
        kind: str(path.resolve() if path is not None else ""),
        "label": sources.label if sources.audioset else "",
        "licence": sources.licence,
        "limit": str(sources.limit or "none"),
    }


def _selected(sources: Sources) -> Selection:
    if sources.audioset is not None:
        return from_audioset(sources.audioset, sources.label, sources.licence, sources.limit)
    if sources.folder is not None:
        return from_folder(sources.folder, sources.licence, sources.limit)
    if sources.clips is not None:
        return from_list(sources.clips, sources.licence, sources.limit)
    raise AssertionError("Sources names one")


def _failures(parts: Parts, plan: Plan) -> tuple[Failure, ...]:
    found = [Failure(one.id, "select", one.problem) for one in parts.left_out()]
    for name in ORDER:
        for part in range(plan.parts):
            found += [
                Failure(one.id, name, one.problem)
                for one in parts.outcomes(name, part).values()
                if one.problem
            ]
    return tuple(found)


def _counted(failures: tuple[Failure, ...]) -> dict[str, int]:
    return dict(Counter(one.stage for one in failures))


def _write(path: Path, failures: tuple[Failure, ...]) -> None:
    file = io.StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow(Failure._fields)
    # A name that begins like a formula would be run by a spreadsheet.
    rows.writerows([f"'{one}" if one[:1] in "=+-@\t\r" else one for one in row] for row in failures)
    write_atomically(path, file.getvalue().encode())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other builds out of the folder.

    Raises:
        OutputError: it cannot be made.
        RequestError: another build is at work there.
    """
    lock = InstanceLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = lock.acquire()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if not free:
        raise RequestError(
            f"Another build, process {lock.holder()}, is at work in {folder}.",
            hint="Wait for it, or end it first.",
        )
    try:
        yield
    finally:
        lock.release()
