"""How fast MusicGen writes on a GPU, beside transformers in the same run.

    python -m tests.benchmarks.musicgen_cuda [--sizes small,medium,large] [--steps 100]
        [--seconds 30] [--device cuda]

Random weights of the published architectures ("tiny" is one of the tests'). For each size:
milliseconds a step of transformers' greedy generate and of ours with guidance, in float32 and
bfloat16, in turns; whether greedy tokens in float32 are equal; how long a take of so many seconds
takes with its sound, the first of which is told apart; and the most memory that was in use.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import StoppingCriteriaList

from musiscene_core.neural.linear import Kernel
from musiscene_daemon.engines.musicgen.generation import generate
from musiscene_daemon.engines.musicgen.model import MusicGen, load
from musiscene_daemon.engines.musicgen.sampling import Sampling
from tests.benchmarks.musicgen_models import SIZES, generated, theirs
from tests.benchmarks.musicgen_speed import Clock
from tests.support import tiny_musicgen

GREEDY = Sampling(temperature=0.0)
PROMPT = "slow strings, minor"
KERNELS: tuple[Kernel, ...] = ("float32", "bfloat16")
_ROUNDS = 3


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    name = torch.cuda.get_device_name() if given.device.startswith("cuda") else given.device
    print(f"{name}, torch {torch.__version__}")
    for size in given.sizes.split(","):
        measured(size, given.device, given.steps, given.seconds)


def measured(size: str, device: str, steps: int, seconds: float) -> None:
    """Print what one size takes."""
    torch.manual_seed(0)
    model = tiny_musicgen.make() if size == "tiny" else theirs(size)
    ways: dict[str, Callable[[Clock], torch.Tensor]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "musicgen"
        model.save_pretrained(folder)
        tiny_musicgen.tokenizer().save_pretrained(folder)
        ours = {kernel: load(folder, device=device, kernel=kernel) for kernel in KERNELS}
        for dtype in (torch.float32, torch.bfloat16):
            kind = type(model)
            one = kind.from_pretrained(folder, dtype=dtype, local_files_only=True)
            one.generation_config = model.generation_config
            ways[f"transformers, {dtype}"] = of_theirs(one.eval().to(device), steps)
    for kernel, own in ours.items():
        ways[f"ours, {kernel}"] = of_ours(own, steps)
    clocks = {name: Clock(wait_for(device)) for name in ways}
    written = {}
    # The first round loads kernels and captures graphs.
    for counted in (False, *(True,) * _ROUNDS):
        for name, work in ways.items():
            clock = clocks[name] if counted else Clock(wait_for(device))
            clock.begin()
            written[name] = work(clock)
    first, half, exact, *_ = written
    same = torch.equal(written[first].cpu(), written[exact].cpu())
    print(f"\n{size}: greedy tokens in float32 equal transformers': {same}\n")
    print("| | ms a step | of float32's speed | of bfloat16's |\n|---|---|---|---|")
    for name, clock in clocks.items():
        each = clock.fastest_tenth()
        of = (clocks[other].fastest_tenth() / each for other in (first, half))
        print(f"| {name} | {each * 1e3:.2f} | {' | '.join(f'{one:.2f}' for one in of)} |")
    whole(ours["bfloat16"], device, seconds)


def wait_for(device: str) -> Callable[[], object]:
    """Returns when the device has done all that it was given."""
    return torch.cuda.synchronize if device.startswith("cuda") else lambda: None


def of_theirs(model: Any, steps: int) -> Callable[[Clock], torch.Tensor]:
    """transformers' greedy generate; its tokens [1, codebooks, steps]."""
    inputs = tiny_musicgen.tokenizer()(PROMPT, return_tensors="pt").to(model.device)
    return lambda clock: generated(model, inputs, steps, StoppingCriteriaList([clock]))


def of_ours(model: MusicGen, steps: int) -> Callable[[Clock], torch.Tensor]:
    """The same of our loop."""
    conditions, _ = model.conditions(PROMPT)
    return lambda clock: generate(
        model.decoder,
        conditions,
        steps,
        [0],
        GREEDY,
        step_done=lambda done, _: clock.at(done),
    )


def whole(model: MusicGen, device: str, seconds: float) -> None:
    """Print how long a take takes, and the memory in use."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    heard: list[float] = []

    def sounded(_: torch.Tensor) -> None:
        wait_for(device)()
        heard.append(time.perf_counter())

    begun = time.perf_counter()
    model.write(PROMPT, round(seconds * model.frame_rate), [1], sounded=sounded)
    wait_for(device)()
    taken = time.perf_counter() - begun
    print(f"\n{seconds:g} s in bfloat16 in {taken:.2f} s, its first sound after", end=" ")
    print(f"{heard[0] - begun:.2f} s", end="")
    if device.startswith("cuda"):
        print(f"; {torch.cuda.max_memory_allocated() / 1e9:.1f} GB in use, all four models", end="")
    print()


if __name__ == "__main__":
    main()
