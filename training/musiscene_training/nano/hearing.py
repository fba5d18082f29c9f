"""Stage: the encoder learns to hear attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from musiscene_core.captioning.nano.features import Views
from musiscene_core.progress import Progress, silent
from musiscene_training.nano.classes import CLASSES, class_of
from musiscene_training.nano.examples import Examples
from musiscene_training.nano.fitting import fit
from musiscene_training.nano.model import Encoder, EncoderShape
from musiscene_training.nano.truth import PLAYERS, Traits

HEADS: Mapping[str, int] = MappingProxyType(
    {**{name: len(names) for name, names in CLASSES.items()}, "players": len(PLAYERS), "figures": 4}
)
BATCH = 64
_RATE = 2e-3
_SMOOTHING = 0.05
_MASKS, _LONGEST_MASK, _WIDEST_MASK, _MOST_SHIFT = 2, 40, 8, 2


def train_encoder(
    folder: Path,
    examples: Examples,
    shape: EncoderShape,
    *,
    steps: int,
    seed: int,
    progress: Progress = silent,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
) -> Encoder:
    """The encoder, trained on `examples`; see fitting.fit."""
    torch.manual_seed(seed)
    encoder = Encoder(shape, dict(HEADS))
    truth = _truth(examples)
    places = len(examples)

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng([seed, step, 3])
        chosen = random.integers(places, size=BATCH)
        colour, *others = _views(examples, chosen)
        told = encoder.told(encoder(torch.from_numpy(_masked(colour.numpy(), random)), *others))
        loss = sum(
            (
                F.cross_entropy(told[name], truth[name][chosen], label_smoothing=_SMOOTHING)
                for name in CLASSES
            ),
            torch.zeros(()),
        )
        loss = loss + 2 * F.binary_cross_entropy_with_logits(
            told["players"], truth["players"][chosen]
        )
        return loss + 3 * F.mse_loss(told["figures"], truth["figures"][chosen])

    fit(
        "encoder",
        folder,
        encoder,
        [{"params": list(encoder.parameters()), "lr": _RATE}],
        loss_of,
        steps=steps,
        seed=seed,
        progress=progress,
        on_loss=on_loss,
    )
    return encoder


@torch.no_grad()
def hear(encoder: Encoder, examples: Examples) -> tuple[Tensor, dict[str, Tensor]]:
    """Embeddings [n, width], and what each head makes of them."""
    encoder.eval()
    rows = [
        encoder(*_views(examples, slice(first, first + BATCH)))
        for first in range(0, len(examples), BATCH)
    ]
    embedding = torch.cat(rows)
    return embedding, encoder.told(embedding)


def accuracies(told: Mapping[str, Tensor], examples: Examples) -> dict[str, float]:
    """The share of examples that each head tells right; of players, the F1 over all."""
    found = {}
    for name, names in CLASSES.items():
        right = [class_of(name, label.traits) for label in examples.labels]
        said = [names[int(place)] for place in told[name].argmax(dim=1)]
        found[name] = float(np.mean([one == other for one, other in zip(said, right, strict=True)]))
    said_players = (told["players"] > 0).numpy()
    true_players = _players(examples.traits)
    both = float((said_players & true_players).sum())
    found["players"] = 2 * both / max(1.0, float(said_players.sum() + true_players.sum()))
    return found


def _views(examples: Examples, chosen: slice | np.ndarray) -> list[Tensor]:
    """What the encoder is shown of the chosen ones, in its order."""
    return [
        torch.from_numpy(getattr(examples, name)[chosen].astype(np.float32))
        for name in Views._fields
    ]


def _truth(examples: Examples) -> dict[str, Tensor]:
    known = examples.traits
    truth = {
        name: torch.tensor([names.index(class_of(name, one)) for one in known])
        for name, names in CLASSES.items()
    }
    truth["players"] = torch.from_numpy(_players(known).astype(np.float32))
    truth["figures"] = torch.tensor(
        [[one.pace, one.busy, one.drive, one.excitement] for one in known]
    )
    return truth


def _players(known: Sequence[Traits]) -> np.ndarray:
    return np.array([[name in one.players for name in PLAYERS] for one in known])


def _masked(colour: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colour views [B, T, bands] with stretches and bands blanked, and bands moved a little."""
    batch, frames, bands = colour.shape
    for row in range(batch):
        shift = int(random.integers(-_MOST_SHIFT, _MOST_SHIFT + 1))
        colour[row] = np.roll(colour[row], shift, axis=1)
        for _ in range(_MASKS):
            width = int(random.integers(_LONGEST_MASK))
            at = int(random.integers(frames - width))
            colour[row, at : at + width] = 0.0
            width = int(random.integers(_WIDEST_MASK))
            at = int(random.integers(bands - width))
            colour[row, :, at : at + width] = 0.0
    return colour
