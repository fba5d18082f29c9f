"""A portrait of music: what can be measured of a stretch of sound, in a few numbers.

Everything here is heard from the signal by rules one can read; it knows no instrument, no genre
and no meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import TempTrack
from musiscene_core.errors import MediaError
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting import onsets
from musiscene_core.spotting.heard import SAMPLE_RATE, heard_blocks
from musiscene_core.spotting.loudness import LOUD_LUFS, QUIET_LUFS
from musiscene_core.spotting.temp_track import MusicListener, describe
from musiscene_core.spotting.timbre import TimbreListener

SHORTEST_S = 0.1
"""Shorter sounds are not described."""
_SILENT_PEAK = 1e-4
"""-80 dBFS: what never rises above it is silent."""
_CLEAR_ONSET = 0.06
"""Onset strength above its surroundings from which something is heard to begin."""
_NEAR = 4
"""Hops of 10 ms to either side that an onset must stand out from."""


@dataclass(frozen=True)
class Portrait:
    """What was measured of a stretch of music.

    Attributes:
        length_s: its length in seconds.
        music: presence, tempo, key and energy; beats and energy in seconds from its beginning.
        lufs: mean loudness of what is audible, all channels mixed; about that of the file.
        range_lu: from its soft to its loud moments: 10th to 95th percentile of momentary loudness.
        brightness_hz: centre of the spectrum, mean over what is audible; at most 8 kHz are heard.
        onsets_per_s: notes and beats that are heard to begin, each second.
        peak_s: the loudest moment, in seconds from its beginning.
    """

    length_s: float
    music: TempTrack
    lufs: float
    range_lu: float
    brightness_hz: float
    onsets_per_s: float
    peak_s: float


def portray(
    path: str | Path,
    start_s: float,
    end_s: float,
    *,
    stream: int = 0,
    progress: Progress = silent,
) -> Portrait:
    """Listen to [start_s, end_s) of a file, in seconds; keeps about 2.5 kB of each.

    Raises:
        MediaError: unreadable, no numbers, silent, or shorter than SHORTEST_S.
    """
    if end_s - start_s < SHORTEST_S:
        raise MediaError(
            f"{path} is too short to be described: it takes {SHORTEST_S:g} s.",
            hint="Choose a longer part.",
        )
    blocks = heard_blocks(path, Fraction(start_s), Fraction(end_s), stream=stream)
    found = portrayed(blocks, end_s - start_s, progress)
    if found is None:
        raise MediaError(f"{path} is silent.", hint="Choose a part with music in it.")
    return found


def portrayed(
    blocks: Iterable[npt.NDArray[np.float32]], length_s: float, progress: Progress = silent
) -> Portrait | None:
    """The portrait of sound that is there already; None where it is silent.

    Args:
        blocks: mono at heard.SAMPLE_RATE, in order.
        length_s: of all of them.
        progress: hears how far it is; may raise to stop.
    """
    music, colour = MusicListener(SAMPLE_RATE), TimbreListener(SAMPLE_RATE)
    heard, peak = 0, 0.0
    for block in blocks:
        music.push(block)
        colour.push(block)
        heard += len(block)
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        progress("Listening", min(1.0, heard / SAMPLE_RATE / length_s))
    if peak < _SILENT_PEAK:
        return None
    features = music.finish()
    track = describe(features)
    levels = QUIET_LUFS + (LOUD_LUFS - QUIET_LUFS) * track.energy.array()
    audible = levels[levels > QUIET_LUFS]
    centres = colour.finish()[1]
    sounding = centres[centres > 0]
    return Portrait(
        length_s=length_s,
        music=track,
        lufs=_mean_level(audible) if len(audible) else QUIET_LUFS,
        range_lu=float(np.ptp(np.percentile(audible, [10, 95]))) if len(audible) else 0.0,
        brightness_hz=float(sounding.mean()) if len(sounding) else 0.0,
        onsets_per_s=_count_onsets(features.onsets) / length_s,
        peak_s=float(np.argmax(levels)) * track.energy.hop_s if len(levels) else 0.0,
    )


def _mean_level(decibels: npt.NDArray[np.float64]) -> float:
    return float(10.0 * np.log10(np.mean(10.0 ** (decibels / 10.0))))


def _count_onsets(strength: npt.NDArray[np.floating]) -> int:
    """How many times something clearly begins in onset strength [n, 2]."""
    if not len(strength):
        return 0
    values = strength.sum(axis=1).astype(np.float64)
    window = onsets.RATE // 2
    mean = np.convolve(values, np.ones(window) / window, mode="same")[: len(values)]
    padded = np.pad(values, _NEAR)
    highest = np.max(np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1), axis=1)
    return int(np.sum((values >= highest) & (values > mean + _CLEAR_ONSET)))
