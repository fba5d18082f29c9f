"""How fast MusicGen writes, beside transformers in the same run, and what its precisions cost.

    python -m tests.benchmarks.musicgen_speed [--size small] [--threads 2] [--steps 24] [--rounds 3]
        [--first 9] [--window 30] [--compare 100]

Random weights of the published architectures; audiocraft's own small one too where
`musiscene setup audiocraft` has made its environment. Rounds of all ways are interleaved. Other
work can only make a step slower: each way is given by the fastest tenth of its steps at the start
of a window, all rounds together. The bound is the bytes that a step reads over the highest
bandwidth measured between the rounds.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402
from transformers import StoppingCriteria, StoppingCriteriaList  # noqa: E402

from musiscene_core.environments.places import folder_of, interpreter_of  # noqa: E402
from musiscene_core.neural.linear import Kernel  # noqa: E402
from musiscene_core.neural.speed import fastest, read_bandwidth  # noqa: E402
from musiscene_core.sampling import USUAL, Sampling  # noqa: E402
from musiscene_daemon.engines.audiocraft.engine import CHILD  # noqa: E402
from musiscene_daemon.engines.musicgen.decoder import COMPILED_NEAR, Decoder  # noqa: E402
from musiscene_daemon.engines.musicgen.generation import generate  # noqa: E402
from tests.benchmarks.musicgen_models import SIZES, Loaded, memory_table, theirs  # noqa: E402
from tests.support import audiocraft_small  # noqa: E402

SMALL_WIDTH = 1024
GREEDY = Sampling(temperature=0.0)
PRECISIONS = ("float32", "half", "int8")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3, help="0 leaves transformers out")
    parser.add_argument("--first", type=int, default=9, help="first sounds; 0 leaves them out")
    parser.add_argument("--window", type=float, default=30.0, help="seconds; 0 leaves it out")
    parser.add_argument("--compare", type=int, default=100, help="steps; 0 leaves quality out")
    given = parser.parse_args()
    print(f"{threads.use_threads(given.threads)} threads, torch {torch.__version__},", end=" ")
    print(torch.backends.cpu.get_cpu_capability())
    print(memory_table())
    torch.manual_seed(0)
    model = theirs(given.size)
    loaded = Loaded(model)
    shape = loaded.shape.decoder
    width, inner = shape.hidden_size, shape.ffn_dim
    products = [(3 * width, width), (width, width), (inner, width), (width, inner)]
    kernels: dict[str, Kernel] = {
        one: fastest(
            one, products * shape.num_hidden_layers, 2, rows_apart=True, near=COMPILED_NEAR
        )
        for one in PRECISIONS
    }
    decoders = {
        f"ours, {one} ({kernel})": packed(loaded, kernel) for one, kernel in kernels.items()
    }
    if given.rounds:
        side_by_side(model, loaded, decoders, given.steps, given.rounds)
    if given.compare:
        quality(loaded, decoders, given.compare)
    fast = decoders[f"ours, int8 ({kernels['int8']})"]
    if given.first:
        first_sounds(loaded, fast, given.first)
    if given.window:
        window(loaded, fast, given.window)


def first_sounds(loaded: Loaded, decoder: Decoder, count: int) -> None:
    """Seconds from a prompt to something to hear, of words that were and were not heard before."""
    model = loaded.musicgen(decoder)
    model.write(loaded.prompt, 50, [0])
    taken: dict[str, list[float]] = {"new": [], "known": []}
    for number in range(count):
        for words in taken:
            heard: list[float] = []
            begun = time.perf_counter()
            model.write(
                f"{loaded.prompt}, {number}",
                50,
                [1],
                sounded=lambda _, heard=heard: heard.append(time.perf_counter()),
            )
            taken[words].append(heard[0] - begun)
    for words, each in taken.items():
        middle = sorted(each)[count // 2]
        print(f"first sound of {words} words: {min(each):.2f} s, median {middle:.2f} s", flush=True)


def packed(loaded: Loaded, kernel: Kernel) -> Decoder:
    """Our decoder over transformers' weights, its bytes a step noted."""
    decoder = Decoder(loaded.shape, loaded.read, kernel)
    products = [decoder.head]
    for layer in decoder.layers:
        products += layer.joined, layer.out, layer.widen, layer.narrow
    loaded.step_bytes[decoder] = sum(one.weight_bytes for one in products)
    return decoder


class Clock(StoppingCriteria):
    """When steps ended; of transformers' kind, to be called by its loop."""

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        """Nothing yet; `wait` returns once a device has done all that it was given."""
        self._steps: list[float] = []
        self._wait = wait
        self.begin()

    def begin(self) -> None:
        """What comes before the first step ends does not count."""
        self._last, self._done = math.nan, 0

    def at(self, done: int) -> None:
        """So many steps are done."""
        self._wait()
        now = time.perf_counter()
        if self._done and done > self._done:
            # Several may be taken in one call.
            count = done - self._done
            self._steps += [(now - self._last) / count] * count
        if done > self._done:
            self._last, self._done = now, done

    def add(self, steps: Sequence[float]) -> None:
        """Steps that were timed elsewhere."""
        self._steps += steps

    def __call__(self, given: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        self.at(self._done + 1)
        return torch.zeros(4, dtype=torch.bool, device=given.device)

    def fastest_tenth(self) -> float:
        """Seconds a step, the mean over the fastest tenth of them."""
        best = sorted(self._steps)[: max(1, len(self._steps) // 10)]
        return math.fsum(best) / len(best)


def side_by_side(
    model: torch.nn.Module, loaded: Loaded, decoders: dict[str, Decoder], steps: int, rounds: int
) -> None:
    """Milliseconds a step of every way at the start of a window, guidance 3."""
    narrow = copy.deepcopy(model).to(torch.bfloat16)
    written: dict[str, torch.Tensor] = {}

    def of_theirs(one: torch.nn.Module, clock: Clock) -> torch.Tensor:
        return loaded.generated(one, steps, StoppingCriteriaList([clock]))

    def of_ours(decoder: Decoder, clock: Clock) -> torch.Tensor:
        return generate(
            decoder, loaded.words, steps, [0], GREEDY, step_done=lambda done, _: clock.at(done)
        )

    ways: dict[str, Callable[[Clock], torch.Tensor]] = {
        "transformers, float32": lambda clock: of_theirs(model, clock),
        "transformers, bfloat16": lambda clock: of_theirs(narrow, clock),
        **{
            name: lambda clock, one=one: of_ours(one, clock)  # type: ignore[misc]
            for name, one in decoders.items()
        },
    }
    clocks = {name: Clock() for name in ways}
    python = interpreter_of(folder_of("audiocraft"))
    if python is not None and loaded.shape.decoder.hidden_size == SMALL_WIDTH:
        clocks["audiocraft, float32"] = Clock()
    rates = []
    for _ in range(rounds):
        rates.append(read_bandwidth(again=True))
        for name, work in ways.items():
            clocks[name].begin()
            written[name] = work(clocks[name])
        if "audiocraft, float32" in clocks:
            clocks["audiocraft, float32"].add(of_audiocraft(python, steps))
    same = torch.equal(written["transformers, float32"], written[next(iter(decoders))])
    print(f"greedy tokens in float32 equal transformers': {same}")
    print(f"read bandwidth {min(rates) / 1e9:.1f} to {max(rates) / 1e9:.1f} GB/s\n")
    print("| | ms a step | of float32's speed | of bfloat16's | bound, ms | times the bound |")
    print("|---|---|---|---|---|---|")
    first, second = (clocks[name].fastest_tenth() for name in list(ways)[:2])
    for name, clock in clocks.items():
        each = clock.fastest_tenth()
        row = f"| {name} | {each * 1e3:.1f} | {first / each:.2f} | {second / each:.2f} |"
        if name in decoders:
            bound = loaded.step_bytes[decoders[name]] / max(rates)
            row += f" {bound * 1e3:.1f} | {each / bound:.2f} |"
        print(row)


def of_audiocraft(python: Path, steps: int) -> list[float]:
    """Seconds of each step of audiocraft's own MusicGen-small, in the environment made for it."""
    with tempfile.TemporaryDirectory() as hub:
        variables = {
            "MUSISCENE_CHILD_FOLDER": str(CHILD.parent),
            "HF_HUB_CACHE": hub,
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        }
        script = [audiocraft_small.__file__, "speed", str(steps), hub]
        command = [str(python), "-s", "-E", "-W", "ignore", *script]
        said = subprocess.check_output(command, env={**os.environ, **variables}, text=True)
    return [float(each) for each in json.loads(said.splitlines()[-1])]


def quality(loaded: Loaded, decoders: dict[str, Decoder], steps: int) -> None:
    """How near each precision is to float32: the same tokens read, and music written alone."""
    exact, *_ = decoders.values()
    seeds = [1]
    reference = generate(exact, loaded.words, steps, seeds, USUAL)
    sound = loaded.codec.whole(reference[0][None])
    wanted = loaded.scores(exact, reference)
    print(f"\n{steps} steps; the same tokens read: likeliest token kept, scores off by")
    print("| | likeliest kept | scores off | drawn alone: tokens kept | mel distance, dB |")
    print("|---|---|---|---|---|")
    for name, decoder in decoders.items():
        found = loaded.scores(decoder, reference)
        kept = (found.argmax(-1) == wanted.argmax(-1)).float().mean()
        off = (found - wanted).norm() / wanted.norm()
        alone = generate(decoder, loaded.words, steps, seeds, USUAL)
        same = (alone == reference).float().mean()
        apart = loaded.mel_distance(loaded.codec.whole(alone[0][None]), sound)
        print(f"| {name} | {kept:.1%} | {off:.2%} | {same:.1%} | {apart:.2f} |")
    other = generate(exact, loaded.words, steps, [2], USUAL)
    apart = loaded.mel_distance(loaded.codec.whole(other[0][None]), sound)
    same = (other == reference).float().mean()
    print(f"| another seed in float32 | | | {same:.1%} | {apart:.2f} |")


def window(loaded: Loaded, decoder: Decoder, seconds: float) -> None:
    """A whole window with its sound: real-time factor, first sound, and the longest silence.

    The silence is the longest time in which the work could not have been stopped.
    """
    model = loaded.musicgen(decoder)
    frames = round(seconds * model.frame_rate)
    marks: list[tuple[int, float]] = []
    heard: list[float] = []
    begun = time.perf_counter()
    model.write(
        loaded.prompt,
        frames,
        [1],
        step_done=lambda done, _: marks.append((done, time.perf_counter())),
        sounded=lambda _: heard.append(time.perf_counter()),
    )
    taken = time.perf_counter() - begun
    both = list(zip([(0, begun), *marks], marks, strict=False))
    gaps = [later - sooner for (_, sooner), (_, later) in both]
    each = [
        (later - sooner) / (done - before)
        for (before, sooner), (done, later) in both
        for _ in range(done - before)
    ]
    print(
        f"\nwindow of {seconds:.0f} s in {taken:.1f} s: {seconds / taken:.2f} x real time;", end=" "
    )
    print(f"first sound after {heard[0] - begun:.2f} s;", end=" ")
    print(f"longest time without a look at cancel {max(gaps):.2f} s")
    share = max(1, len(each) // 6)
    print("ms a step, by position:", end="")
    for first in range(0, len(each) - share + 1, share):
        part = sorted(each[first : first + share])
        print(f" {first}: {part[len(part) // 2] * 1e3:.1f}", end="")
    print()


if __name__ == "__main__":
    main()
