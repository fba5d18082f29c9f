"""The training loop of every nano stage: seeded by step, saved as it goes, resumed to the bit."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from musiscene_core.codec import write_atomically
from musiscene_core.errors import ModelError, MusiSceneError
from musiscene_core.neural.pickled import read_pickled
from musiscene_core.progress import Progress, silent

SAVE_EVERY = 100
_WARM_STEPS = 40


def fit(
    name: str,
    folder: Path,
    modules: nn.Module,
    groups: Iterable[dict[str, object]],
    loss_of: Callable[[int], Tensor],
    *,
    steps: int,
    seed: int,
    progress: Progress = silent,
    on_loss: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train for `steps` steps, or what is left of them; `modules` end as they then are.

    Args:
        name: of the stage; its file is `name.pt`.
        folder: where it is saved, whole, every SAVE_EVERY steps and at the end.
        modules: everything whose state must come back, frozen or not.
        groups: parameter groups for AdamW, each with its `lr`.
        loss_of: the loss at a step, from nothing but the step and torch's seed.
        steps: how many in all.
        seed: of what is random in a step.
        progress: hears of each step; may raise to stop, which loses at most SAVE_EVERY steps.
        on_loss: hears the loss of each step.

    Raises:
        ModelError: the file does not belong to this stage, or the loss is no number.
    """
    path = folder / f"{name}.pt"
    optimizer = torch.optim.AdamW(list(groups), betas=(0.9, 0.95), weight_decay=0.05)
    peaks = [float(group["lr"]) for group in optimizer.param_groups]
    first = _resumed(path, modules, optimizer)
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    modules.train()
    for step in range(first, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        share = _share(step, steps)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * share
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(step)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        value = loss.item()
        if not math.isfinite(value):
            raise ModelError(
                f"Training {name} broke down at step {step}.", hint="Try another --seed."
            )
        on_loss(step, value)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            _save(path, modules, optimizer, step + 1)
        progress(f"Training: {name}", (step + 1) / steps)
    modules.eval()


def _share(step: int, steps: int) -> float:
    """What share of the learning rate a step gets: a short warm-up, then a cosine to a tenth."""
    warm = min(_WARM_STEPS, max(1, steps // 5))
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _resumed(path: Path, modules: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    try:
        held = read_pickled(path)
        modules.load_state_dict(held["modules"])
        optimizer.load_state_dict(held["optimizer"])
        return int(held["step"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MusiSceneError) as error:
        raise ModelError(
            f"{path} does not go on with this training.", hint="Delete it to begin the stage anew."
        ) from error


def _save(path: Path, modules: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    file = io.BytesIO()
    state = {
        "modules": modules.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    torch.save(state, file)
    write_atomically(path, file.getvalue())
