"""Chords over a seam: from the chord before to the chord after, as the cue itself moves.

Between music that stays, a chord a bar is chosen among those the cue has, by how often one follows
the other there and by how little the voices move (a shortest path). Knows nothing of keys or form.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from musiscene_core.composing.modulation import Key
from musiscene_core.composing.scales import Harmony
from musiscene_core.cue import Chord
from musiscene_core.keys import pitch_class

_SHORTEST = 0.02
_MOTION = 0.12
"""Cost of a semitone that a voice moves, beside one of a step ten times as rare."""
_STAYING = 0.9
_UNHEARD = 0.1

Span = tuple[float, float, Key, Harmony]


def harmony_of(chord: Chord) -> Harmony:
    """The chord before it was voiced; its name says the bass: "F/C"."""
    _, slash, low = chord.name.rpartition("/")
    named = slash and low[:1] in tuple("ABCDEFG")
    bass = pitch_class(low[0], low[1:]) if named else chord.root
    return Harmony(chord.root, chord.pitch_classes, bass, chord.name)


def overlaid(spans: Sequence[Span], given: Sequence[Chord]) -> list[Span]:
    """`spans`, abutting, with the `given` chords in the place of what lies there."""
    found: list[Span] = []
    for start, end, key, harmony in spans:
        here = start
        for chord in given:
            begins, stops = max(start, chord.start), min(end, chord.start + chord.length)
            if stops - begins <= _SHORTEST:
                continue
            if begins - here > _SHORTEST:
                found.append((here, begins, key, harmony))
            else:
                begins = here
            found.append((begins, stops, key, harmony_of(chord)))
            here = stops
        if end - here > _SHORTEST:
            found.append((here, end, key, harmony))
        elif found:
            found[-1] = (found[-1][0], end, *found[-1][2:])
    # A given chord that went on over several spans is one chord.
    joined: list[Span] = []
    for span in found:
        last = joined[-1] if joined else None
        within = any(
            chord.start < span[0] - _SHORTEST and chord.start + chord.length > span[0] + _SHORTEST
            for chord in given
        )
        if last is not None and within and last[2:] == span[2:]:
            joined[-1] = (last[0], span[1], *last[2:])
        else:
            joined.append(span)
    return joined


def bridge(
    chords: Sequence[Chord], before: Chord, after: Chord, bars: Sequence[tuple[float, float]]
) -> list[Chord]:
    """A chord for each of `bars` (start and length in beats), from `before` on to `after`.

    Args:
        chords: the cue's own, in order.
        before: what sounds before the first bar.
        after: what follows the last.
        bars: at least one.
    """
    known = {chord.name: chord for chord in chords}
    names = sorted({*known, before.name, after.name})
    known |= {before.name: before, after.name: after}
    steps = Counter((one.name, two.name) for one, two in pairwise(chords))
    left = Counter(one.name for one, _ in pairwise(chords))

    def cost(one: str, two: str) -> float:
        if one == two:
            return _STAYING
        seen = (steps[one, two] + _UNHEARD) / (left[one] + _UNHEARD * len(names))
        return -math.log10(seen) + _MOTION * _moved(known[one], known[two])

    best: dict[str, tuple[float, tuple[str, ...]]] = {
        name: (cost(before.name, name), (name,)) for name in names
    }
    for _ in bars[1:]:
        best = {
            name: min(
                (round(so_far + cost(path[-1], name), 9), (*path, name))
                for so_far, path in best.values()
            )
            for name in names
        }
    _, path = min(
        (round(so_far + cost(path[-1], after.name), 9), path) for so_far, path in best.values()
    )
    return [
        Chord(
            start=start,
            length=length,
            root=known[name].root,
            pitch_classes=known[name].pitch_classes,
            name=name,
        )
        for name, (start, length) in zip(path, bars, strict=True)
    ]


def _moved(one: Chord, two: Chord) -> int:
    """Semitones that voices move at least, each new note from the nearest old one."""
    return sum(
        min(min((note - old) % 12, (old - note) % 12) for old in one.pitch_classes)
        for note in two.pitch_classes
    )
