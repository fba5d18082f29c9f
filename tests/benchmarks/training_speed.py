"""How fast a captioner trains, beside a plain padded loop on the same model in the same run.

    python -m tests.benchmarks.training_speed [--rows 16] [--rounds 3] [--phase msi]
    python -m tests.benchmarks.training_speed --gpu        a random 7B in bfloat16

Random weights; rows as long as those of the public VACAD (prompts of 60 tokens, answers of 20 to
180). The plain loop is what a Trainer does with this model: rows padded to the longest of a batch,
scores at every place, cross-entropy, one optimiser. As in the published code, it can also hear the
music anew in every step. On a processor what counts is the time that it computed for us, since
other work takes its share of the clock; each way is given by its fastest round.

MFU is the arithmetic that a step needs (musiscene_training.adapter.flops) over its time, as a share
of what this machine's plain matrix product does; on a GPU, of the peak given with --peak.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from musiscene_core.neural import threads

threads.prepare()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402
from transformers import AutoModelForCausalLM, HubertConfig, LlamaConfig  # noqa: E402

from musiscene_core.captioning.mullama.config import CaptionerConfig  # noqa: E402
from musiscene_core.captioning.mullama.encoder import Encoder  # noqa: E402
from musiscene_core.captioning.mullama.model import MuLlama  # noqa: E402
from musiscene_training.adapter.examples import Example  # noqa: E402
from musiscene_training.adapter.flops import step_flops  # noqa: E402
from musiscene_training.adapter.learner import Learner  # noqa: E402
from musiscene_training.adapter.loop import optimiser  # noqa: E402
from musiscene_training.adapter.packing import pack  # noqa: E402
from musiscene_training.adapter.phases import Trained, prepare  # noqa: E402
from musiscene_training.adapter.planning import packs  # noqa: E402
from musiscene_training.adapter.settings import Settings, settings_for  # noqa: E402
from musiscene_training.dataset import Row  # noqa: E402

PROMPT = 60
SMALL = {
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 8,
    "num_attention_heads": 4,
    "vocab_size": 32_000,
    "max_position_embeddings": 2048,
}
SEVEN_BILLION = {
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32_000,
    "max_position_embeddings": 4096,
}
MERT_SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": [64] * 7,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
}
H200_PEAK = 989e12
"""Dense bfloat16 operations a second, by its maker."""


class Vocabulary:
    """A language model's vocabulary, as large as it is; nothing is written here."""

    size = 32_000


@dataclass(frozen=True)
class Bench:
    """What is measured: a captioner ready for its phase, and rows."""

    trained: Trained
    learner: Learner
    settings: Settings
    examples: list[Example]
    features: dict[str, np.ndarray]
    sound: np.ndarray
    device: torch.device

    def heard(self, example: Example) -> np.ndarray:
        return self.features[example.row.id]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--phase", default="msi")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--peak", type=float, default=H200_PEAK, help="operations a second")
    given = parser.parse_args()
    count = threads.use_threads(given.threads)
    bench = make(given.phase, given.rows, gpu=given.gpu)
    if given.compile:
        bench.learner.compile_layers()
    lengths = [len(one.tokens) for one in bench.examples]
    labels = sum(one.answered for one in bench.examples)
    print(f"{count} threads, torch {torch.__version__}, {bench.device}, phase {given.phase}")
    print(f"{given.rows} rows a step, {sum(lengths)} tokens, {labels} of them labels", end="; ")
    print(f"padded to the longest: {max(lengths) * len(lengths)}")
    ways: dict[str, Callable[[Bench], float]] = {"ours: packed, labels alone": ours}
    if not given.gpu:
        ways["packed, all scores"] = packed_all_scores
        ways["plain: padded, all scores"] = plain
        ways["plain, music heard anew"] = plain_hearing
        ways["plain, row by row, to 512, heard anew"] = plain_as_published
    seconds = {name: [float("inf")] for name in ways}
    losses = {}
    peak = given.peak if given.gpu else 0.0
    for _ in range(given.rounds):
        if not given.gpu:
            peak = max(peak, matrix_rate())
        for name, way in ways.items():
            began = clock(bench.device)
            losses[name] = way(bench)
            seconds[name].append(clock(bench.device) - began)
    needed = step_flops(bench.trained, bench.settings, lengths, labels)
    best = {name: min(times) for name, times in seconds.items()}
    first = next(iter(ways))
    print(f"bound: {needed / 1e9:.1f} Gflop a step at {peak / 1e9:.0f} Gflop/s = ", end="")
    print(f"{needed / peak:.3f} s")
    print(f"{'':42} {'s a step':>9} {'tokens/s':>9} {'MFU':>6} {'ours is':>8} {'loss':>8}")
    for name, time_s in best.items():
        ratio = f"{time_s / best[first]:.1f} x"
        print(
            f"{name:42} {time_s:9.3f} {sum(lengths) / time_s:9.0f} "
            f"{needed / peak / time_s:6.1%} {ratio:>8} {losses[name]:8.4f}"
        )


def make(phase: str, rows: int, *, gpu: bool) -> Bench:
    """A random captioner of the size asked for, and random rows."""
    torch.manual_seed(0)
    language = LlamaConfig(**(SEVEN_BILLION if gpu else SMALL))
    hearing = HubertConfig(**MERT_SHAPE)
    config = CaptionerConfig(
        encoder_states=hearing.num_hidden_layers + 1,
        encoder_width=hearing.hidden_size,
        width=language.hidden_size,
        prefix_layers=round(language.num_hidden_layers * 20 / 32),
    )
    device = torch.device("cuda" if gpu else "cpu")
    dtype = torch.bfloat16 if gpu else torch.float32
    with device:
        backbone = AutoModelForCausalLM.from_config(language, dtype=dtype)
        model = MuLlama(config, Encoder(hearing), backbone, Vocabulary()).to(device)
    with torch.no_grad():
        model.prefix.gates.fill_(0.1)
    settings = settings_for(phase, {"precision": "bf16" if gpu else "float32", "batch": rows})
    trained = prepare(model, settings)
    chance = np.random.default_rng(0)
    examples = []
    features = {}
    for number in range(rows):
        length = PROMPT + round(float(chance.uniform(20, 180)))
        tokens = tuple(int(token) for token in chance.integers(3, 32_000, length))
        row = Row(id=str(number), question="?", answer=".", features="x")
        examples.append(Example(row, "", tokens, PROMPT, cut=False))
        shape = (config.encoder_states, config.encoder_width)
        features[row.id] = chance.normal(size=shape).astype(np.float32)
    sound = chance.normal(size=240_000).astype(np.float32)
    learner = Learner(trained, settings.precision)
    return Bench(trained, learner, settings, examples, features, sound, device)


def ours(bench: Bench) -> float:
    """One step as the training loop makes it."""
    made = packs([len(one.tokens) for one in bench.examples], bench.settings.pack_tokens, 1)
    total = 0.0
    for places in made:
        rows = [bench.examples[place] for place in places]
        packed = pack(rows, bench.heard, 1 / len(bench.examples)).to(bench.device)
        loss = bench.learner(packed)
        loss.backward()
        total += loss.item()
    return learned(bench, total)


def packed_all_scores(bench: Bench) -> float:
    """As ours, but with scores for every token: what labels alone are worth."""
    from musiscene_training.adapter.attention import Texts, packed_attention

    rows = pack(bench.examples, bench.heard, 1 / len(bench.examples))
    language = bench.learner.language
    audio = bench.trained.model.audio_tokens(rows.features)
    with (
        bench.learner.speaking(),
        packed_attention(language),
        bench.trained.model.prefix.hearing(audio, rows.rows),
    ):
        scores = language(
            input_ids=rows.ids[None],
            position_ids=rows.positions[None],
            use_cache=False,
            texts=Texts.of(rows.lengths, bench.device),
        ).logits[0]
    losses = functional.cross_entropy(scores[rows.places], rows.labels, reduction="none")
    loss = losses @ rows.weights
    loss.backward()
    return learned(bench, loss.item())


def plain(bench: Bench) -> float:
    """One step of a padded batch."""
    most = max(len(one.tokens) for one in bench.examples)
    ids = torch.zeros(len(bench.examples), most, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(bench.examples):
        ids[row, : len(one.tokens)] = torch.tensor(one.tokens)
        labels[row, one.asked : len(one.tokens)] = ids[row, one.asked : len(one.tokens)]
        mask[row, : len(one.tokens)] = 1
    features = torch.from_numpy(np.stack([bench.heard(one) for one in bench.examples]))
    with bench.learner.speaking():
        scores = bench.trained.model(ids, mask, features)
    following = functional.pad(labels, (0, 1), value=-100)[:, 1:]
    losses = functional.cross_entropy(
        scores.flatten(0, 1), following.flatten(), reduction="none"
    ).view_as(following)
    loss = (losses.sum(dim=1) / (following != -100).sum(dim=1)).mean()
    loss.backward()
    return learned(bench, loss.item())


def plain_hearing(bench: Bench) -> float:
    """As plain, but nothing of what was heard is kept from step to step."""
    for _ in bench.examples:
        bench.trained.model.encode([bench.sound])
    return plain(bench)


def plain_as_published(bench: Bench) -> float:
    """As the published code: rows one by one, padded to 512, each one's music heard in its step."""
    total = 0.0
    for one in bench.examples:
        bench.trained.model.encode([bench.sound])
        ids = torch.zeros(1, 512, dtype=torch.long)
        ids[0, : len(one.tokens)] = torch.tensor(one.tokens)
        mask = torch.zeros_like(ids)
        mask[0, : len(one.tokens)] = 1
        with bench.learner.speaking():
            scores = bench.trained.model(ids, mask, torch.from_numpy(bench.heard(one))[None])
        places = slice(one.asked - 1, len(one.tokens) - 1)
        answer = ids[0, one.asked : len(one.tokens)]
        loss = functional.cross_entropy(scores[0, places], answer) / len(bench.examples)
        loss.backward()
        total += loss.item()
    return learned(bench, total)


def learned(bench: Bench, loss: float) -> float:
    """Step the optimiser, at a rate that changes nothing to speak of; returns the loss."""
    parameters = bench.trained.parameters
    stepping = optimiser(parameters, bench.settings, bench.device)
    for group in stepping.param_groups:
        group["lr"] = 0.0
    stepping.step()
    stepping.zero_grad()
    return loss


def matrix_rate() -> float:
    """Operations a second of a plain matrix product in float32."""
    left, right = torch.randn(1024, 1024), torch.randn(1024, 1024)
    best = float("inf")
    for _ in range(5):
        began = clock(torch.device("cpu"))
        left @ right
        best = min(best, clock(torch.device("cpu")) - began)
    return 2 * 1024**3 / best


def clock(device: torch.device) -> float:
    """Seconds: of a GPU's work by the wall, of a processor's by what one thread of it computed."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time() / torch.get_num_threads()


if __name__ == "__main__":
    main()
