"""How fast the captioner hears, beside transformers in the same run.

    python -m tests.benchmarks.encoder_speed [--threads 1] [--sound 30] [--rounds 3] [--shape 330M]

MERT in the shapes of 330M and 95M with random weights. Rounds of all ways are interleaved, each is
given by its fastest; beside the clock stands the processor's own time, which other work on the
machine disturbs less. The bound is the arithmetic over the fastest rate of a large float32 product,
measured between the rounds.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from unittest import mock

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402
from transformers import HubertConfig  # noqa: E402

from musiscene_core.captioning.mullama import encoder as listening  # noqa: E402
from musiscene_core.captioning.mullama.config import SAMPLE_RATE  # noqa: E402

SHAPES = {
    "330M": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "conv_bias": True,
    },
    "95M": {},
}
_SIDE = 2048


def main() -> None:
    """Print a table a shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--sound", type=int, default=30, help="seconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", choices=SHAPES, help="one alone")
    given = parser.parse_args()
    print(f"{threads.use_threads(given.threads)} threads, torch {torch.__version__},", end=" ")
    print(f"{torch.backends.cpu.get_cpu_capability()}, {given.sound} s of sound")
    for name in [given.shape] if given.shape else SHAPES:
        hearing(name, HubertConfig(**SHAPES[name]), given.sound, given.rounds)


def hearing(name: str, config: HubertConfig, sound_s: int, rounds: int) -> None:
    """Print seconds, real-time factors and what the bound is."""
    torch.manual_seed(0)
    encoder = listening.Encoder(config)
    chance = torch.Generator().manual_seed(0)
    samples = torch.randn(sound_s * SAMPLE_RATE, generator=chance).numpy()

    def theirs() -> torch.Tensor:
        with mock.patch.object(listening, "fits", return_value=False):
            return encoder.states(samples)

    ways = {"ours": lambda: encoder.states(samples), "transformers": theirs}
    states, peaks = {}, {}
    rates, wall, used = [], {way: [] for way in ways}, {way: [] for way in ways}
    for first in [True] + [False] * (rounds - 1):
        rates.append(product_rate())
        for way, work in ways.items():
            clock, processor = timed(lambda way=way, work=work: states.update({way: work()}))
            wall[way].append(clock)
            used[way].append(processor)
            if first:
                # Ours comes first: the peak only ever rises.
                peaks[way] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rates.append(product_rate())
    bound = flops(config, sound_s * SAMPLE_RATE) / max(rates)
    off = (states["ours"] - states["transformers"]).norm() / states["transformers"].norm()
    print(f"\nMERT-{name}: {flops(config, sound_s * SAMPLE_RATE) / 1e12:.2f} TFLOP, at", end=" ")
    print(f"{max(rates) / 1e9:.0f} GFLOP/s {bound:.1f} s; ours is off by {off:.0e}\n")
    print("| float32 | s | real-time factor | processor, s | times the bound | peak, MB |")
    print("|---|---|---|---|---|---|")
    for way in ways:
        clock, processor = min(wall[way]), min(used[way])
        print(f"| {way} | {clock:.1f} | {clock / sound_s:.2f} | {processor:.1f} |", end=" ")
        print(f"{clock / bound:.2f} | {peaks[way]:.0f} |")


def flops(config: HubertConfig, samples: int) -> float:
    """Multiplications and additions of one chunk."""
    total, places, inputs = 0, samples, 1
    kernels = zip(config.conv_dim, config.conv_kernel, config.conv_stride, strict=True)
    for width, kernel, stride in kernels:
        places = (places - kernel) // stride + 1
        total += 2 * places * kernel * inputs * width
        inputs = width
    wide, inner = config.hidden_size, config.intermediate_size
    group = wide // config.num_conv_pos_embedding_groups
    total += 2 * places * wide * (inputs + group * config.num_conv_pos_embeddings)
    layer = 2 * places * (4 * wide * wide + 2 * wide * inner) + 4 * places * places * wide
    return total + config.num_hidden_layers * layer


def product_rate() -> float:
    """Floating point operations a second of a large product."""
    one, other = torch.ones(_SIDE, _SIDE), torch.ones(_SIDE, _SIDE)
    return 2 * _SIDE**3 / min(timed(lambda: one @ other)[0] for _ in range(5))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - used


if __name__ == "__main__":
    main()
