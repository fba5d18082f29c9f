"""Sound for one or several takes at once: the plan's windows, each in several candidates.

All candidates of a window, of all takes and all of their stems, are written in one pass, for a pass
is paid for by the weights it reads more than by its rows. Each take goes on from the candidate that
fits its scene best, on a beat where one is heard; where all candidates drift, they are drawn again.
What one take becomes does not depend on the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from musiscene_core.cue import Cue, StemRole
from musiscene_core.fitting.choosing import Candidate, Choice, Wanted, choose
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.report import WindowMade
from musiscene_core.fitting.traits import words
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import ScoreRequest
from musiscene_core.sampling import USUAL, Sampling
from musiscene_daemon.engines.musicgen.codec import Stream
from musiscene_daemon.engines.musicgen.guides import Guide
from musiscene_daemon.engines.musicgen.listening import heard_candidate
from musiscene_daemon.engines.musicgen.model import Mark, MusicGen, Several, Written
from musiscene_daemon.engines.musicgen.prompts import prompt_of
from musiscene_daemon.engines.musicgen.rendering import Sound
from musiscene_daemon.engines.musicgen.windows import Window, join_at, level_db, windows
from musiscene_daemon.residency.oom import attempted

Floats = npt.NDArray[np.float32]
_REDRAWS = 2
_PIECE_FRAMES = 50
"""Heard between two looks at whether the work is still wanted."""
_SEED_STRIDE = 1_000_003
"""Between the chances of two candidates of one take, so that takes share none."""


@dataclass(frozen=True)
class Part:
    """Music of its own in a take: all of it, or a stem.

    Attributes:
        stem: the only one that this is music for; None for all of the music.
        guide: what the model follows; None for words alone.
    """

    stem: StemRole | None = None
    guide: Guide | None = None


@dataclass(frozen=True)
class Work:
    """What is to be written.

    Attributes:
        model: loaded.
        request: what is wanted.
        plan: the composer's.
        moments: hits to be met, in seconds of the range.
        length_s: of each take.
        parts: of each take, each of which is written.
        candidates: for each window of each part.
        rows: the most that are written in one pass.
        sampling: how tokens are drawn.
    """

    model: MusicGen
    request: ScoreRequest
    plan: Cue
    moments: tuple[Moment, ...]
    length_s: float
    parts: tuple[Part, ...] = (Part(),)
    candidates: int = 1
    rows: int = 8
    sampling: Sampling = USUAL


@dataclass
class _Writing:
    """A part of a take as far as it is written, and heard but for its last tokens.

    Attributes:
        part: which of the work's.
    """

    seed: int
    codes: Tensor
    stream: Stream
    part: int = 0
    pieces: list[Tensor] = field(default_factory=list)
    first: Candidate | None = None
    windows: list[WindowMade] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    on_beat: bool = False

    @property
    def frames(self) -> int:
        return int(self.codes.shape[-1])

    def go_on(self, row: _Row, codes: Tensor, *, last: bool, alive: Callable[[], None]) -> None:
        """With `codes` [codebooks, n] of `row`, of whose sound only the end is computed again."""
        mark = row.mark_before(codes.shape[-1])
        rest = codes
        if mark is not None:
            self.pieces.append(row.written.audio[row.place, :, : mark.samples])
            self.stream = mark.stream.forked([row.place])
            rest = codes[:, mark.frames - row.overlap :]
        parts = rest.split(_PIECE_FRAMES, -1)
        for part in parts:
            alive()
            whole = last and part is parts[-1]
            self.pieces.append(self.stream.push(part[None], final=whole, alive=alive)[0])
        self.codes = torch.cat([self.codes, codes], -1)

    def sound(self, first_sound_s: float) -> Sound:
        """The whole take."""
        audio = np.asarray(torch.cat(self.pieces, -1).cpu().numpy(), np.float32)
        return Sound(audio, tuple(self.windows), tuple(self.warnings), first_sound_s)


@dataclass(frozen=True)
class _Row:
    """A candidate of a window: row `place` of what was written together.

    Attributes:
        overlap: frames that it goes on from.
        streamed: whether its sound goes on from the take's.
    """

    written: Written
    place: int
    overlap: int
    streamed: bool

    @property
    def codes(self) -> Tensor:
        """What is new, [codebooks, n]."""
        return self.written.codes[self.place, :, self.overlap :]

    def heard(self, hop: int) -> Floats:
        """Its sound in one channel [samples]."""
        audio = self.written.audio[self.place].mean(dim=0)
        new = audio if self.streamed else audio[self.overlap * hop :]
        return np.asarray(new.cpu().numpy(), np.float32)

    def mark_before(self, count: int) -> Mark | None:
        """The last point at or before `count` new frames that can be gone on from."""
        until = self.overlap + count
        marks = [mark for mark in self.written.marks if mark.frames <= until]
        return marks[-1] if marks and self.streamed else None


class _Told:
    """Says how far the work is, and when there was first something to hear."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun = time.monotonic()
        self._share = 0.0
        self.first_sound_s = 0.0

    def share(self, share: float) -> None:
        """So much is done."""
        self._share = share
        self.alive()

    def alive(self) -> None:
        """As much as before; raises where the work is not wanted any more."""
        self._progress("Generating the music", self._share)

    def beside(self, stage: str, fraction: float) -> None:
        """Something else is done meanwhile, however far it is."""
        self._progress(stage, self._share)

    def sounded(self, piece: Tensor) -> None:
        """There is something to hear."""
        if not self.first_sound_s:
            self.first_sound_s = time.monotonic() - self._begun
            self._progress(f"First sound after {self.first_sound_s:.1f} s", self._share)


def sounds(work: Work, seeds: Sequence[int], progress: Progress) -> tuple[tuple[Sound, ...], ...]:
    """Make at least `work.length_s` seconds of each part's music for each of `seeds`.

    Raises:
        EngineError: the model's output is not a number any more.
        CancelledError: `progress` raised it.
    """
    found: list[tuple[Sound, ...]] = []
    together = max(1, work.rows // (work.candidates * len(work.parts)))
    for first in range(0, len(seeds), together):
        share = seeds[first : first + together]
        part = Portion(progress, first / len(seeds), (first + len(share)) / len(seeds))
        found += _together(work, share, part)
    return tuple(found)


def _together(work: Work, seeds: Sequence[int], progress: Progress) -> list[tuple[Sound, ...]]:
    model = work.model
    frames = int(np.ceil(work.length_s * model.frame_rate - 1e-9))
    books = model.shape.decoder.num_codebooks
    nothing = torch.zeros((books, 0), dtype=torch.long, device=model.decoder.device)
    parts = range(len(work.parts))
    takes = [_Writing(seed, nothing, model.stream(), part) for seed in seeds for part in parts]
    told = _Told(progress)
    spans = windows(frames, model.frame_rate, work.plan)
    for number, span in enumerate(spans):
        _window(work, takes, number, span, frames, told)
    made = [take.sound(told.first_sound_s) for take in takes]
    return [tuple(made[first : first + len(parts)]) for first in range(0, len(made), len(parts))]


def _window(
    work: Work,
    takes: Sequence[_Writing],
    number: int,
    span: Window,
    frames: int,
    told: _Told,
) -> None:
    """Write the window `span` for all takes, each from where it is."""
    model = work.model
    begin = min(take.frames for take in takes)
    # A take that was left on a beat may be shorter than planned.
    overlap, new = min(span.overlap, begin), span.last - begin
    prompts = [prompt_of(work.request, work.plan, span.sections, part.stem) for part in work.parts]
    from_s, length_s = (begin - overlap) / model.frame_rate, (overlap + new) / model.frame_rate
    chromas = [
        None if part.guide is None else torch.from_numpy(part.guide(from_s, length_s))
        for part in work.parts
    ]
    open_takes = list(takes)
    best: dict[int, tuple[_Row, Candidate, Choice]] = {}
    for draw in range(_REDRAWS + 1):
        rows = [
            (take, take.seed + _SEED_STRIDE * ((number * (_REDRAWS + 1) + draw) * 16 + index))
            for take in open_takes
            for index in range(work.candidates)
        ]
        written, left_out = _written(work, rows, prompts, overlap, new, chromas, told, frames)
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
            heard = [
                heard_candidate(row.heard(model.shape.hop), model.shape.sample_rate, told.beside)
                for row in own
            ]
            choice = choose(heard, wanted)
            kept = best.get(id(take))
            if kept is None or _less_drift(choice, kept[2]):
                best[id(take)] = own[choice.index], heard[choice.index], choice
            if choice.drift is not None and choice.drift.too_far:
                again.append(take)
        open_takes = again
        if not open_takes:
            break
    for take in takes:
        chosen = best[id(take)]
        _taken(work, take, span, chosen, prompts[take.part], told, last=span.last >= frames)


def _less_drift(choice: Choice, kept: Choice) -> bool:
    if choice.drift is None or kept.drift is None:
        return False
    return choice.drift.badness < kept.drift.badness


def _written(
    work: Work,
    rows: Sequence[tuple[_Writing, int]],
    prompts: Sequence[str],
    overlap: int,
    new: int,
    chromas: Sequence[Tensor | None],
    told: _Told,
    frames: int,
) -> tuple[list[_Row], int]:
    """What becomes of each row, and how many tokens of the prompt were left out."""
    left_out = 0
    begin = rows[0][0].frames

    def step(batch: int) -> list[_Row]:
        nonlocal left_out
        found: list[_Row] = []
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            held = [take.codes[:, take.frames - overlap :] for take, _ in part] if overlap else []

            def done(step: int, of: int, first: int = first, size: int = len(part)) -> None:
                share = (first + size * step / of) / len(rows)
                told.share((begin + new * share) / frames)

            stream = Stream.together([take.stream for take, _ in part])
            hears = tuple(take.part for take, _ in part)
            written = work.model.write(
                Several(tuple(prompts), tuple(chromas), hears),
                overlap + new,
                [chance for _, chance in part],
                work.sampling,
                continued=torch.stack(held) if held else None,
                stream=stream,
                last=stream is None,
                sounded=told.sounded,
                step_done=done,
            )
            left_out = written.left_out
            found += [_Row(written, row, overlap, stream is not None) for row in range(len(part))]
        return found

    # Equally many in each pass.
    passes = -(-len(rows) // work.rows)
    return _halving(step, -(-len(rows) // passes)), left_out


def _halving(step: Callable[[int], list[_Row]], rows: int) -> list[_Row]:
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
    first = take.windows[0] if take.windows else None
    return Wanted(
        start_s=start_s,
        end_s=end_s,
        moments=inside,
        feeling=request.brief.emotion_curve,
        tempo_bpm=plan.tempo.bpm_at(plan.tempo.beat(start_s)),
        tonic=plan.tonic,
        mode=plan.mode,
        reference=take.first.traits if take.first is not None else None,
        louder_lu=0.0
        if first is None
        else level_db(plan, start_s, end_s) - level_db(plan, first.start_s, first.end_s),
    )


def _taken(
    work: Work,
    take: _Writing,
    span: Window,
    chosen: tuple[_Row, Candidate, Choice],
    prompt: str,
    told: _Told,
    *,
    last: bool,
) -> None:
    """Let `take` go on with what was chosen, as far as a beat where it does not end with it."""
    row, heard, choice = chosen
    part = work.parts[take.part]
    rate, codes = work.model.frame_rate, row.codes
    start_s = take.frames / rate
    length_s = codes.shape[-1] / rate
    joined_on_beat = False
    # A melody goes on at its own time, so music that follows one is left at the plan's bars; and
    # stems are left together.
    alone = part.guide is None and part.stem is None
    if not last and alone and heard.grid.usable:
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
    take.go_on(row, codes, last=last, alive=told.alive)
    take.first = take.first or heard
