"""House packs: mixed by weight as algebra says, exchanged in place, and refused where they lie."""

from __future__ import annotations

import dataclasses
import json
import struct

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

import msgspec  # noqa: E402
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.backbone import decoder_layers, load_backbone  # noqa: E402
from musiscene_core.captioning.mullama.config import read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.conversion import Originals, convert  # noqa: E402
from musiscene_core.captioning.mullama.house import House, write_pack  # noqa: E402
from musiscene_core.captioning.mullama.packs import (  # noqa: E402
    PACK_FILE,
    PACK_MANIFEST,
    PackManifest,
    identity,
    read_pack,
    shelf,
)
from musiscene_core.captioning.mullama.saved import load  # noqa: E402
from musiscene_core.captioning.prompts import prompt  # noqa: E402
from musiscene_core.errors import ModelError, RequestError  # noqa: E402
from musiscene_core.neural.tensors import file_sha256  # noqa: E402
from tests.support import tiny_captioner as tiny_models  # noqa: E402

pytestmark = pytest.mark.models

IDS = torch.tensor([[1, 5, 9, 3, 20, 7]])
PACKS = {
    "noir": {"rank": 2, "alpha": 6.0, "linears": ("q_proj", "v_proj"), "seed": 1},
    "comedy": {"rank": 3, "alpha": 3.0, "linears": ("v_proj", "down_proj", "o_proj"), "seed": 2},
}


@pytest.fixture(scope="module", params=["pretrain", "finetune"])
def captioner(request, tmp_path_factory):
    """A captioner's folder, over a language model without and with LoRA of its own."""
    folder = tmp_path_factory.mktemp("model")
    tiny = tiny_models.make(folder, phase=request.param, query_len=2)
    given = Originals(
        llama=tiny.llama, encoder=tiny.encoder, checkpoint=tiny.checkpoint, query_len=2
    )
    convert(given, folder / "captioner")
    model = load(folder / "captioner")
    for name, pack in PACKS.items():
        make_pack(folder / "packs" / name, model, folder / "captioner", **pack)
    return folder / "captioner"


@pytest.fixture(scope="module")
def model(captioner):
    return load(captioner)


@pytest.fixture
def packs(captioner):
    return shelf([captioner.parent / "packs"], read_manifest(captioner)).packs


def make_pack(folder, model, captioner, *, rank, alpha, linears, seed, **more):
    manifest = PackManifest(
        captioner=identity(read_manifest(captioner)),
        pack_sha256="",
        rank=rank,
        alpha=alpha,
        linears=linears,
        **more,
    )
    chance = torch.Generator().manual_seed(seed)
    tensors = {
        name: torch.randn(shape, generator=chance) * 0.3
        for name, shape in model.house.shapes(manifest).items()
    }
    write_pack(folder, tensors, manifest)
    return tensors


def heard(rows=1):
    chance = torch.Generator().manual_seed(5)
    return torch.randn(rows, tiny_models.STATES, tiny_models.HEARD_WIDTH, generator=chance)


def scores(model):
    with torch.no_grad():
        return model(IDS, torch.ones_like(IDS), heard())


def linear_of(backbone, name):
    """The plain linear that a pack's tensor names, under any LoRA."""
    _, _, _, _, layer, parent, linear, _, _ = name.split(".")
    found = getattr(getattr(decoder_layers(backbone)[int(layer)], parent), linear)
    return getattr(found, "base_layer", found)


def explicitly(captioner, mixture):
    """A captioner whose own weights hold the weighted sum of the packs' deltas."""
    model = load(captioner)
    audio = model.audio_tokens(heard())
    with model.prefix.hearing(audio):
        before = model.prefix._heard
    for pack, weight in mixture:
        tensors = load_file(pack.folder / PACK_FILE)
        scale = weight * pack.manifest.alpha / pack.manifest.rank
        for name in tensors:
            if name.endswith("lora_A.weight"):
                up = tensors[name.replace("lora_A", "lora_B")]
                with torch.no_grad():
                    linear_of(model.backbone, name).weight += scale * up @ tensors[name]
    # The music goes in through the value projection as it was, which no pack changes.
    model.prefix._what_is_heard = lambda index, _: before[index]
    return model


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.7, 0.3), (1.5, -0.5)])
def test_a_mixture_is_the_weighted_sum_of_the_deltas(captioner, model, packs, weights):
    mixture = list(zip((packs["noir"], packs["comedy"]), weights, strict=True))
    with model.house.mixed(mixture):
        mixed = scores(model)
    assert torch.allclose(mixed, scores(explicitly(captioner, mixture)), atol=2e-5)
    assert (mixed - scores(model)).abs().max() > 1e-2


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_a_mixture_is_what_peft_makes_of_the_same_files(captioner, packs):
    language = load_backbone(captioner / "base", torch.float32)
    given = {name: load_file(pack.folder / PACK_FILE) for name, pack in packs.items()}
    weights = {"noir": 0.6, "comedy": 0.8}
    for number, (name, pack) in enumerate(packs.items()):
        settings = LoraConfig(
            r=pack.manifest.rank,
            lora_alpha=pack.manifest.alpha * weights[name],
            target_modules=list(pack.manifest.linears),
        )
        if number == 0:
            theirs = get_peft_model(language, settings, adapter_name=name)
        else:
            theirs.add_adapter(name, settings)
        set_peft_model_state_dict(theirs, given[name], adapter_name=name)
    theirs.base_model.set_adapter(list(packs))
    plain = load_backbone(captioner / "base", torch.float32)
    with torch.no_grad(), House(plain).mixed([(packs[n], w) for n, w in weights.items()]):
        ours = plain(input_ids=IDS, use_cache=False).logits
    with torch.no_grad():
        assert torch.allclose(ours, theirs(input_ids=IDS, use_cache=False).logits, atol=1e-5)


def test_packs_come_and_go_and_leave_the_captioner_as_it_was(model, packs):
    before = scores(model)
    seen = []
    for name in ("noir", "comedy", "noir"):
        with model.house.mixed([(packs[name], 1.0)]):
            seen.append(scores(model))
        assert torch.equal(scores(model), before)
        assert model.house.shares == {}
    assert torch.equal(seen[0], seen[2])
    assert not torch.allclose(seen[0], seen[1], atol=1e-3)
    with model.house.mixed([(packs["noir"], 0.0)]):
        assert torch.equal(scores(model), before)


def test_a_pack_that_was_read_is_known_by_its_content(captioner, model, packs, tmp_path):
    make_pack(tmp_path / "mine", model, captioner, **PACKS["noir"])
    house = House(model.backbone)
    pack = read_pack(tmp_path / "mine", read_manifest(captioner))
    with house.mixed([(pack, 1.0)]):
        before = scores(model)
    (pack.folder / PACK_FILE).unlink()
    with house.mixed([(pack, 1.0)]):
        assert torch.equal(scores(model), before)
    wider = msgspec.structs.replace(pack.manifest, rank=4)
    with (
        pytest.raises(ModelError, match="is 2x32, not 4x32"),
        house.mixed([(dataclasses.replace(pack, manifest=wider), 1.0)]),
    ):
        pass


def test_answers_come_in_the_house_style(model, packs):
    free = Generation(temperature=1.5, top_p=0.95, max_tokens=12, seed=3)
    plain = model.answer(heard(), ["Describe it."], free)
    with model.house.mixed([(packs["noir"], 1.0)]):
        styled = model.answer(heard(), ["Describe it."], free)
        ids = torch.tensor([model.tokens.encode(prompt("Describe it."))])
        assert model.house.shares["layers.0.self_attn.q_proj"][0].shape == (2, tiny_models.DIM)
        with torch.no_grad():
            whole = model(ids, torch.ones_like(ids), heard())
    assert styled != plain
    assert whole.isfinite().all()


def test_an_error_within_leaves_no_pack_behind(model, packs):
    before = scores(model)
    with pytest.raises(KeyError), model.house.mixed([(packs["noir"], 1.0)]):
        raise KeyError
    assert torch.equal(scores(model), before)
    with (
        model.house.mixed([(packs["noir"], 1.0)]),
        pytest.raises(RuntimeError, match="in use"),
        model.house.mixed([(packs["comedy"], 1.0)]),
    ):
        pass


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 8.5, -100.0])
def test_a_weight_that_makes_no_sense_is_refused(model, packs, weight):
    with (
        pytest.raises(RequestError, match="cannot have the weight"),
        model.house.mixed([(packs["noir"], weight)]),
    ):
        pass


def test_the_real_sizes_are_those_that_were_promised():
    """r8 on q and v of a 7B, and r8 on all seven, in two bytes a number."""
    width, inner, layers, rank = 4096, 11_008, 32, 8
    ends = {"q": 2 * width, "v": 2 * width, "k": 2 * width, "o": 2 * width}
    ends |= dict.fromkeys(("gate", "up", "down"), width + inner)
    narrow = sum(ends[name] for name in "qv") * rank * layers * 2
    assert round(narrow / 1e6, 1) == 8.4
    assert round(sum(ends.values()) * rank * layers * 2 / 1e6) == 40


@pytest.fixture
def damaged(captioner, model, tmp_path):
    """A folder with one pack, to be damaged, and what reading it says."""
    place = tmp_path / "packs"
    make_pack(place / "mine", model, captioner, licence="ours", description="Dry.", **PACKS["noir"])

    def said():
        pack = read_pack(place / "mine", read_manifest(captioner))
        with House(model.backbone).mixed([(pack, 1.0)]):
            pass

    said()
    return place / "mine", said


def change_manifest(folder, **changes):
    path = folder / PACK_MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_tensors(folder, change):
    tensors = load_file(folder / PACK_FILE)
    change(tensors)
    save_file(tensors, folder / PACK_FILE)
    change_manifest(folder, pack_sha256=file_sha256(folder / PACK_FILE))


NAME = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop(NAME), f"lacks the tensor {NAME}"),
        (lambda t: t.update({NAME: torch.zeros(32, 3)}), f"{NAME} of .* is 32x3, not 32x2"),
        (lambda t: t.update({"extra": torch.zeros(1)}), "a tensor extra that its model lacks"),
        (lambda t: t[NAME].fill_(float("nan")), f"{NAME} of .* holds what is no number"),
    ],
)
def test_a_pack_whose_tensors_do_not_fit_is_refused_naming_the_tensor(damaged, change, says):
    folder, said = damaged
    change_tensors(folder, change)
    with pytest.raises(ModelError, match=says) as refused:
        said()
    assert refused.value.hint


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"captioner": "ab" * 32}, "was made for another captioner"),
        ({"rank": 4}, "is 2x32, not 4x32"),
        ({"rank": 1 << 40}, "not a PackManifest"),
        ({"alpha": 0}, "not a PackManifest"),
        ({"alpha": 1e300}, "not a PackManifest"),
        ({"linears": ["lm_head"]}, "not a PackManifest"),
        ({"linears": []}, "not a PackManifest"),
        ({"schema_version": 2}, "of version 2"),
        ({"pack_sha256": "00"}, "not the file that its manifest describes"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_in_words(damaged, changes, says):
    folder, said = damaged
    change_manifest(folder, **changes)
    with pytest.raises(ModelError, match=says) as refused:
        said()
    assert refused.value.hint


@pytest.mark.parametrize("name", [PACK_FILE, PACK_MANIFEST])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_truncated_pack_is_refused(damaged, name, kept):
    folder, said = damaged
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ModelError, match=name.replace(".", r"\.")) as refused:
        said()
    assert refused.value.hint


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 1 << 62) + b"{}",
        struct.pack("<Q", 60) + b'{"x":{"dtype":"F32","shape":[9999999999],"data_offsets":[0,4]}}',
        struct.pack("<Q", 8) + b"[[[[[[[[",
        b"\x80\x04cos\nsystem\n",
    ],
)
def test_a_hostile_file_is_refused_even_where_the_digest_is_right(damaged, data):
    folder, said = damaged
    (folder / PACK_FILE).write_bytes(data)
    change_manifest(folder, pack_sha256=file_sha256(folder / PACK_FILE))
    with pytest.raises(ModelError, match=r"pack\.safetensors") as refused:
        said()
    assert refused.value.hint


def test_a_shelf_lists_what_can_be_used_and_says_why_not(captioner, model, tmp_path):
    for name in ("a", "b", "c"):
        make_pack(tmp_path / name, model, captioner, licence="ours", **PACKS["noir"])
    change_manifest(tmp_path / "b", captioner="ab" * 32)
    (tmp_path / "c" / PACK_FILE).unlink()
    (tmp_path / "no pack").mkdir()
    make_pack(tmp_path / "further" / "a", model, captioner, licence="x", **PACKS["noir"])
    found = shelf([tmp_path, tmp_path / "further", tmp_path / "absent"], read_manifest(captioner))
    assert list(found.packs) == ["a"]
    assert found.packs["a"].manifest.licence == "ours"
    assert "another captioner" in found.problems["b"]
    assert "missing" in found.problems["c"]
    with pytest.raises(ModelError, match="another captioner"):
        found.get("b")
    with pytest.raises(ModelError, match="no house pack called 'd'") as refused:
        found.get("d")
    assert refused.value.hint == "Those here: a."


def test_where_a_captioner_lies_is_no_part_of_what_it_is_known_by(captioner):
    manifest = read_manifest(captioner)
    elsewhere = msgspec.structs.replace(
        manifest, base=msgspec.structs.replace(manifest.base, path="/elsewhere")
    )
    other = msgspec.structs.replace(manifest, adapter_sha256="00")
    assert identity(elsewhere) == identity(manifest) != identity(other)
