"""Where drums stand on a percussion staff, by their General MIDI note.

Places follow Weinberg's guide to standardised drumset notation (PAS, 1998) as far as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class DrumPlace:
    """A drum on the staff.

    Attributes:
        name: what a drummer calls it.
        step: letter of the line or space it takes, as in the treble clef.
        octave: of that.
        head: MusicXML's name of its note head.
    """

    name: str
    step: str
    octave: int
    head: str = "normal"


_PLACES = MappingProxyType(
    {
        35: DrumPlace("Low bass drum", "E", 4),
        36: DrumPlace("Bass drum", "F", 4),
        37: DrumPlace("Side stick", "C", 5, "x"),
        38: DrumPlace("Snare drum", "C", 5),
        39: DrumPlace("Clap", "C", 5, "slash"),
        40: DrumPlace("Rim shot", "C", 5, "diamond"),
        41: DrumPlace("Low floor tom", "G", 4),
        42: DrumPlace("Closed hi-hat", "G", 5, "x"),
        43: DrumPlace("Floor tom", "A", 4),
        44: DrumPlace("Pedal hi-hat", "D", 4, "x"),
        45: DrumPlace("Low tom", "B", 4),
        46: DrumPlace("Open hi-hat", "G", 5, "circle-x"),
        47: DrumPlace("Low mid tom", "D", 5),
        48: DrumPlace("High mid tom", "E", 5),
        49: DrumPlace("Crash cymbal", "A", 5, "x"),
        50: DrumPlace("High tom", "F", 5),
        51: DrumPlace("Ride cymbal", "F", 5, "x"),
        52: DrumPlace("China cymbal", "C", 6, "x"),
        53: DrumPlace("Ride bell", "F", 5, "diamond"),
        54: DrumPlace("Tambourine", "E", 5, "triangle"),
        55: DrumPlace("Splash cymbal", "B", 5, "x"),
        56: DrumPlace("Cowbell", "E", 5, "x"),
        57: DrumPlace("Second crash cymbal", "A", 5, "circle-x"),
        59: DrumPlace("Second ride cymbal", "F", 5, "circle-x"),
        69: DrumPlace("Cabasa", "D", 5, "slash"),
        70: DrumPlace("Shaker", "E", 5, "slash"),
        75: DrumPlace("Claves", "B", 4, "x"),
        76: DrumPlace("High wood block", "D", 5, "triangle"),
        77: DrumPlace("Low wood block", "B", 4, "triangle"),
        81: DrumPlace("Triangle", "A", 5, "triangle"),
    }
)


def drum_place(pitch: int) -> DrumPlace:
    """The place of a drum; one the table does not know stands on the middle line, by number."""
    return _PLACES.get(pitch) or DrumPlace(f"Percussion {pitch}", "B", 4, "slash")
