"""A real, tiny captioner: says how loud each section is, a word at a time.

What a question holds beside words steers it: "until=FILE" waits for a file before the last word.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, OnText, Section, unheard
from musiscene_core.errors import MusiSceneError
from musiscene_core.media import read_audio
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol import CaptionerInfo
from musiscene_core.protocol.state import AdapterInfo

SPEC = "tests.support.scripted_captioner:ScriptedCaptioner"


class ScriptedCaptioner:
    """See the module."""

    def describe(self) -> CaptionerInfo:
        return CaptionerInfo(
            name="scripted-ear",
            version="3",
            description="Says how loud it is.",
            licence="CC0-1.0",
            commercial_use=True,
            adapters=(AdapterInfo(name="house"),),
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
        heard = []
        for number, section in enumerate(sections):
            progress("Hearing", number / len(sections))
            start, end = Fraction(section.start_s), Fraction(section.end_s)
            try:
                sound = read_audio(section.media.path, start, end, sample_rate=48_000)
            except MusiSceneError as error:
                heard.append(HeardSection(section=section, problem=str(error)))
                continue
            peak = float(abs(sound).max())
            if peak < 1e-4:
                heard.append(HeardSection(section=section, problem="It is silent."))
                continue
            captions = []
            for place, question in enumerate(questions):
                words = [question.split()[0], "it", "peaks", "at", f"{peak:.2f}"]
                for word in words:
                    if word == words[-1] and "until=" in question:
                        wait_for(question.partition("until=")[2], progress)
                    on_text(number, place, f"{word} ")
                how = HowWritten(
                    writer="scripted-ear",
                    version="3",
                    prompt=question,
                    settings=(("seed", settings.seed),),
                    adapters=tuple(adapters),
                    wrote=" ".join(words),
                )
                captions.append(Caption(" ".join(words), "model", how=how))
            heard.append(HeardSection(section=section, captions=tuple(captions)))
        return tuple(heard)


def wait_for(path: str, progress: Progress) -> None:
    while not Path(path).exists():
        progress("Waiting", 0.5)
        time.sleep(0.005)


class ForgetfulCaptioner(ScriptedCaptioner):
    """One that leaves the last question unanswered."""

    def describe(self) -> CaptionerInfo:
        return CaptionerInfo(
            name="forgetful", version="1", description="", licence="", commercial_use=False
        )

    def answer(
        self, sections: Sequence[Section], questions: Sequence[str], *rest: object, **named: object
    ) -> tuple[HeardSection, ...]:
        return super().answer(sections, questions[:-1], *rest, **named)


class LackingCaptioner(ScriptedCaptioner):
    """One that has no model yet."""

    def describe(self) -> CaptionerInfo:
        return CaptionerInfo(
            name="lacking",
            version="1",
            description="",
            licence="",
            commercial_use=False,
            free_questions=False,
            needs="Put its model into the folder.",
        )
