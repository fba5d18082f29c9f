"""Stages: the language model learns the grammar, then music questions, then scenes.

1. language: text alone, heard by nobody: answers about music, scenes, and music followed by the
   scene that it brings to mind. Scene questions are not among it: as in the papers, to be asked for
   a scene is new to the model until the msi phase.
2. mu: the five questions about music, heard through the adapter; language model and adapter learn.
   Some of the text goes on, so that what the language model knew is not lost.
3. msi: the scene questions; the language model is frozen and only the adapter learns, as in the
   MusiScene paper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from musiscene_core.captioning.nano.words import ANSWER, BEGIN, END, PAD, SPECIAL, Words, pieces
from musiscene_core.progress import Progress, silent
from musiscene_training.nano.fitting import fit
from musiscene_training.nano.grammar.writing import (
    MUSIC_QUESTIONS,
    SCENE_QUESTIONS,
    answer,
    every_text,
)
from musiscene_training.nano.model import Adapter, Language, LanguageShape
from musiscene_training.nano.truth import Traits, any_traits

BATCH = 32
_TOGETHER = 8
"""Rows of like length that are computed together: a batch padded to its longest is half padding."""
_LANGUAGE_RATE, _MU_LANGUAGE_RATE, _ADAPTER_RATE, _MSI_RATE = 3e-3, 1e-3, 2e-3, 2e-3
_GATE_RATE = 3e-2
"""Gates begin at zero and have far to go: at the others' rate nothing is heard for long."""
_TEXT_SHARE = 0.25
"""Of an MU batch, how much is text that nobody hears."""
_ANSWERS_SHARE, _SCENES_SHARE = 0.35, 0.3
"""Of texts, how many answer a question about music, and how many tell of a scene alone."""
_MOST_BLUR, _NOISE = 0.35, 0.3
"""Share of another embedding, and noise in deviations, that the adapters learn to bear."""
_IGNORED = -100
_FIELD = re.compile(r"\{\w+\}")
"""What a frame leaves open."""


@dataclass(frozen=True)
class Heard:
    """What the later stages learn from.

    Attributes:
        embeddings: [n, audio width], of the encoder, which is frozen by now.
        traits: what is true of each.
    """

    embeddings: Tensor
    traits: tuple[Traits, ...]


def vocabulary() -> Words:
    """Every word the grammar can say or be asked, in alphabetical order."""
    known = {piece for text in every_text() for piece in pieces(_FIELD.sub(" ", text))}
    return Words((*SPECIAL, *sorted(known)))


def train_language(
    folder: Path,
    words: Words,
    shape: LanguageShape,
    *,
    steps: int,
    seed: int,
    progress: Progress = silent,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
) -> Language:
    """The language model, on text alone; see fitting.fit."""
    torch.manual_seed(seed + 1)
    language = Language(shape)

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng([seed, step, 4])
        rows = [_text_row(words, any_traits(random), random) for _ in range(BATCH)]
        return _loss(language, rows)

    fit(
        "language",
        folder,
        language,
        [{"params": list(language.parameters()), "lr": _LANGUAGE_RATE}],
        loss_of,
        steps=steps,
        seed=seed + 1,
        progress=progress,
        on_loss=on_loss,
    )
    return language


def train_mu(
    folder: Path,
    words: Words,
    language: Language,
    heard: Heard,
    *,
    steps: int,
    seed: int,
    progress: Progress = silent,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
) -> Adapter:
    """The MU adapter; `language` learns with it. See fitting.fit."""
    torch.manual_seed(seed + 2)
    adapter = Adapter(heard.embeddings.shape[1], language.shape)
    adapter.fit_to(heard.embeddings)
    texts = round(_TEXT_SHARE * BATCH)

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng([seed, step, 5])
        places = random.integers(len(heard.traits), size=BATCH - texts)
        rows = [
            _answer_row(words, heard.traits[place], MUSIC_QUESTIONS, random) for place in places
        ]
        loss = _loss(language, rows, adapter, _blurred(heard.embeddings, places, random))
        unheard = [_text_row(words, any_traits(random), random) for _ in range(texts)]
        return loss + _TEXT_SHARE * _loss(language, unheard)

    fit(
        "mu",
        folder,
        nn.ModuleDict({"language": language, "adapter": adapter}),
        [
            {"params": list(language.parameters()), "lr": _MU_LANGUAGE_RATE},
            *_groups(adapter, _ADAPTER_RATE, _GATE_RATE),
        ],
        loss_of,
        steps=steps,
        seed=seed + 2,
        progress=progress,
        on_loss=on_loss,
    )
    return adapter


def train_msi(
    folder: Path,
    words: Words,
    language: Language,
    mu: Adapter,
    heard: Heard,
    *,
    steps: int,
    seed: int,
    progress: Progress = silent,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
) -> Adapter:
    """The MSI adapter, begun as the MU adapter is; `language` stays as it is. See fitting.fit."""
    torch.manual_seed(seed + 3)
    adapter = Adapter(heard.embeddings.shape[1], language.shape)
    adapter.load_state_dict(mu.state_dict())
    for weight in language.parameters():
        weight.requires_grad_(False)

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng([seed, step, 6])
        places = random.integers(len(heard.traits), size=BATCH)
        rows = [
            _answer_row(words, heard.traits[place], SCENE_QUESTIONS, random) for place in places
        ]
        return _loss(language, rows, adapter, _blurred(heard.embeddings, places, random))

    fit(
        "msi",
        folder,
        adapter,
        _groups(adapter, _MSI_RATE, _MSI_RATE),
        loss_of,
        steps=steps,
        seed=seed + 3,
        progress=progress,
        on_loss=on_loss,
    )
    return adapter


def _blurred(
    embeddings: Tensor, places: npt.NDArray[np.int64], random: np.random.Generator
) -> Tensor:
    """The embeddings at `places`, each with a little of another one and some noise.

    Music that is heard in the world lies between and beside what the corpus holds, and whole cues
    are means over windows; they shall be put into whole sentences too.
    """
    others = embeddings[random.integers(len(embeddings), size=len(places))]
    share = torch.from_numpy(random.uniform(0, _MOST_BLUR, (len(places), 1)).astype(np.float32))
    noise = torch.from_numpy(random.standard_normal(others.shape).astype(np.float32))
    chosen = embeddings[places]
    return chosen + share * (others - chosen) + _NOISE * embeddings.std(dim=0) * noise


def _groups(adapter: Adapter, rate: float, gate_rate: float) -> list[dict[str, object]]:
    others = [weight for name, weight in adapter.named_parameters() if name != "gates"]
    return [{"params": others, "lr": rate}, {"params": [adapter.gates], "lr": gate_rate}]


def question_tokens(words: Words, question: str) -> list[int]:
    """What the language model reads before it answers."""
    return [BEGIN, *words.tokens(question), ANSWER]


_Row = tuple[list[int], int]
"""Tokens, and how many of them come before what is to be learned."""


def _text_row(words: Words, traits: Traits, random: np.random.Generator) -> _Row:
    drawn = random.random()
    if drawn < _ANSWERS_SHARE:
        return _answer_row(words, traits, MUSIC_QUESTIONS, random)[0], 1
    scene = answer(SCENE_QUESTIONS[int(random.integers(2))], traits, random)
    if drawn < _ANSWERS_SHARE + _SCENES_SHARE:
        return [BEGIN, *words.tokens(scene), END], 1
    music = answer(MUSIC_QUESTIONS[0], traits, random)
    return [BEGIN, *words.tokens(f"{music} {scene}"), END], 1


def _answer_row(
    words: Words, traits: Traits, questions: Sequence[str], random: np.random.Generator
) -> _Row:
    question = questions[int(random.integers(len(questions)))]
    asked = question_tokens(words, question)
    return [*asked, *words.tokens(answer(question, traits, random)), END], len(asked)


def _loss(
    language: Language,
    rows: Sequence[_Row],
    adapter: Adapter | None = None,
    embeddings: Tensor | None = None,
) -> Tensor:
    """Mean over rows of each row's mean over what it is to learn."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place][0]))
    losses = []
    for first in range(0, len(rows), _TOGETHER):
        places = order[first : first + _TOGETHER]
        heard = None if embeddings is None else embeddings[places]
        losses.append(_row_losses(language, [rows[place] for place in places], adapter, heard))
    return torch.cat(losses).mean()


def _row_losses(
    language: Language, rows: Sequence[_Row], adapter: Adapter | None, embeddings: Tensor | None
) -> Tensor:
    longest = max(len(tokens) for tokens, _ in rows)
    tokens = torch.full((len(rows), longest), PAD)
    wanted = torch.full((len(rows), longest), _IGNORED)
    for place, (row, skipped) in enumerate(rows):
        tokens[place, : len(row)] = torch.tensor(row)
        wanted[place, skipped - 1 : len(row) - 1] = torch.tensor(row[skipped:])
    logits = language(tokens[:, :-1], adapter, embeddings)
    wanted = wanted[:, :-1]
    losses = F.cross_entropy(
        logits.transpose(1, 2), wanted, ignore_index=_IGNORED, reduction="none"
    )
    return losses.sum(dim=1) / (wanted != _IGNORED).sum(dim=1)
