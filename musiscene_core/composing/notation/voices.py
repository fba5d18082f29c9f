"""Notes of one staff as voices of chords and rests, in values that a musician can read.

A voice holds one chord at a time. What crosses a bar line, or hides a beat, is written as tied
pieces. Knows nothing of pitch names or of any file format.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from musiscene_core.composing.notation.quantise import STEPS_PER_BEAT, Measure, WrittenNote

MOST_VOICES = 4
"""More than this no notation program writes on one staff."""
_VALUES = (16, 12, 8, 6, 4, 3, 2, 1)
"""Lengths, in sixteenths, that one note can have."""


@dataclass(frozen=True)
class Event:
    """A chord or a rest inside one measure.

    Attributes:
        start: in sixteenths from the first downbeat.
        length: one of the values a single note can have, or a whole measure's for a rest.
        pitches: ascending; none for a rest.
        staccato: played short.
        from_before: it is tied to the event before.
        into_next: it is tied to the event after.
    """

    start: int
    length: int
    pitches: tuple[int, ...] = ()
    staccato: bool = False
    from_before: bool = False
    into_next: bool = False

    @property
    def end(self) -> int:
        """The sixteenth after its last."""
        return self.start + self.length


def voices_of(notes: Sequence[WrittenNote]) -> list[list[Event]]:
    """`notes` in as few voices as hold them, at most MOST_VOICES, each without overlap.

    Where more would be needed, the voice that ends first lets go early.
    """
    voices: list[list[Event]] = []
    for chord in _chords(notes):
        free = [voice for voice in voices if voice[-1].end <= chord.start]
        if free:
            # The voice that rested least reads on most naturally.
            max(free, key=lambda voice: voice[-1].end).append(chord)
        elif len(voices) < MOST_VOICES:
            voices.append([chord])
        else:
            _squeeze(min(voices, key=lambda voice: (voice[-1].start, voice[-1].end)), chord)
    return voices


def _chords(notes: Sequence[WrittenNote]) -> list[Event]:
    """Notes that begin and end together, earliest first, long before short."""
    together: dict[tuple[int, int], list[WrittenNote]] = {}
    for note in notes:
        together.setdefault((note.start, -note.length), []).append(note)
    return [
        Event(
            start,
            -length,
            tuple(sorted({note.pitch for note in chord})),
            staccato=all(note.staccato for note in chord),
        )
        for (start, length), chord in sorted(together.items())
    ]


def _squeeze(voice: list[Event], chord: Event) -> None:
    last = voice[-1]
    if last.start == chord.start:
        pitches = tuple(sorted({*last.pitches, *chord.pitches}))
        voice[-1] = replace(last, pitches=pitches)
    else:
        voice[-1] = replace(last, length=chord.start - last.start)
        voice.append(chord)


def in_measures(voice: Sequence[Event], measures: Sequence[Measure]) -> list[list[Event]]:
    """A voice cut at the bar lines into readable values, rests filled in, a list a measure.

    A measure in which the voice is silent gives an empty list.
    """
    cut: list[list[Event]] = [[] for _ in measures]
    index = 0
    for event in voice:
        index = max(0, bisect_right(measures, event.start, key=lambda measure: measure.start) - 1)
        at = event.start
        while at < event.end:
            measure = measures[index]
            stop = min(event.end, measure.end)
            for length in _split(at, stop, measure):
                cut[index].append(
                    replace(
                        event,
                        start=at,
                        length=length,
                        from_before=at > event.start,
                        into_next=at + length < event.end,
                    )
                )
                at += length
            index += 1
    return [_filled(events, measure) for events, measure in zip(cut, measures, strict=True)]


def _filled(events: Sequence[Event], measure: Measure) -> list[Event]:
    if not events:
        return []
    filled: list[Event] = []
    at = measure.start
    for event in (*events, Event(measure.end, 0)):
        for length in _split(at, event.start, measure, rest=True):
            filled.append(Event(at, length))
            at += length
        if event.length:
            filled.append(event)
        at = event.end
    return filled


def _split(start: int, stop: int, measure: Measure, *, rest: bool = False) -> list[int]:
    """The span [start, stop) of one measure in values that show its beats."""
    lengths = []
    bar_line = measure.end - measure.beats * STEPS_PER_BEAT
    at = start
    while at < stop:
        length = _first(at - bar_line, stop - at, measure.beats, rest=rest)
        lengths.append(length)
        at += length
    return lengths


def _first(place: int, left: int, beats: int, *, rest: bool) -> int:
    """The longest readable value at `place` of a bar, in what is `left`."""
    off = place % STEPS_PER_BEAT
    if off:
        if off == 2 and left == STEPS_PER_BEAT and not rest:
            return STEPS_PER_BEAT
        room = min(left, STEPS_PER_BEAT - off)
        return next(value for value in _VALUES if value <= room)
    middle = 8 if beats == 4 else 0
    room = left
    if rest:
        room = min(left, STEPS_PER_BEAT if place % 8 else 8)
    elif middle and place == 4:
        # A half note over the middle of the bar is read at sight; nothing longer or dotted is.
        room = left if left in (8, 12) else min(left, 4)
    elif middle and 0 < place < middle:
        room = min(left, middle - place)
    return next(value for value in _VALUES if value <= room)


def beams(events: Sequence[Event], measure: Measure) -> list[tuple[str, ...]]:
    """For every event of a measure the states of its beams, the eighths' first: "begin", ..."""
    states: list[list[str]] = [[] for _ in events]
    for group in _groups(events, measure):
        if len(group) < 2:
            continue
        for level in (1, 2):
            run: list[int] = []
            for index in (*group, None):
                if index is not None and _flags(events[index]) >= level:
                    run.append(index)
                    continue
                _join(states, run, group)
                run = []
    return [tuple(state) for state in states]


def _flags(event: Event) -> int:
    return 0 if not event.pitches or event.length >= STEPS_PER_BEAT else 2 - (event.length >= 2)


def _groups(events: Sequence[Event], measure: Measure) -> list[list[int]]:
    """Indices of neighbours under one beam: a beat, or half a bar of nothing but eighths."""
    bar_line = measure.end - measure.beats * STEPS_PER_BEAT
    groups: list[list[int]] = []
    key: tuple[int, int] | None = None
    for index, event in enumerate(events):
        if not _flags(event):
            key = None
            continue
        place = event.start - bar_line
        half = place // 8
        in_half = [e for e in events if (e.start - bar_line) // 8 == half]
        plain = measure.beats % 2 == 0 and all(e.length == 2 and e.pitches for e in in_half)
        own = (half, -1) if plain else (half, place // STEPS_PER_BEAT)
        if own == key:
            groups[-1].append(index)
        else:
            groups.append([index])
        key = own
    return groups


def _join(states: list[list[str]], run: Sequence[int], group: Sequence[int]) -> None:
    if len(run) == 1:
        states[run[0]].append("forward hook" if run[0] == group[0] else "backward hook")
    for index in run if len(run) > 1 else ():
        ends = {run[0]: "begin", run[-1]: "end"}
        states[index].append(ends.get(index, "continue"))
