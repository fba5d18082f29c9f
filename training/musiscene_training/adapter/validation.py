"""What a captioner in training says of music that it does not train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from musiscene_core.captioning.generation import Generation
from musiscene_training.adapter.examples import Example
from musiscene_training.adapter.learner import Learner
from musiscene_training.adapter.packing import Heard, pack
from musiscene_training.adapter.parallel import Processes
from musiscene_training.adapter.planning import packs
from musiscene_training.adapter.settings import Settings


@torch.no_grad()
def mean_loss(
    learner: Learner,
    examples: Sequence[Example],
    heard: Heard,
    settings: Settings,
    processes: Processes,
) -> float:
    """The mean over rows of each row's mean over tokens, in nats; the same in every process."""
    plan = packs([len(one.tokens) for one in examples], settings.pack_tokens, processes.count)
    total = torch.zeros((), device=processes.device)
    for places in plan[processes.index :: processes.count]:
        chosen = [examples[place] for place in places] or [examples[0]]
        weight = 1 / len(examples) if places else 0.0
        total += learner(pack(chosen, heard, weight).to(processes.device))
    return float(processes.sum(total))


@torch.no_grad()
def captions(
    learner: Learner, examples: Sequence[Example], heard: Heard, most_tokens: int
) -> list[dict[str, str]]:
    """Answers drawn as a user would get them, always the likeliest word, beside those wanted."""
    if not examples:
        return []
    settings = Generation(temperature=0.0, max_tokens=most_tokens)
    features = torch.from_numpy(np.stack([heard(one) for one in examples]))
    questions = [one.row.question for one in examples]
    # What is drawn there, or measured on the way, shall not show in what is trained after it.
    with torch.random.fork_rng(), learner.speaking():
        written = learner.model.answer(features, questions, settings)
    return [
        {"id": one.row.id, "question": one.row.question, "wrote": text, "wanted": one.row.answer}
        for one, text in zip(examples, written, strict=True)
    ]
