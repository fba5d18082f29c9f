"""Weights from anywhere: nothing in them runs, and what does not fit is named."""

from __future__ import annotations

import argparse
import json
import os
import shutil

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from musiscene_core.captioning.mullama.config import MANIFEST, read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.conversion import Originals, convert  # noqa: E402
from musiscene_core.captioning.mullama.saved import load, own_tensors, save  # noqa: E402
from musiscene_core.errors import CancelledError, ModelError, OutputError  # noqa: E402
from musiscene_core.neural.tensors import fingerprint, write_sharded  # noqa: E402
from tests.support import tiny_captioner as tiny_models  # noqa: E402

pytestmark = pytest.mark.models


class Canary:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    tiny_models.make(folder, phase="finetune")
    convert(originals(folder), folder / "captioner", lambda stage, fraction: None)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def originals(folder, **more):
    return Originals(
        llama=folder / "llama",
        encoder=folder / "mert",
        checkpoint=folder / "checkpoint.pth",
        **more,
    )


def refusal(folder):
    """What converting says, which leaves nothing behind."""
    before = sorted(os.listdir(folder))
    with pytest.raises(ModelError) as refused:
        convert(originals(folder), folder / "new")
    assert sorted(os.listdir(folder)) == before
    assert refused.value.hint
    return refused.value.message


def change_checkpoint(folder, change):
    with torch.serialization.safe_globals([argparse.Namespace]):
        saved = torch.load(folder / "checkpoint.pth", weights_only=True)
    change(saved["model"])
    torch.save(saved, folder / "checkpoint.pth")


@pytest.mark.parametrize(
    "name", ["checkpoint.pth", "llama/consolidated.00.pth", "mert/pytorch_model.bin"]
)
def test_a_hostile_pickle_is_refused_and_never_runs(folder, tmp_path, name):
    canary = tmp_path / "it-ran"
    torch.save({"model": {"x": torch.zeros(1)}, "args": Canary(canary)}, folder / name)
    assert "nothing in it was run" in refusal(folder)
    assert not canary.exists()


@pytest.mark.parametrize(
    "name", ["checkpoint.pth", "llama/consolidated.00.pth", "mert/pytorch_model.bin"]
)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_truncated_original_is_refused_by_name(folder, name, kept):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * kept)])
    assert name.split("/")[-1] in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("llama/params.json", b"{"),
        ("llama/params.json", b'{"dim": 1e30, "n_layers": 3, "n_heads": 4, "norm_eps": 1e-5}'),
        ("llama/params.json", b'{"dim": 30, "n_layers": 3, "n_heads": 4, "norm_eps": 1e-5}'),
        ("llama/tokenizer.model", b"no tokenizer"),
        ("mert/config.json", b"[]"),
        ("mert/config.json", b'{"hidden_size": "wide"}'),
    ],
)
def test_a_damaged_companion_is_refused_by_name(folder, name, content):
    (folder / name).write_bytes(content)
    assert name.split("/")[-1] in refusal(folder)


@pytest.mark.parametrize(
    "name",
    [
        "mu_mert_agg.weight",
        "mu_mert_f3_2.weight",
        "prefix_query.weight",
        "llama.layers.2.attention.gate",
        "llama.layers.1.feed_forward.lora_w2_l2.weight",
        "llama.layers.1.attention.wq.bias",
    ],
)
def test_a_missing_or_misshapen_tensor_is_named(folder, name):
    change_checkpoint(folder, lambda model: model.update({name: torch.zeros(7, 3)}))
    assert name in refusal(folder)
    change_checkpoint(folder, lambda model: model.pop(name))
    assert name in refusal(folder)


def test_a_tensor_larger_than_its_bytes_is_refused_by_name(folder):
    huge = torch.zeros(1).expand(1 << 20, 1 << 20)
    change_checkpoint(folder, lambda model: model.update({"mu_mert_f1_1.weight": huge}))
    assert "mu_mert_f1_1.weight" in refusal(folder)


def test_another_llama_of_the_same_shape_is_refused_naming_the_tensor(folder, tmp_path):
    tiny_models.make(tmp_path / "other", seed=9)
    shutil.rmtree(folder / "llama")
    shutil.copytree(tmp_path / "other" / "llama", folder / "llama")
    message = refusal(folder)
    assert "another LLaMA" in message
    assert "llama.tok_embeddings.weight" in message


def test_another_mert_of_the_same_shape_is_refused_naming_the_tensor(folder):
    tiny_models.write_encoder(folder / "mert", seed=9)
    message = refusal(folder)
    assert "another MERT" in message
    assert "mert_model." in message


def test_a_missing_rank_is_refused(folder, tmp_path):
    tiny_models.make(tmp_path / "two", phase="finetune", ranks=2)
    shutil.rmtree(folder / "llama")
    shutil.copytree(tmp_path / "two" / "llama", folder / "llama")
    (folder / "llama" / "consolidated.01.pth").unlink()
    assert "tok_embeddings.weight" in refusal(folder)


def test_nothing_is_overwritten_and_a_cancelled_conversion_leaves_nothing(folder):
    with pytest.raises(OutputError, match="exists already"):
        convert(originals(folder), folder / "captioner")

    def cancel(stage, fraction):
        if stage == "Writing the language model" and fraction > 0.3:
            raise CancelledError("cancelled")

    before = sorted(os.listdir(folder))
    with pytest.raises(CancelledError):
        convert(originals(folder), folder / "new", cancel)
    assert sorted(os.listdir(folder)) == before


def test_the_manifest_keeps_what_belongs_to_the_weights(folder, tmp_path):
    given = originals(folder, licence="CC-BY-NC 4.0", dataset_digest="ab" * 32)
    manifest = convert(given, tmp_path / "captioner")
    assert manifest == read_manifest(tmp_path / "captioner")
    assert (manifest.licence, manifest.dataset_digest) == ("CC-BY-NC 4.0", "ab" * 32)
    assert (manifest.prompt_profile, manifest.source) == ("mullama", "checkpoint.pth")
    assert (manifest.config.lora_rank, manifest.config.prefix_layers) == (4, 2)
    assert manifest.base.path == "base"


def loading_refusal(folder):
    with pytest.raises(ModelError) as refused:
        load(folder / "captioner")
    assert refused.value.hint
    return refused.value.message


def test_a_base_that_was_exchanged_is_refused(folder, tmp_path):
    other = tiny_models.make(tmp_path / "other", seed=9)
    given = Originals(llama=other.llama, encoder=other.encoder, checkpoint=other.checkpoint)
    convert(given, tmp_path / "other" / "captioner")
    shutil.rmtree(folder / "captioner" / "base")
    shutil.copytree(tmp_path / "other" / "captioner" / "base", folder / "captioner" / "base")
    assert "not the one that the captioner was made for" in loading_refusal(folder)


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "adapter.safetensors",
        "encoder/model.safetensors",
        "encoder/config.json",
        "base/model-00001.safetensors",
        "base/model.safetensors.index.json",
        "base/tokenizer.model",
        "base/config.json",
    ],
)
@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_captioner_is_refused(folder, name, damage):
    path = folder / "captioner" / name
    data = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    assert loading_refusal(folder)


def test_an_adapter_tensor_of_another_shape_is_named(folder):
    captioner = folder / "captioner"
    tensors = load_file(captioner / "adapter.safetensors")
    tensors["prefix.gates"] = torch.zeros(1, 1)
    save(captioner, tensors, read_manifest(captioner))
    assert "prefix.gates" in loading_refusal(folder)


def test_an_index_that_points_outside_is_refused(folder):
    index = folder / "captioner" / "base" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../../adapter.safetensors"}}))
    assert "outside its folder" in loading_refusal(folder)


def test_a_captioner_saved_again_is_the_same(folder, tmp_path):
    captioner = folder / "captioner"
    model = load(captioner)
    before = (captioner / "adapter.safetensors").read_bytes()
    save(captioner, own_tensors(model), read_manifest(captioner))
    assert (captioner / "adapter.safetensors").read_bytes() == before
    assert load(captioner).config == model.config
    assert (captioner / MANIFEST).exists()


def test_a_fingerprint_tells_weights_apart_however_they_are_cut_up(tmp_path):
    tensors = {"a": torch.arange(64.0).reshape(8, 8), "b": torch.ones(3)}
    for name, size in (("one", 1 << 20), ("many", 1)):
        (tmp_path / name).mkdir()
        write_sharded(tmp_path / name, iter(tensors.items()), size)
    (tmp_path / "changed").mkdir()
    save_file({**tensors, "b": torch.zeros(3)}, tmp_path / "changed" / "model.safetensors")
    same = fingerprint(tmp_path / "one")
    assert fingerprint(tmp_path / "many") == same
    assert len(list((tmp_path / "many").glob("*.safetensors"))) == 2
    assert fingerprint(tmp_path / "changed") != same
