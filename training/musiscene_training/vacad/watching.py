"""What a clip's picture shows: by a model that describes frames, by measurements, or as given.

The paper has SwinBERT caption each video. Any model that core.spotting.vision loads can stand in:
it describes frames spread over the clip, and what it says becomes a sentence each. Texts that
SwinBERT or anyone else wrote are taken with --seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.errors import EngineError, MediaError
from musiscene_core.media import probe
from musiscene_core.movies import Part, parts_range
from musiscene_core.spotting.seen import Source, picture
from musiscene_core.spotting.spot import spot
from musiscene_training.vacad.clips import Clip, Outcome, Work
from musiscene_training.vacad.settings import Settings

if TYPE_CHECKING:
    from musiscene_core.spotting.vision.describing import Describer

GIVEN, SIGNALS = "given", "signals"
_MEASURED = "Measured, not seen: no vision model was given."


class Watching:
    """Says what each clip shows."""

    def __init__(self, settings: Settings, build: Path) -> None:
        """Load the vision model where there is one.

        Raises:
            EngineError: it cannot be loaded.
        """
        self._settings = settings
        self._build = build
        self._given = dict(settings.seen)
        self._describer = _describer(settings.vision) if settings.vision else None

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Watch the clips."""
        return [self._watched(work) for work in works]

    def _watched(self, work: Work) -> Outcome:
        clip = work.clip
        if given := (self._given.get(clip.id) or clip.seen).strip():
            return Outcome(id=clip.id, value=given, writer=GIVEN)
        try:
            parts = shown(clip, self._build / work.text("fetch"))
            if self._describer is None:
                return _measured(clip, parts)
            return self._described(clip, parts, self._describer)
        except MediaError as error:
            return Outcome(id=clip.id, problem=str(error))

    def _described(self, clip: Clip, parts: Sequence[Part], describer: Describer) -> Outcome:
        found = [picture(source) for source in moments(parts, self._settings.frames)]
        images = [image for image in found if image is not None]
        if not images:
            return Outcome(id=clip.id, problem="No frame of its picture can be decoded.")
        texts = dict.fromkeys(text.strip() for text in describer.describe(images))
        text = " ".join(_sentence(one) for one in texts if one)
        if not text:
            return Outcome(id=clip.id, problem="The vision model says nothing of its picture.")
        return Outcome(id=clip.id, value=text, writer=Path(self._settings.vision).name)


def shown(clip: Clip, media: Path) -> list[Part]:
    """The picture under a clip's music, as parts of files, in order.

    Raises:
        MediaError: it has none, or it cannot be read.
    """
    stretches = clip.pictures
    if not stretches:
        sound = clip.sound
        start, end = (sound.start_s, sound.end_s) if sound is not None else (0.0, None)
        return [_part(str(media), start, end)]
    return [_part(one.path, one.start_s, one.end_s) for one in stretches]


def moments(parts: Sequence[Part], count: int) -> list[Source]:
    """The middles of `count` equal pieces of what is shown."""
    total = sum((end - start for _, start, end in parts), Fraction(0))
    found = []
    for place in range(count):
        left = total * (2 * place + 1) / (2 * count)
        for path, start, end in parts:
            if left < end - start:
                found.append(Source(path, start + left))
                break
            left -= end - start
    return found or [Source(parts[0][0], parts[0][1])]


def _part(path: str, start_s: float, end_s: float | None) -> Part:
    found = probe(path)
    if found.video is None:
        raise MediaError(
            f"{Path(path).name} has no picture.",
            hint="Say what is seen with --seen FILE, or leave it out.",
        )
    start = Fraction(start_s)
    return Part(path, start, max(start, found.duration if end_s is None else Fraction(end_s)))


def _measured(clip: Clip, parts: Sequence[Part]) -> Outcome:
    text = spot(parts_range(clip.key, parts)).captions.video.text
    return Outcome(id=clip.id, value=text, writer=SIGNALS, notes=(_MEASURED,))


def _sentence(text: str) -> str:
    begun = text[0].upper() + text[1:]
    return begun if begun[-1] in ".!?…" else f"{begun}."


def _describer(folder: str) -> Describer:
    from musiscene_core.spotting.vision.folders import look_into

    found = look_into(folder, "vision")
    try:
        import torch

        from musiscene_core.spotting.vision.describing import Describer
    except ImportError as error:
        raise EngineError(
            f"A vision model needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
    return Describer(found, "cuda" if torch.cuda.is_available() else "cpu")
