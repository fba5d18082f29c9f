"""How good a nano captioner is on material it never trained on.

It is run as it is shipped: by numpy, from its folder. MusiScene-nano and MU-nano are asked the
scene question over the same music; MU-nano is the same model with the adapter of the phase before.
As it was never asked for a scene, what it says when asked to describe the music is held against the
same scenes too: the fluent text of a captioner that knows music alone.

Both are compared free, choosing among all words; as it is shipped MusiScene-nano is bound to its
sentences, which is a row of its own.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.nano.asking import answer_tokens
from musiscene_core.captioning.nano.features import Views
from musiscene_core.captioning.nano.network import Floats, embedding, told
from musiscene_core.captioning.nano.saved import Nano, load
from musiscene_core.captioning.prompts import DESCRIBE, SCENE
from musiscene_core.progress import Progress, silent
from musiscene_training.evaluate import metrics
from musiscene_training.nano.classes import class_of
from musiscene_training.nano.examples import Examples, Label
from musiscene_training.nano.grammar.writing import answer, names_a_scene
from musiscene_training.nano.truth import PLAYERS

GROUPS = (
    "unseen-seeds, plain",
    "unseen-seeds, altered",
    "unseen-idioms, plain",
    "unseen-idioms, altered",
)
"""Held-out examples: whose cues they are of, and whether anything became of their sound."""
_SHOWN = 6
_ASKED = (
    ("MU-nano", SCENE, "mu", False),
    ("MusiScene-nano", SCENE, "msi", False),
    ("MusiScene-nano, bound", SCENE, "msi", True),
    ("MU-nano", DESCRIBE, "mu", False),
)
"""Who is asked what, the adapter by which he hears, and whether he is bound to sentences."""


class Row(msgspec.Struct, frozen=True):
    """A row of the table.

    Attributes:
        model: who spoke.
        question: what was asked.
        sound: "plain" or "altered".
        bleu: mean of BLEU-1 to BLEU-4.
        bleu4: BLEU-4.
        meteor: mean.
        rouge_l: mean.
    """

    model: str
    question: str
    sound: str
    bleu: float
    bleu4: float
    meteor: float
    rouge_l: float


class Sample(msgspec.Struct, frozen=True):
    """What is said of one example, beside a reference."""

    idiom: str
    sound: str
    mu: str
    musiscene: str
    reference: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        items: examples by group.
        accuracy: by group, the share of examples of which each attribute is told right; of
            players, the F1.
        rows: caption metrics, standard profile, one reference an example, over one plain and one
            altered example of each cue.
        whole: by model and question, how many free answers are sentences of the grammar.
        scene_share: how many of MusiScene-nano's free scene answers name a scene of the grammar.
        mu_scene_share: how many of MU-nano's do.
        distinct_2: different pairs of words among all of MusiScene-nano's.
        synonyms: whether METEOR knew synonyms.
        samples: some answers.
    """

    items: dict[str, int]
    accuracy: dict[str, dict[str, float]]
    rows: tuple[Row, ...]
    whole: dict[str, float]
    scene_share: float
    mu_scene_share: float
    distinct_2: float
    synonyms: bool
    samples: tuple[Sample, ...]

    def row(self, model: str, question: str, sound: str = "plain") -> Row:
        """One row; KeyError where there is none."""
        for row in self.rows:
            if (row.model, row.question, row.sound) == (model, question, sound):
                return row
        raise KeyError(model, question, sound)


def measure(folder: Path, held_out: Examples, seed: int, progress: Progress = silent) -> Figures:
    """Have the captioner in `folder` describe what it never trained on.

    Raises:
        ModelError: the folder holds no captioner.
        EngineError: a package is missing.
    """
    nano = load(folder)
    heard = _heard(nano, held_out, progress)
    groups = {
        group: [place for place, label in enumerate(held_out.labels) if _group(label) == group]
        for group in GROUPS
    }
    asked = {sound: _one_a_cue(held_out, sound) for sound in ("plain", "altered")}
    random = np.random.default_rng([seed, 7])
    rows: list[Row] = []
    said: dict[str, list[str]] = {model: [] for model, *_ in _ASKED}
    whole: dict[str, list[bool]] = {}
    samples: list[Sample] = []
    synonyms = False
    for sound, places in asked.items():
        if len(places) < 2:
            continue
        references = {
            question: [answer(question, held_out.traits[place], random) for place in places]
            for question in (SCENE, DESCRIBE)
        }
        spoken_of = [heard[place] for place in places]
        texts = {}
        for model, question, adapter, bound in _ASKED:
            tokens = [_said(nano, one, question, adapter, bound) for one in spoken_of]
            if not bound:
                whole.setdefault(f"{model}: {question}", []).extend(
                    nano.sentences.has(question, one) for one in tokens
                )
            texts[model, question] = [nano.words.text(one) for one in tokens]
            found = metrics.evaluate(
                texts[model, question], [[one] for one in references[question]]
            )
            synonyms = found.scores.synonyms
            rows.append(_row(model, question, sound, found.scores))
            rows.append(_row(f"{model}, shuffled", question, sound, found.floor))
        described = metrics.score(texts["MU-nano", DESCRIBE], [[one] for one in references[SCENE]])
        rows.append(_row("MU-nano, describing", SCENE, sound, described))
        for model, every in said.items():
            every += texts[model, SCENE]
        samples += [
            Sample(
                held_out.labels[places[nth]].idiom,
                sound,
                texts["MU-nano", SCENE][nth],
                texts["MusiScene-nano", SCENE][nth],
                references[SCENE][nth],
            )
            for nth in range(0, len(places), max(1, len(places) // _SHOWN))
        ]
    return Figures(
        items={group: len(places) for group, places in groups.items()},
        accuracy={
            group: _accuracy(nano, heard, held_out, places)
            for group, places in groups.items()
            if places
        },
        rows=tuple(rows),
        whole={name: round(float(np.mean(those)), 4) for name, those in whole.items()},
        scene_share=_scene_share(said["MusiScene-nano"]),
        mu_scene_share=_scene_share(said["MU-nano"]),
        distinct_2=round(metrics.distinct(said["MusiScene-nano"], 2), 4),
        synonyms=synonyms,
        samples=tuple(samples),
    )


def _one_a_cue(held_out: Examples, sound: str) -> list[int]:
    """The first plain, or the first altered, example of each cue."""
    first: dict[int, int] = {}
    for place, label in enumerate(held_out.labels):
        if label.plain is (sound == "plain"):
            first.setdefault(label.cue, place)
    return list(first.values())


def _scene_share(texts: list[str]) -> float:
    return round(float(np.mean([names_a_scene(text) for text in texts])), 4)


def _heard(nano: Nano, held_out: Examples, progress: Progress) -> list[Floats]:
    found = []
    for place in range(len(held_out)):
        progress("Hearing what was held out", place / len(held_out))
        seen = Views(*(getattr(held_out, name)[place].astype(np.float32) for name in Views._fields))
        found.append(embedding(nano.encoder, nano.manifest.strides, seen))
    return found


def _said(nano: Nano, heard: Floats, question: str, adapter: str, bound: bool) -> list[int]:
    return list(answer_tokens(nano, heard, question, adapter, Generation(), bound=bound))


def _group(label: Label) -> str:
    return f"{label.split}, {'plain' if label.plain else 'altered'}"


def _accuracy(
    nano: Nano, heard: list[Floats], held_out: Examples, places: list[int]
) -> dict[str, float]:
    found = {}
    for head, names in nano.manifest.classes.items():
        right = [
            names[int(np.argmax(told(nano.encoder, head, heard[place])))]
            == class_of(head, held_out.traits[place])
            for place in places
        ]
        found[head] = round(float(np.mean(right)), 4)
    said = np.array([told(nano.encoder, "players", heard[place]) > 0 for place in places])
    true = np.array(
        [[name in held_out.traits[place].players for name in PLAYERS] for place in places]
    )
    found["players"] = round(2 * float((said & true).sum()) / float(said.sum() + true.sum()), 4)
    return found


def _row(model: str, question: str, sound: str, scores: metrics.Scores) -> Row:
    numbers = (scores.bleu_mean, scores.bleu[3], scores.meteor, scores.rouge_l)
    return Row(model, question, sound, *(round(number, 4) for number in numbers))
