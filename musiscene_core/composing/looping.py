"""Music that goes round: the tempo at which a range holds whole bars, and nothing is left over.

Knows nothing of notes, nor of how what rings beyond the end gets into the beginning
(sound.renderer).
"""

from __future__ import annotations

from dataclasses import replace

from musiscene_core.composing.tempo import Wish
from musiscene_core.tempo_map import TempoMap

_ODD_COST = 0.05
"""What a number of bars that does not divide by 2, or by 4, costs beside a tempo 5 % off."""
_SLOWEST, _FASTEST = 25.0, 320.0


def whole_bars(wish: Wish, length_s: float) -> Wish:
    """`wish` at the tempo nearest to it at which `length_s` holds whole bars, in fours if it may.

    A tempo that is held gives way only to the nearest bar; another stays within its bounds, unless
    no number of bars does.
    """
    bar_s = 60.0 * wish.beats_per_bar
    nearest = max(1, round(length_s * wish.bpm / bar_s))
    counts = [nearest]
    if not wish.held:
        counts += [
            count
            for count in range(max(1, nearest - 3), nearest + 4)
            if wish.low <= bar_s * count / length_s <= wish.high
        ]
    within = [count for count in counts if _SLOWEST <= bar_s * count / length_s <= _FASTEST]

    def cost(count: int) -> float:
        off = abs(bar_s * count / length_s / wish.bpm - 1.0)
        return round(off + _ODD_COST * (bool(count % 2) + bool(count % 4)), 9)

    bpm = bar_s * min(within or counts, key=cost) / length_s
    return replace(wish, low=bpm, high=bpm, bpm=bpm, held=True)


def told(tempo: TempoMap, length_s: float, asked_bpm: float | None) -> str:
    """What a user should know of a loop's tempo: a sentence."""
    bpm = tempo.segments[0].bpm
    bars = round(tempo.beat(length_s) / tempo.beats_per_bar)
    instead = "" if asked_bpm is None or abs(asked_bpm - bpm) < 0.005 else f", not {asked_bpm:g},"
    return (
        f"The loop is played at {bpm:.2f} BPM{instead} so that the range holds "
        f"{bars} bar{'s' if bars != 1 else ''} exactly."
    )
