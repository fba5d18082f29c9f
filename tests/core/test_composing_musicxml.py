"""The MusicXML file holds the quantised cue, note for note, and notation programs read it."""

from __future__ import annotations

import base64
import io
from itertools import accumulate

import mido
import msgspec
import pytest
import verovio

from musiscene_core.composing.notation.musicxml import musicxml_file
from musiscene_core.composing.notation.quantise import STEPS_PER_BEAT, quantised
from musiscene_core.cue import Chord, HitResult, Section
from musiscene_core.tempo_map import MetreChange, TempoMap
from tests.support.composed import composed
from tests.support.musicxml import filled, measures, notes_of, root_of
from tests.support.sound_cues import cue_of, part_of

CUTS = (2.13, 5.71, 9.02, 13.37, 22.06)


def written_by_hand(notes, **cue):
    return root_of(musicxml_file(msgspec.structs.replace(cue_of(notes), **cue), "1m1"))


@pytest.mark.parametrize("mood", ["joyful", "sad", "energising", "triumphant", "scary"])
@pytest.mark.parametrize("seed", [0, 1])
def test_an_independent_reader_finds_the_quantised_cue(mood, seed):
    cue = composed(mood, seed, 30.0, cuts=CUTS)
    written = quantised(cue)
    root = root_of(musicxml_file(cue, "1m1"))
    first = written.measures[0].start
    for number, part in enumerate(written.parts, start=2):
        own = f"P{number}"
        read = notes_of(root, own)
        wanted = [((note.start - first) / STEPS_PER_BEAT, note.pitch) for note in part.notes]
        assert [(float(note.start), note.pitch) for note in read] == wanted
        for measure, element in zip(written.measures, measures(root, own), strict=True):
            assert filled(element) == {measure.end - measure.start}
            assert element.get("number") == str(measure.number)


@pytest.mark.parametrize("mood", ["joyful", "dreamy", "energising"])
def test_verovio_reads_it_without_a_word_and_plays_the_same_notes(mood, capfd):
    cue = composed(mood, 1, 25.0, cuts=CUTS)
    written = quantised(cue)
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    assert toolkit.loadData(musicxml_file(cue, "1m1").decode())
    assert "".join(capfd.readouterr()) == ""
    assert all(toolkit.renderToSVG(page + 1) for page in range(toolkit.getPageCount()))
    assert "[Error]" not in "".join(capfd.readouterr())
    played = mido.MidiFile(file=io.BytesIO(base64.b64decode(toolkit.renderToMIDI())))
    heard = {}
    for track in played.tracks:
        # A staff has a track of its own.
        times = accumulate(message.time for message in track)
        heard.setdefault(track.name, []).extend(
            (round(at / played.ticks_per_beat, 3), message.note)
            for at, message in zip(times, track, strict=True)
            if message.type == "note_on" and message.velocity
        )
    first = written.measures[0].start
    compared = 0
    for part in written.parts:
        wanted = [((note.start - first) / STEPS_PER_BEAT, note.pitch) for note in part.notes]
        assert sorted(heard[part.part.name]) == wanted
        compared += len(wanted)
    assert compared > 50


def test_metres_change_where_they_do_and_the_pickup_is_short():
    tempo = msgspec.structs.replace(
        TempoMap.constant(120.0, offset_s=0.5),
        metres=(
            MetreChange(bar=2, beat=4.0, beats_per_bar=5),
            MetreChange(bar=3, beat=9.0, beats_per_bar=4),
        ),
    )
    notes = [(-0.5, 0.5, 60, 70), (0.0, 9.0, 62, 70), (9.0, 1.0, 64, 70)]
    root = written_by_hand([part_of("harp", notes)], tempo=tempo, length_s=7.0)
    bars = measures(root, "P2")
    times = [(bar.get("number"), bar.findtext("attributes/time/beats")) for bar in bars]
    assert times == [("0", "4"), ("1", None), ("2", "5"), ("3", "4")]
    assert bars[0].get("implicit") == "yes"
    assert [filled(bar) for bar in bars] == [{4}, {16}, {20}, {16}]
    assert [(float(n.start), float(n.length)) for n in notes_of(root, "P2")] == [
        (0.5, 0.5),
        (1.0, 9.0),
        (10.0, 1.0),
    ]


def test_notes_are_spelled_by_chord_and_key_and_marked_once_a_bar():
    chord = Chord(start=0.0, length=4.0, root=9, pitch_classes=(9, 1, 4), name="A")
    flat = Chord(start=4.0, length=4.0, root=10, pitch_classes=(10, 2, 5), name="Bb")
    notes = [(0.0, 1.0, 61, 70), (1.0, 1.0, 61, 70), (4.0, 1.0, 70, 70), (5.0, 1.0, 60, 70)]
    root = written_by_hand([part_of("harp", notes)], chords=(chord, flat))
    spelled = [
        (n.findtext("pitch/step"), n.findtext("pitch/alter"), n.findtext("accidental"))
        for n in root.findall("part")[1].iter("note")
        if n.find("pitch") is not None
    ]
    # D minor: one flat, so that the B flat needs no sign.
    assert spelled == [("C", "1", "sharp"), ("C", "1", None), ("B", "-1", None), ("C", None, None)]
    assert root.findtext("part/measure/attributes/key/fifths") == "-1"
    kinds = [
        (h.findtext("root/root-step"), h.findtext("root/root-alter"), h.findtext("kind"))
        for h in root.iter("harmony")
    ]
    assert kinds == [("A", None, "major"), ("B", "-1", "major")]


def test_clefs_follow_the_range_and_wide_parts_have_two_staves():
    def clefs(*pitches):
        part = part_of("harp", [(float(at), 1.0, pitch, 70) for at, pitch in enumerate(pitches)])
        root = written_by_hand([part], length_s=8.0)
        attributes = measures(root, "P2")[0].find("attributes")
        return [
            (c.findtext("sign"), c.findtext("clef-octave-change"))
            for c in attributes.findall("clef")
        ]

    assert clefs(72, 74) == [("G", None)]
    assert clefs(50, 52) == [("F", None)]
    assert clefs(28, 31) == [("F", "-1")]
    assert clefs(96, 98) == [("G", "1")]
    assert clefs(40, 76) == [("G", None), ("F", None)]


def test_drums_stand_unpitched_on_a_staff_of_their_own():
    kit = part_of("soft_kit", [(0.0, 0.2, 36, 90), (1.0, 0.2, 42, 60)], role="percussion")
    root = written_by_hand([kit])
    bar = measures(root, "P2")[0]
    assert bar.findtext("attributes/clef/sign") == "percussion"
    assert bar.find("note/pitch") is None
    assert [
        n.findtext("notehead") for n in bar.iter("note") if n.find("unpitched") is not None
    ] == [None, "x"]
    assert [note.pitch for note in notes_of(root, "P2")] == [36, 42]


def test_sections_hits_and_dynamics_are_marked_and_hostile_words_stay_words():
    evil = '<script>&"\x00{offset}'
    hit = HitResult(frame=48, kind="cut", label=evil, beat=2.0, error_ms=0, error_frames=0)
    section = Section(name="intro", start=0.0, length=8.0, density=0.5, tension=0.5)
    part = part_of("harp", [(1.0, 1.0, 60, 30)], name=evil)
    cue = msgspec.structs.replace(cue_of([part]), hits=(hit,), sections=(section,))
    root = root_of(musicxml_file(cue, evil))
    shown = '<script>&"{offset}'
    assert root.findtext("work/work-title") == shown
    assert [name.text for name in root.iter("part-name")] == ["Lead sheet", shown]
    words = [w.text for w in root.iter("words") if w.text]
    assert words == [f"Hit: {shown}"]
    assert root.findtext("part/measure/direction/direction-type/rehearsal") == "Intro"
    loud = root.findall("part")[1].find("measure/direction/direction-type/dynamics")
    assert [mark.tag for mark in loud] == ["pp"]


def test_the_same_cue_gives_the_same_bytes_without_a_date():
    cue = composed("sad", 2, 20.0)
    again = msgspec.json.decode(msgspec.json.encode(cue), type=type(cue))
    data = musicxml_file(cue, "1m1")
    assert data == musicxml_file(again, "1m1")
    assert b"encoding-date" not in data


def test_an_empty_cue_of_one_frame_is_a_score():
    cue = msgspec.structs.replace(cue_of([], length_s=1 / 120), tempo=TempoMap.constant(60.0))
    root = root_of(musicxml_file(cue, ""))
    assert len(measures(root, "P1")) == 1
