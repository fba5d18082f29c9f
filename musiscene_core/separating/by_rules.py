"""A mix taken apart into five stems that sum to it: by rules alone, or with a model's help.

A model such as Demucs tells drums, bass and the rest apart; without one, rules do.

Percussion is what stands across frequencies, told from what is steady by median filters along time
and along frequency (FitzGerald 2010), with soft masks. Of the steady rest, bass lies below 180 Hz,
melody is the partials of the strongest pitch from 260 Hz to 2 kHz, and harmony all else. Texture
is whatever of the mix is in none of them, so that all five sum to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from scipy.signal import istft, stft

from musiscene_core.aside import aside
from musiscene_core.cue import STEM_ROLES, StemRole
from musiscene_core.progress import Progress
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

_SIZE, _HOP = 4096, 1024
_ALONG_TIME, _ALONG_FREQUENCY = 17, 17
_BASS_HZ = 180.0
_MELODY_HZ = (260.0, 2_000.0)
_PARTIALS = 6
_WIDTH = 0.03
_BLOCK = 20 * SAMPLE_RATE
_BLEND = SAMPLE_RATE // 2
Split = Callable[[Floats, Callable[[], None]], dict[str, Floats]]
"""A model: from a mix [2, n] at 48 kHz to "drums", "bass" and others, each [2, n].

What it is given besides is asked now and then, and may raise to stop it.
"""

_DRUMS, _BASS = "drums", "bass"
_MASKED: tuple[StemRole, ...] = ("percussion", "bass", "melody", "harmony")


def taken_apart(
    mix: Floats, heard: Callable[[float], None] = lambda _: None, split: Split | None = None
) -> Iterator[tuple[int, dict[StemRole, Floats]]]:
    """The stems of `mix` [2, n] in pieces: first sample, then [2, m] for every role.

    Args:
        mix: at 48 kHz.
        heard: told of the share done, often; may raise to stop.
        split: tells drums and bass from the rest; None leaves that to rules.
    """
    samples = mix.shape[1]
    tails: dict[StemRole, Floats] = {}
    for first in range(0, max(1, samples), _BLOCK):
        last = min(samples, first + _BLOCK + _BLEND)
        part = mix[:, first:last]
        share = first / max(1, samples)
        found = aside(partial(_apart, part, split, share), lambda _, at: heard(at), "", share)
        ramp = np.linspace(0.0, 1.0, _BLEND, dtype=np.float32)
        for role, tail in tails.items():
            size = min(tail.shape[1], last - first)
            rising = ramp[:size]
            found[role][:, :size] = found[role][:, :size] * rising + tail[:, :size] * (1 - rising)
        keep = min(_BLOCK, last - first)
        tails = {role: found[role][:, keep:] for role in _MASKED}
        piece: dict[StemRole, Floats] = {role: found[role][:, :keep] for role in _MASKED}
        piece["texture"] = mix[:, first : first + keep] - sum(piece[role] for role in _MASKED)
        yield first, {role: piece[role] for role in STEM_ROLES}


def _apart(
    mix: Floats, split: Split | None, share: float, wanted: Progress
) -> dict[StemRole, Floats]:
    """The masked stems of one piece."""
    return _masked(mix) if split is None else _split(mix, split, lambda: wanted("", share))


def _split(mix: Floats, split: Split, heed: Callable[[], None]) -> dict[StemRole, Floats]:
    """A model's drums and bass; its other stems together, melody told from harmony by rules."""
    parts = split(mix, heed)
    rest = sum((part for name, part in parts.items() if name not in (_DRUMS, _BASS)), 0.0 * mix)
    by_rules = _masked(rest)
    melody = by_rules["melody"]
    return {
        "percussion": parts[_DRUMS],
        "bass": parts[_BASS],
        "melody": melody,
        "harmony": rest - melody,
    }


def _masked(mix: Floats) -> dict[StemRole, Floats]:
    samples = mix.shape[1]
    padded = np.pad(mix, ((0, 0), (0, max(0, _SIZE - samples))))
    hertz, _, spectrum = stft(padded, SAMPLE_RATE, nperseg=_SIZE, noverlap=_SIZE - _HOP)
    level = np.abs(spectrum).mean(axis=0)
    steady = median_filter(level, size=(1, _ALONG_TIME))
    strikes = median_filter(level, size=(_ALONG_FREQUENCY, 1))
    share = steady**2 / (steady**2 + strikes**2 + 1e-20)
    bass = (hertz < _BASS_HZ)[:, None] * share
    melody = _melody(level * share, hertz) * (share - bass)
    masks: dict[StemRole, npt.NDArray[np.float64]] = {
        "percussion": 1.0 - share,
        "bass": bass,
        "melody": melody,
        "harmony": share - bass - melody,
    }
    return {
        role: istft(spectrum * mask, SAMPLE_RATE, nperseg=_SIZE, noverlap=_SIZE - _HOP)[1][
            :, :samples
        ].astype(np.float32)
        for role, mask in masks.items()
    }


def _melody(level: Floats, hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 in the partials of each frame's strongest pitch [bins, frames]."""
    low, high = (int(np.searchsorted(hertz, edge)) for edge in _MELODY_HZ)
    bins = np.arange(low, high)
    salience = np.zeros((len(bins), level.shape[1]))
    for overtone in range(1, _PARTIALS + 1):
        places = bins * overtone
        inside = places < len(level)
        salience[inside] += level[places[inside]] / overtone
    strongest = hertz[bins[salience.argmax(axis=0)]]
    number = np.maximum(1, np.round(hertz[:, None] / strongest[None, :]))
    away = np.abs(hertz[:, None] - number * strongest[None, :])
    wide = np.maximum(_WIDTH * strongest[None, :], 1.5 * hertz[1])
    inside = (away <= wide) & (number <= _PARTIALS) & (hertz[:, None] > _BASS_HZ)
    return np.asarray(inside, np.float64)
