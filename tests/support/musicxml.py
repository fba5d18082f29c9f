"""A small reader of partwise MusicXML, written from the specification, not from our writer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree

_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Read:
    """A sounding note: quarters from the score's beginning, quarters long, MIDI number."""

    start: Fraction
    length: Fraction
    pitch: int


def root_of(data: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(data)


def measures(root: ElementTree.Element, part: str) -> list[ElementTree.Element]:
    return [m for p in root.findall("part") if p.get("id") == part for m in p.findall("measure")]


def filled(measure: ElementTree.Element) -> set[int]:
    """How many divisions each voice of a measure fills."""
    sums: dict[str, int] = {}
    for element in measure:
        if element.tag in ("note", "forward") and element.find("chord") is None:
            voice = element.findtext("voice", "")
            sums[voice] = sums.get(voice, 0) + int(element.findtext("duration", "0"))
    return set(sums.values())


def notes_of(root: ElementTree.Element, part: str) -> list[Read]:
    """The notes of a part, ties joined, by start and pitch."""
    unpitched = {
        entry.get("id"): int(entry.findtext("midi-unpitched", "0")) - 1
        for entry in root.iter("midi-instrument")
        if entry.find("midi-unpitched") is not None
    }
    sounding: dict[int, Read] = {}
    found: list[Read] = []
    for start, note in _timed(root, part):
        if note.find("rest") is not None:
            continue
        length = Fraction(int(note.findtext("duration", "0")), _divisions(root, part))
        pitch = _pitch(note, unpitched)
        ties = {tie.get("type") for tie in note.findall("tie")}
        if "stop" in ties:
            before = sounding.pop(pitch)
            assert before.start + before.length == start
            start, length = before.start, before.length + length
        if "start" in ties:
            sounding[pitch] = Read(start, length, pitch)
        else:
            found.append(Read(start, length, pitch))
    assert not sounding
    return sorted(found, key=lambda read: (read.start, read.pitch))


def _divisions(root: ElementTree.Element, part: str) -> int:
    return int(measures(root, part)[0].findtext("attributes/divisions", "1"))


def _timed(root: ElementTree.Element, part: str) -> Iterator[tuple[Fraction, ElementTree.Element]]:
    divisions = _divisions(root, part)
    placed: list[tuple[Fraction, ElementTree.Element]] = []
    line = 0
    for measure in measures(root, part):
        at = chord = furthest = line
        for element in measure:
            length = int(element.findtext("duration", "0"))
            if element.tag == "backup":
                at -= length
            elif element.tag == "forward":
                at += length
            elif element.tag == "note":
                if element.find("chord") is None:
                    chord = at
                    at += length
                placed.append((Fraction(chord, divisions), element))
            furthest = max(furthest, at)
        line = furthest
    return iter(sorted(placed, key=lambda one: one[0]))


def _pitch(note: ElementTree.Element, unpitched: dict[str | None, int]) -> int:
    instrument = note.find("instrument")
    if note.find("unpitched") is not None:
        assert instrument is not None
        return unpitched[instrument.get("id")]
    octave = int(note.findtext("pitch/octave", "0"))
    alter = int(note.findtext("pitch/alter", "0"))
    return 12 * (octave + 1) + _NATURAL[note.findtext("pitch/step", "C")] + alter
