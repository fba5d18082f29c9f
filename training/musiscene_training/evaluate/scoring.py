"""Everything that is found out about a set of captions, in one go."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from musiscene_core.progress import Portion, Progress, silent
from musiscene_training.evaluate import metrics
from musiscene_training.evaluate.bert import NEEDED, BertScorer, Nearness
from musiscene_training.evaluate.captions import Captions
from musiscene_training.evaluate.metrics import Profile
from musiscene_training.evaluate.report import (
    Figures,
    ItemFigures,
    Report,
    figures_of,
    published,
)
from musiscene_training.evaluate.signatures import checks, copied, names_scene, relapsed

_PROFILES: tuple[Profile, ...] = get_args(Profile)
_PACKAGES = ("musiscene", "sacrebleu", "nltk", "rouge-score")
_SHOWN = 5
_NEAR = 0.6
"""Progress once a model has read all texts."""


def evaluate_captions(
    given: Captions,
    name: str,
    training: Sequence[str] = (),
    bert: Path | None = None,
    baselines: Mapping[str, Sequence[str]] | None = None,
    progress: Progress = silent,
) -> tuple[Report, tuple[ItemFigures, ...]]:
    """Score captions, called `name` in the table, look for signs of failure, item by item too.

    `baselines` are others' captions of the same items, in their order, for rows of their own.

    Raises:
        EngineError: a package is missing.
        ModelError: what is in `bert` is no model.
    """
    texts = [item.text for item in given.items]
    references = [item.references for item in given.items]
    scorer = BertScorer(bert) if bert is not None else None
    close = _closeness(scorer, texts, references, Portion(progress, 0.0, _NEAR)) if scorer else None
    others = {
        other: scorer.score(said, references) if scorer else None
        for other, said in (baselines or {}).items()
    }
    rows: list[Figures] = []
    singles = []
    synonyms = False
    for at, profile in enumerate(_PROFILES):
        progress(f"Scores, {profile}", _NEAR + (1 - _NEAR) * at / len(_PROFILES))
        mean = close.mean(profile) if close is not None else None
        if len(texts) > 1:
            found = metrics.evaluate(texts, references, profile)
            floor = close.floor(profile) if close is not None else None
            rows.append(figures_of(name, profile, found.scores, mean))
            rows.append(figures_of("floor: others' references", profile, found.floor, floor))
            synonyms = found.scores.synonyms
        else:
            scores = metrics.score(texts, references, profile)
            rows.append(figures_of(name, profile, scores, mean))
            synonyms = scores.synonyms
        for other, said in (baselines or {}).items():
            near = others[other]
            theirs = _mean(near, profile) if near is not None else None
            scores = metrics.score(said, references, profile)
            rows.append(figures_of(other, profile, scores, theirs))
        singles.append(metrics.score_items(texts, references, profile))
    copies = copied(texts, training)
    items = tuple(
        ItemFigures(
            item.id,
            item.text,
            item.references[0],
            standard.bleu,
            standard.meteor,
            standard.rouge_l,
            legacy.bleu,
            legacy.rouge_l,
            close.near[at].f1 if close is not None else None,
            names_scene(item.text),
            relapsed(item.text),
            copies[at],
        )
        for at, (item, standard, legacy) in enumerate(zip(given.items, *singles, strict=True))
    )
    report = Report(
        items=len(items),
        digest=given.digest,
        figures=(*rows, *published()),
        checks=checks(texts, references, training),
        notes=tuple(_notes(given, bool(training), close is not None, synonyms)),
        synonyms=synonyms,
        made_with={package: version(package) for package in _PACKAGES},
    )
    return report, items


@dataclass(frozen=True)
class _Closeness:
    """BERTScores of each item, and of the same captions with references of other items."""

    near: list[Nearness]
    apart: list[Nearness]

    def mean(self, profile: Profile) -> float:
        return _mean(self.near, profile)

    def floor(self, profile: Profile) -> float:
        return _mean(self.apart, profile)


def _closeness(
    scorer: BertScorer,
    texts: Sequence[str],
    references: Sequence[Sequence[str]],
    progress: Progress,
) -> _Closeness:
    near = scorer.score(texts, references, Portion(progress, 0.0, 0.7))
    orders = metrics.shuffles(len(texts)) if len(texts) > 1 else []
    apart = [
        one
        for order in orders
        for one in scorer.score(texts, [references[place] for place in order])
    ]
    return _Closeness(near, apart)


def _mean(near: Sequence[Nearness], profile: Profile) -> float:
    """As the profile has it: F1, or the recall of the published evaluation."""
    return statistics.fmean(one.f1 if profile == "standard" else one.recall for one in near)


def _notes(given: Captions, trained: bool, bert: bool, synonyms: bool) -> list[str]:
    notes = [
        "Rows marked published are as the paper prints them, of other music and references; its"
        " BLEU is likely that of profile legacy. Compare with the floor of the same profile.",
    ]
    if len(given.items) == 1:
        notes.append("One item has no floor, and says nothing about a captioner.")
    if not bert:
        notes.append(f"BERTScore {NEEDED}.")
    if not synonyms:
        notes.append(
            "METEOR knew no synonyms, so it is lower than published ones:"
            " run python -m nltk.downloader wordnet."
        )
    if not trained:
        notes.append("Copies of the training text were not looked for: give it with --training.")
    for ids, what in (
        (given.unanswered, "references have no caption and are not scored"),
        (given.empty, "captions are empty and score zero"),
        (given.foreign, "captions do not look English; words are compared as they are"),
    ):
        if ids:
            more = ", ..." if len(ids) > _SHOWN else ""
            notes.append(f"{len(ids)} {what}: {', '.join(ids[:_SHOWN])}{more}.")
    return notes
