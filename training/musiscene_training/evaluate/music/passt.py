"""PaSST (Koutini et al. 2022), by which audiocraft counts KL, with its makers' weights from a file.

A vision transformer over log mel spectrograms of 10 s at 32 kHz, with positions for time and for
frequency apart and a second token for distillation. Sizes are read off the weights; heads are 64
wide. Patchout is for training alone, so there is none here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_RATE, _WINDOW_S = 32_000, 10
_FFT, _FRAME, _HOP, _BANDS, _HIGH_HZ = 1024, 800, 320, 128, 15_000.0
_PREEMPHASIS = 0.97
_HEAD = 64
_EVERY = {12: (10, 99), 8: (16, 62)}
"""Patches over frequency: how far apart they are, and how many fit into the time of a window."""


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, W]."""
        parts = self.qkv(x).unflatten(2, (3, -1, _HEAD)).permute(2, 0, 3, 1, 4)
        found = nn.functional.scaled_dot_product_attention(*parts)
        return self.proj(found.transpose(1, 2).flatten(2))


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = _Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)}
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, W]."""
        x = x + self.attn(self.norm1(x))
        inner = nn.functional.gelu(self.mlp["fc1"](self.norm2(x)))
        return x + self.mlp["fc2"](inner)


class Network(nn.Module):
    """Spectrograms [B, 1, 128, T] to logits [B, classes]."""

    def __init__(
        self,
        width: int = 768,
        depth: int = 12,
        grid: tuple[int, int] = (12, 99),
        classes: int = 527,
        every: int = 10,
    ) -> None:
        """Random weights.

        Args:
            width: of a token, a multiple of 64.
            depth: blocks.
            grid: patches over frequency and time.
            classes: that it tells apart.
            every: bands and frames from one patch of 16 to the next.
        """
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, width, 16, stride=every)})
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.dist_token = nn.Parameter(torch.randn(1, 1, width))
        self.new_pos_embed = nn.Parameter(torch.randn(1, 2, width))
        self.freq_new_pos_embed = nn.Parameter(torch.randn(1, width, grid[0], 1))
        self.time_new_pos_embed = nn.Parameter(torch.randn(1, width, 1, grid[1]))
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        patches = self.patch_embed["proj"](pictures)
        times = self.time_new_pos_embed[..., : patches.shape[3]]
        patches = (patches + times + self.freq_new_pos_embed).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        x = torch.cat([tokens.expand(len(patches), -1, -1), patches], dim=1)
        x = self.norm(self.blocks(x))
        return self.head((x[:, 0] + x[:, 1]) / 2)


class Passt:
    """The classifier of a KL."""

    name = "PaSST"
    sample_rate = _RATE
    window = hop = _WINDOW_S * _RATE
    published = False

    def __init__(self, path: Path) -> None:
        """Load weights of a PaSST with patches of 16 every 10 or 16, such as passt-s-f128-p16-s10.

        Of a training's own checkpoint its averaged network is taken, as its makers publish it.

        Raises:
            ModelError: they are damaged, or another model's.
        """
        tensors = _of_the_network(read_weights(path))
        try:
            width = tensors["cls_token"].shape[2]
            depth = len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
            grid = tensors["freq_new_pos_embed"].shape[2], tensors["time_new_pos_embed"].shape[3]
            classes = len(tensors["head.1.bias"])
            every, times = _EVERY[grid[0]]
            # Others see another spectrogram, of finer steps.
            if grid[1] != times:
                raise KeyError(grid)
            self._network = Network(width, depth, grid, classes, every).eval()
            self._network.load_state_dict(tensors)
        except (KeyError, IndexError, RuntimeError, TypeError) as error:
            raise ModelError(
                f"{path} holds no PaSST that is known.",
                hint="It needs its makers' tensors for 10 s, steps of 320 samples, and patches of"
                " 16 every 10 or 16: passt-s-f128-p16-s10-ap.476-swa.pt is what audiocraft takes.",
            ) from error
        self.labels = tuple(str(number) for number in range(classes))
        self._device = fastest()
        self._network.to(self._device)

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """Logits [n, classes]."""
        pictures = log_mel(torch.from_numpy(padded(windows, self.window)))
        with torch.inference_mode():
            return self._network(pictures[:, None].to(self._device)).cpu().numpy()


def _of_the_network(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Its tensors alone, by their names in it."""
    prefix = next(
        (one for one in ("net_swa.", "net.") if any(name.startswith(one) for name in held)), ""
    )
    named = {
        name.removeprefix(prefix): one for name, one in held.items() if name.startswith(prefix)
    }
    return {
        name: one
        for name, one in named.items()
        if not name.startswith(("head_dist.", "mel.", "device_proxy"))
    }


def log_mel(sounds: Tensor) -> Tensor:
    """What PaSST sees of sounds [B, N]: [B, 128, N // 320]."""
    sharpened = sounds[:, 1:] - _PREEMPHASIS * sounds[:, :-1]
    taper = torch.hann_window(_FRAME, periodic=False)
    spectra = torch.stft(sharpened, _FFT, _HOP, _FRAME, taper, return_complex=True)
    filters = mel_triangles(_FFT // 2 + 1, _RATE / _FFT, _BANDS, 0.0, _HIGH_HZ)
    power = torch.from_numpy(filters.T.astype(np.float32)) @ spectra.abs().square()
    return ((power + 1e-5).log() + 4.5) / 5.0
