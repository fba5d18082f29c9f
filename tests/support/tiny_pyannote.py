"""A diarisation pipeline of pyannote's real architectures, small and with random weights.

Imports pyannote.audio, which no extra of MusiScene installs: tests skip before they import this.
"""

from __future__ import annotations

from pathlib import Path

import lightning
import numpy as np
import torch
import yaml
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import WeSpeakerResNet34
from pyannote.audio.models.segmentation import PyanNet

WIDTH, PLDA_WIDTH = 256, 128


def tiny_pyannote(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 8, "num_layers": 1}
    segmentation = PyanNet(sincnet={"stride": 10}, lstm=small, linear=small)
    segmentation.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=2.0,
        warm_up=(0.0, 0.0),
        classes=["a", "b"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    embedding = WeSpeakerResNet34()
    embedding.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=2.0, classes=[]
    )
    for name, model in (("segmentation", segmentation), ("embedding", embedding)):
        model.build()
        _save(model, folder / name)
    random = np.random.default_rng(0)
    (folder / "plda").mkdir()
    np.savez(
        folder / "plda" / "xvec_transform.npz",
        mean1=np.zeros(WIDTH),
        mean2=np.zeros(PLDA_WIDTH),
        lda=random.normal(size=(WIDTH, PLDA_WIDTH)) / 16,
    )
    np.savez(
        folder / "plda" / "plda.npz",
        mu=np.zeros(PLDA_WIDTH),
        tr=np.eye(PLDA_WIDTH) + 0.01 * random.normal(size=(PLDA_WIDTH, PLDA_WIDTH)),
        psi=np.linspace(3, 0.1, PLDA_WIDTH),
    )
    params = {part: f"$model/{part}" for part in ("segmentation", "embedding", "plda")}
    pipeline = {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": params}
    tuned = {
        "segmentation": {"min_duration_off": 0.0},
        "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump({"pipeline": pipeline, "params": tuned}))
    return folder


def _save(model: PyanNet | WeSpeakerResNet34, folder: Path) -> None:
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    folder.mkdir(parents=True)
    torch.save(checkpoint, folder / "pytorch_model.bin")
