"""CLAP, AST, VGGish and PaSST in miniature, random weights. Imports torch: skip before."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    BertTokenizerFast,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
)

from musiscene_training.evaluate.music import passt, vggish

WORDS = ("slow", "sad", "fast", "bright", "music", "a", "the", "chase", "night")


def make_clap(folder: Path) -> Path:
    torch.manual_seed(5)
    text = {
        "vocab_size": 5 + len(WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 64,
        "projection_dim": 8,
    }
    audio = {
        "spec_size": 64,
        "num_mel_bins": 16,
        "patch_embeds_hidden_size": 8,
        "hidden_size": 16,
        "depths": [1, 1],
        "num_attention_heads": [1, 2],
        "num_hidden_layers": 2,
        "projection_dim": 8,
        "window_size": 4,
        "num_classes": 4,
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(
        feature_size=16, hop_length=1920, truncation="rand_trunc", padding="repeatpad"
    ).save_pretrained(folder)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    BertTokenizerFast(vocab={name: at for at, name in enumerate(names)}).save_pretrained(folder)
    return folder


def make_ast(folder: Path) -> Path:
    torch.manual_seed(6)
    labels = dict(enumerate(("Music", "Piano", "Drum", "Choir", "Silence")))
    config = ASTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_mel_bins=16,
        max_length=128,
        id2label=labels,
        label2id={name: at for at, name in labels.items()},
        initializer_range=1.0,
    )
    ASTForAudioClassification(config).save_pretrained(folder)
    ASTFeatureExtractor(num_mel_bins=16, max_length=128).save_pretrained(folder)
    return folder


def make_vggish(path: Path) -> vggish.Network:
    torch.manual_seed(7)
    network = vggish.Network((4, 4, 8, 8), inner=16).eval()
    torch.save(network.state_dict(), path)
    return network


def make_passt(path: Path) -> passt.Network:
    torch.manual_seed(8)
    network = passt.Network(64, 2, (12, 99), 6).eval()
    save_file(network.state_dict(), path)
    return network


class MeanLogits(torch.nn.Module):
    """Five numbers of a window: means of its fifths."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        return sound.abs().reshape(len(sound), 5, -1).mean(dim=2) * 10


def make_torchscript(path: Path, labels: int = 5) -> Path:
    return save_script(path, MeanLogits(), labels)


def save_script(path: Path, module: torch.nn.Module, labels: int = 5) -> Path:
    with warnings.catch_warnings():
        # Its makers would rather have torch.export; files of it are what is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(module), str(path))
    return describe(path, labels)


def describe(path: Path, labels: int = 5) -> Path:
    hearing = {
        "name": "LEAF",
        "sample_rate": 16_000,
        "window_s": 1,
        "labels": [f"class {number}" for number in range(labels)],
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps(hearing))
    return path
