"""The bass line: the chords' lowest notes in the idiom's rhythm, with an onset on every hit.

How it gets from chord to chord goes by the idiom's character: walking through the notes between,
leading over with one of them, leaping octaves, or staying. Knows nothing of which instrument
plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

from musiscene_core.composing.bars import Bar
from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import BASS_HIGH, BASS_LOW, VoicedChord
from musiscene_core.composing.idioms import Idiom
from musiscene_core.composing.performance import level
from musiscene_core.composing.rhythms import STEPS_PER_BEAT, steps
from musiscene_core.cue import Note

Habit = Literal["root", "walk", "approach", "octaves"]

HABITS: MappingProxyType[str, Habit] = MappingProxyType(
    {
        "play": "walk",
        "hope": "approach",
        "sorrow": "approach",
        "drive": "octaves",
        "threat": "octaves",
        "drift": "root",
        "static": "root",
        "terror": "root",
    }
)
"""By the character an idiom likes most."""

_LAST_BEAT = 1.0
_LEAD_FROM = 0.45
"""Activity from which the bass takes the trouble to lead over."""
_LEAD_VELOCITY = -6


def write_bass(
    idiom: Idiom, form: Form, bars: Sequence[Bar], chords: Sequence[VoicedChord]
) -> list[Note]:
    """The bass over `bars`: the idiom's steps and every change of chord.

    Args:
        idiom: whose bass style and character.
        form: for how loud it is.
        bars: what to fill.
        chords: those that sound there, in order.
    """
    style = idiom.bass
    habit = HABITS[idiom.characters[0]]
    notes: list[Note] = []
    at = 0
    for bar in bars:
        onsets, struck = _onsets(idiom, bar, chords)
        turn = 0
        for place, start in enumerate(onsets):
            while at + 1 < len(chords) and chords[at + 1].start <= start + 1e-6:
                at += 1
            chord = chords[at]
            turn = 0 if start in struck or place == 0 else turn + 1
            after = onsets[place + 1] if place + 1 < len(onsets) else bar.end
            length = (after - start) * style.hold
            pitch = _tone(chord, style.tones[turn % len(style.tones)])
            if habit == "octaves" and turn % 2 and bar.activity >= _LEAD_FROM:
                pitch = _tone(chord, 12)
            velocity = round(level(form, start) + (6 if turn == 0 else 0))
            notes.append(Note(start, round(length, 6), pitch, velocity))
        if habit in ("walk", "approach") and bar.activity >= _LEAD_FROM:
            notes = _led_over(notes, chords, bar, habit, style.hold)
    return notes


def _onsets(
    idiom: Idiom, bar: Bar, chords: Sequence[VoicedChord]
) -> tuple[list[float], set[float]]:
    """Beats of a bar on which the bass sounds, and those where a chord begins."""
    style = idiom.bass
    table = steps(style.order, bar.beats, max(1.0, style.most * bar.beats / 4 * bar.activity))
    struck = {chord.start for chord in chords if bar.start <= chord.start < bar.end}
    onsets = {round(bar.line + step / STEPS_PER_BEAT, 6) for step in table} | struck
    return sorted(beat for beat in onsets if bar.start - 1e-6 <= beat < bar.end - 0.05), struck


def _led_over(
    notes: list[Note], chords: Sequence[VoicedChord], bar: Bar, habit: Habit, hold: float
) -> list[Note]:
    """`notes` with the bar's last beats leading to a chord that begins right after it."""
    following = next((c for c in chords if abs(c.start - bar.end) < 1e-6), None)
    here = next((c for c in reversed(chords) if c.start < bar.end - 1e-6), None)
    if following is None or here is None or following.bass == here.bass or not notes:
        return notes
    count = 2 if habit == "walk" and bar.end - max(bar.start, here.start) >= 3.0 else 1
    start = round(bar.end - count * _LAST_BEAT, 6)
    if start <= max(bar.start, here.start) + 1e-6:
        return notes
    path = approach(here.bass, following.bass, here.scale, count)
    kept = [
        Note(n.start, min(n.length, round(start - n.start, 6)), n.pitch, n.velocity)
        for n in notes
        if n.start < start - 1e-6
    ]
    loud = notes[-1].velocity + _LEAD_VELOCITY
    return kept + [
        Note(round(start + place * _LAST_BEAT, 6), round(_LAST_BEAT * hold, 6), pitch, loud)
        for place, pitch in enumerate(path)
    ]


def approach(here: int, there: int, scale: frozenset[int], count: int) -> list[int]:
    """`count` bass notes that walk towards `there`, the last one a step of the scale from it.

    They come from the side of `here`, or from above where that leaves the bass's range.
    """
    side = 1 if here > there else -1
    ladder = [pitch for pitch in range(BASS_LOW, BASS_HIGH + 1) if pitch % 12 in scale]

    def beside(direction: int) -> list[int]:
        found = [pitch for pitch in ladder if 0 < (pitch - there) * direction <= 5]
        return sorted(found, key=lambda pitch: abs(pitch - there))[:count]

    near = max(beside(side), beside(-side), key=len)
    while len(near) < count:
        near.append(near[-1] if near else here)
    return near[::-1]


def _tone(chord: VoicedChord, above: int) -> int:
    """The bass `above` semitones higher where the chord has that note and it lies in range."""
    pitch = chord.bass + above
    if pitch > BASS_HIGH:
        pitch -= 12 if above != 12 else 24
    wanted = pitch % 12 in chord.chord.pitch_classes or above == 12
    return pitch if wanted and pitch >= BASS_LOW else chord.bass
