"""VGGish (Hershey et al. 2017), which both papers' FAD is of, with weights from a file.

The weights are those of TensorFlow's checkpoint as the port for torch has them: `features.N` and
`embeddings.N`, as .pth or .safetensors. Embeddings are the last layer's without a ReLU and without
PCA, of windows of 0.96 s every 0.5 s, as Google's program for FAD takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from musiscene_core.errors import ModelError
from musiscene_training.devices import fastest
from musiscene_training.evaluate.music.heard import padded
from musiscene_training.evaluate.music.sounds import Floats
from musiscene_training.evaluate.music.triangles import mel_triangles
from musiscene_training.evaluate.music.weights import read_weights

_RATE = 16_000
_FRAME, _HOP, _FFT, _BANDS, _FRAMES = 400, 160, 512, 64, 96
_LOW_HZ, _HIGH_HZ, _OFFSET = 125.0, 7500.0, 0.01


class Network(nn.Module):
    """Log mel patches [B, 1, 96, 64] to embeddings [B, 128]."""

    def __init__(self, channels: Sequence[int] = (64, 128, 256, 512), inner: int = 4096) -> None:
        """Random weights; other sizes than the published ones are for tests."""
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for place, width in enumerate(channels):
            for _ in range(1 if place < 2 else 2):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(before * 6 * 4, inner),
            nn.ReLU(),
            nn.Linear(inner, inner),
            nn.ReLU(),
            nn.Linear(inner, 128),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """See the class."""
        # TensorFlow's order, in which the weights of the first linear stand: channels last.
        return self.embeddings(self.features(patches).permute(0, 2, 3, 1).flatten(1))


class Vggish:
    """The embedding of a FAD."""

    name = "VGGish"
    sample_rate = _RATE
    window = (_FRAMES - 1) * _HOP + _FRAME
    hop = _RATE // 2
    labels: tuple[str, ...] = ()
    published = True

    def __init__(self, path: Path) -> None:
        """Load weights.

        Raises:
            ModelError: they are damaged, or no VGGish's.
        """
        tensors = read_weights(path)
        try:
            channels = [len(tensors[f"features.{place}.bias"]) for place in (0, 3, 8, 13)]
            self._network = Network(channels, len(tensors["embeddings.0.bias"])).eval()
            self._network.load_state_dict(
                {name: one for name, one in tensors.items() if not name.startswith("pproc.")}
            )
        except (KeyError, RuntimeError, TypeError) as error:
            raise ModelError(
                f"{path} holds no VGGish.",
                hint="It needs features.0.weight to embeddings.4.bias, as torch's port has them.",
            ) from error
        self._device = fastest()
        self._network.to(self._device)

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """Embeddings [n, 128]."""
        patches = np.stack([log_mel(window) for window in padded(windows, self.window)])
        with torch.inference_mode():
            return self._network(torch.from_numpy(patches)[:, None].to(self._device)).cpu().numpy()


def log_mel(sound: Floats) -> Floats:
    """What VGGish sees of a window: [96, 64]."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)
    magnitudes = np.abs(np.fft.rfft(frames * taper, _FFT))
    filters = mel_triangles(_FFT // 2 + 1, _RATE / _FFT, _BANDS, _LOW_HZ, _HIGH_HZ)
    return np.log(magnitudes @ filters + _OFFSET).astype(np.float32)
