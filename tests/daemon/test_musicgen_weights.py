"""Folders of weights that are not as they should be: each is told by its file or tensor."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from musiscene_core.errors import ModelError  # noqa: E402
from musiscene_daemon.engines.musicgen.model import load  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_musicgen.save(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def changed(folder: Path, name: str, tensor: object) -> None:
    tensors = load_file(folder / "model.safetensors")
    if tensor is None:
        del tensors[name]
    else:
        tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors")


def test_shards_are_read_as_one(whole: Path, tmp_path: Path) -> None:
    model = tiny_musicgen.make()
    model.save_pretrained(tmp_path, max_shard_size="60KB")
    tiny_musicgen.tokenizer().save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    one, other = load(whole), load(tmp_path)
    made = [each.write("a", 8, [3]).codes for each in (one, other)]
    assert torch.equal(*made)
    next(iter(sorted(tmp_path.glob("*.safetensors")))).unlink()
    with pytest.raises(ModelError, match="is missing"):
        load(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "decoder.model.decoder.layers.1.fc1.weight",
        "text_encoder.encoder.block.0.layer.0.SelfAttention.q.weight",
        "audio_encoder.decoder.layers.0.conv.bias",
        "enc_to_dec_proj.weight",
    ],
)
def test_a_tensor_that_is_missing_or_of_another_shape_is_named(folder: Path, name: str) -> None:
    changed(folder, name, torch.zeros(3, 5))
    last = name.split(".", 1)[1] if name.startswith(("text", "audio")) else name
    with pytest.raises(ModelError, match=f"{last}.*3x5"):
        load(folder)
    changed(folder, name, None)
    with pytest.raises(ModelError, match=f"lacks the tensor.*{last}"):
        load(folder)


def test_a_file_cut_short_or_half_downloaded_is_said_to_be(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    for part in (data[: len(data) // 2], data[:4], b""):
        path.write_bytes(part)
        with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
            load(folder)
    path.unlink()
    path.with_suffix(".safetensors.incomplete").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        load(folder)


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["decoder"]["hidden_size"] = 64
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"2048 x|64x|, not "):
        load(folder)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("decoder", "num_attention_heads", 5),
        ("decoder", "hidden_size", 10**9),
        ("decoder", "audio_channels", 3),
        ("decoder", "activation_function", "os.system"),
        ("audio_encoder", "codebook_size", "many"),
        ("audio_encoder", "audio_channels", 2),
        ("text_encoder", "d_model", -1),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(
    folder: Path, part: str, field: str, value: object
) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config[part][field] = value
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError):
        load(folder)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"model_type": "bert"}'])
def test_a_config_that_is_none_is_refused(folder: Path, data: bytes) -> None:
    (folder / "config.json").write_bytes(data)
    with pytest.raises(ModelError, match="holds no MusicGen"):
        load(folder)


def test_a_tokenizer_that_is_damaged_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(b"{")
    with pytest.raises(ModelError, match="tokenizer"):
        load(folder)
