"""The loop that writes tokens: delay pattern in place, guidance as further rows, watched.

A frame's codebook k is written k steps after its first (in stereo left and right together), as in
Copet et al. 2023, figure 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from musiscene_core.errors import EngineError
from musiscene_core.sampling import Sampling
from musiscene_daemon.engines.musicgen.decoder import Decoder, Pass
from musiscene_daemon.engines.musicgen.graphs import stepper
from musiscene_daemon.engines.musicgen.sampling import Chance, drawn, guided

Heard = Callable[[int, Tensor], None]
"""Told how many frames are complete, and all tokens [takes, codebooks, frames] so far."""

_CHECKED_EVERY = 8
"""Steps between two looks at whether the logits are still numbers."""


@dataclass(frozen=True)
class Conditions:
    """What the music shall be.

    Attributes:
        words: [tokens, width], as the language model hears them.
        before: what comes before the tokens of a row that hears them [n, width]; None where words
            are heard by cross-attention.
        before_unheard: the same for a row that does not.
    """

    words: Tensor
    before: Tensor | None = None
    before_unheard: Tensor | None = None


@torch.inference_mode()
def generate(
    decoder: Decoder,
    conditions: Conditions,
    frames: int,
    seeds: Sequence[int],
    sampling: Sampling,
    *,
    continued: Tensor | None = None,
    heard: Heard | None = None,
    heard_every: int = 1,
    step_done: Callable[[int, int], None] = lambda _, __: None,
) -> Tensor:
    """Write `frames` frames for each of `seeds`.

    Args:
        decoder: the weights.
        conditions: the prompt.
        frames: with those that are continued.
        seeds: one a take.
        sampling: how to draw.
        continued: tokens [takes, codebooks, n] to go on from, n < frames.
        heard: told of complete frames.
        heard_every: frames between two calls of `heard`.
        step_done: called with (steps done, steps in all) after each, and within those that read
            much; may raise to stop.

    Returns:
        Tokens [takes, codebooks, frames].

    Raises:
        EngineError: the model's output is not a number any more.
    """
    own = decoder.shape.decoder
    takes, books = len(seeds), own.num_codebooks
    delays = torch.tensor(own.delays, device=decoder.device)
    longest_delay = own.delays[-1]
    length = frames + 1 + longest_delay
    known = 0 if continued is None else continued.shape[-1]
    tokens, open_places = _pattern(takes, own.delays, frames, own.vocab_size, decoder.device)
    if continued is not None:
        for book, delay in enumerate(own.delays):
            tokens[:, book, delay + 1 : delay + 1 + known] = continued[:, book]
            open_places[book, delay + 1 : delay + 1 + known] = False
    rows = takes * (2 if sampling.guided else 1)
    before = _before(conditions, takes, sampling)
    ahead = 0 if before is None else before.shape[1]
    steps = length - 1
    run = Pass(
        decoder,
        () if ahead else decoder.words(conditions.words, lambda: step_done(known, steps)),
        rows,
        0 if ahead else takes,
        ahead + length - 1,
    )
    chance = Chance(seeds, decoder.device)
    told = 0
    trouble = torch.zeros((), device=decoder.device)
    one_step = stepper(run)
    for at in range(known, steps):
        first = 0 if at == known else at
        x = decoder.embedded(tokens[:, :, first : at + 1])
        if sampling.guided:
            x = torch.cat([x, x])
        if at > known:
            scores = one_step(x, ahead + at)
        else:
            x = x if before is None else torch.cat([before, x], dim=1)
            scores = run.run(x, 0, lambda: step_done(known, steps))
        logits = guided(scores, sampling)
        # Zero times a number is zero, and anything else is not.
        trouble = trouble + (logits * 0).sum()
        new = drawn(logits, sampling, chance)
        tokens[:, :, at + 1] = torch.where(open_places[:, at + 1], new, tokens[:, :, at + 1])
        if at % _CHECKED_EVERY == 0 or at == steps - 1:
            _check(trouble, at)
        step_done(at + 1, steps)
        complete = at + 1 - longest_delay
        if heard is not None and (complete >= told + heard_every or at == steps - 1):
            told = complete
            heard(complete, _frames(tokens, delays, complete, books))
    return _frames(tokens, delays, frames, books)


def _pattern(
    takes: int, delays: Sequence[int], frames: int, pad: int, device: str
) -> tuple[Tensor, Tensor]:
    """Pads [takes, codebooks, length], and which places [codebooks, length] are to be written."""
    length = frames + 1 + delays[-1]
    tokens = torch.full((takes, len(delays), length), pad, dtype=torch.long, device=device)
    places = torch.arange(length, device=device)[None, :]
    shift = torch.tensor(delays, device=device)[:, None]
    return tokens, (places > shift) & (places <= shift + frames)


def _frames(tokens: Tensor, delays: Tensor, count: int, books: int) -> Tensor:
    """The first `count` frames [takes, codebooks, count], codebooks side by side again."""
    places = delays[:, None] + 1 + torch.arange(count, device=tokens.device)[None, :]
    return tokens.gather(2, places.expand(tokens.shape[0], books, count))


def _before(conditions: Conditions, takes: int, sampling: Sampling) -> Tensor | None:
    """What precedes the tokens, [rows, n, width]."""
    if conditions.before is None:
        return None
    rows = conditions.before.expand(takes, -1, -1)
    if not sampling.guided:
        return rows
    if conditions.before_unheard is None:
        raise AssertionError("guidance needs a row that hears nothing")
    return torch.cat([rows, conditions.before_unheard.expand(takes, -1, -1)])


def _check(trouble: Tensor, step: int) -> None:
    if not torch.isfinite(trouble):
        raise EngineError(
            f"MusicGen's output stopped being numbers at step {step + 1}, so no music was made.",
            hint="The weights may be damaged, or the device faulty: get the weights again, or set"
            " MUSISCENE_MUSICGEN_DTYPE=float32.",
        )
