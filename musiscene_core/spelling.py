"""Note names by key: which of C# and Db a pitch class is called where.

Notes lie on the line of fifths (F C G D A E B, sharps onward, flats backward). A key calls each
of the twelve pitch classes by the name that lies within five fifths below its tonic and six
above: its own scale in any of the modes, and what is usually borrowed (Temperley 2000, "The Line
of Fifths"). Knows nothing of octaves or time.
"""

from __future__ import annotations

from musiscene_core.brief import Mode

_LETTERS = "FCGDAEB"
_MAJOR = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
"""Each major tonic's place on the line of fifths from C = 0, by pitch class."""
_MINOR = (0, 7, 2, -3, 4, -1, 6, 1, 8, 3, -2, 5)
_SIMPLE = range(-8, 13)
"""Places with at most one accidental, Fb to B#."""


def tonic_place(tonic: int, mode: Mode | None) -> int:
    """Where the tonic of a key lies on the line of fifths, C = 0; the fewer accidentals win."""
    return (_MINOR if mode == "minor" else _MAJOR)[tonic % 12]


def tonic_name(tonic: int, mode: Mode | None) -> str:
    """The tonic's name: "C#" in C# minor, "Db" in Db major."""
    return place_name(tonic_place(tonic, mode))


def place_of(pitch_class: int, tonic: int, mode: Mode | None) -> int:
    """Where a pitch class lies on the line of fifths in a key, C = 0."""
    return _nearest(pitch_class, tonic_place(tonic, mode), -5)


def note_name(pitch_class: int, tonic: int, mode: Mode | None) -> str:
    """What a pitch class from C = 0 is called in a key, with one accidental at most."""
    return place_name(_simple(place_of(pitch_class, tonic, mode)))


def chord_note_names(
    pitch_classes: tuple[int, ...], tonic: int, mode: Mode | None
) -> tuple[str, ...]:
    """What the notes of a chord, root first, are called: by thirds from its root's name in a key.

    An augmented fourth above a root is written as a diminished fifth where the chord has no other
    fifth, and a ninth semitone as a diminished seventh with it.
    """
    root = pitch_classes[0]
    own = _simple(place_of(root, tonic, mode))
    steps = {(note - root) % 12 for note in pitch_classes}
    diminished = 6 in steps and 7 not in steps
    lowest = -9 if diminished else -5
    return tuple(place_name(_nearest(note, own, lowest)) for note in pitch_classes)


def place_name(place: int) -> str:
    """The name of a place on the line of fifths: 0 is "C", 6 "F#", -5 "Db", 13 "F##"."""
    letter = _LETTERS[(place + 1) % 7]
    sharps = (place + 1) // 7
    return letter + ("#" * sharps if sharps > 0 else "b" * -sharps)


def _nearest(pitch_class: int, around: int, lowest: int) -> int:
    """The place of `pitch_class` in the twelve from `around` + `lowest` up."""
    # A fifth is seven semitones, and seven is its own inverse among twelve.
    up = (pitch_class - 7 * around) * 7 % 12
    return around + (up - lowest) % 12 + lowest


def _simple(place: int) -> int:
    while place not in _SIMPLE:
        place += 12 if place < 0 else -12
    return place
