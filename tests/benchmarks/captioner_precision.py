"""What rounding weights does to the captioner's words: scores beside those of float32.

    python -m tests.benchmarks.captioner_precision [--threads 1] [--rows 8] [--tokens 64]

The architecture of the speed benchmark with random weights, its last linear so much steeper that
its choices are about as decided as a trained model's. Random weights are a proxy and no more: real
ones have outliers, which rounding hurts, and directions that matter, which it may spare. Every
precision reads the same random texts; of each place its next-token distribution is compared.
Four bits are NormalFloat with a scale for every 64 weights, as bitsandbytes rounds, rounded here.
"""

from __future__ import annotations

import argparse
import copy

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig  # noqa: E402

from musiscene_core.captioning.mullama.decoder import Decoder  # noqa: E402
from musiscene_core.captioning.mullama.packed import PackedModel  # noqa: E402
from tests.benchmarks.captioner_speed import LANGUAGE  # noqa: E402

_STEEPER = 8.0
_READ = 16
_BLOCK = 64
_LEVELS = (
    -1.0, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0,
    0.07958030, 0.16093020, 0.24611230, 0.33791524, 0.44070983, 0.56261700, 0.72295684, 1.0,
)  # fmt: skip
"""NormalFloat of 4 bits (Dettmers et al. 2023, appendix E)."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rows", type=int, default=8, help="texts")
    parser.add_argument("--tokens", type=int, default=64, help="places of each that count")
    given = parser.parse_args()
    threads.use_threads(given.threads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**LANGUAGE)).eval().requires_grad_(False)
    model.lm_head.weight.mul_(_STEEPER)
    texts = torch.randint(4, LANGUAGE["vocab_size"], (given.rows, _READ + given.tokens))
    exact = scores(PackedModel(model, "float32"), model, texts)
    sure = exact.exp()
    entropy = -(sure * exact).sum(-1).mean()
    print(f"{exact.shape[0] * exact.shape[1]} places, entropy {entropy:.2f} nats,", end=" ")
    print(f"likeliest token {sure.amax(-1).mean():.1%} on average\n")
    print("| precision | same next token | KL, nats: mean | 99th percentile | largest |")
    print("|---|---|---|---|---|")
    told("float32 in other kernels", exact, plain_scores(model, texts))
    for kind in ("half", "int8"):
        packed = PackedModel(model, kind)
        told(f"{kind} ({packed.kernel})", exact, scores(packed, model, texts))
    told("4 bits, head in float32", exact, plain_scores(in_four_bits(model), texts))


def scores(packed: PackedModel, model: nn.Module, texts: Tensor) -> Tensor:
    """Logarithms of next-token chances [B, places, V] by our decoder, step by step."""
    steps = Decoder(packed, model, [], {}, len(texts))
    with torch.inference_mode():
        found = [steps.begin(texts[:, :_READ].tolist())]
        found += [steps.follow(column.tolist()) for column in texts[:, _READ:-1].T]
    return torch.stack(found, dim=1).log_softmax(-1)


def plain_scores(model: nn.Module, texts: Tensor) -> Tensor:
    """The same by transformers' own forward."""
    with torch.inference_mode():
        logits: Tensor = model(input_ids=texts[:, :-1]).logits[:, _READ - 1 :]
    return logits.log_softmax(-1)


def in_four_bits(model: nn.Module) -> nn.Module:
    """A copy whose layers' linears hold what is left of them in 4 bits."""
    rounded = copy.deepcopy(model)
    levels = torch.tensor(_LEVELS)
    between = (levels[1:] + levels[:-1]) / 2
    for layer in rounded.model.layers:
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                blocks = module.weight.view(-1, _BLOCK)
                scale = blocks.abs().amax(dim=1, keepdim=True)
                places = torch.bucketize(blocks / scale, between)
                module.weight.copy_((levels[places] * scale).view_as(module.weight))
    return rounded


def told(name: str, exact: Tensor, found: Tensor) -> None:
    """Print a row."""
    same = (exact.argmax(-1) == found.argmax(-1)).float().mean()
    lost = (exact.exp() * (exact - found)).sum(-1).flatten().clamp(min=0)
    tail = lost.quantile(0.99)
    print(f"| {name} | {same:.1%} | {lost.mean():.1e} | {tail:.1e} | {lost.max():.1e} |")


if __name__ == "__main__":
    main()
