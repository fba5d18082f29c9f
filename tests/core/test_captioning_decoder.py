"""Our decoder against transformers: the same tokens, from any family, LoRA, packs and music."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from peft import LoraConfig, get_peft_model  # noqa: E402
from torch import nn  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama import packed as packing  # noqa: E402
from musiscene_core.captioning.mullama.backbone import decoder_layers, with_lora  # noqa: E402
from musiscene_core.captioning.mullama.config import CaptionerConfig  # noqa: E402
from musiscene_core.captioning.mullama.decoder import CACHE_BLOCK, Decoder  # noqa: E402
from musiscene_core.captioning.mullama.decoding import PlainSteps, draw  # noqa: E402
from musiscene_core.captioning.mullama.packed import PackedModel, packable  # noqa: E402
from musiscene_core.captioning.mullama.prefix import Prefix  # noqa: E402
from musiscene_core.neural.linear import KERNELS, ROWS_MIX, supported  # noqa: E402

pytestmark = [
    pytest.mark.models,
    # peft 0.21 asks transformers 5.23 by a name on its way out.
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
]

GREEDY = Generation(temperature=0.0, max_tokens=24)
FREE = Generation(temperature=1.3, top_p=0.9, max_tokens=24, seed=5)
ANYTHING = Generation(temperature=4.0, top_p=1.0, max_tokens=24, seed=5)
PROMPTS = [[1, 5, 9, 3, 7], [1, 4], [1, 8, 8, 30, 2, 11, 17, 23, 6]]
WIDTH, HEADS, VOCABULARY = 48, 4, 300

FAMILIES = {
    "llama": (LlamaConfig, {}),
    "llama-biased": (LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    "llama-3-rotations": (
        LlamaConfig,
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral": (MistralConfig, {}),
    "qwen2": (Qwen2Config, {}),
    "qwen3": (Qwen3Config, {"tie_word_embeddings": True, "head_dim": 16}),
}


def language_model(family, **more):
    kind, own = FAMILIES[family]
    given = {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": 80,
        "num_hidden_layers": 3,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": 1,
        "eos_token_id": None,
        "pad_token_id": 0,
        "initializer_range": 0.2,
    }
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(kind(**(given | own | more)))
    return shaken(model.requires_grad_(False).eval())


def shaken(model):
    """Norms and biases, which begin at one and zero, at other values."""
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.ndim == 1 or "lora_B" in name:
                tensor += 0.1 * torch.randn(tensor.shape, generator=chance)
    return model


def steps_of(model, rows=3, precision="float32", heard=(), shares=None):
    return Decoder(PackedModel(model, precision), model, list(heard), shares or {}, rows)


def drawn(steps, prompts, settings, ends=()):
    return draw(steps, prompts, settings, set(ends), lambda row, token: None)


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_tokens_are_those_of_transformers_generate(family):
    model = language_model(family)
    for prompt in PROMPTS:
        ids = torch.tensor([prompt])
        theirs = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False
        )
        (ours,) = drawn(steps_of(model, rows=1), [prompt], GREEDY)
        assert ours == theirs[0, len(prompt) :].tolist()
        assert len(set(ours)) > 3


@pytest.mark.parametrize("settings", [FREE, ANYTHING], ids=["top-p", "all"])
@pytest.mark.parametrize("family", FAMILIES)
def test_sampled_tokens_are_those_of_the_plain_loop_in_any_company(family, settings):
    model = language_model(family)
    plain = drawn(PlainSteps(model, 0), PROMPTS, settings)
    assert drawn(steps_of(model), PROMPTS, settings) == plain
    alone = [drawn(steps_of(model, rows=1), [prompt], settings)[0] for prompt in PROMPTS]
    assert alone == plain
    assert len({tuple(row) for row in plain}) == 3


@pytest.fixture(params=["compiled", "plain"])
def stepping(request, monkeypatch):
    """Both ways to make a step on a processor: numba's, and torch's where that is missing."""
    if request.param == "compiled":
        pytest.importorskip("numba", reason="the extra 'models' is not installed")
    else:
        monkeypatch.setattr(Decoder, "_host_step", lambda self: None)


@pytest.mark.parametrize("queries", [1, 3])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("stepping")
def test_scores_are_those_of_one_whole_forward_pass_with_lora_and_music(family, queries):
    shape = CaptionerConfig(width=WIDTH, prefix_layers=2, lora_rank=4, query_len=queries)
    model = shaken(with_lora(language_model(family), shape).eval())
    prefix = Prefix(shape, HEADS)
    prefix.attach(decoder_layers(model))
    nn.init.constant_(prefix.gates, 0.7)
    with torch.no_grad(), prefix.hearing(torch.randn(3, 1, WIDTH)):
        steps = steps_of(model, heard=prefix.music())
        plain = PlainSteps(model, 0)
        pairs = [(steps.begin(PROMPTS), plain.begin(PROMPTS))]
        pairs += [(steps.follow(more), plain.follow(more)) for more in ([3, 4, 5], [9, 2, 7])]
    for ours, theirs in pairs:
        assert torch.allclose(ours, theirs, atol=2e-4)
    with torch.no_grad():
        deaf = PlainSteps(model, 0).begin(PROMPTS)
    assert (deaf - pairs[0][0]).abs().max() > 0.01


def test_lora_that_was_merged_or_switched_off_is_heeded():
    settings = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "up_proj", "down_proj"])
    model = shaken(get_peft_model(language_model("llama"), settings).eval())
    unmerged = drawn(steps_of(model), PROMPTS, GREEDY)
    assert unmerged == drawn(PlainSteps(model, 0), PROMPTS, GREEDY)
    with model.disable_adapter():
        without = drawn(steps_of(model), PROMPTS, GREEDY)
    model.merge_adapter()
    assert drawn(steps_of(model), PROMPTS, GREEDY) == unmerged != without


def test_several_adapters_add_up():
    settings = LoraConfig(r=4, lora_alpha=8, target_modules=["k_proj", "gate_proj"])
    model = get_peft_model(language_model("qwen2"), settings, adapter_name="one")
    model.add_adapter("two", LoraConfig(r=2, lora_alpha=8, target_modules=["k_proj", "o_proj"]))
    model.base_model.set_adapter(["one", "two"])
    shaken(model.eval())
    assert drawn(steps_of(model), PROMPTS, GREEDY) == drawn(PlainSteps(model, 0), PROMPTS, GREEDY)


def test_a_long_answer_outgrows_the_cache_and_goes_on():
    model = language_model("qwen3")
    long = Generation(temperature=0.0, max_tokens=CACHE_BLOCK + 40)
    (ours,) = drawn(steps_of(model, rows=1), [PROMPTS[0]], long)
    (theirs,) = drawn(PlainSteps(model, 0), [PROMPTS[0]], long)
    assert ours == theirs


def test_an_answer_ends_at_its_end_while_the_others_go_on():
    model = language_model("llama")
    whole = drawn(steps_of(model), PROMPTS, GREEDY)
    end = whole[1][5]
    ours = drawn(steps_of(model), PROMPTS, GREEDY, ends=[end])
    cut = [row[: row.index(end)] if end in row else row for row in whole]
    assert ours == cut
    assert len(ours[1]) < 6


@pytest.mark.parametrize(("precision", "off"), [("half", 0.03), ("int8", 0.1)])
def test_narrower_weights_give_nearly_the_same_scores(precision, off):
    model = language_model("llama")
    exact, narrow = steps_of(model), steps_of(model, precision=precision)
    for ours, theirs in (
        (narrow.begin(PROMPTS), exact.begin(PROMPTS)),
        (narrow.follow([3, 4, 5]), exact.follow([3, 4, 5])),
    ):
        assert (ours - theirs).norm() < off * theirs.norm()
        assert not torch.equal(ours, theirs)


@pytest.mark.parametrize("queries", [1, 3])
@pytest.mark.parametrize(
    ("precision", "kernel"),
    [
        (precision, kernel)
        for precision, kernels in KERNELS.items()
        for kernel in kernels
        if kernel not in ROWS_MIX
    ],
)
@pytest.mark.usefixtures("stepping")
def test_no_bit_of_a_row_depends_on_its_neighbours(precision, kernel, queries, monkeypatch):
    if not supported(kernel):
        pytest.skip(f"this processor has no {kernel}")
    monkeypatch.setattr(packing, "fastest", lambda *_, **__: kernel)
    shape = CaptionerConfig(width=WIDTH, prefix_layers=2, lora_rank=4, query_len=queries)
    model = shaken(with_lora(language_model("qwen2"), shape).eval())
    prefix = Prefix(shape, HEADS)
    prefix.attach(decoder_layers(model))
    nn.init.constant_(prefix.gates, 0.7)
    packed = PackedModel(model, precision)
    assert packed.kernel == kernel
    with torch.no_grad(), prefix.hearing(torch.randn(3, 1, WIDTH)):
        music = prefix.music()
        together = Decoder(packed, model, music, {}, 3)
        got = [together.begin(PROMPTS), *(together.follow([n, n + 1, n + 2]) for n in range(8))]
        for row, prompt in enumerate(PROMPTS):
            own = [one.of(slice(row, row + 1)) for one in music]
            alone = Decoder(packed, model, own, {}, 1)
            given = [alone.begin([prompt]), *(alone.follow([n + row]) for n in range(8))]
            for ours, theirs in zip(got, given, strict=True):
                assert torch.equal(ours[row], theirs[0])


@pytest.mark.parametrize("precision", ["float32", "half", "int8"])
@pytest.mark.usefixtures("stepping")
def test_scores_of_a_row_are_its_own(precision):
    model = language_model("qwen2")
    together = steps_of(model, precision=precision)
    alone = steps_of(model, rows=1, precision=precision)
    assert torch.allclose(together.begin(PROMPTS)[:1], alone.begin(PROMPTS[:1]), atol=1e-4)
    ours, theirs = together.follow([3, 4, 5])[:1], alone.follow([3])
    assert (ours - theirs).norm() < 0.01 * theirs.norm()


def test_what_cannot_be_packed_is_known():
    assert packable(language_model("llama"), 1000)
    assert not packable(language_model("llama", hidden_act="gelu"), 10)
    assert packable(language_model("mistral", sliding_window=64), 64)
    assert not packable(language_model("mistral", sliding_window=64), 65)
    growing = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    assert not packable(language_model("llama", rope_parameters=growing), 10)
    model = language_model("llama")
    model.model.layers[0].mlp.up_proj = nn.Bilinear(WIDTH, WIDTH, 80)
    assert not packable(model, 10)
    inventive = LoraConfig(r=2, target_modules=["q_proj"], use_dora=True)
    assert not packable(get_peft_model(language_model("llama"), inventive), 10)


def test_changed_weights_are_noticed():
    model = language_model("llama")
    before = packing.identity(model)
    assert packing.identity(model) == before
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[0, 0] += 1
    assert packing.identity(model) != before


@pytest.mark.gpu
@pytest.mark.parametrize("family", FAMILIES)
def test_captured_graphs_give_the_tokens_of_plain_steps(family):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    model = language_model(family).to("cuda")
    long = Generation(temperature=0.0, max_tokens=CACHE_BLOCK + 8)
    assert drawn(steps_of(model), PROMPTS, long) == drawn(PlainSteps(model, 0), PROMPTS, long)


@pytest.mark.gpu
@pytest.mark.parametrize("queries", [1, 3])
def test_captured_graphs_give_the_tokens_of_our_own_steps_one_by_one(queries):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    shape = CaptionerConfig(width=WIDTH, prefix_layers=2, lora_rank=4, query_len=queries)
    model = shaken(with_lora(language_model("llama"), shape)).eval().to("cuda")
    prefix = Prefix(shape, HEADS).to("cuda")
    prefix.attach(decoder_layers(model))
    nn.init.constant_(prefix.gates, 0.7)
    with torch.no_grad(), prefix.hearing(torch.randn(3, 1, WIDTH, device="cuda")):
        heard = prefix.music()
    long = Generation(temperature=0.0, max_tokens=CACHE_BLOCK + 8)
    captured, eager = steps_of(model, heard=heard), steps_of(model, heard=heard)
    assert captured._graphs is not None
    eager._graphs = None
    assert drawn(captured, PROMPTS, long) == drawn(eager, PROMPTS, long)
