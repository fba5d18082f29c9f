"""Sound for one or several takes at once: the plan's windows, each in several candidates.

All candidates of a window, of all takes, are written in one pass, for a pass is paid for by the
weights it reads more than by its rows. Each take goes on from the candidate that fits its scene
best, on a beat where one is heard; where all candidates drift, they are drawn again. What one take
becomes does not depend on the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from musiscene_core.cue import Cue
from musiscene_core.fitting.choosing import Candidate, Choice, Wanted, choose
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.report import WindowMade
from musiscene_core.fitting.traits import words
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import ScoreRequest
from musiscene_daemon.engines.musicgen.guides import Guide
from musiscene_daemon.engines.musicgen.listening import heard_candidate
from musiscene_daemon.engines.musicgen.model import MusicGen
from musiscene_daemon.engines.musicgen.prompts import prompt_of
from musiscene_daemon.engines.musicgen.sampling import USUAL, Sampling
from musiscene_daemon.engines.musicgen.windows import Window, join_at, windows
from musiscene_daemon.residency.oom import attempted

Floats = npt.NDArray[np.float32]
_REDRAWS = 2
_SEED_STRIDE = 1_000_003
"""Between the chances of two candidates of one take, so that takes share none."""


@dataclass(frozen=True)
class Sound:
    """What was made for a take.

    Attributes:
        audio: [channels, samples] at the model's rate.
        windows: in order.
        warnings: what the user should know.
    """

    audio: Floats
    windows: tuple[WindowMade, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """What is to be written.

    Attributes:
        model: loaded.
        request: what is wanted.
        plan: the composer's.
        moments: hits to be met, in seconds of the range.
        guide: what the model follows; None for words alone.
        length_s: of each take.
        candidates: for each window of each take.
        rows: the most that are written in one pass.
        sampling: how tokens are drawn.
    """

    model: MusicGen
    request: ScoreRequest
    plan: Cue
    moments: tuple[Moment, ...]
    guide: Guide | None
    length_s: float
    candidates: int = 1
    rows: int = 8
    sampling: Sampling = USUAL


@dataclass
class _Writing:
    """A take as far as it is written."""

    seed: int
    codes: Tensor
    first: Candidate | None = None
    windows: list[WindowMade] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    on_beat: bool = False

    @property
    def frames(self) -> int:
        return int(self.codes.shape[-1])


def sounds(work: Work, seeds: Sequence[int], progress: Progress) -> tuple[Sound, ...]:
    """Make at least `work.length_s` seconds of music for each of `seeds`.

    Raises:
        EngineError: the model's output is not a number any more.
        CancelledError: `progress` raised it.
    """
    found: list[Sound] = []
    together = max(1, work.rows // work.candidates)
    for first in range(0, len(seeds), together):
        share = seeds[first : first + together]
        part = Portion(progress, first / len(seeds), (first + len(share)) / len(seeds))
        found += _together(work, share, part)
    return tuple(found)


def _together(work: Work, seeds: Sequence[int], progress: Progress) -> list[Sound]:
    model = work.model
    frames = int(np.ceil(work.length_s * model.frame_rate - 1e-9))
    books = model.shape.decoder.num_codebooks
    nothing = torch.zeros((books, 0), dtype=torch.long, device=model.decoder.device)
    takes = [_Writing(seed, nothing) for seed in seeds]
    spans = windows(frames, model.frame_rate, work.plan)
    for number, span in enumerate(spans):
        _window(work, takes, number, span, frames, progress)
    return [
        Sound(
            _decoded(model, take.codes[None], progress), tuple(take.windows), tuple(take.warnings)
        )
        for take in takes
    ]


def _window(
    work: Work,
    takes: Sequence[_Writing],
    number: int,
    span: Window,
    frames: int,
    progress: Progress,
) -> None:
    """Write the window `span` for all takes, each from where it is."""
    model = work.model
    begin = min(take.frames for take in takes)
    # A take that was left on a beat may be shorter than planned.
    overlap, new = min(span.overlap, begin), span.last - begin
    prompt = prompt_of(work.request, work.plan, span.sections)
    at_s = begin / model.frame_rate
    chroma = None
    if work.guide is not None:
        overlap_s = overlap / model.frame_rate
        chroma = torch.from_numpy(work.guide(at_s - overlap_s, new / model.frame_rate + overlap_s))
    open_takes = list(takes)
    best: dict[int, tuple[Tensor, Candidate, Choice]] = {}
    for draw in range(_REDRAWS + 1):
        rows = [
            (take, take.seed + _SEED_STRIDE * ((number * (_REDRAWS + 1) + draw) * 16 + index))
            for take in open_takes
            for index in range(work.candidates)
        ]
        written, left_out = _written(work, rows, prompt, overlap, new, chroma, progress, frames)
        if left_out and not number and not draw:
            for take in takes:
                take.warnings.append(
                    "The caption is longer than MusicGen hears; its end was left out."
                )
        again = []
        for place, take in enumerate(open_takes):
            own = written[place * work.candidates : (place + 1) * work.candidates]
            start_s = take.frames / model.frame_rate
            wanted = _wanted(work, take, start_s, start_s + new / model.frame_rate)
            at = 0.95 * span.last / frames
            heard = [
                heard_candidate(
                    audio, model.shape.sample_rate, lambda stage, _, at=at: progress(stage, at)
                )
                for _, audio in own
            ]
            choice = choose(heard, wanted)
            kept = best.get(id(take))
            if kept is None or _less_drift(choice, kept[2]):
                best[id(take)] = own[choice.index][0], heard[choice.index], choice
            if choice.drift is not None and choice.drift.too_far:
                again.append(take)
        open_takes = again
        if not open_takes:
            break
    for take in takes:
        codes, heard_of, choice = best[id(take)]
        _taken(work, take, span, codes, heard_of, choice, prompt, last=span.last >= frames)


def _less_drift(choice: Choice, kept: Choice) -> bool:
    if choice.drift is None or kept.drift is None:
        return False
    return choice.drift.badness < kept.drift.badness


def _written(
    work: Work,
    rows: Sequence[tuple[_Writing, int]],
    prompt: str,
    overlap: int,
    new: int,
    chroma: Tensor | None,
    progress: Progress,
    frames: int,
) -> tuple[list[tuple[Tensor, Floats]], int]:
    """New tokens [codebooks, new] and their sound [samples] of each row, and what was left out."""
    left_out = 0
    begin = rows[0][0].frames

    def step(batch: int) -> list[tuple[Tensor, Floats]]:
        nonlocal left_out
        found: list[tuple[Tensor, Floats]] = []
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            held = [take.codes[:, take.frames - overlap :] for take, _ in part] if overlap else []

            def done(step: int, of: int, first: int = first, size: int = len(part)) -> None:
                share = (first + size * step / of) / len(rows)
                progress("Generating the music", 0.95 * (begin + new * share) / frames)

            written = work.model.write(
                prompt,
                overlap + new,
                [chance for _, chance in part],
                work.sampling,
                chroma=chroma,
                continued=torch.stack(held) if held else None,
                step_done=done,
            )
            left_out = written.left_out
            audio = written.audio.mean(dim=1)[:, overlap * work.model.shape.hop :]
            found += list(
                zip(written.codes[..., overlap:].unbind(0), audio.cpu().numpy(), strict=True)
            )
        return found

    return _halving(step, len(rows)), left_out


def _halving(
    step: Callable[[int], list[tuple[Tensor, Floats]]], rows: int
) -> list[tuple[Tensor, Floats]]:
    """`step` with so many rows at a time, and with half as many each time memory runs out."""
    while rows > 1:
        found = attempted(partial(step, rows))
        if found:
            return found[0]
        rows = (rows + 1) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return step(1)


def _wanted(work: Work, take: _Writing, start_s: float, end_s: float) -> Wanted:
    request, plan = work.request, work.plan
    # What is written past the range is only there to be stretched into it.
    end_s = max(start_s + 0.5, min(end_s, request.length_seconds))
    inside = tuple(one for one in work.moments if start_s <= one.at_s < end_s)
    return Wanted(
        start_s=start_s,
        end_s=end_s,
        moments=inside,
        feeling=request.brief.emotion_curve,
        tempo_bpm=plan.tempo.bpm_at(plan.tempo.beat(start_s)),
        tonic=plan.tonic,
        mode=plan.mode,
        reference=take.first.traits if take.first is not None else None,
    )


def _taken(
    work: Work,
    take: _Writing,
    span: Window,
    codes: Tensor,
    heard: Candidate,
    choice: Choice,
    prompt: str,
    *,
    last: bool,
) -> None:
    """Let `take` go on with `codes`, as far as a beat where it does not end with them."""
    rate = work.model.frame_rate
    start_s = take.frames / rate
    length_s = codes.shape[-1] / rate
    joined_on_beat = False
    # A melody goes on at its own time, so music that follows one is left at the plan's bars.
    if not last and work.guide is None and heard.grid.usable:
        grid = heard.grid
        at_s = join_at(tuple(grid.beats_s), tuple(grid.bar_lines_s), length_s)
        joined_on_beat = at_s < length_s
        codes = codes[:, : max(1, round(at_s * rate))]
    if choice.drift is not None and choice.drift.too_far:
        take.warnings.append(
            f"The music changes at {start_s:.1f} s more than it should"
            f" ({', '.join(choice.drift.too_far)}): {_REDRAWS + 1} draws were no closer."
        )
    take.windows.append(
        WindowMade(
            start_s=round(start_s, 3),
            end_s=round(start_s + codes.shape[-1] / rate, 3),
            section=", ".join(dict.fromkeys(one.name for one in span.sections)),
            prompt=prompt,
            heard=words(heard.traits),
            scores=choice.scores,
            reasons=choice.reasons,
            chosen=choice.index,
            drift=choice.drift,
            on_beat=take.on_beat,
        )
    )
    take.on_beat = joined_on_beat
    take.codes = torch.cat([take.codes, codes], -1)
    take.first = take.first or heard


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
