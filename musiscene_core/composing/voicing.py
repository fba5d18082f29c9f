"""Voice leading as a search: the voicings of a chain of chords that move least and break no rule.

Four voices between C3 and C5, neighbours 3 to 12 semitones apart. A path through all voicings of
all chords (Viterbi) keeps the sum of motion smallest while parallel fifths and octaves, among the
voices and against the bass, cost more than any motion. Knows nothing of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pitches = npt.NDArray[np.int64]

LOW, HIGH = 48, 72
VOICES = 4
MIN_GAP, MAX_GAP = 3, 12
_PARALLEL = 10_000.0
_PARALLEL_WITH_BASS = 200.0
_DOUBLED_THIRD = 3.0
_NO_FIFTH = 2.0
_CLOSE_LOW = 6.0
_WIDER_HIGH = 0.5
_LOW_BELOW, _WIDE = 52, 5
_TOO_HIGH = 40.0
_OPEN_LEAP = 7


@dataclass(frozen=True)
class Harmonised:
    """What is to be voiced.

    Attributes:
        pitch_classes: root first.
        bass: the note below the voices.
        centre: where they should lie.
        high: what they should not go above.
    """

    pitch_classes: tuple[int, ...]
    bass: int
    centre: float
    high: int = HIGH


def lead(chords: Sequence[Harmonised]) -> list[tuple[int, ...]]:
    """Voices for each chord, low to high, VOICES of them."""
    if not chords:
        return []
    shapes: dict[tuple[int, ...], tuple[Pitches, Array]] = {}
    moves: dict[tuple[tuple[int, ...], int, tuple[int, ...], int], Array] = {}
    for chord in chords:
        if chord.pitch_classes not in shapes:
            shapes[chord.pitch_classes] = _voicings(chord.pitch_classes)
    first = chords[0]
    total = _placing(shapes[first.pitch_classes], first)
    backs: list[npt.NDArray[np.int64]] = []
    for before, after in pairwise(chords):
        key = (before.pitch_classes, before.bass, after.pitch_classes, after.bass)
        if key not in moves:
            old, new = shapes[before.pitch_classes][0], shapes[after.pitch_classes][0]
            moves[key] = _motion(old, before.bass, new, after.bass)
        costs = total[:, None] + moves[key]
        back = np.argmin(costs, axis=0)
        backs.append(back)
        total = costs[back, np.arange(costs.shape[1])]
        total = total + _placing(shapes[after.pitch_classes], after)
    choice = int(np.argmin(total))
    path = [choice]
    for back in reversed(backs):
        choice = int(back[choice])
        path.append(choice)
    path.reverse()
    return [
        tuple(int(pitch) for pitch in shapes[chord.pitch_classes][0][index])
        for chord, index in zip(chords, path, strict=True)
    ]


def _voicings(classes: tuple[int, ...]) -> tuple[Pitches, Array]:
    """All voicings [n, VOICES] of a chord, and what each costs [n] by its doublings."""
    root, fifth = classes[0], classes[2]
    pitches = [pitch for pitch in range(LOW, HIGH + 1) if pitch % 12 in classes]
    needed = set(classes) if len(classes) < VOICES else set(classes) - {fifth}
    found: list[tuple[int, ...]] = []
    costs: list[float] = []
    for voices in combinations(pitches, VOICES):
        gaps = [b - a for a, b in pairwise(voices)]
        have = [voice % 12 for voice in voices]
        if min(gaps) < MIN_GAP or max(gaps) > MAX_GAP or not needed <= set(have):
            continue
        doubled = [note for note in set(have) if have.count(note) > 1]
        cost = sum(0.0 if note in (root, fifth) else _DOUBLED_THIRD for note in doubled)
        # Close intervals are clear above and muddy below.
        low = sum(a < _LOW_BELOW and gap < _WIDE for a, gap in zip(voices, gaps, strict=False))
        cost += _CLOSE_LOW * low + _WIDER_HIGH * max(0, gaps[-1] - gaps[0])
        found.append(voices)
        costs.append(cost + (0.0 if fifth in have else _NO_FIFTH))
    return np.asarray(found, dtype=np.int64), np.asarray(costs, dtype=np.float64)


def _placing(shapes: tuple[Pitches, Array], chord: Harmonised) -> Array:
    """What each voicing costs by itself: doublings, distance from the centre, and rising above."""
    voices, costs = shapes
    above = np.maximum(0, voices[:, -1] - chord.high)
    return np.asarray(costs + 0.5 * np.abs(voices.mean(axis=1) - chord.centre) + _TOO_HIGH * above)


def _motion(old: Pitches, old_bass: int, new: Pitches, new_bass: int) -> Array:
    """What going from each old voicing [n, V] to each new one [m, V] costs [n, m]."""
    steps = np.abs(new[None, :, :] - old[:, None, :])
    cost = steps.sum(axis=2) + 0.5 * np.maximum(0, steps - 4).sum(axis=2)
    cost = cost + 4.0 * np.maximum(0, steps - _OPEN_LEAP).sum(axis=2)
    total: Array = cost.astype(np.float64)
    for low, high in combinations(range(VOICES), 2):
        total += _PARALLEL * _parallel(old[:, low], old[:, high], new[:, low], new[:, high])
    if old_bass != new_bass:
        here, there = np.full(len(old), old_bass), np.full(len(new), new_bass)
        for voice in range(VOICES):
            parallel = _parallel(here, old[:, voice], there, new[:, voice])
            total += _PARALLEL_WITH_BASS * parallel
    return total


def _parallel(
    low: Pitches, high: Pitches, low_after: Pitches, high_after: Pitches
) -> npt.NDArray[np.bool_]:
    """Where two voices both move and keep a perfect fifth, octave or unison between them [n, m]."""
    before = ((high - low) % 12)[:, None]
    after = ((high_after - low_after) % 12)[None, :]
    moving = (low[:, None] != low_after[None, :]) & (high[:, None] != high_after[None, :])
    return np.asarray(moving & (before == after) & ((before == 0) | (before == 7)))
