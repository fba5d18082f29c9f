"""What a captioner is asked so that takes can be judged, and takes as they lie on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.captioning.heard import Section, SoundCaptions
from musiscene_core.captioning.prompts import DESCRIBE, MOOD
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.codec import read_json
from musiscene_core.critic.critique import Critique
from musiscene_core.critic.hearing import windows
from musiscene_core.critic.judging import HeardTake, judge
from musiscene_core.errors import RequestError
from musiscene_core.request import SIGNALS, ScoreRequest
from musiscene_core.take import Take

QUESTIONS = (DESCRIBE, MOOD)
"""Asked about each take as a whole."""


class TakeOnDisk(msgspec.Struct, frozen=True):
    """A take, its folder, and what it was made from."""

    take: Take
    folder: Path
    request: ScoreRequest

    @property
    def mix(self) -> str:
        """Absolute path of its mix."""
        return str((self.folder / self.take.mix).resolve())

    @property
    def length_s(self) -> float:
        """Seconds of music."""
        return self.take.length_samples / self.take.sample_rate


def read_take(folder: Path) -> TakeOnDisk:
    """The take in `folder`.

    Raises:
        InputError: it is damaged, or does not say what it was made from.
    """
    take = read_json(folder / "take.json", Take)
    return TakeOnDisk(take, folder, read_json(folder / "request.json", ScoreRequest))


def whole(take: TakeOnDisk) -> Section:
    """All of a take's mix."""
    (media,) = {window.media for window in windows(take.mix, take.length_s)}
    return Section(media=media, start_s=0.0, end_s=take.length_s)


def critiques(
    folders: Sequence[Path], captioner: str, listen: Callable[[ListenRequest], SoundCaptions]
) -> tuple[Critique, ...]:
    """Takes of one scene judged by the brief of the first, in their order.

    Args:
        folders: of the takes.
        captioner: who puts them into words; "signals" measures them in any case.
        listen: has sound put into words.

    Raises:
        InputError: a take cannot be read.
        RequestError: there are none.
    """
    takes = [read_take(folder) for folder in folders]
    if not takes:
        raise RequestError("There are no takes to judge.", hint="Name the folders of some.")
    heard = [_heard(take, captioner, listen) for take in takes]
    brief: SceneBrief = takes[0].request.brief
    return judge(brief, takes[0].request.target_lufs, heard, captioner)


def _heard(
    take: TakeOnDisk, captioner: str, listen: Callable[[ListenRequest], SoundCaptions]
) -> HeardTake:
    measured = listen(_request(windows(take.mix, take.length_s), SIGNALS, (DESCRIBE,)))
    told = listen(_request((whole(take),), captioner, QUESTIONS))
    words = tuple(one.text for section in told.sections for one in section.captions)
    return HeardTake(take=take.take, measured=measured.sections, words=words)


def _request(
    sections: Sequence[Section], captioner: str, questions: tuple[str, ...]
) -> ListenRequest:
    sounds = tuple(
        SoundPart(media=part.media, start_s=part.start_s, end_s=part.end_s) for part in sections
    )
    return ListenRequest(
        sounds=sounds, questions=questions, captioner=captioner, sectioning="whole"
    )
