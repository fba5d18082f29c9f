"""What a clip's music sounds like: measured, and in the words of a captioner asked by its name.

Captioners are found by their entry point, as the daemon finds them: those that come with MusiScene
and those of others. Nothing here knows who makes them.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, Section
from musiscene_core.captioning.prompts import DESCRIBE
from musiscene_core.errors import EngineError, InputError, MediaError
from musiscene_core.media import probe
from musiscene_core.request import SIGNALS
from musiscene_core.spotting import describe_sound
from musiscene_core.spotting.portrait import portray
from musiscene_core.timeline import MediaReference
from musiscene_training.vacad.clips import Measure, Outcome, Work
from musiscene_training.vacad.settings import Settings

_ENTRY_POINTS = "musiscene.captioners"
_GIVEN = "given"


class Measuring:
    """Tempo, key, loudness, brightness and density of each clip, in figures and in words."""

    def __init__(self, settings: Settings, build: Path) -> None:
        self._build = build

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Measure the clips; silent and broken ones fail here, before anything dear is done."""
        return [self._measured(work) for work in works]

    def _measured(self, work: Work) -> Outcome:
        try:
            section = _section(work, self._build)
            portrait = portray(section.media.path, section.start_s, section.end_s)
        except InputError as error:
            return Outcome(id=work.clip.id, problem=str(error))
        figures = dict(describe_sound.measured(portrait))
        figures |= {"length_s": portrait.length_s, "music": float(portrait.music.present)}
        return Outcome(
            id=work.clip.id,
            value=describe_sound.music_words(portrait),
            writer=SIGNALS,
            measures=tuple(Measure(name=name, value=value) for name, value in figures.items()),
        )


class Hearing:
    """Has a captioner say what each clip's music is like."""

    def __init__(self, settings: Settings, build: Path) -> None:
        """Find the captioner.

        Raises:
            EngineError: there is none of this name, or it lacks something.
        """
        self._build = build
        self._name = settings.captioner
        self._generation = Generation(seed=settings.seed)
        self._captioner = None if self._name == SIGNALS else captioner(self._name)

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Listen to the clips.

        Raises:
            EngineError: the captioner cannot work.
        """
        told: dict[str, Outcome] = {}
        asked: list[tuple[str, Section]] = []
        for work in works:
            clip = work.clip
            if given := clip.heard.strip():
                told[clip.id] = Outcome(id=clip.id, value=given, writer=_GIVEN)
            elif self._captioner is None:
                told[clip.id] = msgspec.structs.replace(work.done["measures"], measures=())
            else:
                try:
                    asked.append((clip.id, _section(work, self._build)))
                except InputError as error:
                    told[clip.id] = Outcome(id=clip.id, problem=str(error))
        if self._captioner is not None and asked:
            sections = [section for _, section in asked]
            heard = self._captioner.answer(sections, [DESCRIBE], self._generation)
            for (name, _), one in zip(asked, heard, strict=True):
                told[name] = _outcome(name, one, self._name)
        return [told[work.clip.id] for work in works]


def captioner(name: str) -> Any:
    """The captioner called `name`.

    Raises:
        EngineError: there is none, it does not load, or it lacks something.
    """
    found = {entry.name: entry for entry in importlib.metadata.entry_points(group=_ENTRY_POINTS)}
    if name not in found:
        raise EngineError(
            f"There is no captioner called {name!r}.", hint=f"There are {', '.join(sorted(found))}."
        )
    try:
        made = found[name].load()()
        needs = made.describe().needs
    except ImportError as error:
        raise EngineError(
            f"The captioner {name!r} needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
    if needs:
        raise EngineError(f"The captioner {name!r} cannot work yet.", hint=needs)
    return made


def identity(name: str) -> str:
    """What a captioner is known by: its name, and a version that changes with its weights."""
    return name if name == SIGNALS else f"{name} {captioner(name).describe().version}"


def _outcome(name: str, heard: HeardSection, writer: str) -> Outcome:
    if heard.problem or not heard.captions:
        return Outcome(id=name, problem=heard.problem or "The captioner says nothing.")
    caption = heard.captions[0]
    how = caption.how
    return Outcome(
        id=name,
        value=caption.text,
        writer=how.writer if how is not None else writer,
        notes=how.notes if how is not None else (),
    )


def _section(work: Work, build: Path) -> Section:
    path = build / work.text("fetch")
    sound = work.clip.sound
    start_s = sound.start_s if sound is not None else 0.0
    end_s = sound.end_s if sound is not None else None
    if end_s is None:
        found = probe(path)
        if not found.audio:
            raise MediaError(f"{path.name} has no sound.", hint="Choose a file with music in it.")
        length = found.audio[0].duration or found.duration
        end_s = float(max(length, Fraction(start_s)))
    return Section(media=MediaReference(path=str(path)), start_s=start_s, end_s=end_s)
