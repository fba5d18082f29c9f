"""Sound for a request: the plan's windows, written one after the other and decoded as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from musiscene_core.cue import Cue, Section
from musiscene_core.progress import Progress
from musiscene_core.request import ScoreRequest
from musiscene_daemon.engines.musicgen.chroma import HOP, chroma, guide, strongest
from musiscene_daemon.engines.musicgen.model import MusicGen
from musiscene_daemon.engines.musicgen.prompts import prompt_of
from musiscene_daemon.engines.musicgen.sampling import USUAL, Sampling
from musiscene_daemon.engines.musicgen.windows import Window, drift, windows

Floats = npt.NDArray[np.float32]

_REDRAWS = 2
_SEED_STRIDE = 1_000_003
"""Between the chances of two windows or draws of one take, so that takes share none."""


@dataclass(frozen=True)
class Sound:
    """What was made.

    Attributes:
        audio: [channels, samples] at the model's rate.
        prompts: each window's.
        warnings: what the user should know.
    """

    audio: Floats
    prompts: tuple[str, ...]
    warnings: tuple[str, ...]


def sound(
    model: MusicGen,
    request: ScoreRequest,
    plan: Cue,
    seed: int,
    length_s: float,
    progress: Progress,
    *,
    sampling: Sampling = USUAL,
) -> Sound:
    """Make `length_s` seconds of music, and at most a frame more.

    Raises:
        EngineError: the model's output is not a number any more.
        CancelledError: `progress` raised it.
    """
    rate = model.frame_rate
    frames = int(np.ceil(length_s * rate - 1e-9))
    spans = windows(frames, rate, plan)
    codes: Tensor | None = None
    reference: Floats | None = None
    prompts: list[str] = []
    warnings: list[str] = []
    for number, span in enumerate(spans):
        prompt = prompt_of(request, plan, _section_at(plan, span.first / rate))
        prompts.append(prompt)
        best: tuple[float, Tensor, Floats] | None = None
        for draw in range(_REDRAWS + 1):
            chance = seed + _SEED_STRIDE * (number * (_REDRAWS + 1) + draw)
            new, audio, left_out = _window(
                model, plan, prompt, span, codes, chance, sampling, _steps(progress, span, frames)
            )
            apart = drift(audio, reference, _listener(model)) if reference is not None else None
            if best is None or (apart is not None and apart.badness < best[0]):
                best = (apart.badness if apart else 0.0, new, audio)
            if apart is None or not apart.too_far:
                break
        else:
            warnings.append(
                f"The music changes at {span.first / rate:.1f} s more than it should:"
                f" {_REDRAWS + 1} draws were no closer."
            )
        if best is None:
            raise AssertionError("at least one draw was made")
        if left_out and not warnings:
            warnings.append("The caption is longer than MusicGen hears; its end was left out.")
        codes = best[1] if codes is None else torch.cat([codes, best[1]], -1)
        reference = best[2] if reference is None else reference
    if codes is None:
        raise AssertionError("there is at least one window")
    return Sound(_decoded(model, codes, progress), tuple(prompts), tuple(warnings))


def _window(
    model: MusicGen,
    plan: Cue,
    prompt: str,
    span: Window,
    codes: Tensor | None,
    chance: int,
    sampling: Sampling,
    step_done: Callable[[int, int], None],
) -> tuple[Tensor, Floats, int]:
    """New tokens [1, codebooks, n], their sound [samples], and how much of the prompt was cut."""
    begin = span.first - span.overlap
    melody = None
    if model.shape.melody:
        frame_s = HOP / model.shape.sample_rate
        start_s, length_s = begin / model.frame_rate, (span.last - begin) / model.frame_rate
        melody = torch.from_numpy(strongest(guide(plan, start_s, length_s, frame_s)))
    written = model.write(
        prompt,
        span.last - begin,
        [chance],
        sampling,
        chroma=melody,
        continued=codes[..., begin : span.first] if codes is not None and span.overlap else None,
        step_done=step_done,
    )
    new = written.codes[..., span.overlap :]
    audio = written.audio[0].mean(dim=0)[span.overlap * model.shape.hop :]
    return new, audio.cpu().numpy(), written.left_out


def _steps(progress: Progress, span: Window, frames: int) -> Callable[[int, int], None]:
    def done(step: int, of: int) -> None:
        written = span.first + (span.last - span.first) * step / of
        progress("Generating the music", 0.95 * written / frames)

    return done


def _decoded(model: MusicGen, codes: Tensor, progress: Progress) -> Floats:
    """All tokens as one sound, in pieces that can be stopped between."""
    stream = model.stream()
    step = round(10 * model.frame_rate)
    pieces = []
    total = codes.shape[-1]
    for first in range(0, total, step):
        progress("Decoding the music", 0.95 + 0.05 * first / total)
        part = codes[..., first : first + step]
        pieces.append(stream.push(part, final=first + step >= total))
    return np.asarray(torch.cat(pieces, -1)[0].cpu().numpy(), np.float32)


def _section_at(plan: Cue, seconds: float) -> Section | None:
    beat = plan.tempo.beat(seconds + 1e-6)
    before = [section for section in plan.sections if section.start <= beat]
    return before[-1] if before else None


def _listener(model: MusicGen) -> Callable[[Floats], Floats]:
    return lambda audio: chroma(audio, model.shape.sample_rate)
