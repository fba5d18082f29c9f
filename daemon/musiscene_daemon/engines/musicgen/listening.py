"""A candidate as it is heard: its beats and traits, and what the critic goes by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from musiscene_core.fitting.choosing import Candidate
from musiscene_core.fitting.traits import traits_of
from musiscene_core.progress import Progress, silent
from musiscene_core.remixing.grid import find_grid
from musiscene_core.spotting import heard
from musiscene_core.spotting.describe_sound import measured
from musiscene_core.spotting.portrait import SHORTEST_S, portrayed
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

_BLOCK = 5 * heard.SAMPLE_RATE
_MOST_GAIN_DB = 24.0
_INAUDIBLE_LUFS = -70.0


def heard_candidate(audio: Floats, sample_rate: int, progress: Progress = silent) -> Candidate:
    """What is heard of mono sound [n]; `progress` may raise to stop."""
    own = at_rate(audio[None], sample_rate, SAMPLE_RATE)
    grid = find_grid(own, progress=progress)
    figures: tuple[tuple[str, float], ...] = ()
    if len(audio) >= SHORTEST_S * sample_rate:
        low = at_rate(audio[None], sample_rate, heard.SAMPLE_RATE)[0]
        blocks = (low[first : first + _BLOCK] for first in range(0, len(low), _BLOCK))
        portrait = portrayed(blocks, len(audio) / sample_rate, progress)
        figures = measured(portrait) if portrait is not None else ()
    return Candidate(traits_of(own, grid), grid, figures)


def at_rate(audio: Floats, sample_rate: int, wanted: int) -> Floats:
    """Sound [channels, n] at another rate."""
    common = int(np.gcd(sample_rate, wanted))
    found = resample_poly(audio, wanted // common, sample_rate // common, axis=1)
    return np.ascontiguousarray(found, np.float32)


def at_48k(audio: Floats, sample_rate: int) -> Floats:
    """Sound [1 or 2 k, n] at the model's rate as [2 k, m] at 48 kHz."""
    found = at_rate(audio, sample_rate, SAMPLE_RATE)
    channels = max(2, len(found))
    return np.ascontiguousarray(np.broadcast_to(found, (channels, found.shape[1])), np.float32)


def gain_between(lufs: float, other_lufs: float, apart_lu: float = 0.0) -> float:
    """The dB that bring what has `lufs` to `apart_lu` from another; 0 where one is not heard."""
    if min(lufs, other_lufs) <= _INAUDIBLE_LUFS:
        return 0.0
    return float(np.clip(other_lufs + apart_lu - lufs, -_MOST_GAIN_DB, _MOST_GAIN_DB))


def together(audio: Floats) -> Floats:
    """Stems side by side [2 k, n] as their sum [2, n]; a mix as it is."""
    return audio if len(audio) == 2 else audio.reshape(-1, 2, audio.shape[1]).sum(axis=0)
