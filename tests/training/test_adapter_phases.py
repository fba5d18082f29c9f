"""Each phase trains exactly what it should, on a real tiny model, and packing changes no loss."""

from __future__ import annotations

import shutil

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from torch.nn import functional  # noqa: E402
from transformers import AutoModelForCausalLM, HubertConfig, LlamaConfig  # noqa: E402

from musiscene_core.captioning.mullama.config import CaptionerConfig  # noqa: E402
from musiscene_core.captioning.mullama.encoder import Encoder  # noqa: E402
from musiscene_core.captioning.mullama.model import MuLlama  # noqa: E402
from musiscene_core.captioning.mullama.saved import load  # noqa: E402
from musiscene_core.errors import RequestError  # noqa: E402
from musiscene_training.adapter.examples import examples  # noqa: E402
from musiscene_training.adapter.features import FeatureCache  # noqa: E402
from musiscene_training.adapter.label_loss import label_loss  # noqa: E402
from musiscene_training.adapter.learner import Learner, check_length  # noqa: E402
from musiscene_training.adapter.loop import Loop, Work  # noqa: E402
from musiscene_training.adapter.packing import pack  # noqa: E402
from musiscene_training.adapter.parallel import Processes  # noqa: E402
from musiscene_training.adapter.phases import prepare, trains  # noqa: E402
from musiscene_training.adapter.settings import settings_for  # noqa: E402
from musiscene_training.adapter.stopping import Stopping  # noqa: E402
from musiscene_training.dataset import read_dataset  # noqa: E402
from tests.support import tiny_captioner, tiny_training  # noqa: E402

pytestmark = pytest.mark.models

PHASES = ("pretrain", "finetune", "msi", "house")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_training.make_data(tmp_path_factory.mktemp("data") / "set", 6, 0)


@pytest.fixture(scope="module")
def captioners(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captioners")
    return {
        "plain": tiny_training.make_captioner(folder / "plain"),
        "tuned": tiny_training.make_captioner(folder / "tuned", phase="finetune"),
        "several": tiny_training.make_captioner(folder / "several", query_len=3, kv_heads=2),
    }


def ready(captioner, data, phase, **numbers):
    """Everything between a captioner and a step."""
    settings = settings_for(phase, {**tiny_training.QUICK, **numbers})
    trained = prepare(load(captioner), settings)
    dataset = read_dataset(data)
    shape = (tiny_captioner.STATES, tiny_captioner.HEARD_WIDTH)
    cache = FeatureCache(data / "features", "encoder", shape)
    keys = {row.id: cache.key(row, data) for row in dataset.rows}
    made, problems = examples(trained.model, dataset.rows, keys, settings.most_tokens)
    assert problems == []

    def heard(example):
        return cache.get(example.key, example.row, data)

    return trained, made, heard, settings


def everything(trained):
    named = dict(trained.model.named_parameters())
    if trained.lora is not None:
        named |= {f"lora {name}": one for name, one in trained.lora.named_parameters()}
    return named


@pytest.mark.parametrize("kind", ["plain", "tuned"])
@pytest.mark.parametrize("phase", PHASES)
def test_exactly_what_the_phase_trains_changes_and_all_of_it(
    captioners, data, phase, kind, tmp_path
):
    trained, made, heard, settings = ready(captioners[kind], data, phase)
    before = {name: one.detach().clone() for name, one in everything(trained).items()}
    loop = Loop(Work(trained, settings, made, [], heard, tmp_path), Processes(device="cpu"))
    # LoRA's down matrices learn nothing until the up matrices, which begin at zero, have.
    for step in range(2):
        loop.step(step, Stopping())
    changed = {
        name for name, one in everything(trained).items() if not torch.equal(one, before[name])
    }
    wanted = {f"lora {name}" if phase == "house" else name for name in trained.parameters}
    assert changed == wanted
    beginnings = {
        "pretrain": {"adapter", "prefix"},
        "msi": {"adapter"},
        "finetune": {"backbone"},
        "house": {"lora _matrices"},
    }
    assert {name.split(".")[0] for name in changed} == beginnings[phase]
    if phase == "finetune":
        parts = [name for name in changed if name.endswith("lora_B.default.bias")]
        assert len(parts) == 5 * tiny_captioner.LAYERS
        assert sum("modules_to_save" in name for name in changed) == 2 * tiny_captioner.LAYERS + 1


def padded_loss(model, made, heard):
    """The plain way: a padded batch, all scores, the mean of the means over each row's labels."""
    longest = max(len(one.tokens) for one in made)
    ids = torch.zeros(len(made), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(made):
        ids[row, : len(one.tokens)] = torch.tensor(one.tokens)
        mask[row, : len(one.tokens)] = 1
    features = torch.stack([torch.from_numpy(heard(one)) for one in made])
    scores = model(ids, mask, features)
    losses = [
        functional.cross_entropy(
            scores[row, one.asked - 1 : len(one.tokens) - 1], ids[row, one.asked : len(one.tokens)]
        )
        for row, one in enumerate(made)
    ]
    return torch.stack(losses).mean()


@pytest.mark.parametrize("kind", ["plain", "tuned", "several"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_loss_and_gradients_of_packed_rows_are_those_of_padded_ones(
    captioners, data, phase, kind
):
    trained, made, heard, settings = ready(captioners[kind], data, phase)
    assert len({len(one.tokens) for one in made}) > 3
    parameters = list(trained.parameters.values())
    if trained.lora is not None:
        for one in parameters:
            torch.nn.init.normal_(one, std=0.1)
    learner = Learner(trained, settings.precision)
    packed = learner(pack(made, heard, 1 / len(made)))
    with learner.speaking():
        padded = padded_loss(trained.model, made, heard)
    assert packed.item() == pytest.approx(padded.item(), rel=1e-5)
    ours = torch.autograd.grad(packed, parameters)
    theirs = torch.autograd.grad(padded, parameters)
    for name, one, other in zip(trained.parameters, ours, theirs, strict=True):
        scale = other.abs().max().clamp_min(1e-6)
        assert (one - other).abs().max() / scale < 2e-3, name


def test_rows_in_a_pack_know_nothing_of_each_other(captioners, data):
    trained, made, heard, settings = ready(captioners["plain"], data, "msi")
    learner = Learner(trained, settings.precision)
    with torch.no_grad():
        alone = [learner(pack([one], heard, 1.0)).item() for one in made]
        together = learner(pack(made, heard, 1.0)).item()
        swapped = learner(pack(made[::-1], heard, 1.0)).item()
    assert together == pytest.approx(sum(alone), rel=1e-5)
    assert swapped == pytest.approx(together, rel=1e-5)
    assert max(alone) - min(alone) > 0.1


def test_half_precision_computes_the_same_to_its_own_accuracy(captioners, data):
    losses = []
    for precision in ("float32", "bf16"):
        trained, made, heard, settings = ready(
            captioners["plain"], data, "house", precision=precision
        )
        if precision == "bf16":
            trained.model.backbone.to(torch.bfloat16)
        learner = Learner(trained, settings.precision)
        loss = learner(pack(made, heard, 1 / len(made)))
        loss.backward()
        assert all(one.grad.dtype == torch.float32 for one in trained.parameters.values())
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[0] != losses[1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")
@pytest.mark.parametrize("phase", PHASES)
def test_compiled_layers_learn_the_same(captioners, data, phase):
    if shutil.which("g++") is None:
        pytest.skip("no compiler for torch.compile here")
    gradients = []
    for compiled in (False, True):
        trained, made, heard, settings = ready(captioners["tuned"], data, phase)
        learner = Learner(trained, settings.precision)
        if compiled:
            learner.compile_layers()
        learner(pack(made, heard, 1 / len(made))).backward()
        gradients.append({name: one.grad for name, one in trained.parameters.items()})
    for name, plain in gradients[0].items():
        assert torch.allclose(gradients[1][name], plain, atol=1e-5), name


def test_the_loss_over_labels_is_cross_entropy_with_its_gradient():
    chance = torch.Generator().manual_seed(0)
    head = torch.randn(50, 8, generator=chance)
    labels = torch.randint(50, (2500,), generator=chance)
    weights = torch.rand(2500, generator=chance)
    ours = torch.randn(2500, 8, generator=chance, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_(True)
    loss = label_loss(ours, head, labels, weights)
    plain = functional.cross_entropy(theirs @ head.T, labels, reduction="none") @ weights
    assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
    (loss * 3).backward()
    (plain * 3).backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=3e-5)


def test_what_is_frozen_below_the_music_has_no_backward_pass(captioners, data):
    trained, made, heard, settings = ready(captioners["plain"], data, "msi")
    layers = trained.model.backbone.model.layers
    asked = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out, at=at: asked.append((at, out.requires_grad)))
        for at, layer in enumerate(layers)
    ]
    Learner(trained, settings.precision)(pack(made, heard, 1.0))
    for hook in hooks:
        hook.remove()
    silent = tiny_captioner.LAYERS - tiny_captioner.TOP
    assert asked == [(at, at >= silent) for at in range(tiny_captioner.LAYERS)]


def test_a_captioner_that_does_not_listen_yet_is_sent_to_pretraining(captioners):
    model = load(captioners["plain"])
    with torch.no_grad():
        model.prefix.gates.zero_()
    with pytest.raises(RequestError, match="does not listen yet") as refused:
        prepare(model, settings_for("msi", {}))
    assert "pretrain" in refused.value.hint
    assert prepare(model, settings_for("pretrain", {})).count > 0


def test_rows_longer_than_the_language_model_reads_are_refused_with_the_number(captioners):
    model = load(captioners["plain"])
    longest = model.backbone.config.max_position_embeddings
    check_length(model.backbone, longest)
    with pytest.raises(RequestError, match=str(longest)):
        check_length(model.backbone, longest + 1)


def test_answers_are_cut_where_asked_and_prompts_that_leave_no_room_are_told(captioners, data):
    trained, made, _, _ = ready(captioners["plain"], data, "msi")
    rows = [one.row for one in made]
    keys = {one.row.id: one.key for one in made}
    shorter, problems = examples(trained.model, rows, keys, made[0].asked + 2)
    assert problems == []
    assert {len(one.tokens) for one in shorter} == {made[0].asked + 2}
    assert all(one.cut and one.answered == 2 for one in shorter)
    none, problems = examples(trained.model, rows, keys, made[0].asked)
    assert none == []
    assert "prompt alone" in problems[0].why
    assert not any(one.cut for one in made)
    assert all(one.tokens[-1] == 2 for one in made)


class Vocabulary:
    """LLaMA's tokens, as many as they are."""

    size = 32_000


def test_at_the_published_size_the_published_number_of_parameters_trains():
    """7 billion on the meta device: 608.3 and 41.3 million, as the published code counts them."""
    language = LlamaConfig(
        hidden_size=4096,
        intermediate_size=11_008,
        num_hidden_layers=32,
        num_attention_heads=32,
        vocab_size=32_000,
    )
    hearing = HubertConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    )
    with torch.device("meta"):
        model = MuLlama(
            CaptionerConfig(),
            Encoder(hearing),
            AutoModelForCausalLM.from_config(language),
            Vocabulary(),
        )
        counts = {
            phase: sum(one.numel() for name, one in model.named_parameters() if trains(phase, name))
            for phase in ("pretrain", "msi")
        }
        from musiscene_core.captioning.mullama.backbone import with_lora

        tuned = with_lora(model.backbone, CaptionerConfig(lora_rank=16))
    counts["finetune"] = sum(
        one.numel() for name, one in tuned.named_parameters() if trains("finetune", f".{name}")
    )
    assert {phase: round(count / 1e6, 1) for phase, count in counts.items()} == {
        "pretrain": 608.3,
        "msi": 608.2,
        "finetune": 41.3,
    }
