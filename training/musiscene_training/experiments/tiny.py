"""The real architecture in miniature: an experiment on this machine, without any download.

    folder/base, folder/mert        a LLaMA that has read captions, and a random HuBERT
    folder/new, folder/pretrain     a captioner over them, and the same once it listens

It stands for MU-LLaMA as published: its language model knows scenes from reading, and was only ever
asked about music. Figures of it say whether an experiment works, and nothing about a 7B.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import HubertModel

from musiscene_core.captioning.mullama.encoder import hubert_config
from musiscene_core.captioning.mullama.saved import write_config
from musiscene_core.captioning.prompts import prompt
from musiscene_core.errors import CancelledError
from musiscene_core.neural.tensors import WEIGHTS, write
from musiscene_core.progress import Portion, Progress
from musiscene_training.adapter.fresh import make
from musiscene_training.adapter.results import replacing
from musiscene_training.adapter.run import Wish, train
from musiscene_training.adapter.settings import settings_for
from musiscene_training.dataset import read_dataset
from musiscene_training.experiments.tiny_language import LENGTH, make_language

_HEARING: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16, 16],
    "conv_kernel": [10, 3],
    "conv_stride": [160, 2],
    "conv_bias": False,
    "feat_extract_norm": "group",
    "do_stable_layer_norm": True,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
_PRETRAIN: dict[str, Any] = {
    "epochs": 20,
    "batch": 8,
    "rate": 1e-2,
    "clip": 1.0,
    "most_tokens": LENGTH,
    "shown": 0,
    "save_every": 1000,
}


def make_captioner(
    folder: Path, read: Sequence[str], music: Path, seed: int, progress: Progress
) -> Path:
    """Write a captioner that answers questions about music; returns its folder.

    Args:
        folder: for all that it is made of.
        read: what its language model has read.
        music: dataset that it learns to listen with.
        seed: of all weights.
        progress: hears of all of it.

    Raises:
        CancelledError: Ctrl-C; the same again goes on.
        MusiSceneError: as a training.
    """
    base, hearing, new = (folder / name for name in ("base", "mert", "new"))
    if not base.is_dir():
        make_language(base, read, seed, Portion(progress, 0.0, 0.5))
    if not hearing.is_dir():
        replacing(hearing, lambda work: _make_hearing(work, seed))
    if not new.is_dir():
        make(base, hearing, new, seed=seed, licence="made here")
    wish = Wish(
        captioner=new,
        data=music,
        output=folder / "pretrain",
        settings=settings_for("pretrain", {**_PRETRAIN, "seed": seed}),
        most_bad=1.0,
        device="cpu",
    )
    done = train(wish, Portion(progress, 0.5, 1.0))
    if not done.finished or done.result is None:
        raise CancelledError("Stopped while the tiny captioner learned to listen.")
    return done.result


def read_of(scenes: Path, music: Path) -> list[str]:
    """What a language model may read of a dataset of one's own: the answers that are trained on."""
    kept = {one: read_dataset(one).part("train") for one in (scenes, music)}
    plain = [row.answer for rows in kept.values() for row in rows]
    return plain + [prompt(row.question) + row.answer for row in kept[music]]


def _make_hearing(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    write_config(folder, _HEARING)
    write(folder / WEIGHTS, HubertModel(hubert_config(_HEARING)).state_dict())
