"""The captioner that MusiScene comes with: a small model, run by numpy, always there.

Where its files are damaged, measurements answer in its place, and each text says so.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from musiscene_core import __version__
from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning import prompts
from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, OnText, Section, unheard
from musiscene_core.errors import InputError, ModelError
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.protocol.state import CaptionerInfo
from musiscene_core.request import NANO
from musiscene_daemon.engines.signals import SignalsCaptioner

if TYPE_CHECKING:
    from musiscene_core.spotting.portrait import Portrait

log = logging.getLogger(__name__)

_HEARING = 0.6
"""Share of a section's progress that hearing gets, the rest being for answers."""
_QUESTIONS = tuple(one for known in prompts.QUESTIONS.values() for one in known)
_NO_MUSIC = "The nano captioner says nothing of sound without music."
_NOTE = "Written by a small model that was trained on music our own composer wrote."
_MEASURED_TOO = "Beats a minute, key, colour and loudness are measured."
_ON_PLAYERS = "Of music that was not our composer's it names one player in four right."
_ON_SCENES = "Which kind of scene is not sure: {kind} {share:.0%}."
_SURE_SCENE = 0.6
_STRANGE = "This sound is unlike all that it learned from: it may be far off."


class NanoCaptioner:
    """Hears moods, players, pace and the scenes they bring to mind."""

    def describe(self) -> CaptionerInfo:
        """What it is and can do; reads one small file."""
        from musiscene_core.captioning.nano.saved import SHIPPED, read_manifest

        try:
            identity = read_manifest(SHIPPED).weights_sha256
        except ModelError:
            identity = ""
        return CaptionerInfo(
            name=NANO,
            version=f"{__version__}+{identity[:12] or 'damaged'}",
            description="A small model that comes with MusiScene; hears mood, players and scenes.",
            licence="CC0-1.0",
            commercial_use=True,
            model=identity,
            free_questions=False,
            questions=_QUESTIONS,
        )

    def answer(
        self,
        sections: Sequence[Section],
        questions: Sequence[str],
        settings: Generation,
        *,
        adapters: Sequence[tuple[str, float]] = (),
        on_text: OnText = unheard,
        progress: Progress = silent,
    ) -> tuple[HeardSection, ...]:
        """See Captioner."""
        from musiscene_core.captioning.nano.asking import (
            Impression,
            answered,
            attributes,
            is_strange,
            likeliest,
            listen,
        )
        from musiscene_core.captioning.nano.saved import SHIPPED, load
        from musiscene_core.spotting.describe_sound import measured
        from musiscene_daemon.engines.nano_words import description, pace_words

        try:
            nano = load(SHIPPED)
        except ModelError as error:
            log.warning("the nano captioner does not load: %s", error)
            return _measured(sections, questions, settings, on_text, progress, error.message)

        def caption(
            place: int, number: int, impression: Impression, portrait: Portrait, how: HowWritten
        ) -> Caption:
            question, text = questions[number], ""
            notes = list(how.notes)

            def grow(whole: str) -> None:
                nonlocal text
                on_text(place, number, whole[len(text) :])
                text = whole

            if question == prompts.TEMPO:
                grow(pace_words(nano, impression, portrait))
            else:
                asked = prompts.MOOD if question == prompts.DESCRIBE else question
                for grown in answered(nano, impression, asked, settings):
                    grow(grown)
            if question == prompts.DESCRIBE:
                start_s = sections[place].start_s
                grow(description(nano, impression, portrait, text, start_s))
            if question in (prompts.DESCRIBE, prompts.TEMPO):
                notes.append(_MEASURED_TOO)
                figures = measured(portrait)
                how = msgspec.structs.replace(how, settings=(*how.settings, *figures))
            elif question in (prompts.INSTRUMENTS, prompts.GENRE):
                notes.append(_ON_PLAYERS)
            elif question in prompts.QUESTIONS["scene_imagination"]:
                kind, share = likeliest(nano, impression, "kind")
                if share < _SURE_SCENE:
                    notes.append(_ON_SCENES.format(kind=kind, share=share))
            how = msgspec.structs.replace(how, wrote=text, notes=tuple(notes))
            return Caption(text, "model", how=how)

        heard = []
        for place, section in enumerate(sections):
            part = Portion(progress, place / len(sections), (place + 1) / len(sections))
            try:
                impression = listen(nano, section, Portion(part, 0.0, _HEARING / 2))
                portrait = _portrait(section, Portion(part, _HEARING / 2, _HEARING))
            except InputError as error:
                heard.append(HeardSection(section=section, problem=str(error)))
                continue
            # A model that only ever heard music hears it in anything.
            if not portrait.music.present:
                told = partial(_told_from, on_text, place)
                heard += _measured([section], questions, settings, told, part, _NO_MUSIC)
                continue
            how = HowWritten(
                writer=NANO,
                version=f"{__version__}+{nano.identity[:12]}",
                model=nano.identity,
                settings=tuple(msgspec.structs.asdict(settings).items()),
                notes=(
                    _NOTE,
                    *([_STRANGE] if is_strange(nano, impression) else ()),
                    _impression(attributes(nano, impression)),
                ),
            )
            captions = []
            for number in range(len(questions)):
                part("Describing", _HEARING + (1 - _HEARING) * number / len(questions))
                captions.append(caption(place, number, impression, portrait, how))
            heard.append(HeardSection(section=section, captions=tuple(captions)))
        return tuple(heard)


def _impression(attributes: dict[str, str]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in attributes.items() if value)
    return f"It heard: {told}."


def _portrait(section: Section, progress: Progress) -> Portrait:
    """What is measured of a section."""
    from musiscene_core.spotting.portrait import portray

    media = section.media
    return portray(
        media.path, section.start_s, section.end_s, stream=media.audio_stream, progress=progress
    )


def _told_from(on_text: OnText, first: int, section: int, question: int, piece: str) -> None:
    on_text(first + section, question, piece)


def _measured(
    sections: Sequence[Section],
    questions: Sequence[str],
    settings: Generation,
    on_text: OnText,
    progress: Progress,
    reason: str,
) -> tuple[HeardSection, ...]:
    """What measurements say, noted as such."""
    note = f"{reason} Measurements answered in its place."
    found = SignalsCaptioner().answer(
        sections, questions, settings, on_text=on_text, progress=progress
    )

    def noted(caption: Caption) -> Caption:
        if caption.how is None:
            return caption
        how = msgspec.structs.replace(caption.how, notes=(*caption.how.notes, note))
        return msgspec.structs.replace(caption, how=how)

    return tuple(
        msgspec.structs.replace(one, captions=tuple(noted(caption) for caption in one.captions))
        for one in found
    )
