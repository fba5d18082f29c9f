"""Chords of recorded music, a bar or half a bar at a time, for a lead sheet.

Pitch classes between beats are held against triads and sevenths; a change costs something, so that
a passing note is no chord (Viterbi). What is heard is an ear's first guess: roots and thirds, no
extensions. Knows nothing of how the music was made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Mode
from musiscene_core.cue import Chord
from musiscene_core.spelling import chord_note_names
from musiscene_core.spotting.chroma import HOP_S
from musiscene_core.tempo_map import TempoMap

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_SHAPES: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("", (0, 4, 7), 0.0),
    ("m", (0, 3, 7), 0.0),
    ("dim", (0, 3, 6), 0.04),
    ("7", (0, 4, 7, 10), 0.04),
    ("maj7", (0, 4, 7, 11), 0.05),
    ("m7", (0, 3, 7, 10), 0.04),
    ("sus4", (0, 5, 7), 0.04),
)
"""Names, steps above the root, and what each costs for being rarer."""
_CHANGE = 0.12
_HALF_BAR_CHANGE = 0.1
"""What a chord that changes within a bar costs further."""
_FAINT = 1e-6


def heard_chords(
    chroma: Floats, tempo: TempoMap, length_s: float, tonic: int = 0, mode: Mode = "major"
) -> tuple[Chord, ...]:
    """The chords of music, in the beats of `tempo`.

    Args:
        chroma: [n, chroma.STEPS], a row every chroma.HOP_S, of the music from its beginning.
        tempo: its tempo map.
        length_s: of the music.
        tonic: of the key whose note names are used.
        mode: of that key.
    """
    spans = _spans(tempo, length_s)
    if not spans or not len(chroma):
        return ()
    heard = np.array([_classes(chroma, tempo, start, end) for start, end, _ in spans])
    shapes = _templates()
    costs = np.array([cost for _ in range(12) for _, _, cost in _SHAPES])
    scores = heard @ shapes.T - costs
    on_bar = np.array([line for _, _, line in spans])
    path = _best(scores, on_bar)
    found: list[Chord] = []
    for (start, end, _), place, row in zip(spans, path, heard, strict=True):
        if row.sum() < _FAINT:
            continue
        root, shape = divmod(place, len(_SHAPES))
        classes = tuple((root + step) % 12 for step in _SHAPES[shape][1])
        name = chord_note_names(classes, tonic, mode)[0] + _SHAPES[shape][0]
        if found and found[-1].name == name and found[-1].start + found[-1].length == start:
            last = found.pop()
            start = last.start
        found.append(
            Chord(
                start=start,
                length=end - start,
                root=root,
                pitch_classes=classes,
                name=name,
            )
        )
    return tuple(found)


def _spans(tempo: TempoMap, length_s: float) -> list[tuple[float, float, bool]]:
    """Halves of bars of an even number of beats, whole bars else: start, end, whether on a line."""
    last = tempo.beat(length_s)
    found: list[tuple[float, float, bool]] = []
    for bar in tempo.bar_lines(0.0, last):
        end = min(bar.beat + bar.beats, last)
        half = bar.beat + bar.beats / 2
        if bar.beats % 2 == 0 and half < end:
            found += [(bar.beat, half, True), (half, end, False)]
        elif end > bar.beat:
            found.append((bar.beat, end, True))
    return found


def _classes(chroma: Floats, tempo: TempoMap, start: float, end: float) -> Doubles:
    """Pitch classes between two beats [12], of unit length."""
    first = round(tempo.seconds(start) / HOP_S)
    rows = chroma[first : max(first + 1, round(tempo.seconds(end) / HOP_S))]
    third = chroma.shape[1] // 12
    classes = rows[:, ::third].sum(axis=0, dtype=np.float64)
    for by in (-1, 1):
        classes += 0.5 * np.roll(rows, by, axis=1)[:, ::third].sum(axis=0, dtype=np.float64)
    unit: Doubles = classes / max(float(np.linalg.norm(classes)), 1e-9)
    return unit


def _templates() -> Doubles:
    rows = []
    for root in range(12):
        for _, steps, _ in _SHAPES:
            row = np.zeros(12)
            row[[(root + step) % 12 for step in steps]] = 1.0
            # The root sounds most, and each fifth with it.
            row[root] += 0.25
            rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def _best(scores: Doubles, on_bar: npt.NDArray[np.bool_]) -> list[int]:
    """The best way through `scores` [n, chords], where a change costs."""
    best = scores[0].copy()
    before = np.zeros(scores.shape, np.int64)
    for now in range(1, len(scores)):
        change = _CHANGE + (0.0 if on_bar[now] else _HALF_BAR_CHANGE)
        top = int(best.argmax())
        stays = best >= best[top] - change
        before[now] = np.where(stays, np.arange(len(best)), top)
        best = np.where(stays, best, best[top] - change) + scores[now]
    path = [int(best.argmax())]
    for now in range(len(scores) - 1, 0, -1):
        path.append(int(before[now, path[-1]]))
    return path[::-1]
