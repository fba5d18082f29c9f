"""How fast the captioner answers, beside transformers in the same run.

    python -m tests.benchmarks.captioner_speed [--threads 1] [--tokens 96] [--rounds 3] [--batch 8]

Random weights, a language model of about 100 M parameters. Rounds of all candidates are
interleaved. Other work can only make a token slower: each way is given by the fastest tenth of its
tokens, all rounds together. The bound is the bytes of weights that a token reads over the highest
bandwidth of reading alone that was measured between the rounds, with the same number of threads.
What copying moves, read and written counted, is printed beside it. The cache of keys and values,
which a token reads too, is not in the bound.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig  # noqa: E402

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.backbone import with_lora  # noqa: E402
from musiscene_core.captioning.mullama.config import CaptionerConfig  # noqa: E402
from musiscene_core.captioning.mullama.decoder import Decoder  # noqa: E402
from musiscene_core.captioning.mullama.decoding import draw  # noqa: E402
from musiscene_core.captioning.mullama.packed import PackedModel  # noqa: E402
from musiscene_core.neural.linear import (  # noqa: E402
    ACTIVATIONS,
    KERNELS,
    PackedLinear,
    supported,
)
from musiscene_core.neural.speed import read_bandwidth  # noqa: E402

LANGUAGE = {
    "vocab_size": 32_000,
    "hidden_size": 768,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 2048,
    "eos_token_id": None,
    "pad_token_id": 0,
}
PROMPT = list(range(100, 160))
_COPIED = 256 << 20


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8, help="answers; 0 leaves that table out")
    given = parser.parse_args()
    print(f"{threads.use_threads(given.threads)} threads, torch {torch.__version__},", end=" ")
    print(torch.backends.cpu.get_cpu_capability())
    answering(given.tokens, given.rounds)
    kernels(given.rounds)
    if given.batch:
        batches(given.batch, given.tokens, given.rounds)


def answering(tokens: int, rounds: int) -> None:
    """Milliseconds a token of every way, prompt included."""
    torch.manual_seed(0)
    plain = AutoModelForCausalLM.from_config(LlamaConfig(**LANGUAGE)).eval()
    narrow = AutoModelForCausalLM.from_config(LlamaConfig(**LANGUAGE)).eval().to(torch.bfloat16)
    packed = {kind: PackedModel(plain, kind) for kind in ("float32", "half", "int8")}
    ways: dict[str, Callable[[Clock], list[int]]] = {
        "transformers, float32": lambda clock: generated(plain, tokens, clock),
        "transformers, bfloat16": lambda clock: generated(narrow, tokens, clock),
    }
    for kind, model in packed.items():
        ways[f"ours, {kind} ({model.kernel})"] = lambda clock, model=model: drawn(
            model, plain, tokens, clock
        )
    rates, copies = [], []
    clocks = {name: Clock() for name in ways}
    written = {}
    for _ in range(rounds):
        rates.append(read_bandwidth(again=True))
        copies.append(copy_bandwidth())
        for name, work in ways.items():
            clocks[name].put(None)
            written[name] = work(clocks[name])
            clocks[name].end()
    count = sum(one.numel() for one in plain.parameters())
    print(f"\n{count / 1e6:.0f} M parameters, {len(PROMPT)} tokens read, {tokens} written, batch 1")
    same = (
        written["transformers, float32"] == written[f"ours, float32 ({packed['float32'].kernel})"]
    )
    print(f"greedy tokens in float32 equal transformers': {same}")
    print(f"read bandwidth {min(rates) / 1e9:.1f} to {max(rates) / 1e9:.1f} GB/s,", end=" ")
    print(f"copying moves {max(copies) / 1e9:.1f} GB/s\n")
    print("| | ms a token | of float32's speed | of bfloat16's | bound, ms | times the bound |")
    print("|---|---|---|---|---|---|")
    bytes_of = {f"ours, {kind} ({one.kernel})": one.step_bytes for kind, one in packed.items()}
    first, second = (clocks[name].fastest_tenth() for name in list(ways)[:2])
    for name, clock in clocks.items():
        each = clock.fastest_tenth()
        row = f"| {name} | {each * 1e3:.1f} | {first / each:.2f} | {second / each:.2f} |"
        if name in bytes_of:
            bound = bytes_of[name] / max(rates)
            row += f" {bound * 1e3:.1f} | {each / bound:.2f} |"
        print(row)


def copy_bandwidth() -> float:
    """Bytes a second that copying reads and writes, both counted."""
    source, target = torch.ones(_COPIED // 4), torch.ones(_COPIED // 4)
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        target.copy_(source)
        times.append(time.perf_counter() - begun)
    return 2 * _COPIED / min(times)


class Clock:
    """When tokens came; a streamer of transformers."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._at: list[float] = []
        self._steps: list[float] = []

    def put(self, tokens: object) -> None:
        """One came."""
        self._at.append(time.perf_counter())

    def end(self) -> None:
        """No more come; reading the prompt, before the first, does not count."""
        self._steps += [
            later - sooner for sooner, later in zip(self._at[2:], self._at[3:], strict=False)
        ]
        self._at = []

    def fastest_tenth(self) -> float:
        """Seconds a token, the mean over the fastest tenth of them."""
        best = sorted(self._steps)[: max(1, len(self._steps) // 10)]
        return math.fsum(best) / len(best)


def kernels(rounds: int) -> None:
    """Milliseconds that the products of one token take in each kernel, nothing between them."""
    width, inner = LANGUAGE["hidden_size"], LANGUAGE["intermediate_size"]
    layer = [(3 * width, width), (width, width), (2 * inner, width), (width, inner)]
    shapes = [*layer * LANGUAGE["num_hidden_layers"], (LANGUAGE["vocab_size"], width)]
    names = [one for kinds in KERNELS.values() for one in kinds if supported(one)]
    missing = [one for kinds in KERNELS.values() for one in kinds if not supported(one)]
    clocks = {name: Clock() for name in names}
    rates, sizes = [], {}
    for _ in range(rounds):
        rates.append(read_bandwidth(again=True))
        for name in names:
            packed = [PackedLinear(torch.rand(shape) - 0.5, None, name) for shape in shapes]
            sizes[name] = sum(one.weight_bytes for one in packed)
            inputs = {one: torch.ones(1, one, dtype=ACTIVATIONS[name]) for _, one in shapes}
            with torch.inference_mode():
                for _ in range(4 if name == "int8" else 12):
                    clocks[name].put(None)
                    for one in packed:
                        one(inputs[one.shape[1]])
            clocks[name].put(None)
            clocks[name].end()
    print("\n| kernel | ms | GB/s | times the bound |\n|---|---|---|---|")
    for name, clock in clocks.items():
        each = clock.fastest_tenth()
        rate = sizes[name] / each
        print(f"| {name} | {each * 1e3:.1f} | {rate / 1e9:.1f} | {max(rates) / rate:.2f} |")
    print(f"read bandwidth {min(rates) / 1e9:.1f} to {max(rates) / 1e9:.1f} GB/s")
    print(f"not on this machine: {', '.join(missing) or 'none'}")


def batches(rows: int, tokens: int, rounds: int) -> None:
    """Milliseconds a step of one answer and of several, LoRA of rank 16 around every linear."""
    torch.manual_seed(0)
    shape = CaptionerConfig(width=LANGUAGE["hidden_size"], prefix_layers=4, lora_rank=16)
    plain = AutoModelForCausalLM.from_config(LlamaConfig(**LANGUAGE))
    model = with_lora(plain, shape).eval().requires_grad_(False)
    kinds = {kind: PackedModel(model, kind) for kind in ("float32", "half", "int8")}
    clocks = {(kind, count): Clock() for kind in kinds for count in (1, rows)}
    for _ in range(rounds):
        for (kind, count), clock in clocks.items():
            drawn(kinds[kind], model, tokens, clock, count)
            clock.end()
    print(f"\n| with LoRA | ms a step, 1 answer | {rows} answers | answers a step's time |")
    print("|---|---|---|---|")
    for kind, one in kinds.items():
        single, several = (clocks[kind, count].fastest_tenth() for count in (1, rows))
        gain = rows * single / several
        print(f"| {kind} ({one.kernel}) | {single * 1e3:.1f} | {several * 1e3:.1f} | {gain:.1f} |")


def generated(model: torch.nn.Module, tokens: int, clock: Clock) -> list[int]:
    """Tokens from transformers' own loop."""
    ids = torch.tensor([PROMPT])
    with torch.inference_mode():
        whole = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
            streamer=clock,
        )
    return whole[0, len(PROMPT) :].tolist()


def drawn(
    packed: PackedModel, backbone: torch.nn.Module, tokens: int, clock: Clock, rows: int = 1
) -> list[int]:
    """Tokens of the first row from our loop."""
    settings = Generation(temperature=0.0, max_tokens=tokens)
    steps = Decoder(packed, backbone, [], {}, rows)

    def heard(row: int, token: int) -> None:
        if row == 0:
            clock.put(token)

    return draw(steps, [PROMPT] * rows, settings, set(), heard)[0]


if __name__ == "__main__":
    main()
