"""The scribe: has a language model write where there is one, and says when it was not so.

Runs in the worker. Whoever asks for a language model surely gets one or an error; whoever leaves
it open gets rules where there is none or it fails, and the text says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from musiscene_core.brief import Caption
from musiscene_core.captioning.language.chosen import chosen
from musiscene_core.captioning.language.model import LanguageModel, OnPiece, Sampling
from musiscene_core.captioning.language.server import LanguageServer
from musiscene_core.captioning.writing import written
from musiscene_core.errors import EngineError, RequestError
from musiscene_core.progress import Progress
from musiscene_core.protocol.licensing import may_watch
from musiscene_core.request import LanguageUse
from musiscene_daemon.engines.local_language import LocalLanguageModel
from musiscene_daemon.residency.residents import Residents

log = logging.getLogger(__name__)


class Asking(Protocol):
    """Asks a language model for a caption; captioning.writing.written, or one like it."""

    def __call__(
        self,
        prompt: str,
        model: LanguageModel,
        sampling: Sampling,
        *,
        on_piece: OnPiece,
        progress: Progress,
    ) -> Caption:
        """The caption that the model writes for `prompt`."""


_NONE = "No language model is set up"


class Scribe:
    """Writes what takes a language model, or has rules write it."""

    def __init__(
        self, use: LanguageUse, residents: Residents, seed: int, *, commercial: bool = False
    ) -> None:
        """Find the language model that the user has chosen.

        Args:
            use: whether there must be one, may be one, or must not.
            residents: where a model of a local folder is kept.
            seed: asks for the same words again.
            commercial: whether its words shape music that is to be sold.

        Raises:
            EngineError: there must be one, and there is none.
            RequestError: there must be one, and the one that there is may not be used so.
            InputError: the choice makes no sense.
        """
        self._use = use
        self._sampling = Sampling(seed=seed)
        self._reason = _NONE if use == "auto" else ""
        refused = _refused() if commercial and use != "rules" else ""
        if refused and use == "model":
            raise RequestError(refused, hint="Choose another: musiscene language use; or rules.")
        if refused:
            self._reason = refused.rstrip(".")
        wanted = use != "rules" and not refused
        self._model = _named(residents, needed=use == "model") if wanted else None

    @property
    def has_model(self) -> bool:
        """Whether a language model will be asked."""
        return self._model is not None

    def write(
        self,
        prompt: Callable[[], str],
        rules: Callable[[str], Caption],
        on_piece: OnPiece,
        progress: Progress,
        *,
        asking: Asking = written,
    ) -> Caption:
        """A text by the model, else by rules.

        Args:
            prompt: gives what to ask; where it raises RequestError, there is too little to ask.
            rules: write instead, given a note that says why; empty where rules were asked for.
            on_piece: hears of the text as it grows.
            progress: asked whether it is still wanted.
            asking: makes a caption of what the model is asked and answers.

        Raises:
            EngineError: the model had to write and could not.
            RequestError: it had to, and there is too little to ask.
        """
        if self._model is None:
            return self._by_rules(rules, self._reason, on_piece)
        try:
            return asking(
                prompt(), self._model, self._sampling, on_piece=on_piece, progress=progress
            )
        except (EngineError, RequestError) as error:
            if self._use == "model":
                raise
            log.warning("rules write instead of a language model: %s", type(error).__name__)
            return self._by_rules(rules, error.message.rstrip("."), on_piece)

    @staticmethod
    def _by_rules(rules: Callable[[str], Caption], reason: str, on_piece: OnPiece) -> Caption:
        caption = rules(f"{reason}; rules wrote this." if reason else "")
        # A model may have begun a text before it failed.
        on_piece(caption.text, anew=True)
        return caption


def _refused() -> str:
    """Why the model of a folder may not write; what a server allows is the user's to know."""
    settings = chosen()
    return may_watch(settings.folder) if settings.folder and not settings.url else ""


def _named(residents: Residents, *, needed: bool) -> LanguageModel | None:
    settings = chosen()
    if settings.url:
        return LanguageServer(settings)
    if settings.folder:
        return LocalLanguageModel(settings.folder, residents)
    if needed:
        raise EngineError(
            f"{_NONE}.",
            hint="Choose one with `musiscene language use`, or have rules write.",
        )
    return None
