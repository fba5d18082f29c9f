"""The transforms that audiocraft's models need: spectrograms, as torchaudio computes them."""

from __future__ import annotations

import torch

from .lacking import Lacking

Loudness = Lacking("Loudness")
MelSpectrogram = Lacking("MelSpectrogram")
Resample = Lacking("Resample")


class Spectrogram(torch.nn.Module):
    """Magnitudes of a short-time Fourier transform under a Hann window."""

    def __init__(
        self,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        *,
        power: float | None = 2.0,
        normalized: bool = False,
        center: bool = True,
        pad_mode: str = "reflect",
    ) -> None:
        """Settings are torchaudio's, and mean the same; `power` None keeps complex values."""
        super().__init__()
        length = win_length or n_fft
        self.n_fft, self.win_length, self.hop_length = n_fft, length, hop_length or length // 2
        self.pad, self.power, self.normalized = pad, power, normalized
        self.center, self.pad_mode = center, pad_mode
        # A buffer of this name is among the weights of MusicGen-Melody.
        self.register_buffer("window", torch.hann_window(length))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """[..., samples] as [..., n_fft // 2 + 1, frames]."""
        sound = torch.nn.functional.pad(waveform, (self.pad, self.pad)) if self.pad else waveform
        bins = torch.stft(
            sound.reshape(-1, sound.shape[-1]),
            *(self.n_fft, self.hop_length, self.win_length, self.window),
            center=self.center,
            pad_mode=self.pad_mode,
            return_complex=True,
        ).reshape(*sound.shape[:-1], self.n_fft // 2 + 1, -1)
        if self.normalized:
            bins = bins / self.window.pow(2).sum().sqrt()
        return bins if self.power is None else bins.abs().pow(self.power)
