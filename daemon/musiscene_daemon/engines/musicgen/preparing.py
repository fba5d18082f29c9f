"""The decoder's step and the codec's loops are compiled while the weights are read.

It takes some seconds, once: what is compiled is kept on disk. Types are those of any model in the
same precision, so that tiny ones without weights will do.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

import torch
from transformers import EncodecConfig, EncodecModel

from musiscene_core.neural.kept import compiled_anew
from musiscene_core.neural.linear import ROWS_APART, Kernel, supported
from musiscene_core.progress import Progress
from musiscene_core.sampling import USUAL
from musiscene_daemon.engines.musicgen.codec import Codec, Stream
from musiscene_daemon.engines.musicgen.decoder import Decoder
from musiscene_daemon.engines.musicgen.generation import Conditions, generate
from musiscene_daemon.engines.musicgen.model import LOADING
from musiscene_daemon.engines.musicgen.shape import DecoderShape, ModelShape

PREPARING = "Preparing this processor (once)"
_ASKED_EVERY_S = 0.2
_TINY = ModelShape(
    "musicgen",
    DecoderShape(
        hidden_size=64, num_hidden_layers=1, num_attention_heads=1, ffn_dim=64, vocab_size=16
    ),
    text_encoder={"d_model": 64},
)
_TINY_CODEC = {
    "num_filters": 4,
    "hidden_size": 8,
    "upsampling_ratios": [8, 5, 4, 4],
    "codebook_size": 16,
    "use_causal_conv": False,
    "use_conv_shortcut": False,
}
_PIECE_FRAMES = 10


class Preparing:
    """Compiles beside other work, from when it is made."""

    def __init__(self, kernel: Kernel, device: str = "cpu") -> None:
        """Begin, where steps are compiled with `kernel` at all."""
        self._done: Future[None] | None = None
        self._compiled = compiled_anew()
        if device == "cpu" and kernel in ROWS_APART and supported(kernel):
            alone = ThreadPoolExecutor(1, "preparing")
            self._done = alone.submit(_compile, kernel)
            alone.shutdown(wait=False)

    def wait(self, progress: Progress) -> None:
        """Return when it is done; `progress` may raise to stop the wait, not the work."""
        if self._done is None:
            return
        while wait([self._done], _ASKED_EVERY_S).not_done:
            # What is kept on disk is read in a moment, and nothing is prepared.
            progress(PREPARING if compiled_anew() > self._compiled else LOADING, 1.0)
        self._done.result()


def _compile(kernel: Kernel) -> None:
    """All that a first piece of sound takes, whose last part is used last."""
    _step(kernel)
    _piece(exact=kernel.startswith("float32"))


@torch.inference_mode()
def _step(kernel: Kernel) -> None:
    """Take some steps of a tiny model, the first of which is taken alone."""
    sizes = _TINY.weights()
    decoder = Decoder(_TINY, lambda name: torch.zeros(sizes[name]), kernel)
    words = (torch.zeros(2, _TINY.decoder.hidden_size),)
    generate(decoder, Conditions(words), 2, [0], USUAL)


@torch.inference_mode()
def _piece(*, exact: bool) -> None:
    """Decode pieces with a tiny codec, of one take and of two."""
    model = EncodecModel(EncodecConfig(**_TINY_CODEC)).requires_grad_(False)
    codec = Codec(model.eval(), exact=exact)
    for rows in (1, 2):
        stream = Stream(codec)
        codes = torch.zeros(rows, codec.books, 2 * _PIECE_FRAMES, dtype=torch.long)
        for part in codes.split(_PIECE_FRAMES, -1):
            stream.push(part)
