"""The captioner computes what the papers' equations say, read here again in plain steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from musiscene_core.captioning.mullama.conversion import Originals, convert  # noqa: E402
from musiscene_core.captioning.mullama.encoder import Encoder, hubert_config  # noqa: E402
from musiscene_core.captioning.mullama.saved import load  # noqa: E402
from tests.support import tiny_captioner as tiny_models  # noqa: E402

pytestmark = pytest.mark.models

D = tiny_models.DIM // tiny_models.HEADS


def rms(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def turned(x):
    """[T, H, D] in Meta's order: neighbouring pairs are complex numbers, turned by position."""
    rates = 1.0 / 10_000 ** (torch.arange(0, D, 2) / D)
    angles = torch.outer(torch.arange(x.shape[0]), rates)
    turns = torch.polar(torch.ones_like(angles), angles)[:, None]
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2)


class ByHand:
    """The forward pass of one row, from the originals' tensors."""

    def __init__(self, tiny):
        self.tiny = tiny
        self.t = {**{f"llama.{n}": x for n, x in tiny.base.items()}, **tiny.trained}

    def linear(self, layer, name, x, lora=True):
        begin = f"llama.layers.{layer}."
        y = x @ self.t[f"{begin}{name}.weight"].T
        block, short = name.split(".")
        down = f"{begin}{block}.lora_{short}_l1.weight"
        if lora and down in self.t:
            y = y + x @ self.t[down].T @ self.t[down.replace("l1", "l2")].T
            if f"{begin}{name}.bias" in self.t:
                y = y + self.t[f"{begin}{name}.bias"]
        return y

    def audio_token(self, features):
        mixed = self.t["mu_mert_agg.weight"][0, :, 0] @ features + self.t["mu_mert_agg.bias"]
        mixed = mixed / mixed.norm()
        x = self.t["mu_mert_proj.weight"] @ mixed + self.t["mu_mert_proj.bias"]
        for i in (1, 2, 3):
            n = rms(x, self.t[f"mu_mert_norm_{i}.weight"], 1e-6)
            f1, f2, f3 = (self.t[f"mu_mert_f{j}_{i}.weight"] for j in (1, 2, 3))
            a = f1 @ n
            x = x + f2 @ (a * torch.sigmoid(a) * (f3 @ n))
        return x

    def logits(self, ids, features=None):
        heads, kv, length = tiny_models.HEADS, self.tiny.kv_heads, len(ids)
        x = self.t["llama.tok_embeddings.weight"][ids]
        for layer in range(tiny_models.LAYERS):
            n = rms(x, self.t[f"llama.layers.{layer}.attention_norm.weight"], 1e-5)
            q = turned(self.linear(layer, "attention.wq", n).view(length, heads, D))
            k = turned(self.linear(layer, "attention.wk", n).view(length, kv, D))
            v = self.linear(layer, "attention.wv", n).view(length, kv, D)
            found = torch.zeros(length, heads, D)
            for h in range(heads):
                g = h * kv // heads
                for t in range(length):
                    s = torch.stack([q[t, h] @ k[u, g] / math.sqrt(D) for u in range(t + 1)])
                    found[t, h] = torch.softmax(s, 0) @ v[: t + 1, g]
            top = layer - (tiny_models.LAYERS - tiny_models.TOP)
            if features is not None and top >= 0:
                found = found + self.prefix(layer, top, q, features)
            x = x + self.linear(layer, "attention.wo", found.flatten(1))
            n = rms(x, self.t[f"llama.layers.{layer}.ffn_norm.weight"], 1e-5)
            a = self.linear(layer, "feed_forward.w1", n)
            inner = a * torch.sigmoid(a) * self.linear(layer, "feed_forward.w3", n)
            x = x + self.linear(layer, "feed_forward.w2", inner)
        return rms(x, self.t["llama.norm.weight"], 1e-5) @ self.t["llama.output.weight"].T

    def prefix(self, layer, top, q, features):
        count, kv, heads = self.tiny.query_len, self.tiny.kv_heads, tiny_models.HEADS
        rows = self.t["prefix_query.weight"][top * count : (top + 1) * count]
        tokens = self.audio_token(features) + rows
        gate = torch.tanh(self.t[f"llama.layers.{layer}.attention.gate"]).flatten()
        values = self.linear(layer, "attention.wv", tokens, lora=False).view(count, kv, D)
        if count == 1:
            return torch.stack([gate[h] * values[0, h * kv // heads] for h in range(heads)])
        keys = self.linear(layer, "attention.wk", tokens, lora=False).view(count, kv, D)
        more = torch.zeros_like(q)
        for h in range(heads):
            g = h * kv // heads
            weights = torch.softmax(q[:, h] @ keys[:, g].T / math.sqrt(D), dim=-1)
            more[:, h] = gate[h] * (weights @ values[:, g])
        return more


def converted(tmp_path, **kind):
    tiny = tiny_models.make(tmp_path, **kind)
    originals = Originals(
        llama=tiny.llama,
        encoder=tiny.encoder,
        checkpoint=tiny.checkpoint,
        query_len=tiny.query_len,
    )
    convert(originals, tmp_path / "captioner")
    return tiny, load(tmp_path / "captioner")


def features(seed=1):
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(tiny_models.STATES, tiny_models.HEARD_WIDTH, generator=chance)


IDS = [1, 7, 250, 33, 9, 120, 64]


@pytest.mark.parametrize(
    "kind",
    [
        {"phase": "pretrain"},
        {"phase": "finetune"},
        {"phase": "finetune", "ranks": 2},
        {"phase": "pretrain", "kv_heads": 2},
        {"phase": "finetune", "query_len": 3},
        {"phase": "finetune", "query_len": 3, "kv_heads": 2},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)
def test_converted_originals_score_tokens_as_the_equations_do(tmp_path, kind):
    tiny, model = converted(tmp_path, **kind)
    wanted = ByHand(tiny).logits(IDS, features())
    deaf = ByHand(tiny).logits(IDS)
    ids = torch.tensor([IDS])
    with torch.no_grad():
        given = model(ids, torch.ones_like(ids), features()[None])[0]
    assert (wanted - deaf).abs().max() > 0.05
    assert (given - wanted).abs().max() < 1e-4


def test_with_the_gates_at_zero_it_is_the_language_model_alone(tmp_path):
    _, model = converted(tmp_path, phase="pretrain")
    ids = torch.tensor([IDS])
    with torch.no_grad():
        model.prefix.gates.zero_()
        heard = model(ids, torch.ones_like(ids), features()[None])
        alone = model.backbone(input_ids=ids, use_cache=False).logits
    assert torch.equal(heard, alone)


def test_what_is_heard_ends_with_the_call(tmp_path):
    _, model = converted(tmp_path, phase="pretrain")
    ids = torch.tensor([IDS])
    with torch.no_grad():
        before = model.backbone(input_ids=ids, use_cache=False).logits
        model(ids, torch.ones_like(ids), features()[None])
        after = model.backbone(input_ids=ids, use_cache=False).logits
    assert torch.equal(before, after)


@pytest.mark.parametrize("query_len", [1, 3])
def test_padding_and_neighbours_change_nothing(tmp_path, query_len):
    _, model = converted(tmp_path, phase="finetune", query_len=query_len)
    short = IDS[:4]
    rows = torch.tensor([IDS, [0] * (len(IDS) - 4) + short])
    mask = torch.tensor([[1] * len(IDS), [0] * (len(IDS) - 4) + [1] * 4])
    with torch.no_grad():
        both = model(rows, mask, torch.stack([features(1), features(2)]))
        alone = model(torch.tensor([short]), torch.ones(1, 4).long(), features(2)[None])
    assert (both[1, -4:] - alone[0]).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("layers", "width", "stable", "count"), [(12, 768, False, 211), (24, 1024, True, 403)]
)
def test_mert_of_either_size_has_the_tensors_that_were_published(layers, width, stable, count):
    fields = {
        "model_type": "mert_model",
        "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": width // 64,
        "feat_extract_norm": "group",
        "conv_bias": False,
        "do_stable_layer_norm": stable,
    }
    with torch.device("meta"):
        encoder = Encoder(hubert_config(fields))
    assert len(encoder.hubert.state_dict()) == count
    assert not any(part.training for part in encoder.train().modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_the_encoder_is_hubert_with_the_last_state_normalised(tmp_path):
    tiny, model = converted(tmp_path)
    from transformers import HubertModel

    plain = HubertModel(tiny_models.tiny_hubert_config(tiny.encoder)).eval()
    names = torch.load(tiny.encoder / "pytorch_model.bin", weights_only=True)
    renamed = {
        n.replace("conv.weight_g", "conv.parametrizations.weight.original0").replace(
            "conv.weight_v", "conv.parametrizations.weight.original1"
        ): x
        for n, x in names.items()
    }
    plain.load_state_dict(renamed)
    sound = np.random.default_rng(0).normal(0.1, 0.2, 24_000).astype(np.float32)
    x = torch.from_numpy((sound - sound.mean()) / sound.std())[None]
    with torch.no_grad():
        heard = plain(x, output_hidden_states=True)
    states = [*heard.hidden_states[:-1], heard.last_hidden_state]
    wanted = torch.stack([s[0].mean(0) for s in states])
    assert (heard.hidden_states[-1] - heard.last_hidden_state).abs().max() > 0.1
    assert (model.encode([sound]) - wanted).abs().max() < 1e-4
