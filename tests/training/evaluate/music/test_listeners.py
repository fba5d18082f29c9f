"""CLAP, AST, VGGish, PaSST, TorchScript and ONNX: real models in miniature, random weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musiscene_core.errors import ModelError
from musiscene_training.cli import main
from tests.support.made_music import make_music

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
audio_utils = pytest.importorskip(
    "transformers.audio_utils", reason="the extra 'models' is not installed"
)

from safetensors.torch import load_file  # noqa: E402 - it comes with torch

from musiscene_training.evaluate.music import passt, vggish  # noqa: E402 - it needs torch
from musiscene_training.evaluate.music.heard import classifier, embedding  # noqa: E402
from tests.support import tiny_listeners  # noqa: E402

pytestmark = pytest.mark.models

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = tmp_path_factory.mktemp("listeners")
    make_music(made / "reference", NAMES, seconds=2)
    make_music(made / "made", NAMES, seconds=2, shift=5)
    return made


@pytest.fixture(scope="module")
def clap(place):
    return tiny_listeners.make_clap(place / "clap")


@pytest.fixture(scope="module")
def ast(place):
    return tiny_listeners.make_ast(place / "ast")


def test_vggish_sees_what_its_makers_front_end_shows_it():
    sound = np.random.default_rng(0).normal(size=15_600).astype(np.float32) * 0.1
    filters = audio_utils.mel_filter_bank(
        257, 64, 125.0, 7500.0, 16_000, None, "htk", triangularize_in_mel_space=True
    )
    window = audio_utils.window_function(400, "hann", periodic=True)
    magnitudes = audio_utils.spectrogram(
        sound, window, 400, 160, fft_length=512, power=1.0, center=False
    )
    wanted = np.log(magnitudes.T @ filters + 0.01)
    assert vggish.log_mel(sound).shape == (96, 64)
    assert np.allclose(vggish.log_mel(sound), wanted, atol=1e-4)


def test_vggish_s_weights_are_taken_from_its_port_s_names(place):
    network = tiny_listeners.make_vggish(place / "vggish.pth")
    listener = embedding(f"vggish:{place / 'vggish.pth'}")
    sound = np.random.default_rng(1).normal(size=listener.window).astype(np.float32)
    with torch.no_grad():
        patch = torch.from_numpy(vggish.log_mel(sound))[None, None]
        features = network.features(patch)
        # Channels last before the first linear, as TensorFlow lays them out.
        wanted = network.embeddings(features.permute(0, 2, 3, 1).reshape(1, -1))
    assert listener.hear([sound]).shape == (1, 128)
    assert np.allclose(listener.hear([sound]), wanted, atol=1e-5)
    names = set(vggish.Network().state_dict())
    assert {"features.0.weight", "features.13.bias", "embeddings.4.weight"} <= names
    torch.save({"features.0.bias": torch.zeros(3)}, place / "other.pth")
    with pytest.raises(ModelError, match="no VGGish"):
        embedding(f"vggish:{place / 'other.pth'}")


def test_passt_sees_kaldi_s_mels_and_loads_its_makers_names(place):
    tiny_listeners.make_passt(place / "passt.safetensors")
    listener = classifier(f"passt:{place / 'passt.safetensors'}")
    sound = np.random.default_rng(2).normal(size=32_000).astype(np.float32) * 0.1
    heard = listener.hear([sound])
    assert heard.shape == (1, 6)
    assert np.ptp(heard) > 0
    seen = passt.log_mel(torch.from_numpy(sound)[None])[0].numpy()
    assert seen.shape == (128, 100)
    assert np.allclose(seen, passt_s_picture(sound), atol=2e-4)
    assert {"blocks.1.attn.qkv.weight", "blocks.1.mlp.fc1.bias", "head.1.weight"} <= set(
        passt.Network(64, 2).state_dict()
    )


def passt_s_picture(sound: np.ndarray) -> np.ndarray:
    """What hear21passt's get_basic_model shows its network, written from its formula in float64.

    Pre-emphasis 0.97; 800 samples in a symmetric Hann window, amid 1024, every 320; power; Kaldi's
    triangles on 1127 ln(1 + f / 700) from 0 to 16000 - 2000 / 2 Hz; (ln(x + 1e-5) + 4.5) / 5.
    """
    sharp = sound[1:].astype(np.float64) - 0.97 * sound[:-1]
    padded = np.pad(sharp, 512, mode="reflect")
    window = np.zeros(1024)
    window[112:912] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 799)
    frames = [padded[at : at + 1024] * window for at in range(0, len(sharp) + 1, 320)]
    power = np.abs(np.fft.rfft(frames)) ** 2
    highest = 1127 * np.log(1 + 15_000 / 700)
    picture = np.zeros((128, len(frames)))
    for band in range(128):
        left, middle, right = (highest * (band + side) / 129 for side in range(3))
        for place in range(512):
            mel = 1127 * np.log(1 + place * 32_000 / 1024 / 700)
            if left < mel < right:
                up, down = (mel - left) / (middle - left), (right - mel) / (right - middle)
                picture[band] += min(up, down) * power[:, place]
    return (np.log(picture + 1e-5) + 4.5) / 5


def test_everything_is_counted_in_one_go(place, clap, ast, tmp_path, capsys):
    tiny_listeners.make_torchscript(place / "leaf.pt")
    tiny_listeners.make_vggish(place / "vgg.pth")
    words = tmp_path / "words.jsonl"
    rows = [{"id": name, "text": "slow sad music"} for name in NAMES[:4]]
    words.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["evaluate", "music", str(place / "reference"), str(place / "made")]
    command += ["--embedding", f"vggish:{place / 'vgg.pth'}", "--embedding", f"clap:{clap}"]
    command += ["--classifier", f"ast:{ast}", "--classifier", f"torchscript:{place / 'leaf.pt'}"]
    command += ["--clap", str(clap), "--captions", str(words), "--draws", "10"]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "1 sounds of made have no caption and no CLAP score: e" in printed
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [one["embedding"] for one in result["fads"]] == ["VGGish", "CLAP"]
    assert all(one["value"] > 0 for one in result["fads"])
    means = {(one["what"], one["by"]): one for one in result["means"]}
    for name in ("AST", "LEAF"):
        assert means["KL", name]["value"] > 0
        assert means["KL both", name]["value"] == pytest.approx(
            means["KL", name]["value"] + means["KL reversed", name]["value"]
        )
    assert means["CLAP", ""]["sounds"] == 4
    assert -1 <= means["CLAP", ""]["value"] <= 1


def test_music_is_no_distance_from_itself_by_ast(place, ast, tmp_path):
    command = ["evaluate", "music", str(place / "reference"), str(place / "reference")]
    command += ["--classifier", f"ast:{ast}", "--draws", "0", "--output", str(tmp_path / "out")]
    assert main(command) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    kl = next(one for one in result["means"] if one["what"] == "KL")
    assert kl["value"] == pytest.approx(0.0, abs=1e-4)
    assert result["fads"][0]["value"] == pytest.approx(0.0, abs=1e-4)


def test_names_that_do_not_match_are_told_of(place, ast, tmp_path, capsys):
    make_music(tmp_path / "other", ["x"], seconds=1)
    command = ["evaluate", "music", str(place / "reference"), str(tmp_path / "other")]
    command += ["--classifier", f"ast:{ast}", "--output", str(tmp_path / "out")]
    assert main(command) == 2
    assert "such as x and a" in capsys.readouterr().err


def test_a_model_that_gives_no_numbers_ends_it_in_words(place, tmp_path, capsys):
    class Broken(torch.nn.Module):
        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            return sound[:, :5] * float("nan")

    path = tmp_path / "broken.pt"
    tiny_listeners.save_script(path, Broken())
    command = ["evaluate", "music", str(place / "reference"), str(place / "made")]
    command += ["--classifier", f"torchscript:{path}", "--output", str(tmp_path / "out")]
    assert main(command) == 2
    assert "no number for" in capsys.readouterr().err


def test_an_exported_model_must_say_what_it_hears(tmp_path):
    path = tiny_listeners.make_torchscript(tmp_path / "leaf.pt", labels=3)
    with pytest.raises(ModelError, match="gives"):
        classifier(f"torchscript:{path}").hear([np.zeros(16_000, np.float32)])
    path.with_name("leaf.pt.json").unlink()
    with pytest.raises(ModelError, match="says what the model hears"):
        classifier(f"torchscript:{path}")
    tiny_listeners.describe(path)
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="no TorchScript"):
        classifier(f"torchscript:{path}")
    with pytest.raises(ModelError, match="no CLAP"):
        embedding(f"clap:{tmp_path}")


def test_onnx_gives_what_torch_gives(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Abs", ["sound"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[1], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n", 16_000])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "mean.onnx"
    onnx.save(model, path)
    tiny_listeners.describe(path, labels=1)
    listener = classifier(f"onnx:{path}")
    sound = np.random.default_rng(3).normal(size=16_000).astype(np.float32)
    assert listener.hear([sound, -sound]) == pytest.approx(np.abs(sound).mean(), rel=1e-4)
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="no ONNX"):
        classifier(f"onnx:{path}")


def test_passt_is_its_makers_network_by_whatever_file_it_comes(place):
    network = tiny_listeners.make_passt(place / "named.safetensors")
    sound = np.random.default_rng(4).normal(size=32_000).astype(np.float32) * 0.1
    wanted = classifier(f"passt:{place / 'named.safetensors'}").hear([sound])
    # As a training saves it: its own network, the averaged one, which is published, and more.
    tensors = network.state_dict()
    saved = {f"net_swa.{name}": one for name, one in tensors.items()}
    saved |= {f"net.{name}": one * 0 for name, one in tensors.items()}
    saved |= {"net_swa.head_dist.weight": torch.zeros(6, 64), "mel.window": torch.zeros(3)}
    torch.save({"state_dict": saved, "epoch": 3}, place / "training.ckpt")
    torch.save(tensors, place / "old.pt", _use_new_zipfile_serialization=False)
    (place / "renamed.pt").write_bytes((place / "named.safetensors").read_bytes())
    for name in ("training.ckpt", "old.pt", "renamed.pt"):
        assert np.allclose(classifier(f"passt:{place / name}").hear([sound]), wanted, atol=1e-6)
    torch.save(passt.Network(64, 1, (8, 62), 6, every=16).state_dict(), place / "sixteen.pt")
    assert classifier(f"passt:{place / 'sixteen.pt'}").hear([sound]).shape == (1, 6)
    for grid in ((12, 319), (8, 99), (9, 99)):
        torch.save(passt.Network(64, 1, grid, 6).state_dict(), place / "finer.pt")
        with pytest.raises(ModelError, match="no PaSST that is known"):
            classifier(f"passt:{place / 'finer.pt'}")


def test_a_folder_of_transformers_may_have_a_bin_and_must_have_all_of_it(clap, tmp_path):
    folder = tmp_path / "clap"
    folder.mkdir()
    for path in clap.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    tensors = load_file(clap / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin")
    sound = np.random.default_rng(5).normal(size=48_000).astype(np.float32)
    assert np.allclose(
        embedding(f"clap:{folder}").hear([sound]),
        embedding(f"clap:{clap}").hear([sound]),
        atol=1e-6,
    )
    tensors.pop("audio_projection.linear1.weight")
    torch.save(tensors, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="lack 1 tensors, such as audio_projection"):
        embedding(f"clap:{folder}")
    with pytest.raises(ModelError, match="comes as a folder"):
        embedding(f"clap:{folder / 'pytorch_model.bin'}")


@pytest.mark.gpu
def test_a_gpu_hears_what_the_processor_does(place, clap, ast, monkeypatch):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    tiny_listeners.make_vggish(place / "gpu.pth")

    def all_heard():
        spoken = embedding(f"clap:{clap}")
        listeners = [embedding(f"vggish:{place / 'gpu.pth'}"), classifier(f"ast:{ast}"), spoken]
        sounds = np.random.default_rng(2)
        given = [sounds.normal(size=one.window).astype(np.float32) * 0.1 for one in listeners]
        found = [one.hear([sound]) for one, sound in zip(listeners, given, strict=True)]
        return [*found, spoken.read(["a quiet piano"])]

    there = all_heard()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for one, other in zip(there, all_heard(), strict=True):
        assert np.allclose(one, other, atol=1e-3)
