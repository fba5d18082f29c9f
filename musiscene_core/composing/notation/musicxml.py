"""A cue as MusicXML 4.0 (partwise) for notation programs, from its quantised score.

The first part is a lead sheet, melody and chord symbols, silent when played back; the cue's own
parts follow, all at concert pitch. Source: w3.org/2021/06/musicxml40. The same cue gives the same
bytes: no date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core import __version__
from musiscene_core.composing.notation.drum_staff import drum_place
from musiscene_core.composing.notation.marks import (
    Mark,
    chord_symbols,
    dynamics,
    placed,
    system_marks,
    xml_text,
)
from musiscene_core.composing.notation.midi import PROGRAMS
from musiscene_core.composing.notation.quantise import (
    STEPS_PER_BEAT,
    Measure,
    WrittenCue,
    quantised,
)
from musiscene_core.composing.notation.spelled import Spelled, Speller, key_fifths, signature
from musiscene_core.composing.notation.staves import Staff, lead_line, staves_of
from musiscene_core.composing.notation.voices import (
    MOST_VOICES,
    Event,
    beams,
    in_measures,
    voices_of,
)
from musiscene_core.cue import Cue, Part

LEAD_PART = "P1"
"""Id of the lead sheet's part."""
_TYPES = {
    16: ("whole", ""),
    12: ("half", "<dot/>"),
    8: ("half", ""),
    6: ("quarter", "<dot/>"),
    4: ("quarter", ""),
    3: ("eighth", "<dot/>"),
    2: ("eighth", ""),
    1: ("16th", ""),
}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_DRUM_CHANNEL = 10
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
    '<score-partwise version="4.0">'
)


def musicxml_file(cue: Cue, title: str) -> bytes:
    """`cue`, called `title`, as the bytes of a MusicXML file."""
    written = quantised(cue)
    speller = Speller(cue)
    above = (*system_marks(written), *chord_symbols(written))
    parts = [_Written(LEAD_PART, None, (lead_line(written),), above)]
    for number, part in enumerate(written.parts, start=2):
        loud = dynamics(written, part.notes)
        parts.append(_Written(f"P{number}", part.part, staves_of(part), loud))
    software = f"<encoding><software>MusiScene {__version__}</software></encoding>"
    texts = [
        _HEAD,
        f"<work><work-title>{xml_text(title)}</work-title></work>",
        f"<identification>{software}</identification>",
        "<part-list>",
        *(_listed(part, index) for index, part in enumerate(parts)),
        "</part-list>",
    ]
    texts += [_part(part, written, speller) for part in parts]
    texts.append("</score-partwise>\n")
    return "\n".join(texts).encode()


@dataclass(frozen=True)
class _Written:
    """A part to be written: its id, the cue's part (none for the lead sheet), staves and marks."""

    id: str
    part: Part | None
    staves: tuple[Staff, ...]
    marks: Sequence[Mark]


def _listed(written: _Written, index: int) -> str:
    """A part's entry in the part list, with its sounds."""
    own = written.id
    name = xml_text(written.part.name if written.part else "Lead sheet")
    head = f'<score-part id="{own}"><part-name>{name}</part-name>'
    if written.part is not None and written.part.role == "percussion":
        drums = sorted({note.pitch for note in written.staves[0].notes})
        instruments = [
            f'<score-instrument id="{own}-I{drum}">'
            f"<instrument-name>{drum_place(drum).name}</instrument-name></score-instrument>"
            for drum in drums
        ]
        program = PROGRAMS.get(written.part.instrument, 0) + 1
        sounds = [
            f'<midi-instrument id="{own}-I{drum}"><midi-channel>{_DRUM_CHANNEL}</midi-channel>'
            f"<midi-program>{program}</midi-program>"
            f"<midi-unpitched>{drum + 1}</midi-unpitched></midi-instrument>"
            for drum in drums
        ]
        return head + "".join((*instruments, *sounds)) + "</score-part>"
    channel = index % 15 + 1
    channel += channel >= _DRUM_CHANNEL
    program = PROGRAMS.get(written.part.instrument, 0) + 1 if written.part else 1
    volume = "" if written.part else "<volume>0</volume>"
    return (
        f'{head}<score-instrument id="{own}-I1"><instrument-name>{name}</instrument-name>'
        f'</score-instrument><midi-instrument id="{own}-I1">'
        f"<midi-channel>{channel}</midi-channel><midi-program>{program}</midi-program>"
        f"{volume}</midi-instrument></score-part>"
    )


def _part(part: _Written, written: WrittenCue, speller: Speller) -> str:
    fifths = key_fifths(written.cue)
    layers = [
        [in_measures(voice, written.measures) for voice in voices_of(staff.notes)]
        for staff in part.staves
    ]
    texts = [f'<part id="{part.id}">']
    metre = 0
    for index, measure in enumerate(written.measures):
        hidden = ' implicit="yes"' if measure.pickup else ""
        texts.append(f'<measure number="{measure.number}"{hidden}>')
        texts.append(_attributes(part, written.cue, measure, fifths, index == 0, metre))
        metre = measure.beats
        texts.append(placed(part.marks, measure.start, measure.end, staff=len(part.staves) > 1))
        content = [[voice[index] for voice in voices] for voices in layers]
        texts.append(_Bar(part, measure, speller, fifths).written(content))
        if index == len(written.measures) - 1:
            texts.append('<barline location="right"><bar-style>light-heavy</bar-style></barline>')
        texts.append("</measure>")
    texts.append("</part>")
    return "\n".join(text for text in texts if text)


def _attributes(
    part: _Written, cue: Cue, measure: Measure, fifths: int, first: bool, metre: int
) -> str:
    if not first and measure.beats == metre:
        return ""
    time = f"<time><beats>{measure.beats}</beats><beat-type>4</beat-type></time>"
    if not first:
        return f"<attributes>{time}</attributes>"
    drums = part.part is not None and part.part.role == "percussion"
    key = "<fifths>0</fifths>" if drums else f"<fifths>{fifths}</fifths><mode>{cue.mode}</mode>"
    staves = f"<staves>{len(part.staves)}</staves>" if len(part.staves) > 1 else ""
    clefs = ""
    for number, staff in enumerate(part.staves, start=1):
        clef = staff.clef
        line = f"<line>{clef.line}</line>" if clef.line else ""
        change = clef.octave_change
        octave = f"<clef-octave-change>{change}</clef-octave-change>" if change else ""
        own = f' number="{number}"' if staves else ""
        clefs += f"<clef{own}><sign>{clef.sign}</sign>{line}{octave}</clef>"
    return (
        f"<attributes><divisions>{STEPS_PER_BEAT}</divisions><key>{key}</key>{time}{staves}"
        f"{clefs}</attributes>"
    )


class _Bar:
    """Writes the notes of one part in one measure."""

    def __init__(self, part: _Written, measure: Measure, speller: Speller, fifths: int) -> None:
        self._part = part
        self._measure = measure
        self._speller = speller
        self._signature = signature(fifths)
        self._drums = part.part is not None and part.part.role == "percussion"

    def written(self, staves: Sequence[Sequence[Sequence[Event]]]) -> str:
        """The measure's voices, by staff and voice, one after another."""
        length = self._measure.end - self._measure.start
        pieces = []
        for number, voices in enumerate(staves, start=1):
            shown = self._accidentals(voices)
            silent = not any(voices)
            for place, events in enumerate(voices or [()]):
                voice = (number - 1) * MOST_VOICES + place + 1
                if events:
                    pieces.append(self._voice(events, voice, number, shown))
                elif silent and place == 0:
                    pieces.append(
                        f'<note><rest measure="yes"/><duration>{length}</duration>'
                        f"<voice>{voice}</voice>{self._staff(number)}</note>"
                    )
        return f"<backup><duration>{length}</duration></backup>\n".join(pieces)

    def _voice(
        self,
        events: Sequence[Event],
        voice: int,
        staff: int,
        shown: dict[tuple[int, int], str],
    ) -> str:
        texts = []
        for event, joined in zip(events, beams(events, self._measure), strict=True):
            if event.pitches:
                texts += self._chord(event, joined, voice, staff, shown)
            elif (voice - 1) % MOST_VOICES:
                own = self._staff(staff)
                texts.append(
                    f"<forward><duration>{event.length}</duration><voice>{voice}</voice>{own}"
                    "</forward>"
                )
            else:
                texts.append(f"<note><rest/>{self._value(event, voice)}{self._staff(staff)}</note>")
        return "\n".join(texts) + "\n"

    def _chord(
        self,
        event: Event,
        joined: Sequence[str],
        voice: int,
        staff: int,
        shown: dict[tuple[int, int], str],
    ) -> list[str]:
        ties = ["stop"] * event.from_before + ["start"] * event.into_next
        sound = "".join(f'<tie type="{tie}"/>' for tie in ties)
        tied = "".join(f'<tied type="{tie}"/>' for tie in ties)
        dotted = event.staccato and not ties
        dots = "<articulations><staccato/></articulations>" if dotted else ""
        notes = []
        for place, pitch in enumerate(event.pitches):
            marks = tied + (dots if place == 0 else "")
            notes.append(
                f"<note>{'<chord/>' if place else ''}{self._pitch(pitch, event.start)}"
                f"<duration>{event.length}</duration>{sound}{self._instrument(pitch)}"
                f"<voice>{voice}</voice>{self._type(event)}"
                f"{shown.get((event.start, pitch), '') if not event.from_before else ''}"
                f"{self._head(pitch)}{self._staff(staff)}"
                f"{'' if place else self._beams(joined)}"
                f"{f'<notations>{marks}</notations>' if marks else ''}</note>"
            )
        return notes

    def _accidentals(self, voices: Sequence[Sequence[Event]]) -> dict[tuple[int, int], str]:
        """The accidentals to show, by start and pitch: where the bar so far says another."""
        if self._drums:
            return {}
        heard: dict[tuple[str, int], int] = {}
        shown: dict[tuple[int, int], str] = {}
        events = sorted((e for voice in voices for e in voice), key=lambda e: e.start)
        for event in events:
            for pitch in event.pitches:
                note = self._named(pitch, event.start)
                line = (note.step, note.octave)
                valid = heard.get(line, self._signature.get(note.step, 0))
                if note.alter != valid and not event.from_before:
                    shown[event.start, pitch] = (
                        f"<accidental>{_ACCIDENTALS[note.alter]}</accidental>"
                    )
                    heard[line] = note.alter
        return shown

    def _named(self, pitch: int, step: int) -> Spelled:
        return self._speller(pitch, step / STEPS_PER_BEAT)

    def _pitch(self, pitch: int, step: int) -> str:
        if self._drums:
            drum = drum_place(pitch)
            return (
                f"<unpitched><display-step>{drum.step}</display-step>"
                f"<display-octave>{drum.octave}</display-octave></unpitched>"
            )
        note = self._named(pitch, step)
        alter = f"<alter>{note.alter}</alter>" if note.alter else ""
        return f"<pitch><step>{note.step}</step>{alter}<octave>{note.octave}</octave></pitch>"

    def _instrument(self, pitch: int) -> str:
        return f'<instrument id="{self._part.id}-I{pitch}"/>' if self._drums else ""

    def _head(self, pitch: int) -> str:
        head = drum_place(pitch).head if self._drums else "normal"
        return f"<notehead>{head}</notehead>" if head != "normal" else ""

    def _staff(self, number: int) -> str:
        return f"<staff>{number}</staff>" if len(self._part.staves) > 1 else ""

    def _value(self, event: Event, voice: int) -> str:
        return f"<duration>{event.length}</duration><voice>{voice}</voice>{self._type(event)}"

    @staticmethod
    def _type(event: Event) -> str:
        name, dot = _TYPES[event.length]
        return f"<type>{name}</type>{dot}"

    @staticmethod
    def _beams(states: Sequence[str]) -> str:
        return "".join(
            f'<beam number="{level}">{state}</beam>' for level, state in enumerate(states, start=1)
        )
