"""How the harmony moves: held pads, and figures whose density follows the picture.

Knows nothing of which instrument plays.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import Bar, Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.idioms import FigureStyle
from musiscene_core.composing.performance import level
from musiscene_core.composing.rhythms import STEPS_PER_BEAT, steps
from musiscene_core.cue import Note

_FIGURE_HIGH = 84


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
    """One figure, kept through the cue and varied by section."""

    def __init__(self, style: FigureStyle, beats_per_bar: int, dice: Dice) -> None:
        self._style = style
        self._metre = beats_per_bar
        self._dice = dice

    def section(
        self, form: Form, bars: Sequence[Bar], chords: Sequence[VoicedChord], *, shift: int
    ) -> list[Note]:
        """The figure over the bars of one section; `shift` moves it in semitones."""
        style, dice = self._style, self._dice
        contour = dice.pick(style.contours)
        turn = dice.pick((0, 0, 1))
        notes: list[Note] = []
        at = 0
        for number, bar in enumerate(bars):
            onsets = self._onsets(bar)
            # One note is varied every second bar, so that an ostinato stays alive.
            varied = int(dice.uniform(0, max(1, len(onsets)))) if number % 2 else -1
            for place, (start, accent) in enumerate(onsets):
                while at + 1 < len(chords) and chords[at + 1].start <= start + 1e-6:
                    at += 1
                after = onsets[place + 1][0] if place + 1 < len(onsets) else bar.end
                length = (after - start) * style.hold
                length = min(length, max(0.1, chords[at].end - start), 4.0)
                voice = contour[(place + turn + (place == varied)) % len(contour)]
                velocity = round(level(form, start) - 6 + 9 * accent)
                pitch = _pitch(chords[at], voice, shift)
                notes.append(Note(round(start, 6), round(length, 6), pitch, velocity))
        return notes

    def _onsets(self, bar: Bar) -> list[tuple[float, bool]]:
        """Beats of a bar on which the figure sounds, and whether each is an accent."""
        most = self._style.most * self._metre / 4
        table = steps(self._style.order, self._metre, max(1.0, bar.activity * most))
        accents = {0, 6, 12} if self._style.order == "332" else {0, 8}
        beats = [(bar.line + step / STEPS_PER_BEAT, step in accents) for step in table]
        return [
            (beat, strong) for beat, strong in beats if bar.start - 1e-6 <= beat < bar.end - 0.05
        ]


def _pitch(chord: VoicedChord, voice: int, shift: int) -> int:
    octave, place = divmod(voice, len(chord.voices))
    pitch = chord.voices[place] + 12 * octave + shift
    return pitch if pitch <= _FIGURE_HIGH else pitch - 12
