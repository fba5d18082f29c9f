"""Sound cut and joined without clicks: runs of one recording after each other, crossfaded.

A crossfade's law follows from how alike the two sounds are: equal gain where they are the same,
equal power where they have nothing in common, so that no join dips or swells. Knows nothing of
music.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Run:
    """A stretch of the source.

    Attributes:
        first: its first sample.
        last: the sample after its last one.
        fade: samples over which the run before it gives way.
        early: samples before `first` at which that is over: an attack there is the run's own.
    """

    first: int
    last: int
    fade: int = 0
    early: int = 0

    @property
    def length(self) -> int:
        """How many samples it adds."""
        return self.last - self.first


def spliced(source: Floats, runs: Sequence[Run]) -> Floats:
    """`runs` of `source` [channels, n] one after the other; as long as the runs together."""
    result = np.empty((source.shape[0], sum(run.length for run in runs)), np.float32)
    at = 0
    for index, run in enumerate(runs):
        result[:, at : at + run.length] = source[:, run.first : run.last]
        if index:
            _blend(result, source, at, runs[index - 1], run)
        at += run.length
    return result


def _blend(result: Floats, source: Floats, at: int, before: Run, run: Run) -> None:
    """Fade from the run before, which lies in `result` up to `at`, to `run`."""
    early = min(run.early, run.first, before.length)
    fade = min(run.fade, run.first - early, before.length - early)
    if early > 0:
        result[:, at - early : at] = source[:, run.first - early : run.first]
    if fade > 0:
        begin = at - early - fade
        entering = source[:, run.first - early - fade : run.first - early]
        leaving = source[:, before.last - early - fade : before.last - early]
        result[:, begin : begin + fade] = crossfaded(leaving, entering)


def crossfaded(leaving: Floats, entering: Floats) -> Floats:
    """Two sounds [channels, n], the first giving way to the second at constant power."""
    alike = max(0.0, correlation(leaving, entering))
    share = (np.arange(leaving.shape[1]) + 0.5) / leaving.shape[1]
    # A raised cosine has no corner at either end that could be heard.
    angle = np.pi / 4 * (1.0 - np.cos(np.pi * share))
    out, into = np.cos(angle), np.sin(angle)
    power = np.sqrt(1.0 + 2.0 * alike * out * into)
    faded: Floats = leaving * (out / power).astype(np.float32)
    faded += entering * (into / power).astype(np.float32)
    return faded


def correlation(left: Floats, right: Floats) -> float:
    """How alike two sounds of one shape are, -1 to 1; 0 where one is silent."""
    product = float(np.vdot(left, right))
    power = float(np.vdot(left, left)) * float(np.vdot(right, right))
    return product / float(np.sqrt(power)) if power > 1e-12 else 0.0


def best_shift(
    template: Floats, around: Floats, shifts: tuple[int, int], *, sharp: bool = False
) -> tuple[int, float]:
    """Where in `around` the sound is most like `template`.

    Args:
        template: [n], one channel.
        around: [n + shifts[1] - shifts[0]]; the place of shift 0 is -shifts[0].
        shifts: the least and the greatest, in samples.
        sharp: compare changes from sample to sample, so that attacks weigh more than held notes.

    Returns:
        The shift and the correlation there, -1 to 1.
    """
    if sharp:
        template, around = np.diff(template, prepend=0.0), np.diff(around, prepend=0.0)
    count = len(template)
    size = 1 << (len(around) + count).bit_length()
    spectrum = np.fft.rfft(around, size) * np.conj(np.fft.rfft(template, size))
    products = np.fft.irfft(spectrum, size)[: shifts[1] - shifts[0] + 1]
    squares = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
    powers = (squares[count:] - squares[:-count])[: len(products)]
    own = float(np.vdot(template, template))
    likeness = products / np.sqrt(np.maximum(powers * own, 1e-9))
    place = int(likeness.argmax())
    return place + shifts[0], float(likeness[place])
