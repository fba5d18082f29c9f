"""The training loop: steps, validations, checkpoints, and the log of all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress
from musiscene_training.adapter import checkpoints
from musiscene_training.adapter.examples import Example
from musiscene_training.adapter.journal import Journal, read_log
from musiscene_training.adapter.learner import Learner
from musiscene_training.adapter.packing import Heard, pack
from musiscene_training.adapter.parallel import Processes
from musiscene_training.adapter.phases import Trained
from musiscene_training.adapter.planning import Schedule, packs, rate_at
from musiscene_training.adapter.settings import Settings
from musiscene_training.adapter.signs import as_event, signs
from musiscene_training.adapter.stopping import Stopping
from musiscene_training.adapter.validation import captions, mean_loss

_BETAS = (0.9, 0.95)


@dataclass(frozen=True)
class Work:
    """What a training works on.

    Attributes:
        trained: the captioner, made ready for its phase.
        settings: the numbers.
        training: rows that it learns from.
        validation: rows that it is judged by; may be none.
        heard: gives their features.
        folder: of the training.
    """

    trained: Trained
    settings: Settings
    training: Sequence[Example]
    validation: Sequence[Example]
    heard: Heard
    folder: Path


class Loop:
    """One training, from its newest checkpoint on."""

    def __init__(self, work: Work, processes: Processes) -> None:
        """Make ready, and take up what was done before.

        Raises:
            ModelError: there are checkpoints, and none can be read.
        """
        self._work = work
        self._settings = work.settings
        self._processes = processes
        self._parameters = list(work.trained.parameters.values())
        self.learner = Learner(work.trained, work.settings.precision)
        self._optimiser = optimiser(work.trained.parameters, work.settings, processes.device)
        self.state = checkpoints.restore(work.folder, work.trained.parameters, self._optimiser)
        if work.settings.compile:
            self.learner.compile_layers()
        self._wrapped = processes.wrap(self.learner, self._parameters, work.settings.sharing)
        self.schedule = Schedule(
            len(work.training), work.settings.batch, work.settings.epochs, work.settings.seed
        )

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or it ended early."""
        return self.state.ended or self.state.step >= self.schedule.steps

    def run(self, progress: Progress) -> bool:
        """Train until the end, or until asked to stop.

        Returns:
            Whether it is at its end; if not, a checkpoint says where it goes on.

        Raises:
            EngineError: the loss is no number any more.
            OutputError: the disk is full; the checkpoint before stands.
        """
        first = self._processes.is_first
        journal = Journal(self._work.folder, self.state.step) if first else None
        try:
            with Stopping() as stopping:
                while not self.finished and not self._one(journal, stopping, progress):
                    pass
            return self.finished
        finally:
            if journal is not None:
                journal.close()

    def _one(self, journal: Journal | None, stopping: Stopping, progress: Progress) -> bool:
        """One step, and what follows it; returns whether anyone was asked to stop."""
        step = self.state.step
        figures, stop = self.step(step, stopping)
        self.state = msgspec.structs.replace(self.state, step=step + 1)
        epoch = self.schedule.epoch(step)
        stage = f"Epoch {epoch + 1} of {self._settings.epochs}, loss {figures['loss']:.3f}"
        best = self.state.best_loss
        progress(
            stage if best is None else f"{stage}, best validation {best:.3f}",
            self.state.step / self.schedule.steps,
        )
        ends = self.schedule.ends_epoch(step)
        found = self._validate() if ends and self._work.validation else None

        def write() -> None:
            if journal is None:
                return
            done = self.state.step / self.schedule.steps
            journal.write("step", step + 1, epoch=epoch, done=done, **figures)
            if found is not None:
                journal.write("validation", step + 1, epoch=epoch, **found)
                self._judge(journal, step + 1, epoch, found["captions"])

        self._processes.first_does(write)
        if ends or stop or (step + 1) % self._settings.save_every == 0:
            self._save()
        return stop

    def _judge(
        self, journal: Journal, step: int, epoch: int, captions: Sequence[Mapping[str, str]]
    ) -> None:
        """Look for signs of failure and write them down."""
        events = read_log(self._work.folder)
        losses = [event["loss"] for event in events if event["event"] == "step"]
        answers = [one.row.answer for one in self._work.training]
        values = as_event(signs(captions, answers, losses))
        journal.write("signs", step, epoch=epoch, **values)

    def step(self, step: int, stopping: Stopping) -> tuple[dict[str, Any], bool]:
        """Learn from a step's rows.

        Returns:
            Figures of the step, and whether any process was asked to stop.

        Raises:
            EngineError: the loss is no number.
        """
        began = time.perf_counter()
        settings, processes = self._settings, self._processes
        chosen = [self._work.training[row] for row in self.schedule.rows_of(step)]
        plan = packs([len(one.tokens) for one in chosen], settings.pack_tokens, processes.count)
        mine = plan[processes.index :: processes.count]
        # Gradients are averaged over processes, and shall be summed.
        weight = processes.count / len(chosen)
        loss = torch.zeros((), device=processes.device)
        for number, places in enumerate(mine):
            # Without rows of its own a process still takes part, for nothing.
            rows = [chosen[place] for place in places] or chosen[:1]
            packed = pack(rows, self._work.heard, weight if places else 0.0)
            with processes.accumulating(self._wrapped, last=number + 1 == len(mine)):
                value = self._wrapped(packed.to(processes.device))
                value.backward()
            loss += value.detach() / processes.count
        told = torch.stack([loss, loss.new_tensor(float(stopping.asked))])
        total, stop = processes.sum(told).tolist()
        _check_loss(total, step + 1)
        processes.average_gradients(self._wrapped, self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, settings.clip or math.inf)
        rate = rate_at(
            step / self.schedule.steps_an_epoch,
            settings.epochs,
            settings.warmup_epochs,
            settings.peak_rate,
        )
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - began
        tokens = sum(len(one.tokens) for one in chosen)
        figures = {
            "loss": total,
            "rate": rate,
            "gradient_norm": float(norm),
            "rows": len(chosen),
            "tokens": tokens,
            "labels": sum(one.answered for one in chosen),
            "seconds": seconds,
            "tokens_a_second": tokens / seconds,
        }
        return figures, stop > 0

    def _validate(self) -> dict[str, Any]:
        work, settings = self._work, self._settings
        loss = mean_loss(self.learner, work.validation, work.heard, settings, self._processes)
        _check_loss(loss, self.state.step)
        better = self.state.best_loss is None or loss < self.state.best_loss
        worse = 0 if better else self.state.worse + 1
        self.state = msgspec.structs.replace(
            self.state,
            best_loss=loss if better else self.state.best_loss,
            best_step=self.state.step if better else self.state.best_step,
            worse=worse,
            ended=0 < settings.patience <= worse,
        )

        def keep() -> list[dict[str, str]]:
            if better:
                checkpoints.save_best(work.folder, work.trained.parameters)
            if settings.sharing == "fsdp" and self._processes.count > 1:
                return []
            shown = work.validation[: settings.shown]
            return captions(self.learner, shown, work.heard, settings.shown_tokens)

        return {"loss": loss, "captions": self._processes.first_does(keep)}

    def _save(self) -> None:
        def save() -> None:
            checkpoints.save(
                self._work.folder, self.state, self._work.trained.parameters, self._optimiser
            )

        self._processes.first_does(save)


def _check_loss(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise EngineError(
            f"The loss is no number any more in step {step}.",
            hint="Lower --rate or --base-rate, or set --clip 1, and train into a new folder.",
        )


def optimiser(
    trained: dict[str, nn.Parameter], settings: Settings, device: torch.device
) -> torch.optim.AdamW:
    """AdamW; vectors, such as norms and biases, do not decay."""
    decaying = [one for one in trained.values() if one.ndim > 1]
    others = [one for one in trained.values() if one.ndim <= 1]
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.peak_rate,
        betas=_BETAS,
        fused=device.type == "cuda",
    )
