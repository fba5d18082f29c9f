"""How the harmony moves: held pads, and figures whose density follows the picture.

Knows nothing of which instrument plays.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.composing.bars import Bar
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import UNDER_SPEECH_HIGH, VoicedChord
from musiscene_core.composing.idioms import FigureStyle
from musiscene_core.composing.orchestration import FIGURE_HIGH
from musiscene_core.composing.performance import level
from musiscene_core.composing.rhythms import STEPS_PER_BEAT, steps
from musiscene_core.cue import Note

ACCENT = 9
"""By how much an accent of a figure is louder."""
ACCENTS_332 = frozenset({0, 6, 12})
"""Sixteenths of a bar that a 3-3-2 pattern stresses."""
_ACCENTS_EVEN = frozenset({0, 8})
_SPOKEN = 0.3
"""Share of a bar in which someone speaks, from which the figure stays low."""


def held(form: Form, chords: Sequence[VoicedChord], until: float, *, shift: int = 0) -> list[Note]:
    """The chords held; a voice that stays is tied over, unless the chord is struck.

    The last chord ends at `until`.
    """
    notes: list[Note] = []
    sounding: dict[int, Note] = {}
    for chord in chords:
        end = min(chord.end, until) if chord is chords[-1] else chord.end
        velocity = round(level(form, chord.start))
        still: dict[int, Note] = {}
        for place, voice in enumerate(chord.voices):
            pitch = voice + shift
            if pitch > chord.high:
                # Under speech the top voice goes, where the chord cannot lie lower.
                continue
            tied = sounding.get(pitch)
            if tied is not None and not chord.struck and tied.start + tied.length >= chord.start:
                still[pitch] = Note(tied.start, end - tied.start, pitch, tied.velocity)
            else:
                top = 3 if place == len(chord.voices) - 1 else 0
                still[pitch] = Note(chord.start, end - chord.start, pitch, velocity + top)
        notes += [note for pitch, note in sounding.items() if _gone(note, still.get(pitch))]
        sounding = still
    return notes + list(sounding.values())


def _gone(note: Note, now: Note | None) -> bool:
    return now is None or now.start != note.start


class Figure:
    """One figure, kept through the cue and varied by section.

    A section repeats its pattern bar by bar; in every second bar one note of it is another, so
    that an ostinato stays alive.
    """

    def __init__(self, style: FigureStyle, dice: Dice) -> None:
        self._style = style
        self._dice = dice

    def section(
        self,
        form: Form,
        bars: Sequence[Bar],
        chords: Sequence[VoicedChord],
        *,
        shift: int,
    ) -> list[Note]:
        """The figure over the bars of one section, moved by `shift` semitones; low under speech.

        Args:
            form: for how loud it is.
            bars: what to fill.
            chords: those that sound there, in order.
            shift: semitones.
        """
        contour = self._dice.pick(self._style.contours)
        turn = self._dice.pick((0, 0, 1))
        chance = self._dice.uniform(0.0, 1.0)
        notes: list[Note] = []
        for number, bar in enumerate(bars):
            onsets = self._onsets(bar)
            varied = int(chance * len(onsets)) if number % 2 else -1
            spoken = bar.speech >= _SPOKEN
            for place, (start, accent) in enumerate(onsets):
                chord = next((c for c in reversed(chords) if c.start <= start + 1e-6), chords[0])
                after = onsets[place + 1][0] if place + 1 < len(onsets) else bar.end
                length = (after - start) * self._style.hold
                length = min(length, max(0.1, chord.end - start), 4.0)
                lift, high = (min(0, shift), UNDER_SPEECH_HIGH) if spoken else (shift, FIGURE_HIGH)
                at = (place + turn) % len(contour)
                voices = (*contour[at:], *contour[:at], contour[at] + 1)
                pitches = [_pitch(chord, voice, lift, high) for voice in voices]
                pitch = pitches[0]
                if place == varied:
                    pitch = next((other for other in pitches if other != pitch), pitch)
                velocity = round(level(form, start) - 6 + ACCENT * accent)
                notes.append(Note(round(start, 6), round(length, 6), pitch, velocity))
        return notes

    def _onsets(self, bar: Bar) -> list[tuple[float, bool]]:
        """Beats of a bar on which the figure sounds, and whether each is an accent."""
        most = self._style.most * bar.beats / 4
        table = steps(self._style.order, bar.beats, max(1.0, bar.activity * most))
        accents = ACCENTS_332 if self._style.order == "332" else _ACCENTS_EVEN
        onsets = [(bar.line + step / STEPS_PER_BEAT, step in accents) for step in table]
        return [
            (beat, strong) for beat, strong in onsets if bar.start - 1e-6 <= beat < bar.end - 0.05
        ]


def _pitch(chord: VoicedChord, voice: int, shift: int, high: int) -> int:
    octave, place = divmod(voice, len(chord.voices))
    pitch = chord.voices[place] + 12 * octave + shift
    while pitch > high:
        pitch -= 12
    return pitch
