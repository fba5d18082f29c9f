"""A MusicGen whose tokens are moments of recordings: what it writes is music whose beats are known.

All that the engine does with tokens (windows, candidates, streams, joins, drawing again) runs as it
is; only which tokens come is told by a script in place of a language model, and its codec looks
them up. Where a row goes on in another recording, it goes on at the same beat of that one, as a
model that drifts does. Imports torch: tests skip before they import this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from musiscene_daemon.engines.musicgen.codec import Stream
from musiscene_daemon.engines.musicgen.model import Mark, Written
from musiscene_daemon.engines.musicgen.shape import ModelShape

RATE, HOP, BOOKS = 32_000, 640, 4
_CHUNK = 50
_STRIDE, _DRAWS, _CANDIDATES = 1_000_003, 3, 16
"""How writing.py numbers its chances."""

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """Music with the truth about it.

    Attributes:
        audio: [n] at RATE.
        beats_s: where its beats are, in seconds; the same number is the same beat in a variant.
    """

    audio: Floats
    beats_s: Doubles


@dataclass(frozen=True)
class Asked:
    """What a row is written for."""

    seed: int
    window: int
    draw: int
    candidate: int
    hears: int


Script = Callable[[Asked], int]
"""Which recording a row plays."""


@dataclass
class PlayedMusicGen:
    """In the place of model.MusicGen.

    Attributes:
        recordings: that there are.
        script: which is played when.
        start_s: where the first window begins in its recording.
        asked: what was written, in order.
    """

    recordings: Sequence[Recording]
    script: Script
    start_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    digest: str = "0" * 64

    def __post_init__(self) -> None:
        self.shape = ModelShape(
            model_type="musicgen",
            audio_encoder={"sampling_rate": RATE, "upsampling_ratios": [8, 5, 4, 4]},
        )
        self.decoder = SimpleNamespace(device="cpu")
        self.frame_rate = RATE / HOP
        self._codec = _PlayedCodec([one.audio for one in self.recordings])

    def stream(self) -> Stream:
        return Stream(self._codec)

    def write(
        self,
        words,
        frames,
        seeds,
        sampling=None,
        *,
        continued=None,
        stream=None,
        last=True,
        sounded=lambda _: None,
        step_done=lambda _, __: None,
    ) -> Written:
        known = 0 if continued is None else continued.shape[-1]
        self.prompts.extend(words.prompts)
        rows = []
        for row, (seed, hears) in enumerate(zip(seeds, words.hears, strict=True)):
            chance, candidate = divmod(seed // _STRIDE, _CANDIDATES)
            asked = Asked(seed % _STRIDE, *divmod(chance, _DRAWS), candidate, hears)
            self.asked.append(asked)
            held = None if continued is None else continued[row]
            rows.append(self._row(self.script(asked), frames - known, held))
        codes = torch.stack(rows)
        told = 0 if stream is None else known
        stream = self.stream() if stream is None else stream.forked(range(len(seeds)))
        pieces, marks = [], []
        while told < frames:
            step_done(told, frames)
            until = min(frames, told + _CHUNK)
            piece = stream.push(codes[..., told:until], final=last and until == frames)
            told = until
            if piece.shape[-1]:
                pieces.append(piece)
                sounded(piece)
            samples = sum(one.shape[-1] for one in pieces)
            marks.append(Mark(told, samples, stream.forked(range(len(seeds)))))
        return Written(codes, torch.cat(pieces, -1), 0, tuple(marks))

    def beats_of(self, codes: Tensor) -> Doubles:
        """Where the true beats of `codes` [BOOKS, n] are heard, in seconds."""
        found: list[float] = []
        starts = _starts(codes).numpy()
        for number in np.unique(codes[0].numpy()):
            own = self.recordings[int(number)].beats_s * RATE
            frames = np.flatnonzero(codes[0].numpy() == number)
            for frame in frames:
                inside = own[(own >= starts[frame]) & (own < starts[frame] + HOP)]
                found += [(frame * HOP + float(at) - starts[frame]) / RATE for at in inside]
        return np.sort(np.array(found))

    def _row(self, number: int, new: int, held: Tensor | None) -> Tensor:
        if held is None:
            start = round(self.start_s * RATE)
        else:
            was, start = int(held[0, -1]), int(_starts(held)[-1]) + HOP
            if was != number:
                before, after = self.recordings[was].beats_s, self.recordings[number].beats_s
                beat = np.interp(start / RATE, before, np.arange(len(before)))
                start = round(float(np.interp(beat, np.arange(len(after)), after)) * RATE)
        places = start + HOP * torch.arange(new)
        codes = torch.stack(
            [torch.full((new,), number), places >> 20, (places >> 10) & 1023, places & 1023]
        )
        return codes if held is None else torch.cat([held, codes], -1)


class _PlayedCodec:
    """In the place of codec.Codec: a frame is a moment, joined over 20 ms to one beside it."""

    ahead = behind = 0
    margin = 1
    hop = HOP

    def __init__(self, sounds: Sequence[Floats]) -> None:
        half = HOP // 2
        self._sounds = [np.pad(sound, (half, 1 << 22)) for sound in sounds]
        ramp = np.sin(np.pi / 2 * (np.arange(HOP) + 0.5) / HOP).astype(np.float32) ** 2
        self._shape = np.concatenate([ramp, ramp[::-1]])

    def entered(self, codes: Tensor) -> Tensor:
        return torch.stack([codes[:, 0], _starts(codes.transpose(0, 1))], -1)

    def remembered(self, x, state, alive=lambda: None):
        nothing = torch.zeros(1, len(x), 1)
        return x, (nothing, nothing)

    def sounded(self, x: Tensor, alive=lambda: None) -> Tensor:
        half = HOP // 2
        found = np.zeros((x.shape[0], x.shape[1] * HOP + HOP), np.float32)
        for row, frames in enumerate(x.tolist()):
            for place, (number, start) in enumerate(frames):
                sound = self._sounds[number][start : start + 2 * HOP]
                found[row, place * HOP : (place + 2) * HOP] += sound * self._shape
        return torch.from_numpy(found[:, half:-half].copy())


def _starts(codes: Tensor) -> Tensor:
    """Sample at which each frame of `codes` [BOOKS, ...] begins."""
    return (codes[1] << 20) + (codes[2] << 10) + codes[3]
