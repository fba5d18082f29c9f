"""Caption metrics: BLEU, METEOR and ROUGE-L, each beside the floor of shuffled references.

Two profiles. `standard` is what a reader expects: corpus BLEU over words (sacrebleu), ROUGE-L's F1,
METEOR over words. `legacy` is what MU-LLaMA's published evaluation did: sentence BLEU over
characters, unsmoothed, and ROUGE-L's recall. Figures of one profile say nothing beside those of
the other; unrelated captions score about 0.4 in `legacy`, so the floor is always part of a result.

METEOR's synonyms come from WordNet, which is data of its own: without it words match by form and
stem alone, and the result says so.
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from musiscene_core.errors import EngineError, InputError

Profile = Literal["standard", "legacy"]
References = Sequence[Sequence[str]]
"""For each item, the captions that would all be right; at least one."""

BLEU_ORDERS = (1, 2, 3, 4)
_SHUFFLES = 3
_SHUFFLE_SEED = 17


@dataclass(frozen=True)
class Scores:
    """How near candidates come to references, each figure 0 to 1.

    Attributes:
        bleu: BLEU-1 to BLEU-4, cumulative.
        meteor: mean over items.
        rouge_l: mean over items.
        synonyms: whether METEOR knew synonyms.
    """

    bleu: tuple[float, ...]
    meteor: float
    rouge_l: float
    synonyms: bool

    @property
    def bleu_mean(self) -> float:
        """The mean of BLEU-1 to BLEU-4, which the MusiScene paper reports."""
        return statistics.fmean(self.bleu)


@dataclass(frozen=True)
class Evaluation:
    """Scores, and those of the same candidates against references of other items."""

    scores: Scores
    floor: Scores
    profile: Profile
    items: int


@dataclass(frozen=True)
class ItemScores:
    """How near one candidate comes, each figure 0 to 1; `bleu` is the mean of orders 1 to 4."""

    bleu: float
    meteor: float
    rouge_l: float


def evaluate(
    candidates: Sequence[str], references: References, profile: Profile = "standard"
) -> Evaluation:
    """Score `candidates`, one an item, and find their floor.

    Raises:
        InputError: fewer than two items, or an item without a reference that says something.
        EngineError: a package is missing.
    """
    _check(candidates, references)
    floors = [
        score(candidates, [references[place] for place in order], profile)
        for order in shuffles(len(candidates))
    ]
    floor = Scores(
        bleu=_means([each.bleu for each in floors]),
        meteor=statistics.fmean(each.meteor for each in floors),
        rouge_l=statistics.fmean(each.rouge_l for each in floors),
        synonyms=floors[0].synonyms,
    )
    return Evaluation(score(candidates, references, profile), floor, profile, len(candidates))


def score(
    candidates: Sequence[str], references: References, profile: Profile = "standard"
) -> Scores:
    """Score `candidates` without a floor; of several references the best counts.

    Raises:
        InputError: no items, or an item without a reference that says something.
        EngineError: a package is missing.
    """
    _check(candidates, references, least=1)
    words, synonyms = _meteor_words()
    standard = profile == "standard"
    rouge_ls = _rouge_ls(candidates, references, "fmeasure" if standard else "recall")
    return Scores(
        bleu=(
            _corpus_bleu(candidates, references)
            if standard
            else _means(_character_bleus(candidates, references))
        ),
        meteor=statistics.fmean(_meteors(candidates, references, words)),
        rouge_l=statistics.fmean(rouge_ls),
        synonyms=synonyms,
    )


def score_items(
    candidates: Sequence[str], references: References, profile: Profile = "standard"
) -> list[ItemScores]:
    """What each item scores by itself, in their order.

    A BLEU of one sentence is coarse: it says which captions to look at, and its mean is not the
    corpus' figure in `standard`, where orders longer than a caption are left out.

    Raises:
        InputError: no items, or an item without a reference that says something.
        EngineError: a package is missing.
    """
    _check(candidates, references, least=1)
    words, _ = _meteor_words()
    standard = profile == "standard"
    bleus = (_sentence_bleus if standard else _character_bleus)(candidates, references)
    return [
        ItemScores(statistics.fmean(bleu), meteor, rouge_l)
        for bleu, meteor, rouge_l in zip(
            bleus,
            _meteors(candidates, references, words),
            _rouge_ls(candidates, references, "fmeasure" if standard else "recall"),
            strict=True,
        )
    ]


def distinct(candidates: Sequence[str], order: int) -> float:
    """The share of different n-grams of `order` words among all of them; 0 where there are none."""
    grams = [
        tuple(words[at : at + order])
        for words in (text.lower().split() for text in candidates)
        for at in range(len(words) - order + 1)
    ]
    return len(set(grams)) / len(grams) if grams else 0.0


def _check(candidates: Sequence[str], references: References, least: int = 2) -> None:
    if len(candidates) != len(references):
        raise InputError(
            f"There are {len(candidates)} captions for {len(references)} items.",
            hint="Give one caption an item, empty where there is none.",
        )
    if len(candidates) < least:
        raise InputError(
            f"There must be at least {least} captions to compare.", hint="Evaluate more items."
        )
    for place, texts in enumerate(references):
        if not any(text.strip() for text in texts):
            raise InputError(
                f"Item {place + 1} has no reference caption.", hint="Leave it out, or write one."
            )


def shuffles(items: int) -> list[list[int]]:
    """Some orders of so many items, two or more, in which none keeps its place."""
    random = np.random.default_rng(_SHUFFLE_SEED)
    orders = []
    for _ in range(_SHUFFLES):
        ring = random.permutation(items)
        order = [0] * items
        for one, following in zip(ring, np.roll(ring, 1), strict=True):
            order[int(one)] = int(following)
        orders.append(order)
    return orders


def _corpus_bleu(candidates: Sequence[str], references: References) -> tuple[float, ...]:
    from_package = _package("sacrebleu.metrics")
    most = max(len(texts) for texts in references)
    # One stream a rank of reference; an item with fewer says None.
    streams = [
        [texts[rank] if rank < len(texts) else None for texts in references] for rank in range(most)
    ]
    return tuple(
        from_package.BLEU(max_ngram_order=order).corpus_score(list(candidates), streams).score / 100
        for order in BLEU_ORDERS
    )


def _sentence_bleus(candidates: Sequence[str], references: References) -> list[tuple[float, ...]]:
    from_package = _package("sacrebleu.metrics")
    scorers = [
        from_package.BLEU(max_ngram_order=order, effective_order=True) for order in BLEU_ORDERS
    ]
    return [
        tuple(scorer.sentence_score(text, list(texts)).score / 100 for scorer in scorers)
        for text, texts in zip(candidates, references, strict=True)
    ]


def _character_bleus(candidates: Sequence[str], references: References) -> list[tuple[float, ...]]:
    bleu = _package("nltk.translate.bleu_score").sentence_bleu
    weights = [(1 / order,) * order for order in BLEU_ORDERS]
    with warnings.catch_warnings():
        # It warns for each item that shares no n-gram, which is what the zero says.
        warnings.simplefilter("ignore", UserWarning)
        return [
            tuple(bleu(list(texts), text, weights=each) if text else 0.0 for each in weights)
            for text, texts in zip(candidates, references, strict=True)
        ]


def _means(items: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(statistics.fmean(values) for values in zip(*items, strict=True))


def _rouge_ls(candidates: Sequence[str], references: References, which: str) -> list[float]:
    scorer = _package("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=True)
    return [
        max(getattr(scorer.score(reference, text)["rougeL"], which) for reference in texts)
        for text, texts in zip(candidates, references, strict=True)
    ]


def _meteors(candidates: Sequence[str], references: References, words: object) -> list[float]:
    meteor = _package("nltk.translate.meteor_score").meteor_score
    tokens: Callable[[str], list[str]] = _package("nltk.tokenize").wordpunct_tokenize
    return [
        meteor([tokens(reference) for reference in texts], tokens(text), wordnet=words)
        for text, texts in zip(candidates, references, strict=True)
    ]


class _NoSynonyms:
    """Stands where WordNet would: no word has synonyms."""

    def synsets(self, word: str) -> list[object]:
        """None."""
        return []


def _meteor_words() -> tuple[object, bool]:
    wordnet = _package("nltk.corpus").wordnet
    try:
        wordnet.ensure_loaded()
    except LookupError:
        return _NoSynonyms(), False
    return wordnet, True


def _package(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EngineError(
            f"Evaluating captions needs the package {name.partition('.')[0]}.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
