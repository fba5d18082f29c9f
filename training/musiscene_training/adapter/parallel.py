"""Several processes as one: who does what, and what all of them learn of it.

With `ddp` each process holds the whole captioner. With `fsdp` the frozen weights of the layers are
shared out (fully_shard of torch, FSDP2), while what trains, and any LoRA that the captioner has,
stays whole in each: it is small beside them, and so a checkpoint is the same file either way. What
the music passes through on its own, the value projections of the layers that listen, stays whole
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list, gather_object
from torch import Tensor, nn

from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.captioning.mullama.low_rank import base_linear
from musiscene_core.errors import EngineError, MusiSceneError
from musiscene_training.adapter.learner import Learner
from musiscene_training.adapter.settings import Sharing
from musiscene_training.devices import device_in_words

T = TypeVar("T")
_PARTED = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "Timed out waiting",
    "remote process exited",
    "ncclRemoteError",
    "communicator was aborted",
)
"""What gloo and NCCL say when the other side is gone."""
AGAIN = "Run the same command again: it goes on from the last checkpoint."


class Processes:
    """The processes of one training, as torchrun or accelerate launched them; often only one."""

    def __init__(self, *, device: str = "") -> None:
        """Join the others.

        Args:
            device: "cpu" to leave GPUs alone; empty for what there is.
        """
        self._accelerator = Accelerator(
            cpu=device == "cpu",
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        self.index: int = self._accelerator.process_index
        self.count: int = self._accelerator.num_processes
        self.device: torch.device = self._accelerator.device

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.index == 0

    def wrap(
        self, learner: Learner, trained: Sequence[nn.Parameter], sharing: Sharing
    ) -> nn.Module:
        """The learner as it is to be called, so that gradients come together."""
        if self.count == 1:
            return learner
        if sharing == "fsdp":
            _share_out(learner, trained, self.device, self.count)
            return learner
        return cast(nn.Module, self._accelerator.prepare_model(learner))

    def accumulating(self, wrapped: nn.Module, *, last: bool) -> Any:
        """Around a forward and backward pass: gradients come together after the `last` alone."""
        if isinstance(wrapped, nn.parallel.DistributedDataParallel) and not last:
            return wrapped.no_sync()
        return nullcontext()

    def average_gradients(self, wrapped: nn.Module, trained: Sequence[nn.Parameter]) -> None:
        """Where nothing else did: the mean over processes of each gradient."""
        if self.count > 1 and not isinstance(wrapped, nn.parallel.DistributedDataParallel):
            for parameter in trained:
                if parameter.grad is not None:
                    torch.distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.count

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        return cast(Tensor, self._accelerator.reduce(values, "sum"))

    def each_does(self, work: Callable[[], T]) -> list[T]:
        """Do `work` in every process, and learn what came of it in all.

        Raises:
            MusiSceneError: it failed in one of them; in all of them alike.
        """
        done = _attempt(work)
        everyone = gather_object([done]) if self.count > 1 else [done]
        for _, error in everyone:
            if error is not None:
                raise error
        return [result for result, _ in everyone]

    def first_does(self, work: Callable[[], T]) -> T:
        """Do `work` in the first process, and learn in all what came of it.

        Raises:
            MusiSceneError: it failed; in all processes alike.
        """
        told: list[Any] = [_attempt(work) if self.is_first else None]
        if self.count > 1:
            told = broadcast_object_list(told)
        result, error = told[0]
        if error is not None:
            raise error
        return cast(T, result)

    def leave(self) -> None:
        """Part from the others, when all is done."""
        self._accelerator.end_training()


def _attempt(work: Callable[[], T]) -> tuple[T | None, MusiSceneError | None]:
    try:
        return work(), None
    except MusiSceneError as error:
        return None, error


def _share_out(
    learner: Learner, trained: Sequence[nn.Parameter], device: torch.device, processes: int
) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (processes,))
    language = learner.language.model
    layers = decoder_layers(learner.model.backbone)
    own = (".lora_", ".modules_to_save.")
    named = learner.model.backbone.named_parameters()
    whole = set(trained) | {one for name, one in named if any(part in name for part in own)}
    for attention in learner.model.prefix.attentions:
        for name in ("v_proj", "k_proj"):
            whole.update(base_linear(getattr(attention, name)).parameters())
    for layer in layers:
        fully_shard(layer, mesh=mesh, ignored_params=whole & set(layer.parameters()))
    inside = {parameter for layer in layers for parameter in layer.parameters()}
    fully_shard(language, mesh=mesh, ignored_params=set(language.parameters()) - inside | whole)


@contextmanager
def in_words(count: int) -> Iterator[None]:
    """Turn what a device or another process did into an error that says what to do next."""
    try:
        with device_in_words(AGAIN, "Set --pack-tokens lower, or --precision bf16."):
            yield
    except RuntimeError as error:
        if count > 1 and any(words in str(error) for words in _PARTED):
            raise EngineError("Another process of this training has ended.", hint=AGAIN) from error
        raise
