"""Asking the captioner: what it draws, in whose company, over which language models."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordLevel  # noqa: E402
from tokenizers.pre_tokenizers import Whitespace  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.backbone import load_backbone  # noqa: E402
from musiscene_core.captioning.mullama.config import CaptionerConfig, Manifest  # noqa: E402
from musiscene_core.captioning.mullama.conversion import Originals, convert  # noqa: E402
from musiscene_core.captioning.mullama.decoding import Likeliest  # noqa: E402
from musiscene_core.captioning.mullama.listening import sample_chunks  # noqa: E402
from musiscene_core.captioning.mullama.model import MuLlama  # noqa: E402
from musiscene_core.captioning.mullama.saved import (  # noqa: E402
    load,
    load_encoder,
    own_tensors,
    reference,
    save,
)
from musiscene_core.captioning.mullama.tokens import load_tokens  # noqa: E402
from musiscene_core.captioning.prompts import prompt  # noqa: E402
from musiscene_core.errors import (  # noqa: E402
    CancelledError,
    EngineError,
    ModelError,
    RequestError,
)
from tests.support import tiny_captioner as tiny_models  # noqa: E402

pytestmark = pytest.mark.models

FREE = Generation(temperature=1.5, top_p=0.95, max_tokens=12, seed=3)
GREEDY = Generation(temperature=0.0, max_tokens=12)
ASKED = ["Describe the music.", "What is it good for, at night?", "Tempo?"]


@pytest.fixture(scope="module", params=[1, 3], ids=["one-token", "three-tokens"])
def converted(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny = tiny_models.make(folder, phase="finetune", query_len=request.param)
    convert(
        Originals(
            llama=tiny.llama,
            encoder=tiny.encoder,
            checkpoint=tiny.checkpoint,
            query_len=request.param,
        ),
        folder / "captioner",
    )
    return folder / "captioner"


@pytest.fixture(scope="module")
def model(converted):
    return load(converted)


def features(count):
    chance = torch.Generator().manual_seed(5)
    return torch.randn(count, tiny_models.STATES, tiny_models.HEARD_WIDTH, generator=chance)


def test_an_answer_is_what_whole_forward_passes_would_choose(model):
    (answer,) = model.answer(features(1), ASKED[:1], GREEDY)
    tokens = model.tokens.encode(prompt(ASKED[0]))
    chosen = []
    for _ in range(GREEDY.max_tokens):
        ids = torch.tensor([tokens + chosen])
        with torch.no_grad():
            scores = model(ids, torch.ones_like(ids), features(1))[0, -1]
        if (token := int(scores.argmax())) == model.backbone.config.eos_token_id:
            break
        chosen.append(token)
    assert answer == model.tokens.decode(chosen).strip()
    assert len(chosen) > 3


def test_answers_do_not_depend_on_the_rest_of_the_batch(model):
    heard = features(3)
    together = model.answer(heard, ASKED, FREE)
    alone = [model.answer(heard[i : i + 1], [ASKED[i]], FREE)[0] for i in range(3)]
    backwards = model.answer(heard.flip(0), ASKED[::-1], FREE)[::-1]
    assert together == alone == backwards
    assert len(set(together)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["half", "int8"])
def test_nor_do_they_where_rounding_is_coarse(converted, precision):
    model = load(converted, precision=precision, to_answer=True)
    free = Generation(temperature=0.8, max_tokens=60, seed=3)
    asked = [*ASKED, "Mood?", "a chase at night " * 10, "Which instruments are playing, and how?"]
    heard = features(len(asked))
    alone = [
        model.answer(row[None], [question], free)[0]
        for row, question in zip(heard, asked, strict=True)
    ]
    assert model.answer(heard, asked, free) == alone
    assert [*model.answer(heard[:4], asked[:4], free), *alone[4:]] == alone


def test_one_encoding_serves_several_questions(model):
    heard = features(1)
    assert model.answer(heard, ASKED, FREE) == model.answer(heard.expand(3, -1, -1), ASKED, FREE)


def test_the_same_seed_draws_the_same_answer_and_another_another(model):
    first = model.answer(features(1), ASKED[:1], FREE)
    assert model.answer(features(1), ASKED[:1], FREE) == first
    seeds = [Generation(temperature=1.5, top_p=0.95, max_tokens=12, seed=s) for s in range(3)]
    assert len({model.answer(features(1), ASKED[:1], one)[0] for one in seeds}) > 1


def test_what_is_streamed_adds_up_to_the_answers(model):
    pieces = ["", "", ""]

    def hear(row, piece):
        pieces[row] += piece

    answers = model.answer(features(3), ASKED, FREE, hear)
    assert [text.strip() for text in pieces] == answers


def test_cancelling_midway_passes_through_and_harms_nothing(model):
    before = model.answer(features(1), ASKED[:1], FREE)

    def cancel(row, piece):
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        model.answer(features(1), ASKED[:1], FREE, cancel)
    assert model.answer(features(1), ASKED[:1], FREE) == before


def test_two_conversations_at_once_are_a_mistake_not_a_mixture(model):
    audio = model.audio_tokens(features(1))
    with (
        model.prefix.hearing(audio),
        pytest.raises(RuntimeError, match="already"),
        model.prefix.hearing(audio),
    ):
        pass


@pytest.mark.parametrize("question", ["word " * 10_000, "\N{EIGHTH NOTE}" * 10_000])
def test_a_question_of_ten_thousand_tokens_is_refused_with_the_numbers(model, question):
    with pytest.raises(RequestError, match=r"\d+ tokens too long") as refused:
        model.answer(features(1), [question], FREE)
    assert refused.value.hint
    with pytest.raises(RequestError, match="empty"):
        model.answer(features(1), [" "], FREE)
    assert model.answer(features(1), [], FREE) == []


def test_weights_that_overflow_are_an_error_not_an_answer(model):
    with pytest.raises(EngineError, match="no numbers"):
        model.answer(features(1) * float("nan"), ASKED[:1], FREE)


def test_hours_are_a_mean_of_minutes_weighted_by_length(model):
    chance = np.random.default_rng(0)
    sound = chance.normal(0, 0.1, 90 * 24_000).astype(np.float32)
    whole = model.encode(sample_chunks(sound, 24_000))
    first = model.encode([sound[: 60 * 24_000]])
    rest = model.encode([sound[60 * 24_000 :]])
    assert torch.allclose(whole, (2 * first + rest) / 3, atol=1e-5)
    assert torch.equal(model.encode(sample_chunks(sound, 24_000, "legacy")), first)


def test_loudness_and_offset_are_not_heard(model):
    sound = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    assert torch.allclose(model.encode([sound]), model.encode([sound * 3 + 0.5]), atol=1e-3)


@pytest.mark.parametrize(
    ("temperature", "top_p", "possible"),
    [(0.0, 1.0, {2}), (1.0, 0.5, {2}), (1.0, 0.7, {2, 0}), (1.0, 1.0, {0, 1, 2})],
)
def test_only_the_likeliest_tokens_are_drawn(temperature, top_p, possible):
    scores = Likeliest(torch.log(torch.tensor([[0.3, 0.1, 0.6]])), temperature)
    settings = Generation(temperature=temperature, top_p=top_p)
    chance = torch.Generator().manual_seed(0)
    assert {scores.pick(0, settings, chance) for _ in range(200)} == possible


FAMILIES = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
}


def new_captioner(folder, config, query_len=1):
    """An untrained captioner over a random language model of `config`'s family."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "language")
    words = {word: number for number, word in enumerate(["?", *"abcdefghij"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "language" / "tokenizer.json"))
    tiny = tiny_models.make(folder / "originals")
    convert(
        Originals(llama=tiny.llama, encoder=tiny.encoder, checkpoint=tiny.checkpoint),
        folder / "published",
    )
    shape = CaptionerConfig(
        encoder_states=tiny_models.STATES,
        encoder_width=tiny_models.HEARD_WIDTH,
        width=config.hidden_size,
        prefix_layers=2,
        query_len=query_len,
    )
    encoder = load_encoder(folder / "published" / "encoder")
    backbone = load_backbone(folder / "language", torch.float32)
    return MuLlama(shape, encoder, backbone, load_tokens(folder / "language"))


def family_config(kind):
    return kind(
        vocab_size=40,
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        max_position_embeddings=256,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=kind is Qwen3Config,
    )


@pytest.mark.parametrize("query_len", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_any_family_hears_music_through_open_gates_and_is_kept_by_reference(
    tmp_path, family, query_len
):
    captioner = new_captioner(tmp_path, family_config(FAMILIES[family]), query_len)
    ids = torch.tensor([[1, 5, 9, 3]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        alone = captioner.backbone(input_ids=ids, use_cache=False).logits
        assert torch.equal(captioner(ids, mask, features(1)), alone)
        captioner.prefix.gates.fill_(0.8)
    scores = captioner(ids, mask, features(1))
    assert (scores - alone).abs().max() > 1e-3
    scores.pow(2).sum().backward()
    learning = {name for name, x in captioner.named_parameters() if x.grad is not None}
    assert learning == {
        n for n, _ in captioner.named_parameters() if n[:7] in ("adapter", "prefix.")
    }
    assert all(x.grad.abs().max() > 0 for x in captioner.prefix.parameters())

    kept = tmp_path / "kept"
    kept.mkdir()
    manifest = Manifest(
        base=reference(tmp_path / "language", kept),
        encoder=reference(tmp_path / "published" / "encoder", kept),
        config=captioner.config,
        adapter_sha256="",
    )
    save(kept, own_tensors(captioner), manifest)
    assert sorted(path.name for path in kept.iterdir()) == ["adapter.safetensors", "manifest.json"]
    again = load(kept)
    with torch.no_grad():
        assert torch.equal(again(ids, mask, features(1)), scores)


def test_a_family_that_cannot_hear_is_refused_with_those_that_can(tmp_path):
    AutoModelForCausalLM.from_config(
        GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=20)
    ).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="gpt2") as refused:
        load_backbone(tmp_path, torch.float32)
    assert "mistral" in refused.value.hint


def test_parts_that_do_not_fit_are_refused_with_both_sizes(tmp_path, model):
    shape = CaptionerConfig(
        encoder_states=tiny_models.STATES, encoder_width=tiny_models.HEARD_WIDTH, width=64
    )
    with pytest.raises(ModelError, match="width is 32, not 64"):
        MuLlama(shape, model.encoder, model.backbone, model.tokens)
