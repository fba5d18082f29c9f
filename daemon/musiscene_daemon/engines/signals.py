"""The captioner without a model: words by rules, from what is measured. Always there."""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning import prompts
from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, OnText, Section, unheard
from musiscene_core.errors import InputError
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.protocol.state import CaptionerInfo
from musiscene_core.request import SIGNALS

VERSION = "1"
_UNTOLD = "{} cannot be told from measurements; a captioner with a model can say."
_NOTE = "Written by rules from measurements; no model listened."


class SignalsCaptioner:
    """Measures tempo, key, loudness, brightness and density, and says so in plain words."""

    def describe(self) -> CaptionerInfo:
        """What it is and can do."""
        return CaptionerInfo(
            name=SIGNALS,
            version=VERSION,
            description="Writes by rules from what is measured; no model listens.",
            licence="CC0-1.0",
            commercial_use=True,
            free_questions=False,
            questions=tuple(one for known in prompts.QUESTIONS.values() for one in known),
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
        """Answer the questions it knows; `settings` change nothing, for nothing is drawn."""
        heard = []
        for number, section in enumerate(sections):
            part = Portion(progress, number / len(sections), (number + 1) / len(sections))
            try:
                captions = _captions(section, questions, part)
            except InputError as error:
                heard.append(HeardSection(section=section, problem=str(error)))
                continue
            for place, caption in enumerate(captions):
                on_text(number, place, caption.text)
            heard.append(HeardSection(section=section, captions=captions))
        return tuple(heard)


def _captions(
    section: Section, questions: Sequence[str], progress: Progress
) -> tuple[Caption, ...]:
    # A worker that only ever scores need not load what listening takes.
    from musiscene_core.spotting import describe_sound as words
    from musiscene_core.spotting.portrait import portray

    media = section.media
    portrait = portray(
        media.path, section.start_s, section.end_s, stream=media.audio_stream, progress=progress
    )
    texts = {
        prompts.DESCRIBE: words.music_words(portrait, section.start_s),
        prompts.MOOD: words.mood_words(portrait),
        prompts.INSTRUMENTS: _UNTOLD.format("Instruments"),
        prompts.GENRE: _UNTOLD.format("A genre"),
        prompts.TEMPO: words.tempo_words(portrait),
        prompts.SCENE: words.scene_words(portrait),
        prompts.VIDEO: words.scene_words(portrait),
    }
    how = words.measured(portrait)
    return tuple(
        Caption(
            texts[question],
            "signals",
            how=HowWritten(
                writer=SIGNALS, version=VERSION, settings=how, wrote=texts[question], notes=(_NOTE,)
            ),
        )
        for question in questions
    )
