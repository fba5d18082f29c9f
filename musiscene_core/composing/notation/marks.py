"""What stands above and below the notes: tempo, sections, hits, dynamics and chord symbols.

Each mark is a piece of MusicXML with the sixteenth it belongs to. Knows nothing of notes' names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from musiscene_core.composing.notation.quantise import STEPS_PER_BEAT, WrittenCue, WrittenNote
from musiscene_core.composing.notation.spelled import split_name
from musiscene_core.cue import Chord
from musiscene_core.spelling import chord_note_names

_SHOWN_BPM = 2.0
"""A tempo this much from the last one shown is shown."""
_DYNAMICS = ((36, "pp"), (50, "p"), (64, "mp"), (80, "mf"), (98, "f"), (128, "ff"))
_KINDS = MappingProxyType(
    {
        (0, 4, 7): "major",
        (0, 3, 7): "minor",
        (0, 4, 7, 10): "dominant",
        (0, 3, 7, 10): "minor-seventh",
        (0, 4, 7, 11): "major-seventh",
        (0, 3, 7, 11): "major-minor",
        (0, 4, 7, 9): "major-sixth",
        (0, 3, 7, 9): "minor-sixth",
        (0, 5, 7): "suspended-fourth",
        (0, 2, 7): "suspended-second",
        (0, 3, 6): "diminished",
        (0, 3, 6, 9): "diminished-seventh",
    }
)
"""MusicXML's chord kinds by semitones above the root; an added ninth is a degree."""


@dataclass(frozen=True)
class Mark:
    """A piece of MusicXML at a sixteenth; `order` sorts those on one.

    Its offset in the measure and its staff come between `before` and `after`.
    """

    step: int
    order: int
    before: str
    after: str


def xml_text(text: str) -> str:
    """`text` as XML can hold it: escaped, and without control characters."""
    return escape("".join(letter for letter in text if letter.isprintable()))


def system_marks(written: WrittenCue) -> list[Mark]:
    """Tempi, sections and hits, which stand once, above the whole score."""
    marks = [*_tempi(written)]
    for section in written.cue.sections:
        text = xml_text(section.name.replace("_", " ").capitalize())
        kind = f"<rehearsal>{text}</rehearsal>"
        marks.append(_direction(written.clamped(section.start), 0, kind))
    for hit in written.cue.hits:
        label = xml_text(f"Hit: {hit.label or hit.kind.replace('_', ' ')}")
        kind = f'<words font-style="italic">{label}</words>'
        marks.append(_direction(written.clamped(hit.beat), 2, kind))
    return marks


def _tempi(written: WrittenCue) -> Iterator[Mark]:
    first = written.measures[0].start
    shown = 0.0
    segments = written.cue.tempo.segments
    for index, segment in enumerate(segments):
        step = max(first, round(segment.start_beat * STEPS_PER_BEAT))
        if step >= written.measures[-1].end:
            return
        bpm = written.cue.tempo.bpm_at(max(segment.start_beat, step / STEPS_PER_BEAT))
        kinds = []
        if abs(bpm - shown) >= _SHOWN_BPM:
            shown = bpm
            kinds.append(
                "<metronome><beat-unit>quarter</beat-unit>"
                f"<per-minute>{bpm:.0f}</per-minute></metronome>"
            )
        if segment.bpm_per_s and index + 1 < len(segments):
            change = segments[index + 1].bpm - segment.bpm
            if abs(change) >= _SHOWN_BPM:
                word = "accel." if change > 0 else "rit."
                kinds.append(f'<words font-style="italic">{word}</words>')
        # A direction must have a type; empty words show nothing and keep the exact tempo.
        for place, kind in enumerate(kinds or ["<words/>"]):
            sound = f'<sound tempo="{bpm:.6g}"/>' if place == 0 else ""
            yield _direction(step, 1, kind, after=sound)


def dynamics(written: WrittenCue, notes: Sequence[WrittenNote]) -> list[Mark]:
    """How loud a part is where it first sounds in each section, where that changes."""
    starts = [written.clamped(section.start) for section in written.cue.sections]
    last = written.measures[-1].end
    marks: list[Mark] = []
    before = ""
    for start, end in zip(starts or [written.measures[0].start], [*starts[1:], last], strict=False):
        here = [note for note in notes if start <= note.start < end]
        if not here:
            continue
        mean = sum(note.velocity for note in here) / len(here)
        name = next(name for limit, name in _DYNAMICS if mean < limit)
        if name != before:
            kind = f"<dynamics><{name}/></dynamics>"
            marks.append(_direction(here[0].start, 3, kind, placement="below"))
        before = name
    return marks


def _direction(
    step: int, order: int, kind: str, *, placement: str = "above", after: str = ""
) -> Mark:
    return Mark(
        step,
        order,
        f'<direction placement="{placement}"><direction-type>{kind}</direction-type>',
        f"{after}</direction>",
    )


def chord_symbols(written: WrittenCue) -> list[Mark]:
    """The harmony as chord symbols, one where it changes."""
    marks: list[Mark] = []
    before = ""
    for chord in written.cue.chords:
        step = written.clamped(chord.start)
        if marks and marks[-1].step == step:
            marks.pop()
        elif chord.name == before:
            continue
        before = chord.name
        marks.append(_harmony(written, chord))
    return marks


def _harmony(written: WrittenCue, chord: Chord) -> Mark:
    cue = written.cue
    name, _, bass = chord.name.partition("/")
    root = chord_note_names(chord.pitch_classes, cue.tonic, cue.mode)[0]
    steps = tuple((note - chord.root) % 12 for note in chord.pitch_classes)
    ninth = len(steps) == 4 and steps[3] == 2
    kind = _KINDS.get(steps[:3] if ninth else steps, "other")
    text = (name[len(root) :] if name.startswith(root) else name).removesuffix("(add9)")
    step, alter = split_name(root)
    xml = f"<harmony><root><root-step>{step}</root-step>"
    xml += f"<root-alter>{alter}</root-alter>" if alter else ""
    xml += f"</root><kind text={quoteattr(text)}>{kind}</kind>"
    if bass:
        step, alter = split_name(bass)
        xml += f"<bass><bass-step>{step}</bass-step>"
        xml += f"<bass-alter>{alter}</bass-alter></bass>" if alter else "</bass>"
    if ninth:
        xml += (
            "<degree><degree-value>9</degree-value>"
            "<degree-alter>0</degree-alter><degree-type>add</degree-type></degree>"
        )
    return Mark(written.clamped(chord.start), 4, xml, "</harmony>")


def placed(marks: Sequence[Mark], start: int, end: int, *, staff: bool) -> str:
    """The marks in [start, end) of a measure that begins at `start`, as MusicXML."""
    here = sorted(
        (mark for mark in marks if start <= mark.step < end), key=lambda m: (m.step, m.order)
    )
    own = "<staff>1</staff>" if staff else ""
    texts = []
    for mark in here:
        away = mark.step - start
        offset = f"<offset>{away}</offset>" if away else ""
        texts.append(mark.before + offset + own + mark.after)
    return "".join(texts)
