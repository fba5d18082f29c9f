"""A MusicGen in memory: words to tokens to sound, read from a folder as transformers keeps it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors import SafetensorError, safe_open
from torch import Tensor

from musiscene_core.errors import EngineError, ModelError
from musiscene_core.neural.linear import Kernel
from musiscene_core.neural.tensors import fingerprint
from musiscene_core.progress import Progress, silent
from musiscene_core.sampling import USUAL, Sampling
from musiscene_daemon.engines.musicgen.codec import Codec, Stream, load_codec
from musiscene_daemon.engines.musicgen.decoder import Decoder
from musiscene_daemon.engines.musicgen.generation import Conditions, generate
from musiscene_daemon.engines.musicgen.shape import (
    MELODY_IN,
    TEXT_IN,
    ModelShape,
    checked_files,
    read_shape,
)
from musiscene_daemon.engines.musicgen.text import Text, load_text

log = logging.getLogger(__name__)

LOADING = "Loading MusicGen"
_CHUNK_S = 1.0
"""Sound decoded at once while tokens come."""
_PROMPTS = 32
"""Remembered with what the language model hears of them."""
_FIRST_S = 0.16
"""The same of the first sound: who waits hears it sooner."""


@dataclass(frozen=True)
class Written:
    """What was generated.

    Attributes:
        codes: [takes, codebooks, frames].
        audio: [takes, channels, samples] at the model's rate; of a stream, what it gave.
        left_out: tokens of the prompt that did not fit.
        marks: where the sound can be gone on from, in order.
    """

    codes: Tensor
    audio: Tensor
    left_out: int
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A point up to which tokens were heard.

    Attributes:
        frames: of them, those that were continued included.
        samples: of sound that there was by then.
        stream: goes on from there, with all takes.
    """

    frames: int
    samples: int
    stream: Stream


@dataclass(frozen=True)
class Several:
    """Prompts of which each take of a pass hears one.

    Attributes:
        prompts: the words.
        chromas: what each follows, [frames, num_chroma], one 1 a frame; None for words alone.
        hears: which of them each take hears.
    """

    prompts: tuple[str, ...]
    chromas: tuple[Tensor | None, ...]
    hears: tuple[int, ...]


class MusicGen:
    """A loaded model."""

    def __init__(
        self,
        shape: ModelShape,
        decoder: Decoder,
        text: Text,
        codec: Codec,
        into: dict[str, Tensor],
        digest: str = "",
    ) -> None:
        """Put the parts together; `into` holds what leads text and melody into the decoder."""
        self.shape, self.decoder, self.text, self.codec = shape, decoder, text, codec
        self.digest = digest
        self._into = into
        self._words: dict[str, tuple[Tensor, int]] = {}

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.shape.sample_rate / self.shape.hop

    def conditions(
        self,
        told: str | Several,
        chroma: Tensor | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> tuple[Conditions, int]:
        """What the decoder hears, and how many tokens of the longest prompt were left out.

        Args:
            told: the words, of all takes or of each.
            chroma: [frames, num_chroma], one 1 a frame; None for a model or a prompt without.
            alive: called now and then; may raise to stop.
        """
        if isinstance(told, str):
            told = Several((told,), (chroma,), ())
        both = [self._heard(prompt, alive) for prompt in told.prompts]
        words, left_out = tuple(one for one, _ in both), max(left for _, left in both)
        if not self.shape.melody:
            return Conditions(words, told.hears), left_out
        nothing = torch.zeros(1, self.shape.num_chroma, device=words[0].device)
        nothing[:, 0] = 1
        # As where the model was trained: shorter words are followed by zeros, which are heard.
        most = max(map(len, words))
        wide = [functional.pad(one, (0, 0, 0, most - len(one))) for one in words]
        before = torch.stack(
            [
                torch.cat([self._melody(nothing if one is None else one.to(nothing)), heard])
                for one, heard in zip(told.chromas, wide, strict=True)
            ]
        )
        unheard = torch.cat([self._melody(nothing), torch.zeros_like(wide[0])])[None]
        dtype = self.decoder.dtype
        return Conditions(words, told.hears, before.to(dtype), unheard.to(dtype)), left_out

    def _heard(self, prompt: str, alive: Callable[[], None]) -> tuple[Tensor, int]:
        """What the language model hears of a prompt [tokens, width], and what was left out."""
        known = self._words.get(prompt)
        if known is None:
            heard, left_out = self.text.heard(prompt, alive)
            known = self._led(TEXT_IN, heard), left_out
            if len(self._words) >= _PROMPTS:
                self._words.clear()
            self._words[prompt] = known
        return known

    def write(
        self,
        words: str | Several,
        frames: int,
        seeds: Sequence[int],
        sampling: Sampling = USUAL,
        *,
        chroma: Tensor | None = None,
        continued: Tensor | None = None,
        stream: Stream | None = None,
        last: bool = True,
        sounded: Callable[[Tensor], None] = lambda _: None,
        step_done: Callable[[int, int], None] = lambda _, __: None,
    ) -> Written:
        """Make music.

        Args:
            words: what it shall be like, all takes alike or each its own way.
            frames: how long, with what is continued.
            seeds: one a take.
            sampling: how to draw tokens.
            chroma: a melody to follow, where all are told the same.
            continued: tokens to go on from.
            stream: decodes what is new, and stays as it is, with as many takes as there are seeds;
                None for one that begins with `continued`.
            last: no more will come for `stream`, so that all of it is heard.
            sounded: told of each piece of sound [takes, channels, n] as soon as it is there.
            step_done: called with (steps done, steps in all) often, also while none is done; may
                raise to stop.

        Raises:
            EngineError: what the model gives is not a number any more.
        """
        known = 0 if continued is None else continued.shape[-1]
        steps = frames + self.shape.decoder.delays[-1]

        def alive() -> None:
            step_done(known, steps)

        conditions, left_out = self.conditions(words, chroma, alive)
        pieces: list[Tensor] = []
        marks: list[Mark] = []
        told = 0 if stream is None else known
        stream = self.stream() if stream is None else stream.forked(range(len(seeds)))
        chunk = round(_CHUNK_S * self.frame_rate)

        def heard(complete: int, codes: Tensor) -> None:
            nonlocal told
            done = complete + self.shape.decoder.delays[-1]

            def wanted() -> None:
                step_done(done, steps)

            if pieces and complete - told < chunk and complete < frames:
                return
            while told < complete:
                until = min(complete, told + 2 * chunk)
                piece = stream.push(
                    codes[..., told:until], final=last and until == frames, alive=wanted
                )
                told = until
                if not torch.isfinite(piece).all():
                    raise EngineError("MusicGen's sound is no sound: its codec may be damaged.")
                if piece.shape[-1]:
                    pieces.append(piece)
                    sounded(piece)
                samples = sum(one.shape[-1] for one in pieces)
                marks.append(Mark(told, samples, stream.forked(range(len(seeds)))))
                wanted()

        codes = generate(
            self.decoder,
            conditions,
            frames,
            seeds,
            sampling,
            continued=continued,
            heard=heard,
            heard_every=round(_FIRST_S * self.frame_rate),
            step_done=step_done,
        )
        if not pieces:
            pieces.append(torch.zeros(len(seeds), self.shape.decoder.audio_channels, 0))
        return Written(codes, torch.cat(pieces, -1), left_out, tuple(marks))

    def stream(self) -> Stream:
        """Decodes tokens that grow to sound."""
        return Stream(self.codec, self.shape.decoder.audio_channels)

    def _led(self, name: str, x: Tensor) -> Tensor:
        if f"{name}.weight" not in self._into:
            return x
        return functional.linear(x, self._into[f"{name}.weight"], self._into[f"{name}.bias"])

    def _melody(self, chroma: Tensor) -> Tensor:
        """Chroma [frames, 12] as [chroma_length, width], said again where it is too short."""
        length = self.shape.chroma_length
        led = self._led(MELODY_IN, chroma)
        return led.repeat(-(-length // len(led)), 1)[:length]


def load(
    folder: Path,
    *,
    device: str = "cpu",
    kernel: Kernel = "float32",
    progress: Progress = silent,
) -> MusicGen:
    """The model in `folder`: config.json, safetensors, tokenizer.

    Args:
        folder: as transformers keeps it.
        device: as torch names it.
        kernel: makes the language model's products; text and sound stay in float32, but for the
            codec's LSTM, whose weights are float16 on a processor unless the kernel is a float32.
        progress: told of each part; what it raises passes through with nothing left loaded.

    Raises:
        ModelError: something is missing, damaged, or does not fit; the message names the file or
            the tensor.
    """
    progress(LOADING, 0.0)
    shape = read_shape(folder)
    opened = _Opened(checked_files(folder, shape))
    digest = fingerprint(folder)
    progress(LOADING, 0.05)
    text = load_text(folder, shape.text_encoder, opened.under("text_encoder."), device)
    progress(LOADING, 0.2)
    codec = load_codec(
        folder,
        shape.audio_encoder,
        opened.under("audio_encoder."),
        device,
        exact=kernel.startswith("float32"),
    )
    if codec.books * shape.decoder.audio_channels != shape.decoder.num_codebooks:
        raise ModelError(
            f"The EnCodec in {folder} has {codec.books} codebooks, and its language model writes"
            f" {shape.decoder.num_codebooks}.",
            hint="These parts belong to different models; get the whole folder again.",
        )
    progress(LOADING, 0.3)
    decoder = Decoder(
        shape,
        opened.get,
        kernel,
        device=device,
        heard=lambda share: progress(LOADING, 0.3 + 0.7 * share),
    )
    into = {
        name: opened.get(name).to(device, torch.float32)
        for name in shape.weights()
        if name.startswith((TEXT_IN, MELODY_IN))
    }
    progress(LOADING, 1.0)
    return MusicGen(shape, decoder, text, codec, into, digest)


class _Opened:
    """Tensors by name from several files, each read when it is wanted."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = {path: safe_open(path, framework="pt") for path in files}
        self._places = {
            name: path for path, file in self._files.items() for name in list(file.keys())
        }

    def get(self, name: str) -> Tensor:
        path = self._places[name]
        try:
            return self._files[path].get_tensor(name)
        except SafetensorError as error:
            raise ModelError(f"{path} cannot be read: {error}.") from error

    def under(self, prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): self.get(name)
            for name in self._places
            if name.startswith(prefix)
        }
