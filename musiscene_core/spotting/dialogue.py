"""Dialogue regions: where someone speaks, also under music.

Probabilities come 32 ms at a time from Silero VAD. A region opens where they rise above ENTER and
lasts until they have stayed below LEAVE for longer than a breath; what is shorter than a syllable
or never certain is dropped. Knows nothing of who speaks or what is said.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DialogueRegion
from musiscene_core.spotting import silero

Floats = npt.NDArray[np.float32]

CHUNK_S = silero.CHUNK / silero.SAMPLE_RATE
ENTER = 0.45
"""Probability at which speech begins. Music alone stays below 0.2, rarely 0.5 for one chunk."""
LEAVE = 0.35
"""Probability below which speech is over; lower, for word ends sink into the music."""
CERTAIN = 0.5
"""Mean probability that a region must reach."""
MIN_SPEECH_S = 0.25
MIN_PAUSE_S = 0.5
"""Shorter pauses belong to the line: music ducked at every breath would pump."""
LEAD_S = 0.02
"""Silero notices speech a little late."""
HANGOVER_S = 0.05
"""Silero lets go of it later still."""


def find_regions(
    probabilities: Floats, length_s: float, lead_s: float = 0.0
) -> tuple[DialogueRegion, ...]:
    """The regions, in order and apart, that `probabilities` [n] (one every CHUNK_S) speak of.

    Args:
        probabilities: of speech, 0 to 1.
        length_s: cue length in seconds; no region passes it.
        lead_s: seconds by which the first chunk begins before the cue.
    """
    merged: list[tuple[int, int]] = []
    for first, last in _hysteresis(probabilities):
        if merged and (first - merged[-1][1]) * CHUNK_S < MIN_PAUSE_S:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    regions = []
    for first, last in merged:
        spoken = probabilities[first:last]
        confidence = float(np.mean(spoken[spoken >= LEAVE]))
        if (last - first) * CHUNK_S < MIN_SPEECH_S or confidence < CERTAIN:
            continue
        start = max(0.0, first * CHUNK_S - LEAD_S - lead_s)
        end = min(length_s, last * CHUNK_S - HANGOVER_S - lead_s)
        if start < end:
            regions.append(
                DialogueRegion(
                    start_s=round(start, 3), end_s=round(end, 3), confidence=round(confidence, 3)
                )
            )
    return tuple(regions)


def _hysteresis(probabilities: Floats) -> list[tuple[int, int]]:
    """Runs of chunks above LEAVE that rise above ENTER, as half-open [first, last)."""
    above = np.concatenate([[False], probabilities >= LEAVE, [False]])
    edges = np.flatnonzero(above[1:] != above[:-1])
    runs = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        risen = np.flatnonzero(probabilities[start:end] >= ENTER)
        # What lies below ENTER before speech begins is the music's doing, not the voice's.
        if len(risen):
            runs.append((int(start + risen[0]), int(end)))
    return runs
