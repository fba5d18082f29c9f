"""How fast the captioner answers and listens, beside transformers in the same run.

    python -m tests.benchmarks.captioner_speed [--threads 1] [--tokens 96] [--rounds 3] [--sound 30]

Random weights: a language model of about 100 M parameters, a MERT of the shape of 330M. Rounds of
all candidates are interleaved. Other work can only make a token slower: each way is given by the
fastest tenth of its tokens, all rounds together. The bound is the bytes of weights that a token
reads over the highest bandwidth measured between the rounds.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, HubertConfig, LlamaConfig  # noqa: E402

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.decoder import Decoder  # noqa: E402
from musiscene_core.captioning.mullama.decoding import draw  # noqa: E402
from musiscene_core.captioning.mullama.encoder import Encoder  # noqa: E402
from musiscene_core.captioning.mullama.packed import PackedModel  # noqa: E402
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
MERT_330M = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
}
PROMPT = list(range(100, 160))
Work = Callable[[], object]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sound", type=int, default=30, help="seconds; 0 leaves listening out")
    given = parser.parse_args()
    print(f"{threads.use_threads(given.threads)} threads, torch {torch.__version__},", end=" ")
    print(torch.backends.cpu.get_cpu_capability())
    answering(given.tokens, given.rounds)
    if given.sound:
        listening(given.sound)


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
    rates = []
    clocks = {name: Clock() for name in ways}
    written = {}
    for _ in range(rounds):
        rates.append(read_bandwidth(again=True))
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
    print(f"read bandwidth {min(rates) / 1e9:.1f} to {max(rates) / 1e9:.1f} GB/s\n")
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


def listening(sound_s: int) -> None:
    """Real-time factors of the encoder in each precision."""
    torch.manual_seed(0)
    samples = torch.randn(sound_s * 24_000, generator=torch.Generator().manual_seed(0)).numpy()
    encoder = Encoder(HubertConfig(**MERT_330M))
    exact = encoder.states(samples)
    print(
        f"\nMERT-330M, {sound_s} s of sound\n\n| | s | real-time factor | off |\n|---|---|---|---|"
    )
    for name, prepare in encoders(encoder):
        prepare()
        taken = seconds(lambda: encoder.states(samples))
        off = (encoder.states(samples) - exact).norm() / exact.norm()
        print(f"| {name} | {taken:.1f} | {taken / sound_s:.2f} | {off:.1e} |")


def encoders(encoder: Encoder) -> list[tuple[str, Work]]:
    """Each way of listening, and how to come to it from the one before."""
    return [
        ("transformers, float32", lambda: None),
        ("transformers, bfloat16", lambda: encoder.to(torch.bfloat16)),
    ]


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


def drawn(packed: PackedModel, backbone: torch.nn.Module, tokens: int, clock: Clock) -> list[int]:
    """Tokens from our loop."""
    settings = Generation(temperature=0.0, max_tokens=tokens)
    steps = Decoder(packed, backbone, [], {}, rows=1)
    return draw(steps, [PROMPT], settings, set(), lambda row, token: clock.put(token))[0]


def seconds(work: Work) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
