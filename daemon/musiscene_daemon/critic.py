"""The critic at work: takes that were just made, judged beside each other before they are shown.

Runs in the worker. A take that cannot be judged is no worse a take: it only goes without.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.captioning.generation import Generation
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.critic import CRITIQUE_FILE, HeardTake, judge, windows
from musiscene_core.critic.asking import QUESTIONS, TakeOnDisk, whole
from musiscene_core.errors import CancelledError, MusiSceneError
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import SIGNALS, ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.engines.base import Captioner
from musiscene_daemon.engines.registry import Registry

log = logging.getLogger(__name__)

_MEASURED = 0.5
"""Share of a take's progress that measuring gets, the rest being for words."""


def criticise(
    request: ScoreRequest,
    takes: Sequence[tuple[Take, Path]],
    engines: Registry,
    progress: Progress,
) -> None:
    """Write what the critic says of each take into its folder; nothing where none is wanted.

    Feelings are measured in any case; the words are those of the captioner asked for. Where that
    one fails, what was measured says them too, and the critique tells.

    Raises:
        CancelledError: `progress` raised it.
    """
    if not request.critic:
        return
    listener, note = request.critic, ""
    try:
        heard = _all_heard(request, takes, engines, listener, progress)
    except CancelledError:
        raise
    except MusiSceneError as error:
        log.warning("%s does not judge the takes: %s", listener, error)
        if listener == SIGNALS:
            return
        listener, note = SIGNALS, f"{listener} could not hear the takes: {error}"
        try:
            heard = _all_heard(request, takes, engines, listener, progress)
        except CancelledError:
            raise
        except MusiSceneError as again:
            log.warning("the takes are not judged: %s", again)
            return
    judged = judge(request.brief, request.target_lufs, heard, listener)
    for critique, (_, folder) in zip(judged, takes, strict=True):
        told = msgspec.structs.replace(critique, note=note)
        write_atomically(folder / CRITIQUE_FILE, to_json(told))


def _all_heard(
    request: ScoreRequest,
    takes: Sequence[tuple[Take, Path]],
    engines: Registry,
    listener: str,
    progress: Progress,
) -> list[HeardTake]:
    measuring, telling = engines.captioner(SIGNALS), engines.captioner(listener)
    return [
        _listen(
            TakeOnDisk(take, folder, request),
            measuring,
            telling,
            Portion(progress, index / len(takes), (index + 1) / len(takes)),
        )
        for index, (take, folder) in enumerate(takes)
    ]


def _listen(
    take: TakeOnDisk, measuring: Captioner, telling: Captioner, progress: Progress
) -> HeardTake:
    parts = windows(take.mix, take.length_s)
    measured = measuring.answer(
        parts, QUESTIONS[:1], Generation(), progress=Portion(progress, 0.0, _MEASURED)
    )
    (told,) = telling.answer(
        (whole(take),), QUESTIONS, Generation(), progress=Portion(progress, _MEASURED, 1.0)
    )
    if told.problem:
        log.warning("nothing is said of a take: %s", told.problem)
    return HeardTake(
        take=take.take, measured=measured, words=[caption.text for caption in told.captions]
    )
