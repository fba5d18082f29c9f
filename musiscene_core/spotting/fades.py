"""Transitions through black or white.

A fade goes to a plain picture by degrees and comes back from it by degrees. Where one side is
sudden, that side is the cut. A black picture with sudden sides is a shot of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Transition
from musiscene_core.spotting.likeness import Floats

_BLACK = 0.05
_WHITE = 0.92
_PLAIN_CONTRAST = 0.03
_DIM_SHARE = 0.25
"""Of the range's usual brightness and contrast: in the dark, black is darker still."""
_DEGREES_S = 0.4
"""How long a side is looked at: a sudden one is over within the first frame of it."""
_SUDDEN_SHARE = 0.5
_LONGEST_S = 4.0
_DONE = 0.9


@dataclass(frozen=True)
class Fade:
    """A change of shot through a plain picture.

    Attributes:
        start: cue frame at which the old shot begins to go.
        boundary: cue frame at which the new shot begins: halfway through the plain picture, or
            at its sudden side; None where the editor or the range's end decides.
        end: cue frame at which the new shot has come.
        plain: the cue frames [first, after) that are black or white.
        transition: "fade", or "cut" where one side is sudden.
    """

    start: int
    boundary: int | None
    end: int
    plain: tuple[int, int]
    transition: Transition


def find_fades(
    cue_frame: npt.NDArray[np.int64],
    brightness: Floats,
    contrast: Floats,
    opens: npt.NDArray[np.bool_],
    fps: float,
) -> tuple[Fade, ...]:
    """Where the picture goes to black or white and comes back, at least one of them by degrees.

    Args:
        cue_frame: [M] where each picture appears.
        brightness: [M] mean luma, 0 to 1.
        contrast: [M] deviation of luma, 0 to 1.
        opens: [M] whether a stretch of the timeline begins.
        fps: cue frames a second.
    """
    usual_light = float(np.percentile(brightness, 90))
    usual_contrast = float(np.percentile(contrast, 90))
    dark = brightness < min(_BLACK, _DIM_SHARE * usual_light)
    plain = contrast < min(_PLAIN_CONTRAST, _DIM_SHARE * usual_contrast)
    fades: list[Fade] = []
    for extreme in (plain & dark, plain & (brightness > _WHITE)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], extreme.astype(np.int8), [0]))))
        for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            left = not (first == 0 or opens[first])
            right = not (after == len(plain) or opens[after])
            leaving = _Side(cue_frame[first::-1], brightness[first::-1], fps) if left else None
            coming = _Side(cue_frame[after - 1 :], brightness[after - 1 :], fps) if right else None
            begin = int(cue_frame[first])
            end = int(cue_frame[after]) if after < len(plain) else int(cue_frame[-1]) + 1
            editors = not left or not right or bool(opens[first:after].any())
            fade = _fade(leaving, coming, (begin, end), editors)
            if fade is not None:
                fades.append(fade)
    return tuple(sorted(fades, key=lambda fade: fade.start))


def _fade(
    leaving: _Side | None, coming: _Side | None, plain: tuple[int, int], editors: bool
) -> Fade | None:
    """The fade through the plain pictures [begin, end), if either side is gradual.

    Where the editor's cut or the range's end lies in it, it begins no shot of its own.
    """
    leaves = leaving is not None and not leaving.sudden
    comes = coming is not None and not coming.sudden
    if not leaves and not comes:
        return None
    begin, end = plain
    start = leaving.far if leaving is not None and leaves else begin + 1
    stop = coming.far if coming is not None and comes else end - 1
    if editors:
        return Fade(start, None, stop, plain, "fade")
    if leaves and comes:
        return Fade(start, (begin + end) // 2, stop, plain, "fade")
    return Fade(start, begin if comes else end, stop, plain, "cut")


class _Side:
    """One side of a plain picture, read away from it.

    Attributes:
        sudden: whether the first step makes up most of the way.
        far: the cue frame at which the way is done.
    """

    def __init__(self, cue_frame: npt.NDArray[np.int64], brightness: Floats, fps: float) -> None:
        away = np.abs(brightness - brightness[0])
        distance = np.abs(cue_frame - cue_frame[1])
        soon = away[distance <= _DEGREES_S * fps]
        self.sudden = len(soon) < 3 or bool(soon[1] >= _SUDDEN_SHARE * soon.max())
        reach = away[distance <= _LONGEST_S / 2 * fps]
        steps = np.diff(reach)
        # The way ends where it stops leading away for the first time after its main part.
        resting = np.flatnonzero((steps <= 0.002) & (reach[:-1] >= _SUDDEN_SHARE * soon.max()))
        done = int(resting[0]) if len(resting) else int(np.argmax(reach >= _DONE * reach.max()))
        self.far = int(cue_frame[max(1, done)])
