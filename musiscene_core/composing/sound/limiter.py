"""A look-ahead limiter as a gain curve: computed on the sum, applied to every stem.

Because the curve is one and the same for all stems, limited stems sum to the limited mix.
"""

from __future__ import annotations

import numpy as np

from musiscene_core.composing.sound.signal import Points

_ATTACK_DB = 0.7
"""Per block of 1 ms: 7 dB of reduction are reached within 10 ms."""

_RELEASE_DB = 0.035
"""Per block of 1 ms: 7 dB are given back within 200 ms, too slowly to be heard as pumping."""

_SMOOTHING = 5


def limiter_gain_db(peaks_db: Points, ceiling_db: float) -> Points:
    """Gain in dB at the edges of blocks, drawn in straight lines between them.

    Args:
        peaks_db: the true peak of every block [n].
        ceiling_db: never exceeded.

    Returns:
        [n + 1], 0 where nothing needs limiting, and such that both edges of each block, and all
        between them, bring its peak to the ceiling or below.
    """
    count = len(peaks_db)
    needed = np.minimum(0.0, ceiling_db - peaks_db)
    reach = _SMOOTHING // 2
    # Each edge takes the least of the blocks around it, as far as the smoothing will look.
    padded = np.concatenate([np.zeros(reach + 1), needed, np.zeros(reach + 1)])
    edges = np.min([padded[shift : shift + count + 1] for shift in range(2 * reach + 2)], axis=0)
    blocks = np.arange(count + 1)
    falling = np.minimum.accumulate(edges - _RELEASE_DB * blocks) + _RELEASE_DB * blocks
    ahead = (falling + _ATTACK_DB * blocks)[::-1]
    edges = np.minimum.accumulate(ahead)[::-1] - _ATTACK_DB * blocks
    window = np.hanning(_SMOOTHING + 2)[1:-1]
    held = np.concatenate([np.full(reach, edges[0]), edges, np.full(reach, edges[-1])])
    return np.minimum(0.0, np.convolve(held, window / window.sum(), mode="valid"))
