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
from musiscene_training.nano.truth import MODES, PLAYERS, Traits

HEADS: Mapping[str, int] = MappingProxyType(
    {**{name: len(names) for name, names in CLASSES.items()}, "players": len(PLAYERS), "figures": 4}
)
BATCH = 64
_RATE, _PITCH_RATE = 3e-3, 5e-3
_SMOOTHING = 0.05
_MASKS, _LONGEST_MASK, _WIDEST_MASK, _MOST_SHIFT = 2, 24, 6, 2
_BALANCE = 0.5
"""Deviation of what the ranges of the pitch view are multiplied by, in nepers."""


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
    of_pitch = [
        weight
        for part in (encoder.pitch_in, encoder.pitch_out, encoder.key)
        for weight in part.parameters()
    ]
    known = {id(weight) for weight in of_pitch}
    others = [weight for weight in encoder.parameters() if id(weight) not in known]

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng([seed, step, 3])
        chosen = random.integers(places, size=BATCH)
        colour, pulse, pitch, onsets = _views(examples, chosen)
        masked = torch.from_numpy(_masked(colour.numpy(), random))
        embedding, keys = encoder.hear(masked, pulse, _balanced(pitch, random), onsets)
        told = encoder.told(embedding)
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
        loss = loss + F.cross_entropy(keys.flatten(1), truth["key"][chosen])
        return loss + 3 * F.mse_loss(told["figures"], truth["figures"][chosen])

    fit(
        "encoder",
        folder,
        encoder,
        [{"params": others, "lr": _RATE}, {"params": of_pitch, "lr": _PITCH_RATE}],
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
        "key": torch.tensor(
            [2 * label.tonic + MODES.index(label.traits.mode) for label in examples.labels]
        )
    }
    truth |= {
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


def _balanced(pitch: Tensor, random: np.random.Generator) -> Tensor:
    """Pitch views [B, T, rows, 12] with their ranges louder or softer, as an equaliser does."""
    gains = np.exp(_BALANCE * random.standard_normal((len(pitch), 1, pitch.shape[2], 1)))
    louder = pitch * torch.from_numpy(gains.astype(np.float32))
    total = louder.sum(dim=(1, 2, 3), keepdim=True)
    return louder * (pitch.shape[1] / total.clamp_min(1e-6))


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
