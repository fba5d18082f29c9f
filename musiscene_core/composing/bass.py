"""The bass line: the chords' lowest notes in the idiom's rhythm, with an onset on every hit.

Knows nothing of which instrument plays.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.composing.form import Bar, Form
from musiscene_core.composing.harmony import BASS_HIGH, BASS_LOW, VoicedChord
from musiscene_core.composing.idioms import BassStyle
from musiscene_core.composing.performance import level
from musiscene_core.composing.rhythms import STEPS_PER_BEAT, steps
from musiscene_core.cue import Note


def write_bass(
    style: BassStyle,
    beats_per_bar: int,
    form: Form,
    bars: Sequence[Bar],
    chords: Sequence[VoicedChord],
) -> list[Note]:
    """The bass over `bars`: the idiom's steps and every change of chord."""
    notes: list[Note] = []
    at = 0
    for bar in bars:
        count = max(1.0, style.most * beats_per_bar / 4 * bar.activity)
        table = steps(style.order, beats_per_bar, count)
        beats = {round(bar.line + step / STEPS_PER_BEAT, 6) for step in table}
        beats |= {chord.start for chord in chords if bar.start <= chord.start < bar.end}
        onsets = sorted(beat for beat in beats if bar.start - 1e-6 <= beat < bar.end - 0.05)
        struck = {chord.start for chord in chords if bar.start <= chord.start < bar.end}
        turn = 0
        for place, start in enumerate(onsets):
            while at + 1 < len(chords) and chords[at + 1].start <= start + 1e-6:
                at += 1
            chord = chords[at]
            turn = 0 if start in struck or place == 0 else turn + 1
            after = onsets[place + 1] if place + 1 < len(onsets) else bar.end
            length = (after - start) * style.hold
            pitch = _tone(chord, style.tones[turn % len(style.tones)])
            velocity = round(level(form, start) + (6 if turn == 0 else 0))
            notes.append(Note(start, round(length, 6), pitch, velocity))
    return notes


def _tone(chord: VoicedChord, above: int) -> int:
    """The bass `above` semitones higher where the chord has that note and it lies in range."""
    pitch = chord.bass + above
    if pitch > BASS_HIGH:
        pitch -= 12
    wanted = pitch % 12 in chord.chord.pitch_classes
    return pitch if wanted and pitch >= BASS_LOW else chord.bass
