import pytest

from musiscene_core.composing.scales import parse_roman
from musiscene_core.keys import key_name
from musiscene_core.spelling import chord_note_names, note_name, place_name, place_of, tonic_name

CHROMATIC = range(12)
NATURAL = {"F": 5, "C": 0, "G": 7, "D": 2, "A": 9, "E": 4, "B": 11}


def sounded(name):
    return (NATURAL[name[0]] + name.count("#") - name[1:].count("b")) % 12


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", CHROMATIC)
def test_every_name_in_every_key_sounds_as_the_note_it_names(mode, tonic):
    for note in CHROMATIC:
        name = note_name(note, tonic, mode)
        assert sounded(name) == note
        assert len(name) <= 2


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", CHROMATIC)
def test_a_scale_uses_each_letter_once(mode, tonic):
    scales = {
        "major": ((0, 2, 4, 5, 7, 9, 11), (0, 2, 4, 6, 7, 9, 11), (0, 2, 4, 5, 7, 9, 10)),
        "minor": ((0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 1, 3, 5, 7, 8, 10)),
    }
    for steps in scales[mode]:
        letters = {place_name(place_of((tonic + step) % 12, tonic, mode))[0] for step in steps}
        assert letters == set("ABCDEFG")


@pytest.mark.parametrize(
    ("note", "tonic", "mode", "name"),
    [
        (1, 8, "major", "Db"),
        (1, 9, "major", "C#"),
        (1, 2, "minor", "C#"),
        (10, 2, "minor", "Bb"),
        (10, 11, "major", "A#"),
        (8, 0, "major", "Ab"),
        (6, 0, "major", "F#"),
        (3, 1, "minor", "D#"),
    ],
)
def test_a_key_decides_between_sharp_and_flat(note, tonic, mode, name):
    assert note_name(note, tonic, mode) == name


def test_chords_are_spelled_in_thirds():
    assert chord_note_names((4, 8, 11, 2), 0, "major") == ("E", "G#", "B", "D")
    assert chord_note_names((11, 2, 5, 8), 0, "minor") == ("B", "D", "F", "Ab")
    assert chord_note_names((8, 0, 3), 1, "minor") == ("G#", "B#", "D#")
    assert chord_note_names((1, 5, 8), 0, "minor") == ("Db", "F", "Ab")


def test_chord_names_go_by_the_key():
    assert parse_roman("bII", 0, "minor").name == "Db"
    assert parse_roman("V", 1, "minor").name == "G#"
    assert parse_roman("IV", 8, "major").name == "Db"
    assert parse_roman("III", 9, "major").name == "C#"


def test_keys_in_words_have_the_fewest_accidentals():
    assert (tonic_name(1, "major"), tonic_name(1, "minor")) == ("Db", "C#")
    assert (key_name(8, "minor"), key_name(8, "major")) == ("G# minor", "Ab major")
