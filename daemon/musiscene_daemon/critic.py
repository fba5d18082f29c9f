"""The critic at work: takes that were just made, judged beside each other before they are shown.

Runs in the worker. A take that cannot be judged is no worse a take: it only goes without.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

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


def criticise(
    request: ScoreRequest,
    takes: Sequence[tuple[Take, Path]],
    engines: Registry,
    progress: Progress,
) -> None:
    """Write what the critic says of each take into its folder, going by measurements.

    Raises:
        CancelledError: `progress` raised it.
    """
    if SIGNALS not in engines.captioners:
        return
    captioner = engines.captioner(SIGNALS)
    try:
        heard = [
            _listen(
                TakeOnDisk(take, folder, request),
                captioner,
                Portion(progress, index / len(takes), (index + 1) / len(takes)),
            )
            for index, (take, folder) in enumerate(takes)
        ]
    except CancelledError:
        raise
    except MusiSceneError as error:
        log.warning("the takes are not judged: %s", error)
        return
    judged = judge(request.brief, request.target_lufs, heard, SIGNALS)
    for critique, (_, folder) in zip(judged, takes, strict=True):
        write_atomically(folder / CRITIQUE_FILE, to_json(critique))


def _listen(take: TakeOnDisk, captioner: Captioner, progress: Progress) -> HeardTake:
    parts = windows(take.mix, take.length_s)
    *measured, told = captioner.answer(
        (*parts, whole(take)), QUESTIONS, Generation(), progress=progress
    )
    return HeardTake(
        take=take.take, measured=measured, words=[caption.text for caption in told.captions]
    )
