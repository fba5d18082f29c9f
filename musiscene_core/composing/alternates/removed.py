"""The mix without some of its stems: what is there already, subtracted, whole number by number.

No note is played again and no gain is turned, so that it nulls against the mix minus those stems
to the last bit, and an editor may cut from one to the other in the middle of a note. Only where
the stems kept a peak down that now stands alone is all of it lowered, until it obeys the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from musiscene_core.composing.sound.master import MIX, PIECE, Levels, MixMeter, Sink
from musiscene_core.composing.sound.signal import decibels
from musiscene_core.media import wav_pieces

_MARGIN_DB = 0.02
"""For what rounding adds between samples."""
_HIGHEST = (1 << 23) - 1


def write_without(
    mix: Path,
    stems: Sequence[Path],
    samples: int,
    max_true_peak_dbtp: float,
    sink: Sink,
    checkpoint: Callable[[float], None],
) -> tuple[Levels, float]:
    """Hand `mix` without `stems` to `sink`; returns how loud it is, and its gain: 0 dB or less.

    Args:
        mix: WAV file of the mix.
        stems: WAV files of the stems to leave out.
        samples: of each of the files.
        max_true_peak_dbtp: never exceeded.
        sink: takes the mix alone.
        checkpoint: called with the share done, 0 to 1; may raise to stop.

    Raises:
        MediaError: a file cannot be read.
    """
    gain_db = 0.0
    while True:
        meter, first = MixMeter(), 0
        for whole, *less in zip(
            wav_pieces(mix, PIECE), *(wav_pieces(stem, PIECE) for stem in stems), strict=True
        ):
            rest = np.asarray(whole - sum(less), dtype=np.int32)
            if gain_db:
                rest = np.rint(rest * decibels(gain_db)).astype(np.int32)
            meter.hear(rest)
            sink(MIX, first, np.clip(rest, -_HIGHEST, _HIGHEST))
            first += rest.shape[1]
            checkpoint(first / samples)
        levels = meter.levels()
        if levels.true_peak_dbtp <= max_true_peak_dbtp:
            return levels, gain_db
        gain_db = round(gain_db + max_true_peak_dbtp - levels.true_peak_dbtp - _MARGIN_DB, 3)
