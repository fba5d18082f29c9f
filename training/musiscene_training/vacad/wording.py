"""Fusion and scene imagination: written by a language model with the paper's prompts, or by rules.

Prompts, sampling and the cleaning of answers are the core's: Izzati et al., appendix A, asked at
temperature 0.7, top-p 0.95, top-k 40, 512 tokens. Where no language model may or can be asked,
rules put what is seen and heard beside each other, and every text says so.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from musiscene_core.captioning.language.cleaning import clean
from musiscene_core.captioning.language.model import Answer, OnPiece, Sampling, unwatched
from musiscene_core.captioning.language.server import LanguageServer
from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.captioning.strategies import fusion_prompt, imagination_prompt
from musiscene_core.captioning.writing import written
from musiscene_core.errors import CancelledError, EngineError, InputError
from musiscene_core.progress import Progress, silent
from musiscene_training.vacad.clips import Outcome, Work
from musiscene_training.vacad.settings import Settings

RULES, GIVEN = "rules", "given"
_BY_RULES = "Rules wrote this; no language model was asked."
_UNHEARD_IN_A_ROW = 3
"""Questions that may go unanswered one after the other before the server counts as gone."""

Prompt = Callable[[str, str], str]


class Wording:
    """Writes one text of what is seen and heard of each clip."""

    prompt: Prompt

    def __init__(self, settings: Settings, build: Path) -> None:
        """Find the language model.

        Raises:
            EngineError: there must be one, and none is set up.
        """
        self._settings = settings
        self._model = model_of(settings)
        self._stop = threading.Event()
        self._unanswered = 0

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Write the texts.

        Raises:
            EngineError: the language model is gone.
        """
        if self._model is None:
            return [self._by_rules(work) for work in works]
        with ThreadPoolExecutor(self._settings.jobs, thread_name_prefix="words") as pool:
            coming = [pool.submit(self._asked, work, self._model) for work in works]
            try:
                return [one.result() for one in coming]
            except BaseException:
                self._stop.set()
                for one in coming:
                    one.cancel()
                raise

    def given(self, work: Work) -> str:
        """The text where somebody wrote it already."""
        return ""

    def rule(self, seen: str, heard: str) -> str:
        """The text without a language model."""
        raise NotImplementedError

    def _by_rules(self, work: Work) -> Outcome:
        if given := self.given(work):
            return Outcome(id=work.clip.id, value=given, writer=GIVEN)
        text = self.rule(work.text("video"), work.text("music"))
        return Outcome(id=work.clip.id, value=text, writer=RULES, notes=(_BY_RULES,))

    def _asked(self, work: Work, settings: LanguageSettings) -> Outcome:
        name = work.clip.id
        if given := self.given(work):
            return Outcome(id=name, value=given, writer=GIVEN)
        server = _Watched(settings)
        prompt = type(self).prompt(work.text("video"), work.text("music"))
        # Each clip has a seed of its own, whichever are asked together.
        drawn = hashlib.sha256(f"{self._settings.seed} {name}".encode()).digest()[:4]
        try:
            caption = written(
                prompt,
                server,
                Sampling(seed=int.from_bytes(drawn, "big") >> 1),
                progress=self._heeded,
            )
        except EngineError as error:
            if server.answered:
                return Outcome(id=name, problem=str(error))
            self._unanswered += 1
            if self._unanswered >= _UNHEARD_IN_A_ROW:
                raise
            return Outcome(id=name, problem=str(error))
        self._unanswered = 0
        how = caption.how
        return Outcome(
            id=name,
            value=caption.text,
            writer=how.writer if how is not None else settings.model,
            notes=how.notes if how is not None else (),
        )

    def _heeded(self, stage: str, fraction: float) -> None:
        if self._stop.is_set():
            raise CancelledError("The build was ended.")


class Fusing(Wording):
    """The music in one description from both captions."""

    prompt = staticmethod(fusion_prompt)

    def rule(self, seen: str, heard: str) -> str:
        """What is heard, and what it lies under."""
        return f"{heard} It goes with this picture: {seen}"


class Imagining(Wording):
    """The scene that the music suits."""

    prompt = staticmethod(imagination_prompt)

    def given(self, work: Work) -> str:
        """What a cue library says of the scene."""
        return clean(work.clip.scene).text

    def rule(self, seen: str, heard: str) -> str:
        """The picture that it lies under is a scene that it suits."""
        return f"The music is suitable for a scene like this: {seen}"


class _Watched(LanguageServer):
    """A server that remembers whether it ever answered."""

    def __init__(self, settings: LanguageSettings) -> None:
        super().__init__(settings)
        self.answered = False

    def ask(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        on_piece: OnPiece = unwatched,
        progress: Progress = silent,
    ) -> Answer:
        """See LanguageModel."""
        answer = super().ask(prompt, sampling, on_piece=on_piece, progress=progress)
        self.answered = True
        return answer


def model_of(settings: Settings) -> LanguageSettings | None:
    """The language model that shall write; None for rules.

    Raises:
        EngineError: there must be one, and none is set up.
        InputError: it is one that only the daemon can run.
    """
    if settings.language == "rules":
        return None
    if settings.model.url:
        return settings.model
    if settings.model.folder:
        raise InputError(
            "A build asks a language model's server; the one that is set up is a folder.",
            hint="Serve the folder (vLLM, llama.cpp) and give its address with --language-url.",
        )
    if settings.language == "model":
        raise EngineError(
            "No language model is set up.",
            hint="Give its address with --language-url, or have --language rules write.",
        )
    return None
