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

_Steps = Callable[[int, int], int]
"""Takes steps from one on, up to another at the most; returns where to go on from."""
_CHECKED_EVERY = 8
"""Steps between two looks at whether the logits are still numbers."""


@dataclass(frozen=True)
class Conditions:
    """What the music shall be: all takes the same, or each its own.

    Attributes:
        words: of each prompt [tokens, width], as the language model hears them.
        hears: which prompt each take hears; empty where all hear the first.
        before: of each prompt, what comes before the tokens of a row that hears it
            [prompts, n, width]; None where words are heard by cross-attention.
        before_unheard: the same for a row that does not, [1, n, width].
    """

    words: tuple[Tensor, ...]
    hears: tuple[int, ...] = ()
    before: Tensor | None = None
    before_unheard: Tensor | None = None

    def of_takes(self, takes: int) -> tuple[int, ...]:
        """Which prompt each of `takes` hears."""
        return self.hears or (0,) * takes


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
        conditions: the prompts.
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
        () if ahead else conditions.of_takes(takes),
        ahead + length - 1,
    )
    chance = Chance(seeds, decoder.device)
    drawing = _Drawing(tokens, open_places, sampling, chance)
    told, at = 0, known
    further = _further(run, decoder, drawing, ahead)
    while at < steps:
        if at == known:
            x = decoder.embedded(tokens[:, :, : at + 1])
            x = torch.cat([x, x]) if sampling.guided else x
            x = x if before is None else torch.cat([before, x], dim=1)
            drawing(run.run(x, 0, lambda: step_done(known, steps)), at)
            at += 1
        else:
            soon = steps if heard is None else told + heard_every + longest_delay
            at = further(at, min(steps, max(at + 1, soon)))
        if at in (known + 1, steps):
            drawing.check(at - 1)
        step_done(at, steps)
        complete = at - longest_delay
        if heard is not None and (complete >= told + heard_every or at == steps):
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
    rows = conditions.before[list(conditions.of_takes(takes))]
    if not sampling.guided:
        return rows
    if conditions.before_unheard is None:
        raise AssertionError("guidance needs a row that hears nothing")
    return torch.cat([rows, conditions.before_unheard.expand(takes, -1, -1)])


class _Drawing:
    """Draws tokens from scores where they are to be written; torch's, on any device."""

    def __init__(
        self, tokens: Tensor, open_places: Tensor, sampling: Sampling, chance: Chance
    ) -> None:
        """Write where `open_places` [codebooks, length] of `tokens` [takes, codebooks, length] are.

        Args:
            tokens: read and written.
            open_places: which are to be drawn.
            sampling: how.
            chance: a stream a take.
        """
        self.tokens, self.open_places = tokens, open_places
        self.sampling, self.chance = sampling, chance
        self._trouble = torch.zeros((), device=tokens.device)

    def __call__(self, scores: Tensor, at: int) -> None:
        """With the scores of step `at`."""
        logits = guided(scores, self.sampling)
        # Zero times a number is zero, and anything else is not.
        self._trouble = self._trouble + (logits * 0).sum()
        new = drawn(logits, self.sampling, self.chance)
        kept = self.tokens[:, :, at + 1]
        self.tokens[:, :, at + 1] = torch.where(self.open_places[:, at + 1], new, kept)

    def check(self, at: int) -> None:
        """Raise where scores up to step `at` were not numbers."""
        if not torch.isfinite(self._trouble):
            raise _no_numbers(at)


def _further(run: Pass, decoder: Decoder, drawing: _Drawing, ahead: int) -> _Steps:
    """What takes one step or several, behind the first."""
    if run.host is not None:
        # Here, since numba may be missing.
        from musiscene_daemon.engines.musicgen.host_writing import HostWriting

        writing = HostWriting(
            decoder,
            run.host,
            run.positions[ahead:],
            ahead,
            drawing.tokens,
            drawing.open_places,
            drawing.sampling,
            drawing.chance,
        )

        def several(at: int, last: int) -> int:
            at = writing(at, last)
            if writing.trouble is not None:
                raise _no_numbers(writing.trouble)
            return at

        return several
    one_step = stepper(run)

    def one(at: int, _: int) -> int:
        x = decoder.embedded(drawing.tokens[:, :, at : at + 1])
        x = torch.cat([x, x]) if drawing.sampling.guided else x
        drawing(one_step(x, ahead + at), at)
        if at % _CHECKED_EVERY == 0:
            drawing.check(at)
        return at + 1

    return one


def _no_numbers(at: int) -> EngineError:
    return EngineError(
        f"MusicGen's output stopped being numbers at step {at + 1}, so no music was made.",
        hint="The weights may be damaged, or the device faulty: get the weights again, or set"
        " MUSISCENE_MUSICGEN_DTYPE=float32.",
    )
